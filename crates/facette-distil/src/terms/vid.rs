//! Variational information distillation: the student's maps must predict the teacher's.
//!
//! ```text
//! var = log(1 + exp a_c) + eps            one for every channel of the teacher, learned
//! L   = sum_stages mean 1/2 ( (r(A^s) - A^t)^2 / var + log var )
//! ```
//!
//! `r` is three 1x1 convolutions without bias, ReLU between them, as wide as the teacher's stage. Stages are
//! paired from the deepest; the larger map is averaged down first. Source: Ahn et al. 2019 (arXiv 1904.05835), in
//! the form of RepDistiller `VIDLoss`: variances start at 5, eps 1e-5 (KD-Zoo 1e-6), weight 1.

use burn::tensor::{Tensor, activation};
use facette_graph::{Conv, Shape, TensorKind, TensorSpec};
use facette_nets::{Knowledge, Parameters, Wanted};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::{stage, target};
use crate::map_network::MapNetwork;
use crate::pairing;
use crate::pooling::to_smaller;
use crate::settings::{self, check, positive};
use crate::term::{Context, Needs, Term, TermSpec};

/// Negative log-likelihood (without its constant) of `target` `[n, c, h, w]` under normal
/// distributions around `mean`, with variances `softplus(log_scale) + eps`, `log_scale` `[c]`;
/// mean over all values, `[1]`.
pub fn vid(mean: Tensor<4>, target: Tensor<4>, log_scale: Tensor<1>, eps: f64) -> Tensor<1> {
    let channels = target.dims()[1];
    let variance = activation::softplus(log_scale, 1.0).add_scalar(eps);
    let variance = variance.reshape([1, channels, 1, 1]);
    let squares = (mean - target).square();
    (squares / variance.clone() + variance.log()).mean().mul_scalar(0.5)
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Variance before training.
    initial_variance: f64,
    /// Least variance.
    eps: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { initial_variance: 5.0, eps: 1e-5 }
    }
}

/// The entry `vid`.
pub struct VidSpec;

struct Stage {
    places: (usize, usize),
    regressor: MapNetwork,
    scale: Parameters,
}

struct Vid {
    settings: Settings,
    stages: Vec<Stage>,
}

impl TermSpec for VidSpec {
    fn id(&self) -> &'static str {
        "vid"
    }

    fn about(&self) -> &'static str {
        "how well the student's maps predict the teacher's, stage by stage"
    }

    fn source(&self) -> &'static str {
        "arXiv 1904.05835; HobbitLong/RepDistiller distiller_zoo/VID.py"
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
        positive(self.id(), "eps", settings.eps)?;
        check(self.id(), "initial_variance", settings.initial_variance > settings.eps, || {
            format!("expected more than eps, found {}", settings.initial_variance)
        })?;
        let start = ((settings.initial_variance - settings.eps).exp() - 1.0).ln() as f32;
        let mut stages = Vec::new();
        for (s, t) in pairing::stages(self.id(), context)? {
            let (own, other) = (context.student.stages[s], context.target(self.id())?.stages[t]);
            let width = other.channels;
            let from = match own.height > other.height {
                true => Shape { height: other.height, width: other.height, ..own },
                false => own,
            };
            let path = |layer: usize| format!("stage{}.regressor.{layer}", t + 1);
            let regressor = MapNetwork::new(self.id(), from, context, |b, x| {
                let x = b.conv(path(0), x, Conv::square(from.channels, width, 1, 1));
                let x = b.relu(x);
                let x = b.conv(path(2), x, Conv::square(width, width, 1, 1));
                let x = b.relu(x);
                b.conv(path(4), x, Conv::square(width, width, 1, 1))
            })?;
            let mut scale = Parameters::default();
            let spec = TensorSpec {
                name: format!("stage{}.log_scale", t + 1),
                shape: vec![width],
                kind: TensorKind::Bias,
            };
            scale.push(spec, vec![start; width], context.device)?;
            stages.push(Stage { places: (s, t), regressor, scale });
        }
        Ok(Box::new(Vid { settings, stages }))
    }
}

impl Term for Vid {
    fn name(&self) -> &str {
        VidSpec.id()
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
        for Stage { places: (s, t), regressor, scale } in &mut self.stages {
            let s = stage(VidSpec.id(), &student.stages, *s)?.clone();
            let t = stage(VidSpec.id(), &teacher.stages, *t)?.clone();
            let (s, t) = to_smaller(s, t);
            let mean = regressor.forward(s);
            total = total + vid(mean, t, scale.at(0).value.clone(), self.settings.eps);
        }
        Ok(total)
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        let lists = |stage| {
            let Stage { regressor, scale, .. }: &mut Stage = stage;
            [regressor.parameters_mut(), scale]
        };
        self.stages.iter_mut().flat_map(lists).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar};

    #[test]
    fn one_value_by_hand() {
        let one = |v: f32| Tensor::<1>::from_floats([v], &device());
        let map = |v: f32| one(v).reshape([1, 1, 1, 1]);
        // softplus(ln(e^2 - 1)) = 2.
        let scale = one((2f32.exp() - 1.0).ln());
        let found = scalar(&vid(map(3.0), map(1.0), scale, 0.0));
        assert!((found - 0.5 * (2.0 + 2f64.ln())).abs() < 1e-6, "{found}");
    }
}
