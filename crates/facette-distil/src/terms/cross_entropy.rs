//! Cross-entropy of the network's class scores with the labels, optionally smoothed.
//!
//! ```text
//! L = mean_n -sum_k q_nk log softmax(z_n)_k      q = (1 - eps) onehot(y) + eps / K
//! ```
//!
//! Source: PyTorch `F.cross_entropy(label_smoothing)`, identical to
//! KaiyangZhou/deep-person-reid `CrossEntropyLoss`. Default: no smoothing.

use burn::tensor::{Int, Tensor, activation};
use facette_nets::Knowledge;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::logits;
use crate::settings::{self, within};
use crate::term::{Context, Needs, Term, TermSpec};

/// Cross-entropy of `logits` `[n, k]` with `labels` `[n]` (below `k`) smoothed by `smoothing`
/// (0 to 1), mean over the batch, `[1]`.
pub fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>, smoothing: f64) -> Tensor<1> {
    let n = logits.dims()[0];
    let log_p = activation::log_softmax(logits, 1);
    let hit = log_p.clone().gather(1, labels.reshape([n, 1])).mean().neg();
    if smoothing == 0.0 {
        return hit;
    }
    hit.mul_scalar(1.0 - smoothing) - log_p.mean().mul_scalar(smoothing)
}

/// Cross-entropy of `logits` `[n, k]` with the distributions `target` `[n, k]`, mean over the
/// batch, `[1]`.
pub fn soft_cross_entropy(logits: Tensor<2>, target: Tensor<2>) -> Tensor<1> {
    let n = logits.dims()[0] as f64;
    (activation::log_softmax(logits, 1) * target).sum().div_scalar(-n)
}

/// Settings of the term.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Share of the probability spread over all classes.
    label_smoothing: f64,
}

/// The entry `ce`.
pub struct CrossEntropySpec;

struct CrossEntropy {
    settings: Settings,
}

impl TermSpec for CrossEntropySpec {
    fn id(&self) -> &'static str {
        "ce"
    }

    fn about(&self) -> &'static str {
        "cross-entropy of the network's own class scores with the labels"
    }

    fn source(&self) -> &'static str {
        "PyTorch F.cross_entropy(label_smoothing)"
    }

    fn needs(&self) -> Needs {
        Needs { logits: true, labels: true, ..Needs::default() }
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults::<Settings>()
    }

    fn build(
        &self,
        settings: &toml::Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Term>, DistilError> {
        let settings: Settings = settings::read(self.id(), settings)?;
        within(self.id(), "label_smoothing", settings.label_smoothing, 0.0, 1.0)?;
        let classes = context.classes(self.id())?;
        match context.student.classes {
            Some(scored) if scored >= classes => Ok(Box::new(CrossEntropy { settings })),
            scored => Err(DistilError::Need {
                owner: self.id().into(),
                need: format!("scores of the {classes} classes in the data"),
                found: match scored {
                    None => format!("the network of {:?} has no classifier", context.stream),
                    Some(scored) => format!("the network of {:?} scores {scored}", context.stream),
                },
                remedy: format!("give it a classifier of {classes} classes, or use a head term"),
            }),
        }
    }
}

impl Term for CrossEntropy {
    fn name(&self) -> &str {
        CrossEntropySpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        _target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let scores = logits(self.name(), student)?.clone();
        let [n, classes] = scores.dims();
        let labels = batch.labels(self.name(), n, classes)?;
        Ok(cross_entropy(scores, labels, self.settings.label_smoothing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::StreamShapes;
    use crate::testing::{context, device, scalar, shapes};

    #[test]
    fn two_classes_by_hand() {
        let z = Tensor::<2>::from_floats([[0.0, 3f32.ln()]], &device());
        let labels = Tensor::<1, Int>::from_ints([0], &device());
        // p = (1/4, 3/4).
        let plain = scalar(&cross_entropy(z.clone(), labels.clone(), 0.0));
        assert!((plain - 4f64.ln()).abs() < 1e-6, "{plain}");
        let smooth = scalar(&cross_entropy(z.clone(), labels, 0.2));
        let expected = 0.9 * 4f64.ln() + 0.1 * (4f64 / 3.0).ln();
        assert!((smooth - expected).abs() < 1e-6, "{smooth}");
        let soft = scalar(&soft_cross_entropy(z, Tensor::from_floats([[0.9, 0.1]], &device())));
        assert!((soft - expected).abs() < 1e-6, "{soft}");
    }

    #[test]
    fn a_network_without_enough_classes_is_refused() {
        let mut few = shapes();
        few.classes = Some(2);
        let refusal = |stream: &StreamShapes| {
            let built = CrossEntropySpec.build(&toml::Table::new(), &context(stream, None));
            built.err().map(|e| e.to_string())
        };
        assert!(refusal(&few).unwrap().contains("scores 2"));
        few.classes = None;
        assert!(refusal(&few).unwrap().contains("no classifier"));
        assert_eq!(refusal(&shapes()), None);
    }
}
