//! Activation boundaries: on which side of zero each neuron stands.
//!
//! ```text
//! l(s, t) = (s + m)^2 [s > -m, t <= 0] + (s - m)^2 [s <= m, t > 0]       maps before the activation
//! L       = 3/1000 sum_i 2^(i - L) sum l(s_i, t_i) / n                   stages i = 1..L
//! ```
//!
//! Where shapes differ a convolution with batch normalisation leads from student to teacher. Stages are
//! paired from the deepest. Source: Heo et al. 2019 (arXiv 1811.03233), in the form of RepDistiller `ABLoss`, margin
//! 1. It is an initial stage of training of its own, after which the student learns from labels.

use burn::tensor::Tensor;
use facette_nets::{Knowledge, Parameters, Wanted};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::{stage, target};
use crate::map_network::Regressor;
use crate::pairing;
use crate::settings::{self, positive};
use crate::term::{Context, Needs, Term, TermSpec};

/// Squared distance of the values `student` to the far side of the margin where they stand on another
/// side of zero than `target`, both `[n, c, h, w]` before the activation; summed, `[1]`.
pub fn boundary(student: Tensor<4>, target: Tensor<4>, margin: f64) -> Tensor<1> {
    let active = target.greater_elem(0.0);
    let below = student.clone().neg().add_scalar(margin).clamp_min(0.0);
    let above = student.add_scalar(margin).clamp_min(0.0);
    above.mask_where(active, below).square().sum()
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    margin: f64,
    /// Factor of the whole loss.
    factor: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { margin: 1.0, factor: 0.003 }
    }
}

/// The entry `ab`.
pub struct AbSpec;

struct Stage {
    places: (usize, usize),
    connector: Option<Regressor>,
}

struct Ab {
    settings: Settings,
    stages: Vec<Stage>,
}

impl TermSpec for AbSpec {
    fn id(&self) -> &'static str {
        "ab"
    }

    fn about(&self) -> &'static str {
        "on which side of zero each neuron stands, stage by stage"
    }

    fn source(&self) -> &'static str {
        "arXiv 1811.03233; HobbitLong/RepDistiller distiller_zoo/AB.py"
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
        positive(self.id(), "margin", settings.margin)?;
        positive(self.id(), "factor", settings.factor)?;
        let mut stages = Vec::new();
        for (s, t) in pairing::stages(self.id(), context)? {
            let (from, to) = (context.student.stages[s], context.target(self.id())?.stages[t]);
            let path = format!("stage{}.", t + 1);
            let connector = match from == to {
                true => None,
                false => Some(Regressor::new(self.id(), &path, [from, to], false, context)?),
            };
            stages.push(Stage { places: (s, t), connector });
        }
        Ok(Box::new(Ab { settings, stages }))
    }
}

impl Term for Ab {
    fn name(&self) -> &str {
        AbSpec.id()
    }

    fn wanted(&self) -> Wanted {
        Wanted { before_activation: true, ..Wanted::default() }
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        _batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let teacher = target(self.name(), teacher)?;
        let Settings { margin, factor } = self.settings;
        let count = self.stages.len() as i32;
        let mut total = Tensor::zeros([1], &student.embedding.device());
        for (index, Stage { places: (s, t), connector }) in self.stages.iter_mut().enumerate() {
            let s = stage(AbSpec.id(), &student.before_activation, *s)?.clone();
            let t = stage(AbSpec.id(), &teacher.before_activation, *t)?.clone();
            let weight = factor * 2f64.powi(index as i32 + 1 - count) / s.dims()[0] as f64;
            let s = match connector {
                None => s,
                Some(connector) => connector.forward(s),
            };
            total = total + boundary(s, t, margin).mul_scalar(weight);
        }
        Ok(total)
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        let connectors = self.stages.iter_mut().filter_map(|stage| stage.connector.as_mut());
        connectors.flat_map(Regressor::parameters_mut).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar};

    #[test]
    fn sides_by_hand() {
        let map =
            |values: [f32; 4]| Tensor::<1>::from_floats(values, &device()).reshape([1, 4, 1, 1]);
        // Active teacher: 0.5 short of 1; -2 is 3 short. Inactive: 0.5 is 1.5 above -1; -2 is fine.
        let (s, t) = (map([0.5, -2.0, 0.5, -2.0]), map([1.0, 1.0, 0.0, -1.0]));
        assert!((scalar(&boundary(s, t, 1.0)) - (0.25 + 9.0 + 2.25)).abs() < 1e-6);
    }
}
