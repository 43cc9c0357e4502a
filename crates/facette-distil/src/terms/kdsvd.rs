//! KDSVD: how the leading directions of one stage's map relate to those of the next.
//!
//! ```text
//! X_l = U S V^T             a map as positions x channels; v_l: its leading right singular vector
//! R_l = exp( -(v_l,i - v_{l-1},j)^2 / 8 )           over channels i, j of stages that follow each other
//! L   = mean_n sum_l sum_ij ( R^s_ij - R^t_ij )^2
//! ```
//!
//! Of the student's four leading vectors the one most aligned with the teacher's stands for `v`, turned to its side.
//! Student and teacher need equal channels. Source: Lee et al. 2018 (ECCV, "Self-supervised Knowledge Distillation
//! Using Singular Value Decomposition"), in the form of HobbitLong/RepDistiller `KDSVD` (k = 1, where the
//! weighting by singular values cancels). The sign of the teacher's vector, which is arbitrary there, makes its largest
//! component positive. Gradients are those of the singular vectors, to first order exact; directions of
//! equal singular values, between which vectors are not defined, are left out of them.

use burn::tensor::{Tensor, TensorData};
use facette_nets::{Knowledge, Wanted, read};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::eigen::symmetric;
use crate::error::DistilError;
use crate::knowledge::{stage, target};
use crate::pairing;
use crate::settings;
use crate::term::{Context, Needs, Term, TermSpec};

/// Vectors of the student among which the teacher's is looked for.
const CANDIDATES: usize = 4;

/// Share of the largest eigenvalue below which two count as equal.
const EQUAL: f64 = 1e-5;

/// The `count` leading right singular vectors of each picture's map `[n, c, h, w]` as positions x channels;
/// `[n, c, count]`, fewer where there are fewer.
///
/// The vectors are found on the host; gradient flows through the first-order change
/// `dv_i = sum_{j != i} v_j (v_j^T dA v_i) / (l_i - l_j)` of the eigenvectors of `A`, the smaller of both Gram matrices.
///
/// # Errors
/// If the device cannot be read.
pub fn leading(map: Tensor<4>, count: usize) -> Result<Tensor<3>, DistilError> {
    let [n, c, h, w] = map.dims();
    let channels = map.reshape([n, c, h * w]);
    let positions = channels.clone().swap_dims(1, 2);
    let by_channel = c <= h * w;
    let gram = match by_channel {
        true => channels.clone().matmul(positions),
        false => positions.matmul(channels.clone()),
    };
    let m = gram.dims()[1];
    let count = count.min(m);
    let flat = read("gram", &gram.clone().detach())?;
    let (mut vectors, mut inverse) = (Vec::new(), Vec::new());
    for picture in flat.chunks(m * m) {
        let (values, v) = symmetric(picture.iter().map(|&x| f64::from(x)).collect(), m);
        vectors.extend(v.iter().map(|&x| x as f32));
        for j in 0..m {
            inverse.extend((0..count).map(|i| {
                let gap = values[i] - values[j];
                let same = i == j || gap.abs() <= EQUAL * values[0].abs();
                if same { 0.0 } else { (1.0 / gap) as f32 }
            }));
        }
    }
    let device = gram.device();
    let all = Tensor::<3>::from_data(TensorData::new(vectors, [n, m, m]), &device);
    let inverse = Tensor::<3>::from_data(TensorData::new(inverse, [n, m, count]), &device);
    let first = all.clone().narrow(2, 0, count);
    let change = gram.clone() - gram.detach();
    let turned = all.clone().swap_dims(1, 2).matmul(change).matmul(first.clone()) * inverse;
    let vectors = first + all.matmul(turned);
    let vectors = if by_channel { vectors } else { channels.matmul(vectors) };
    let lengths = vectors.clone().square().sum_dim(1).clamp_min(1e-24).sqrt();
    Ok(vectors / lengths)
}

/// The one of the student's vectors `[n, c, k]` that is most aligned with the teacher's `[n, c, 1]`, on its side; `[n, c, 1]`.
///
/// # Errors
/// If the device cannot be read.
pub fn aligned(student: Tensor<3>, teacher: &Tensor<3>) -> Result<Tensor<3>, DistilError> {
    let [n, _, k] = student.dims();
    let cosines = student.clone().detach().swap_dims(1, 2).matmul(teacher.clone());
    let cosines = read("cosines", &cosines)?;
    let chosen = cosines.chunks(k).flat_map(|row| {
        let best =
            (0..k).fold(0, |best, at| if row[at].abs() > row[best].abs() { at } else { best });
        let sign = if row[best] < 0.0 { -1.0f32 } else { 1.0 };
        (0..k).map(move |at| if at == best { sign } else { 0.0 })
    });
    let chosen = TensorData::new(chosen.collect::<Vec<_>>(), [n, k, 1]);
    Ok(student.clone().matmul(Tensor::from_data(chosen, &student.device())))
}

/// How the vectors of two stages relate, `[n, c, c']`.
fn relation(deep: &Tensor<3>, shallow: &Tensor<3>) -> Tensor<3> {
    let difference = deep.clone() - shallow.clone().swap_dims(1, 2);
    difference.square().div_scalar(-8.0).exp()
}

/// Settings of the term.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {}

/// The entry `kdsvd`.
pub struct KdSvdSpec;

struct KdSvd {
    stages: Vec<(usize, usize)>,
}

impl TermSpec for KdSvdSpec {
    fn id(&self) -> &'static str {
        "kdsvd"
    }

    fn about(&self) -> &'static str {
        "how the leading directions of one stage relate to those of the next"
    }

    fn source(&self) -> &'static str {
        "Lee et al., ECCV 2018; HobbitLong/RepDistiller distiller_zoo/KDSVD.py"
    }

    fn needs(&self) -> Needs {
        Needs { stages: true, teacher: true, ..Needs::default() }
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults::<Settings>()
    }

    fn build(
        &self,
        given: &toml::Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Term>, DistilError> {
        let Settings {} = settings::read(self.id(), given)?;
        let stages = pairing::stages(self.id(), context)?;
        let need = |need: &str, found: String, remedy: &str| DistilError::Need {
            owner: self.id().into(),
            need: need.into(),
            found,
            remedy: remedy.into(),
        };
        if stages.len() < 2 {
            let found = format!("{}", stages.len());
            return Err(need("two stages or more of both", found, "choose deeper networks"));
        }
        let target = context.target(self.id())?;
        for &(s, t) in &stages {
            let (s, t) = (context.student.stages[s].channels, target.stages[t].channels);
            if s != t {
                let found = format!("{s} channels of the student beside {t} of the teacher");
                return Err(need("equal channels", found, "choose networks of one width"));
            }
        }
        Ok(Box::new(KdSvd { stages }))
    }
}

impl Term for KdSvd {
    fn name(&self) -> &str {
        KdSvdSpec.id()
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
        let mut before: Option<(Tensor<3>, Tensor<3>)> = None;
        let mut total = Tensor::zeros([1], &student.embedding.device());
        for &(s, t) in &self.stages {
            let t = leading(stage(self.name(), &teacher.stages, t)?.clone(), 1)?;
            let s = leading(stage(self.name(), &student.stages, s)?.clone(), CANDIDATES)?;
            let s = aligned(s, &t)?;
            if let Some((s_before, t_before)) = &before {
                let off = relation(&s, s_before) - relation(&t, t_before);
                total = total + off.square().sum();
            }
            before = Some((s, t));
        }
        Ok(total.div_scalar(student.embedding.dims()[0] as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, values};

    fn map(values: &[f32], shape: [usize; 4]) -> Tensor<4> {
        Tensor::<1>::from_floats(values, &device()).reshape(shape)
    }

    #[test]
    fn the_leading_vector_of_a_rank_one_map_is_its_channels() {
        // Channels 3 and 4 at every position, by either Gram matrix.
        for (values_of, shape) in
            [(vec![3.0, 3.0, 3.0, 4.0, 4.0, 4.0], [1, 2, 1, 3]), (vec![3.0, 4.0], [1, 2, 1, 1])]
        {
            let found = values(&leading(map(&values_of, shape), 1).unwrap());
            assert!((found[0] - 0.6).abs() < 1e-6 && (found[1] - 0.8).abs() < 1e-6, "{found:?}");
        }
    }

    /// The gradient of a weighted sum of singular vectors against central differences, on a map whose singular values are
    /// about 3, 2 and 1.
    #[test]
    fn gradients_are_derivatives_where_singular_values_are_apart() {
        let rows = [[3.0, 0.1, 0.2, 0.0], [0.1, 2.0, 0.0, 0.3], [0.0, 0.2, 1.0, 0.1f32]];
        let columns: Vec<f32> = (0..4).flat_map(|i| rows.iter().map(move |row| row[i])).collect();
        for (start, shape) in [(rows.concat(), [1, 3, 1, 4]), (columns, [1, 4, 1, 3])] {
            let sum = |values: Tensor<1>| {
                let vectors = leading(values.reshape(shape), 3).unwrap();
                let count = shape[1] * 3;
                let weights: Vec<f32> = (0..count).map(|i| (i as f32 * 1.7).sin()).collect();
                (vectors.reshape([count]) * Tensor::from_floats(weights.as_slice(), &device()))
                    .sum()
            };
            let leaf = Tensor::<1>::from_floats(start.as_slice(), &device()).require_grad();
            let grad = values(&leaf.grad(&sum(leaf.clone()).backward()).unwrap());
            for (place, grad) in grad.into_iter().enumerate() {
                let at = |step: f32| {
                    let mut moved = start.clone();
                    moved[place] += step;
                    values(&sum(Tensor::from_floats(moved.as_slice(), &device())))[0]
                };
                let found = (at(0.01) - at(-0.01)) / 0.02;
                assert!((found - grad).abs() < 2e-3, "{shape:?} {place}: {found} {grad}");
            }
        }
    }

    #[test]
    fn vectors_turn_to_the_teachers_side() {
        let student = Tensor::<3>::from_floats([[[1.0, 0.0], [0.0, -1.0]]], &device());
        let teacher = Tensor::<3>::from_floats([[[0.2], [0.9]]], &device());
        assert_eq!(values(&aligned(student, &teacher).unwrap()), [0.0, 1.0]);
    }
}
