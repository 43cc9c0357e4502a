//! Attention-based feature distillation: which of the student's stages each teacher stage should teach.
//!
//! ```text
//! q_t = BN(W mean_p F_t)        k_s = BN(W_b ReLU(BN(W mean_p F_s)))_t                       of length 128
//! a_ts = softmax_s( (k_s . q_t + p_t . p_s) / sqrt(128) )
//! v    = normalise( vec( mean_c F^2 ) )                                    the student's averaged to the teacher's size
//! L    = sum_t mean_n sum_s a_ts mean_p (v_s - v_t)^2
//! ```
//!
//! Source: Ji et al. 2021 (AAAI, arXiv 2102.02973), in the form of clovaai/attention-feature-distillation
//! `distill/AFD.py`. The maps are the outputs of all marked stages; the reference lists blocks by hand. `p` are drawn
//! uniformly within PyTorch's default bounds instead of from Xavier's normal distribution.

use burn::tensor::{Tensor, activation, module};
use facette_graph::{TensorKind, TensorSpec};
use facette_nets::{Init, Knowledge, Parameters, Wanted};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::heads::softmax::linear;
use crate::knowledge::target;
use crate::normalise::{EPS, batch_norm, rows};
use crate::pairing;
use crate::settings::{self, length};
use crate::term::{Context, Needs, Term, TermSpec};

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Length of queries and keys.
    dim: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { dim: 128 }
    }
}

/// The entry `afd`.
pub struct AfdSpec;

struct Afd {
    dim: usize,
    /// Stages of student and teacher.
    counts: (usize, usize),
    /// Four tensors a layer: queries, keys, the bilinear map; then the places of teacher and student.
    tensors: Parameters,
}

impl TermSpec for AfdSpec {
    fn id(&self) -> &'static str {
        "afd"
    }

    fn about(&self) -> &'static str {
        "where stages are active, each teacher stage with the student stages it attends to"
    }

    fn source(&self) -> &'static str {
        "arXiv 2102.02973; clovaai/attention-feature-distillation distill/AFD.py"
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
        let Settings { dim } = settings::read(self.id(), settings)?;
        length(self.id(), "dim", dim)?;
        pairing::stages(self.id(), context)?;
        let (students, teachers) = (&context.student.stages, &context.target(self.id())?.stages);
        let counts = (students.len(), teachers.len());
        let layer = |name: String, from: usize, to: usize| {
            let spec = |leaf: &str, shape, kind| TensorSpec {
                name: format!("{name}.{leaf}"),
                shape,
                kind,
            };
            [
                spec("linear.weight", vec![to, from], TensorKind::Weight),
                spec("linear.bias", vec![to], TensorKind::Bias),
                spec("bn.weight", vec![to], TensorKind::NormScale),
                spec("bn.bias", vec![to], TensorKind::NormShift),
            ]
        };
        let mut specs = Vec::new();
        for (place, map) in teachers.iter().enumerate() {
            specs.extend(layer(format!("query{place}"), map.channels, dim));
        }
        for (place, map) in students.iter().enumerate() {
            specs.extend(layer(format!("key{place}"), map.channels, dim));
        }
        specs.extend(layer("bilinear".into(), dim, dim * counts.1));
        for (name, count) in [("p_t", counts.1), ("p_s", counts.0)] {
            let (shape, kind) = (vec![count, dim], TensorKind::Weight);
            specs.push(TensorSpec { name: name.into(), shape, kind });
        }
        let tensors = context.parameters(self.id(), specs, Init::Torch);
        Ok(Box::new(Afd { dim, counts, tensors }))
    }
}

impl Afd {
    /// Linear layer `index` and its batch normalisation.
    fn layer(&self, index: usize, x: Tensor<2>) -> Tensor<2> {
        let at = |leaf: usize| self.tensors.at(4 * index + leaf);
        let y = linear(x, at(0).shaped::<2>(), at(1).value.clone());
        batch_norm(y, at(2).value.clone(), at(3).value.clone())
    }

    /// How much each teacher stage attends to each student stage, `[n, t, s]`.
    fn attention(&self, student: &[Tensor<4>], teacher: &[Tensor<4>]) -> Tensor<3> {
        let (s, t) = self.counts;
        let means = |map: &Tensor<4>| {
            let [n, c, h, w] = map.dims();
            map.clone().reshape([n, c, h * w]).mean_dim(2).reshape([n, c])
        };
        let n = student[0].dims()[0];
        let queries = teacher.iter().enumerate().map(|(at, map)| self.layer(at, means(map)));
        let queries = queries.map(|q| q.reshape([n, 1, self.dim])).collect();
        let keys = student.iter().enumerate().map(|(at, map)| self.layer(t + at, means(map)));
        let keys = keys.map(|k| activation::relu(k).reshape([n, 1, self.dim])).collect();
        let keys = Tensor::cat(keys, 1).reshape([n * s, self.dim]);
        let keys = self.layer(t + s, keys).reshape([n, s, t, self.dim]);
        let queries = Tensor::cat(queries, 1).reshape([n, 1, t, self.dim]);
        let products = (keys * queries).sum_dim(3).reshape([n, s, t]).swap_dims(1, 2);
        let place = |index: usize| self.tensors.at(4 * (t + s + 1) + index).shaped::<2>();
        let places = place(0).matmul(place(1).transpose()).reshape([1, t, s]);
        activation::softmax((products + places).div_scalar((self.dim as f64).sqrt()), 2)
    }
}

/// Where a map `[n, c, h, w]` is active at the size `[h', w']`; `[n, h' w']`.
fn value(map: &Tensor<4>, size: [usize; 2]) -> Tensor<2> {
    let [n, _, h, w] = map.dims();
    let energy = map.clone().square().mean_dim(1);
    let energy = if [h, w] == size { energy } else { module::adaptive_avg_pool2d(energy, size) };
    rows(energy.reshape([n, size[0] * size[1]]), EPS)
}

impl Term for Afd {
    fn name(&self) -> &str {
        AfdSpec.id()
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
        for (maps, count) in [(&student.stages, self.counts.0), (&teacher.stages, self.counts.1)] {
            crate::knowledge::stage(self.name(), maps, count - 1)?;
        }
        let attention = self.attention(&student.stages, &teacher.stages);
        let [n, _, s] = attention.dims();
        let mut total = Tensor::zeros([1], &attention.device());
        for (at, map) in teacher.stages.iter().enumerate() {
            let size = [map.dims()[2], map.dims()[3]];
            let taught = value(map, size);
            let off = student
                .stages
                .iter()
                .map(|map| (value(map, size) - taught.clone()).square().mean_dim(1));
            let off = Tensor::cat(off.collect(), 1);
            let weights = attention.clone().narrow(1, at, 1).reshape([n, s]);
            total = total + (off * weights).sum().div_scalar(n as f64);
        }
        Ok(total)
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        vec![&mut self.tensors]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, values};

    #[test]
    fn energy_by_hand() {
        let map = Tensor::<1>::from_floats([1.0, 2.0, 1.0, 2.0], &device()).reshape([1, 2, 1, 2]);
        // Squares averaged over channels: 1 and 4.
        let found = values(&value(&map, [1, 2]));
        let expected = [1.0 / 17f64.sqrt(), 4.0 / 17f64.sqrt()];
        assert!((found[0] - expected[0]).abs() < 1e-6 && (found[1] - expected[1]).abs() < 1e-6);
    }
}
