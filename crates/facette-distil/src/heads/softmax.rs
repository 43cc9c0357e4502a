//! Plain softmax: cross-entropy of the network's class scores or, where it has no classifier, of
//! a linear layer on the embedding.
//!
//! ```text
//! z = W x + b      L = cross-entropy(z, y)
//! ```
//!
//! Source: PyTorch `F.linear` and `F.cross_entropy`. `layer = "own"` adds the linear layer even to
//! a network that classifies.

use burn::tensor::Tensor;
use facette_graph::{TensorKind, TensorSpec};
use facette_nets::{Init, Knowledge, Parameters};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::settings::{self, within};
use crate::term::{Context, Needs, Term, TermSpec};
use crate::terms::cross_entropy::cross_entropy;

/// Class scores of a linear layer: `x` `[n, d]`, `weight` `[k, d]`, `bias` `[k]`; `[n, k]`.
pub fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
    x.matmul(weight.transpose()) + bias.unsqueeze::<2>()
}

/// Where the class scores come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Layer {
    /// From the network where it has a classifier, else from a layer of the term.
    Auto,
    /// From a layer of the term.
    Own,
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Share of the probability spread over all classes.
    label_smoothing: f64,
    layer: Layer,
}

impl Default for Settings {
    fn default() -> Self {
        Self { label_smoothing: 0.0, layer: Layer::Auto }
    }
}

/// The entry `softmax`.
pub struct SoftmaxSpec;

struct Softmax {
    settings: Settings,
    classes: usize,
    own: Option<Parameters>,
}

impl TermSpec for SoftmaxSpec {
    fn id(&self) -> &'static str {
        "softmax"
    }

    fn about(&self) -> &'static str {
        "cross-entropy of the network's class scores, or of a linear layer on the embedding"
    }

    fn source(&self) -> &'static str {
        "PyTorch F.linear and F.cross_entropy"
    }

    fn needs(&self) -> Needs {
        Needs { embedding: true, labels: true, ..Needs::default() }
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults::<Settings>()
    }

    fn is_head(&self) -> bool {
        true
    }

    fn build(
        &self,
        settings: &toml::Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Term>, DistilError> {
        let settings: Settings = settings::read(self.id(), settings)?;
        within(self.id(), "label_smoothing", settings.label_smoothing, 0.0, 1.0)?;
        let classes = context.classes(self.id())?;
        let own = settings.layer == Layer::Own || context.student.classes.is_none();
        if !own && context.student.classes.is_some_and(|scored| scored < classes) {
            return Err(DistilError::Need {
                owner: self.id().into(),
                need: format!("scores of the {classes} classes in the data"),
                found: format!("{:?} scores {:?}", context.stream, context.student.classes),
                remedy: "give the network a classifier of that size, or set layer = \"own\"".into(),
            });
        }
        let spec = |name: &str, shape, kind| TensorSpec { name: name.into(), shape, kind };
        let specs = vec![
            spec("weight", vec![classes, context.student.embedding], TensorKind::Weight),
            spec("bias", vec![classes], TensorKind::Bias),
        ];
        let own = own.then(|| context.parameters(self.id(), specs, Init::Torch));
        Ok(Box::new(Softmax { settings, classes, own }))
    }
}

impl Term for Softmax {
    fn name(&self) -> &str {
        SoftmaxSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        _target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let scores = match &self.own {
            None => crate::knowledge::logits(self.name(), student)?.clone(),
            Some(own) => {
                let x = student.embedding.clone();
                linear(x, own.at(0).shaped::<2>(), own.at(1).value.clone())
            }
        };
        let labels = batch.labels(self.name(), scores.dims()[0], self.classes)?;
        Ok(cross_entropy(scores, labels, self.settings.label_smoothing))
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        self.own.iter_mut().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{context, shapes};

    #[test]
    fn a_network_that_classifies_needs_no_layer() {
        let owned = |text: &str, classes| {
            let mut stream = shapes();
            stream.classes = classes;
            let settings = text.parse().unwrap();
            let mut term = SoftmaxSpec.build(&settings, &context(&stream, None)).unwrap();
            term.parameters_mut().iter().map(|p| p.count()).sum::<usize>()
        };
        let (d, k) = (shapes().embedding, shapes().classes.unwrap());
        assert_eq!(owned("", Some(k)), 0);
        assert_eq!(owned("layer = 'own'", Some(k)), k * d + k);
        assert_eq!(owned("", None), k * d + k);
    }
}
