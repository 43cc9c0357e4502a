//! Factor transfer: the student's last map, translated, against a paraphrase of the teacher's.
//!
//! ```text
//! Q = normalise( vec( mean_c F_c^p1 ) )         F: factors, of teacher (paraphraser) and student (translator)
//! L = mean_n mean_p |Q^s - Q^t|^p2
//! ```
//!
//! The translator is three 3x3 convolutions with bias, batch normalisation and LeakyReLU 0.1, from the student's
//! channels to `share` of the teacher's; the paraphraser learns in passes over the training set before the
//! first step. Source: Kim et al. 2018 (arXiv 1802.04977), in the form of RepDistiller `FactorTransfer`: p1 = 2,
//! p2 = 1, share 0.5, 30 epochs at rate 0.01 (CIFAR ResNets), weight 200. `whole = true` compares the
//! whole normalised factors instead, as KD-Zoo and torchdistill's `FTLoss(p=1)` do.

use burn::tensor::Tensor;
use facette_graph::{Builder, Conv, NodeId, Op};
use facette_nets::{Knowledge, Parameters, Wanted};
use serde::{Deserialize, Serialize};

use super::paraphraser::{Paraphraser, SLOPE};
use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::{stage, target};
use crate::map_network::MapNetwork;
use crate::normalise::{EPS, rows};
use crate::pairing;
use crate::pooling::to_smaller;
use crate::settings::{self, check, positive};
use crate::term::{Context, Needs, Term, TermSpec};

/// Difference of the attention of two factors `[n, c, h, w]` of any channels; powers 1 or 2; `[1]`.
pub fn ft(student: Tensor<4>, target: Tensor<4>, p1: u32, p2: u32) -> Tensor<1> {
    let (student, target) = to_smaller(student, target);
    let attention = |map: Tensor<4>| {
        let [n, _, h, w] = map.dims();
        let map = if p1 == 1 { map } else { map.square() };
        rows(map.mean_dim(1).reshape([n, h * w]), EPS)
    };
    let difference = attention(student) - attention(target);
    if p2 == 1 { difference.abs().mean() } else { difference.square().mean() }
}

/// Mean absolute difference of two factors of equal shape, each picture's divided by its length;
/// `[1]`.
pub fn ft_whole(student: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
    let whole = |map: Tensor<4>| {
        let [n, c, h, w] = map.dims();
        rows(map.reshape([n, c * h * w]), EPS)
    };
    (whole(student) - whole(target)).abs().mean()
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Power channels are averaged in, 1 or 2.
    p1: u32,
    /// Power of the difference, 1 or 2.
    p2: u32,
    /// Whether whole factors are compared instead of their attention.
    whole: bool,
    /// Channels of the factors over those of the teacher, 0 to 1.
    share: f64,
    /// Passes over the training set in which the paraphraser learns.
    passes: usize,
    /// Learning rate of the paraphraser.
    rate: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { p1: 2, p2: 1, whole: false, share: 0.5, passes: 30, rate: 0.01 }
    }
}

/// The entry `ft`.
pub struct FtSpec;

struct Ft {
    settings: Settings,
    last: (usize, usize),
    translator: MapNetwork,
    paraphraser: Paraphraser,
    /// Whether the paraphraser is known to have learned.
    ready: bool,
}

impl TermSpec for FtSpec {
    fn id(&self) -> &'static str {
        "ft"
    }

    fn about(&self) -> &'static str {
        "the student's last map, translated, against a paraphrase of the teacher's"
    }

    fn source(&self) -> &'static str {
        "arXiv 1802.04977; HobbitLong/RepDistiller distiller_zoo/FT.py, models/util.py"
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
        for (name, power) in [("p1", settings.p1), ("p2", settings.p2)] {
            check(self.id(), name, (1..=2).contains(&power), || {
                format!("expected 1 or 2, found {power}")
            })?;
        }
        positive(self.id(), "rate", settings.rate)?;
        check(self.id(), "passes", settings.passes > 0, || {
            "expected 1 or more: an untrained paraphraser says nothing".into()
        })?;
        let stages = pairing::stages(self.id(), context)?;
        let last = stages[stages.len() - 1];
        let from = context.student.stages[last.0];
        let to = context.target(self.id())?.stages[last.1];
        let factors = (to.channels as f64 * settings.share) as usize;
        check(self.id(), "share", factors > 0 && settings.share <= 1.0, || {
            format!("expected up to 1 and at least one channel, found {}", settings.share)
        })?;
        if settings.whole && (from.height, from.width) != (to.height, to.width) {
            let problem = format!("needs maps of equal size, found {from:?} and {to:?}");
            return Err(settings::refuse(self.id(), "whole", problem));
        }
        let layer = |b: &mut Builder, x: NodeId, index: usize, from: usize, to: usize| {
            let conv = Conv::square(from, to, 3, 1).biased();
            let x = b.conv(format!("translator.encoder.{}", 3 * index), x, conv);
            let x = b.norm(format!("translator.encoder.{}", 3 * index + 1), x);
            b.push("", Op::LeakyRelu { slope: SLOPE }, &[x])
        };
        let translator = MapNetwork::new(self.id(), from, context, |b, x| {
            let x = layer(b, x, 0, from.channels, from.channels);
            let x = layer(b, x, 1, from.channels, factors);
            layer(b, x, 2, factors, factors)
        })?;
        let paraphraser = Paraphraser::new(self.id(), to.channels, factors, context)?;
        Ok(Box::new(Ft { settings, last, translator, paraphraser, ready: false }))
    }
}

impl Term for Ft {
    fn name(&self) -> &str {
        FtSpec.id()
    }

    fn wanted(&self) -> Wanted {
        Wanted { stages: true, ..Wanted::default() }
    }

    fn passes(&self) -> usize {
        self.settings.passes
    }

    fn observe(&mut self, target: &Knowledge, _batch: &Batch) -> Result<(), DistilError> {
        let map = stage(self.name(), &target.stages, self.last.1)?.clone().detach();
        self.paraphraser.learn(map, self.settings.rate);
        Ok(())
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        _batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        self.ready = self.ready || self.paraphraser.has_learned()?;
        if !self.ready {
            return Err(DistilError::Need {
                owner: self.name().into(),
                need: "passes over the training set in which the paraphraser learns".into(),
                found: "none was made".into(),
                remedy: "let the stage make the passes the term asks for".into(),
            });
        }
        let teacher = target(self.name(), teacher)?;
        let t = stage(self.name(), &teacher.stages, self.last.1)?.clone().detach();
        let t = self.paraphraser.factors(t);
        let s = stage(FtSpec.id(), &student.stages, self.last.0)?.clone();
        let s = self.translator.forward(s);
        Ok(match self.settings.whole {
            true => ft_whole(s, t),
            false => ft(s, t, self.settings.p1, self.settings.p2),
        })
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        vec![self.translator.parameters_mut(), self.paraphraser.parameters_mut()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar};

    #[test]
    fn two_pixels_by_hand() {
        let map =
            |values: [f32; 2]| Tensor::<1>::from_floats(values, &device()).reshape([1, 1, 1, 2]);
        // Squares (3, 4), normalised (0.6, 0.8), against (1, 0).
        let (s, t) = (map([3f32.sqrt(), 2.0]), map([5.0, 0.0]));
        let by = |p2| scalar(&ft(s.clone(), t.clone(), 2, p2));
        assert!((by(1) - 0.6).abs() < 1e-6 && (by(2) - 0.4).abs() < 1e-6);
        let whole = scalar(&ft_whole(map([3.0, 4.0]), t));
        assert!((whole - 0.6).abs() < 1e-6, "{whole}");
    }
}
