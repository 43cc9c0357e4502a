//! Knowledge review: the student's stages, fused from the deepest, against the teacher's at several sizes.
//!
//! ```text
//! x_l = BN(conv1x1(F_l))        y_l = a_1 x_l + a_2 up(y_{l+1})        [a_1, a_2] = sigmoid(conv1x1([x_l, up(y_{l+1})]))
//! o_l = BN(conv3x3(up(y_l)))                       levels: every stage and, deepest, the pooled feature
//! HCL = sum_l ( sum_s w_s mean (pool_s o_l - pool_s t_l)^2 ) / sum_s w_s       s: as is, 4, 2, 1;  w: 1, 1/2, 1/4, 1/8
//! L   = min(epoch / warmup, 1) HCL
//! ```
//!
//! `up` repeats pixels to the size of the level, or of the teacher's map. Source: Chen et al. 2021 (CVPR, arXiv
//! 2104.09044), in the form of megvii-research/mdistiller `ReviewKD`: maps of the teacher before the activation, of the
//! student after it, at most 512 channels between, warm-up over 20 epochs. Stages are paired from the deepest. Sizes
//! not smaller than a map are left out of its sum, as there.

use burn::tensor::{Int, Tensor, TensorData, module};
use facette_graph::{Builder, Conv, NodeId, Op, Shape};
use facette_nets::{Knowledge, Parameters, Wanted};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::{stage, target};
use crate::map_network::MapNetwork;
use crate::pairing;
use crate::settings;
use crate::term::{Context, Needs, Term, TermSpec};

/// Most channels levels are fused in.
const WIDEST: usize = 512;

/// Mean squared difference of two maps `[n, c, h, w]` at their own and at smaller sizes; `[1]`.
pub fn hierarchical(student: Tensor<4>, teacher: Tensor<4>) -> Tensor<1> {
    let height = student.dims()[2];
    let mut loss = (student.clone() - teacher.clone()).square().mean();
    let (mut weight, mut total) = (1.0, 1.0);
    for size in [4, 2, 1].into_iter().filter(|&size| size < height) {
        let pooled = |map: &Tensor<4>| module::adaptive_avg_pool2d(map.clone(), [size; 2]);
        weight /= 2.0;
        total += weight;
        loss = loss + (pooled(&student) - pooled(&teacher)).square().mean().mul_scalar(weight);
    }
    loss.div_scalar(total)
}

/// `map` `[n, c, h, w]` at another size, every pixel that of the nearest place before it.
pub fn nearest(map: Tensor<4>, height: usize, width: usize) -> Tensor<4> {
    let [_, _, h, w] = map.dims();
    let resized = |map: Tensor<4>, dim: usize, from: usize, to: usize| match from == to {
        true => map,
        false => {
            let places: Vec<i64> = (0..to).map(|place| (place * from / to) as i64).collect();
            let places = TensorData::new(places, [to]);
            let places = Tensor::<1, Int>::from_data(places, &map.device());
            map.select(dim, places)
        }
    };
    resized(resized(map, 2, h, height), 3, w, width)
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Epochs in which the loss rises to its full weight; 0 for none.
    warmup: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { warmup: 20 }
    }
}

/// The entry `reviewkd`.
pub struct ReviewKdSpec;

/// One level of the review.
struct Level {
    /// Stages of student and teacher; none for the pooled features.
    stages: Option<(usize, usize)>,
    own: Shape,
    teacher: Shape,
    /// To the channels levels are fused in.
    reduce: MapNetwork,
    /// Shares of the level and of the deeper ones; none at the deepest.
    shares: Option<MapNetwork>,
    /// To the teacher's channels.
    widen: MapNetwork,
}

struct ReviewKd {
    settings: Settings,
    /// Deepest first.
    levels: Vec<Level>,
}

impl TermSpec for ReviewKdSpec {
    fn id(&self) -> &'static str {
        "reviewkd"
    }

    fn about(&self) -> &'static str {
        "stages fused from the deepest, against the teacher's at several sizes"
    }

    fn source(&self) -> &'static str {
        "arXiv 2104.09044; megvii-research/mdistiller distillers/ReviewKD.py"
    }

    fn needs(&self) -> Needs {
        Needs { stages: true, embedding: true, teacher: true, ..Needs::default() }
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults::<Settings>()
    }

    fn build(
        &self,
        given: &toml::Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Term>, DistilError> {
        let settings: Settings = settings::read(self.id(), given)?;
        let pairs = pairing::stages(self.id(), context)?;
        let (students, target) = (&context.student.stages, context.target(self.id())?);
        let pooled = (Shape::vector(context.student.embedding), Shape::vector(target.embedding));
        let fused = pooled.0.channels.min(WIDEST);
        let of_stages =
            pairs.iter().rev().map(|&(s, t)| (Some((s, t)), students[s], target.stages[t]));
        let mut levels = Vec::new();
        for (index, (stages, own, teacher)) in
            [(None, pooled.0, pooled.1)].into_iter().chain(of_stages).enumerate()
        {
            let layer = |path: &'static str, from: usize, to: usize, kernel: usize| {
                move |b: &mut Builder, x: NodeId| {
                    let conv = b.conv(
                        format!("abf{index}.{path}.0"),
                        x,
                        Conv::square(from, to, kernel, 1),
                    );
                    b.norm(format!("abf{index}.{path}.1"), conv)
                }
            };
            let id = self.id();
            let reduce = MapNetwork::new(id, own, context, layer("conv1", own.channels, fused, 1))?;
            let both = Shape { channels: 2 * fused, ..own };
            let shares = (index > 0).then(|| {
                MapNetwork::new(id, both, context, |b, x| {
                    let conv = Conv::square(2 * fused, 2, 1, 1).biased();
                    let x = b.conv(format!("abf{index}.att_conv.0"), x, conv);
                    b.push("", Op::Sigmoid, &[x])
                })
            });
            let at_teacher = Shape { channels: fused, ..teacher };
            let wide = layer("conv2", fused, teacher.channels, 3);
            let widen = MapNetwork::new(id, at_teacher, context, wide)?;
            levels.push(Level { stages, own, teacher, reduce, shares: shares.transpose()?, widen });
        }
        Ok(Box::new(ReviewKd { settings, levels }))
    }
}

impl Term for ReviewKd {
    fn name(&self) -> &str {
        ReviewKdSpec.id()
    }

    fn wanted(&self) -> Wanted {
        Wanted { stages: true, before_activation: true, ..Wanted::default() }
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let id = ReviewKdSpec.id();
        let teacher = target(id, teacher)?;
        let vector = |x: &Tensor<2>| {
            let [n, d] = x.dims();
            x.clone().reshape([n, d, 1, 1])
        };
        let mut deeper: Option<Tensor<4>> = None;
        let mut total = Tensor::zeros([1], &student.embedding.device());
        for level in &mut self.levels {
            let (own, taught) = match level.stages {
                None => (vector(&student.embedding), vector(&teacher.embedding)),
                Some((s, t)) => (
                    stage(id, &student.stages, s)?.clone(),
                    stage(id, &teacher.before_activation, t)?.clone(),
                ),
            };
            let mut x = level.reduce.forward(own);
            if let (Some(shares), Some(deeper)) = (&mut level.shares, deeper.take()) {
                let deeper = nearest(deeper, level.own.height, level.own.width);
                let shares = shares.forward(Tensor::cat(vec![x.clone(), deeper.clone()], 1));
                x = x * shares.clone().narrow(1, 0, 1) + deeper * shares.narrow(1, 1, 1);
            }
            x = nearest(x, level.teacher.height, level.teacher.width);
            total = total + hierarchical(level.widen.forward(x.clone()), taught);
            deeper = Some(x);
        }
        let share = match self.settings.warmup {
            0 => 1.0,
            warmup => (batch.epoch as f64 / warmup as f64).min(1.0),
        };
        Ok(total.mul_scalar(share))
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        self.levels
            .iter_mut()
            .flat_map(|level| {
                let nets = [&mut level.reduce, &mut level.widen].into_iter();
                nets.chain(level.shares.as_mut())
            })
            .map(MapNetwork::parameters_mut)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar, values};

    #[test]
    fn sizes_are_weighed_by_halves() {
        let map =
            |values: [f32; 4]| Tensor::<1>::from_floats(values, &device()).reshape([1, 1, 2, 2]);
        let (s, t) = (map([4.0, 0.0, 0.0, 0.0]), map([0.0; 4]));
        // 4 as it is, 1 as one pixel of half the weight.
        assert!((scalar(&hierarchical(s, t)) - 4.5 / 1.5).abs() < 1e-6);
    }

    #[test]
    fn pixels_are_repeated() {
        let map = Tensor::<1>::from_floats([1.0, 2.0], &device()).reshape([1, 1, 1, 2]);
        assert_eq!(values(&nearest(map, 2, 3)), [1.0, 1.0, 2.0, 1.0, 1.0, 2.0]);
    }
}
