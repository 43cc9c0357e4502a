//! Correlation, in RepDistiller's form: errors of pictures next to each other in the batch.
//!
//! ```text
//! d_n = | E_s(s_n) - E_t(t_n) |      element by element; E: linear maps with bias to `dim` values
//! L   = mean_{n < N} sum_k d_nk d_(n+1)k
//! ```
//!
//! Both maps are learned. Source: HobbitLong/RepDistiller `Correlation`, a surrogate handed on by the authors
//! of CCKD (arXiv 1904.01802), with `dim` 128 and weight 0.02; the published loss is the term `cckd`. It
//! depends on the order of the batch.

use burn::tensor::Tensor;
use facette_graph::{TensorKind, TensorSpec};
use facette_nets::{Init, Knowledge, Parameters};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::heads::softmax::linear;
use crate::knowledge::target;
use crate::settings::{self, length};
use crate::term::{Context, Needs, Term, TermSpec};

/// Correlation of the errors of consecutive rows of `student` and `target`, both `[n, d]`; `[1]`. 0
/// for a single picture.
pub fn cc(student: Tensor<2>, target: Tensor<2>) -> Tensor<1> {
    let pairs = student.dims()[0].saturating_sub(1);
    let errors = (student - target).abs();
    if pairs == 0 {
        return errors.sum().mul_scalar(0.0);
    }
    let products = errors.clone().narrow(0, 0, pairs) * errors.narrow(0, 1, pairs);
    products.sum().div_scalar(pairs as f64)
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Length both embeddings are mapped to.
    dim: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { dim: 128 }
    }
}

/// The entry `cc`.
pub struct CcSpec;

struct Cc {
    maps: Parameters,
}

impl TermSpec for CcSpec {
    fn id(&self) -> &'static str {
        "cc"
    }

    fn about(&self) -> &'static str {
        "errors of neighbouring pictures in a learned common space (RepDistiller)"
    }

    fn source(&self) -> &'static str {
        "HobbitLong/RepDistiller distiller_zoo/CC.py"
    }

    fn needs(&self) -> Needs {
        Needs { embedding: true, teacher: true, ..Needs::default() }
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
        length(self.id(), "dim", settings.dim)?;
        let map = |path: &str, from: usize| {
            let spec = |leaf: &str, shape, kind| TensorSpec {
                name: format!("{path}.{leaf}"),
                shape,
                kind,
            };
            [
                spec("weight", vec![settings.dim, from], TensorKind::Weight),
                spec("bias", vec![settings.dim], TensorKind::Bias),
            ]
        };
        let own = map("embed_s", context.student.embedding);
        let other = map("embed_t", context.target(self.id())?.embedding);
        let specs = own.into_iter().chain(other).collect();
        Ok(Box::new(Cc { maps: context.parameters(self.id(), specs, Init::Torch) }))
    }
}

impl Term for Cc {
    fn name(&self) -> &str {
        CcSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        _batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let t = target(self.name(), teacher)?.embedding.clone();
        let map = |x: Tensor<2>, at: usize| {
            linear(x, self.maps.at(at).shaped::<2>(), self.maps.at(at + 1).value.clone())
        };
        Ok(cc(map(student.embedding.clone(), 0), map(t, 2)))
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        vec![&mut self.maps]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar};

    #[test]
    fn three_pictures_by_hand() {
        let s = Tensor::<2>::from_floats([[1.0, 2.0], [-1.0, 0.0], [3.0, 1.0]], &device());
        let t = Tensor::<2>::from_floats([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]], &device());
        // Errors (1, 2), (1, 0), (3, 1): products 1 and 3.
        assert!((scalar(&cc(s.clone(), t.clone())) - 2.0).abs() < 1e-6);
        assert_eq!(scalar(&cc(s.narrow(0, 0, 1), t.narrow(0, 0, 1))), 0.0);
    }
}
