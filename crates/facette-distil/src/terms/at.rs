//! Attention transfer: where in the picture the networks are active.
//!
//! ```text
//! Q      = normalise( vec( mean_c A_c^2 ) )
//! mean   L = sum_stages mean_n mean_p ( Q^s - Q^t )^2
//! norm   L = sum_stages mean_n | Q^s - Q^t |_2
//! ```
//!
//! Stages are paired from the deepest; the larger map is averaged down to the smaller one's size. Source:
//! Zagoruyko and Komodakis 2017 (arXiv 1612.03928); `mean` is RepDistiller's `Attention` (weight 1000;
//! identical: torchdistill's mode `code`), `norm` the paper's (torchdistill's mode `paper`). A
//! zero map normalises to zero.

use burn::tensor::Tensor;
use facette_nets::{Knowledge, Wanted};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::{stage, target};
use crate::normalise::{EPS, rows};
use crate::pairing;
use crate::pooling::to_smaller;
use crate::settings;
use crate::term::{Context, Needs, Term, TermSpec};

/// How the difference of two attention maps becomes a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// Mean of squares.
    Mean,
    /// Euclidean length.
    Norm,
}

/// Difference of the attention of `student` `[n, c_s, h, w]` and `target` `[n, c_t, h, w]`; `[1]`.
pub fn at(student: Tensor<4>, target: Tensor<4>, difference: Difference) -> Tensor<1> {
    let (student, target) = to_smaller(student, target);
    let squares = (attention(student) - attention(target)).square();
    match difference {
        Difference::Mean => squares.mean(),
        Difference::Norm => squares.sum_dim(1).clamp_min(1e-24).sqrt().mean(),
    }
}

/// Normalised mean square over the channels, `[n, h w]`.
fn attention(map: Tensor<4>) -> Tensor<2> {
    let [n, _, h, w] = map.dims();
    rows(map.square().mean_dim(1).reshape([n, h * w]), EPS)
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    difference: Difference,
}

impl Default for Settings {
    fn default() -> Self {
        Self { difference: Difference::Mean }
    }
}

/// The entry `at`.
pub struct AtSpec;

struct At {
    settings: Settings,
    stages: Vec<(usize, usize)>,
}

impl TermSpec for AtSpec {
    fn id(&self) -> &'static str {
        "at"
    }

    fn about(&self) -> &'static str {
        "where in the picture the networks are active, stage by stage"
    }

    fn source(&self) -> &'static str {
        "arXiv 1612.03928; HobbitLong/RepDistiller distiller_zoo/AT.py"
    }

    fn needs(&self) -> Needs {
        Needs { stages: true, teacher: true, ..Needs::default() }
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
        let stages = pairing::stages(self.id(), context)?;
        Ok(Box::new(At { settings, stages }))
    }
}

impl Term for At {
    fn name(&self) -> &str {
        AtSpec.id()
    }

    fn wanted(&self) -> Wanted {
        Wanted { stages: true, ..Wanted::default() }
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        _batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let teacher = target(self.name(), teacher)?;
        let mut total = Tensor::zeros([1], &student.embedding.device());
        for &(s, t) in &self.stages {
            let s = stage(self.name(), &student.stages, s)?.clone();
            let t = stage(self.name(), &teacher.stages, t)?.clone();
            total = total + at(s, t, self.settings.difference);
        }
        Ok(total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar};

    #[test]
    fn two_pixels_by_hand() {
        let map =
            |values: [f32; 4]| Tensor::<1>::from_floats(values, &device()).reshape([1, 2, 1, 2]);
        // Mean squares (9, 16) / 2 over two channels, normalised (3/5, 4/5) after squaring: use
        // channels whose squares add to 3 and 4.
        let s = map([3f32.sqrt(), 0.0, 0.0, 2.0]);
        let t = map([1.0, 0.0, 0.0, 0.0]);
        let mean = scalar(&at(s.clone(), t.clone(), Difference::Mean));
        assert!((mean - (0.16 + 0.64) / 2.0).abs() < 1e-6, "{mean}");
        let norm = scalar(&at(s, t, Difference::Norm));
        assert!((norm - 0.8f64.sqrt()).abs() < 1e-6, "{norm}");
    }
}
