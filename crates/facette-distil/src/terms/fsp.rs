//! Flow of the solution procedure: how one stage's channels lead to the next one's.
//!
//! ```text
//! F_ij = mean_p a_ip b_jp            a, b: maps of two stages that follow each other
//! L    = sum_{pairs of stages} mean_n mean_ij ( F^s_ij - F^t_ij )^2
//! ```
//!
//! Between stages of different size the larger map is averaged down. Student and teacher need equal channels.
//! Source: Yim et al. 2017 (CVPR), in the form of RepDistiller `FSP`. There it acts in an initial stage of
//! training of its own, as the paper asks, and weighs 50 later to no effect.

use burn::tensor::Tensor;
use facette_nets::{Knowledge, Wanted};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::{stage, target};
use crate::pairing;
use crate::pooling::to_smaller;
use crate::settings;
use crate::term::{Context, Needs, Term, TermSpec};

/// How the channels of `first` `[n, c, h, w]` lead to those of `second` `[n, d, h', w']`;
/// `[n, c, d]`.
pub fn flow(first: Tensor<4>, second: Tensor<4>) -> Tensor<3> {
    let (first, second) = to_smaller(first, second);
    let [n, c, h, w] = first.dims();
    let d = second.dims()[1];
    let second = second.reshape([n, d, h * w]).swap_dims(1, 2);
    first.reshape([n, c, h * w]).matmul(second).div_scalar((h * w) as f64)
}

/// Difference of the flows between the maps of `student` and between those of `target`, which have
/// equal channels, shallow to deep; `[1]`.
pub fn fsp(student: &[Tensor<4>; 2], target: &[Tensor<4>; 2]) -> Tensor<1> {
    let of = |[first, second]: &[Tensor<4>; 2]| flow(first.clone(), second.clone());
    (of(student) - of(target)).square().mean()
}

/// Settings of the term.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {}

/// The entry `fsp`.
pub struct FspSpec;

struct Fsp {
    stages: Vec<(usize, usize)>,
}

impl TermSpec for FspSpec {
    fn id(&self) -> &'static str {
        "fsp"
    }

    fn about(&self) -> &'static str {
        "how one stage's channels lead to the next one's"
    }

    fn source(&self) -> &'static str {
        "Yim et al., CVPR 2017; HobbitLong/RepDistiller distiller_zoo/FSP.py"
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
        let Settings {} = settings;
        let stages = pairing::stages(self.id(), context)?;
        let teacher = context.target(self.id())?;
        let channels = |&(s, t): &(usize, usize)| {
            (context.student.stages[s].channels, teacher.stages[t].channels)
        };
        let refuse = |found: String, remedy: &str| DistilError::Need {
            owner: self.id().into(),
            need: "two stages or more, of equal channels in student and teacher".into(),
            found,
            remedy: remedy.into(),
        };
        if stages.len() < 2 {
            let remedy = "choose networks of more stages";
            return Err(refuse(format!("{} stage", stages.len()), remedy));
        }
        if let Some((s, t)) = stages.iter().map(channels).find(|(s, t)| s != t) {
            let remedy = "choose a student as wide as its teacher";
            return Err(refuse(format!("a stage of {s} channels against {t}"), remedy));
        }
        Ok(Box::new(Fsp { stages }))
    }
}

impl Term for Fsp {
    fn name(&self) -> &str {
        FspSpec.id()
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
        for next in self.stages.windows(2) {
            let maps = |k: &Knowledge, [a, b]: [usize; 2]| -> Result<_, DistilError> {
                let map = |place| stage(self.name(), &k.stages, place).cloned();
                Ok([map(a)?, map(b)?])
            };
            let s = maps(student, [next[0].0, next[1].0])?;
            let t = maps(teacher, [next[0].1, next[1].1])?;
            total = total + fsp(&s, &t);
        }
        Ok(total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, values};

    #[test]
    fn flow_by_hand() {
        let a = Tensor::<1>::from_floats([1.0, 2.0], &device()).reshape([1, 1, 1, 2]);
        let b = Tensor::<1>::from_floats([3.0, 4.0, -1.0, 1.0], &device()).reshape([1, 2, 1, 2]);
        assert_eq!(values(&flow(a, b)), [5.5, 0.5]);
    }
}
