//! Stage maps against stage maps, value by value.
//!
//! ```text
//! L = sum_l mean ( o_l^s - o_l^t )^2                           l: stages, paired from the deepest
//! ```
//!
//! Nothing is learned: maps that are compared must be of one shape. Source: the assistant of HyoKong/Cross-Resolution-Face-Recognition
//! (`distill_main.py`, residual knowledge distillation), there of maps that are already differences.

use burn::tensor::Tensor;
use facette_nets::{Knowledge, Wanted};
use toml::Table;

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::{stage, target};
use crate::pairing;
use crate::settings;
use crate::term::{Context, Needs, Term, TermSpec};

/// Mean squared difference of two maps `[n, c, h, w]`; `[1]`.
pub fn maps(student: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
    (student - target).square().mean()
}

/// The entry `maps`.
pub struct MapsSpec;

struct Maps {
    pairs: Vec<(usize, usize)>,
}

impl TermSpec for MapsSpec {
    fn id(&self) -> &'static str {
        "maps"
    }

    fn about(&self) -> &'static str {
        "squared difference of stage maps of one shape"
    }

    fn source(&self) -> &'static str {
        "HyoKong/Cross-Resolution-Face-Recognition distill_main.py"
    }

    fn needs(&self) -> Needs {
        Needs { stages: true, teacher: true, ..Needs::default() }
    }

    fn defaults(&self) -> Table {
        Table::new()
    }

    fn build(&self, given: &Table, context: &Context<'_>) -> Result<Box<dyn Term>, DistilError> {
        settings::over(self.id(), &self.defaults(), given)?;
        let pairs = pairing::stages(self.id(), context)?;
        let target = &context.target(self.id())?.stages;
        let differ = pairs.iter().find(|(s, t)| context.student.stages[*s] != target[*t]);
        if let Some(&(s, t)) = differ {
            return Err(DistilError::Need {
                owner: self.id().into(),
                need: "stage maps of one shape".into(),
                found: format!("{:?} against {:?}", context.student.stages[s], target[t]),
                remedy: "choose networks of equal stages, or a term with a regressor such as \
                         \"fitnet\""
                    .into(),
            });
        }
        Ok(Box::new(Maps { pairs }))
    }
}

impl Term for Maps {
    fn name(&self) -> &str {
        MapsSpec.id()
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
        let mut total: Option<Tensor<1>> = None;
        for &(s, t) in &self.pairs {
            let own = stage(self.name(), &student.stages, s)?.clone();
            let loss = maps(own, stage(self.name(), &teacher.stages, t)?.clone());
            total = Some(match total {
                Some(total) => total + loss,
                None => loss,
            });
        }
        Ok(total.expect("streams without stages are refused when the term is built"))
    }
}

#[cfg(test)]
mod tests {
    use facette_graph::Shape;

    use super::*;
    use crate::testing::{context, device, scalar, shapes};

    #[test]
    fn maps_by_hand_and_shapes_that_differ() {
        let of = |value: f32| Tensor::<4>::full([2, 3, 2, 2], value, &device());
        assert!((scalar(&maps(of(1.0), of(3.0))) - 4.0).abs() < 1e-6);
        let with = |channels| {
            let mut shapes = shapes();
            shapes.stages = vec![Shape { channels, height: 2, width: 2 }];
            shapes
        };
        let (own, other) = (with(3), with(4));
        assert!(MapsSpec.build(&Table::new(), &context(&own, Some(&own))).is_ok());
        let refused = MapsSpec.build(&Table::new(), &context(&own, Some(&other))).err().unwrap();
        assert!(refused.to_string().contains("one shape"), "{refused}");
        let none = MapsSpec.build(&Table::new(), &context(&own, Some(&shapes()))).err().unwrap();
        assert!(none.to_string().contains("teacher yields none"), "{none}");
    }
}
