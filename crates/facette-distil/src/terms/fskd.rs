//! Feature similarity: each stage map points where the teacher's does, and relates to that of another picture of the person alike.
//!
//! ```text
//! R(A, B) = A^T B                                       A, B: maps [c, h w] of two pictures s and s' of one person
//! d(R, Q) = 1 - cos(vec R, vec Q)
//! L_point = mean_l mean_n d(F_s, F_t)
//! L_cross = mean_l mean_n [ ( d(R_tt', R_ts') + d(R_tt', R_st') ) / 2 + d(R_tt', R_ss') ]
//! L       = point L_point + cross L_cross
//! ```
//!
//! `R_ts'`: the teacher's map of s against the student's of s', and so on. Source: Shin et al. 2023 (arXiv 2303.04681), in the form of
//! gist-ailab/feature-similarity-KD `face_recognition/metric/distill_loss.py`: weights 20 and 4, with CosFace or ArcFace beside it. There
//! one architecture sees both sizes enlarged. Here the student's map is the smaller one, to whose size the teacher's is averaged, and a
//! learned 1x1 convolution leads to the teacher's channels where they differ. s' is the next picture of the same class in the
//! batch (a `balanced` sampler has some for each); pictures without one have no part in `L_cross`.
//!
//! Numerics: relations of all places with all places are never formed, for `<A^T B, C^T D> = <A C^T, B D^T>`, and channels are
//! fewer than places.

use burn::tensor::{Int, Tensor, TensorData};
use facette_graph::Conv;
use facette_nets::{Knowledge, Parameters, Wanted};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::{stage, target};
use crate::map_network::MapNetwork;
use crate::normalise::{EPS, rows};
use crate::pairing;
use crate::pooling::to_smaller;
use crate::settings::{self, check, within};
use crate::term::{Context, Needs, Term, TermSpec};

/// Least product of squared lengths of two relations of maps of unit length.
const TINY: f64 = 1e-24;

/// Mean of `1 - cos` of the rows of two tensors `[n, d]`; `[1]`.
fn apart(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
    (rows(a, EPS) * rows(b, EPS)).sum_dim(1).neg().add_scalar(1.0).mean()
}

fn flat(map: Tensor<4>) -> Tensor<2> {
    let [n, c, h, w] = map.dims();
    map.reshape([n, c * h * w])
}

/// Maps `[n, c, h, w]` as `[n, c, h w]`, each of unit length.
fn unit(map: Tensor<4>) -> Tensor<3> {
    let [n, c, h, w] = map.dims();
    rows(flat(map), EPS).reshape([n, c, h * w])
}

/// Products of the channels of two maps `[n, c, m]`, summed over places, `[n, c c]`.
fn gram(a: &Tensor<3>, b: &Tensor<3>) -> Tensor<2> {
    let [n, c, _] = a.dims();
    a.clone().matmul(b.clone().swap_dims(1, 2)).reshape([n, c * c])
}

/// L_point of one stage: `student` and `target` `[n, c, h, w]`; `[1]`.
pub fn points(student: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
    apart(flat(student), flat(target))
}

/// L_cross of one stage: maps of pictures and of other pictures of the same people, of student and target,
/// all `[n, c, h, w]`; `[1]`.
pub fn crossed(student: [Tensor<4>; 2], target: [Tensor<4>; 2]) -> Tensor<1> {
    let [[s, other_s], [t, other_t]] = [student, target].map(|pair| pair.map(unit));
    let inner = |a: &Tensor<2>, b: &Tensor<2>| (a.clone() * b.clone()).sum_dim(1);
    let of_t = [gram(&t, &t), gram(&other_t, &other_t)];
    let of_s = [gram(&s, &s), gram(&other_s, &other_s)];
    let both = [gram(&t, &s), gram(&other_t, &other_s)];
    let known = inner(&of_t[0], &of_t[1]);
    let apart = |product: Tensor<2>, square: Tensor<2>| {
        let lengths = (known.clone() * square).clamp_min(TINY).sqrt();
        (product / lengths).neg().add_scalar(1.0).mean()
    };
    let mixed = apart(inner(&of_t[0], &both[1]), inner(&of_t[0], &of_s[1]))
        + apart(inner(&both[0], &of_t[1]), inner(&of_s[0], &of_t[1]));
    mixed.mul_scalar(0.5) + apart(inner(&both[0], &both[1]), inner(&of_s[0], &of_s[1]))
}

/// For every picture that is not alone in its class, its place and that of the next of its class.
pub fn partners(labels: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let n = labels.len();
    let next = |i: usize| (1..n).map(|step| (i + step) % n).find(|&j| labels[j] == labels[i]);
    (0..n).filter_map(|i| Some((i, next(i)?))).unzip()
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Weight of L_point.
    point: f64,
    /// Weight of L_cross.
    cross: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { point: 20.0, cross: 4.0 }
    }
}

/// The entry `fskd`.
pub struct FskdSpec;

/// A pair of stages and what leads from the student's channels to the teacher's.
struct Pair {
    student: usize,
    target: usize,
    connector: Option<MapNetwork>,
}

struct Fskd {
    settings: Settings,
    pairs: Vec<Pair>,
}

impl TermSpec for FskdSpec {
    fn id(&self) -> &'static str {
        "fskd"
    }

    fn about(&self) -> &'static str {
        "stage maps that point as the teacher's and relate to another picture of the person alike"
    }

    fn source(&self) -> &'static str {
        "arXiv 2303.04681; gist-ailab/feature-similarity-KD metric/distill_loss.py"
    }

    fn needs(&self) -> Needs {
        Needs { stages: true, labels: true, teacher: true, ..Needs::default() }
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
        within(self.id(), "point", settings.point, 0.0, f64::INFINITY)?;
        within(self.id(), "cross", settings.cross, 0.0, f64::INFINITY)?;
        check(self.id(), "point", settings.point + settings.cross > 0.0, || {
            "nothing would be learned with both weights 0".into()
        })?;
        let targets = &context.target(self.id())?.stages;
        let pair = |(student, target): (usize, usize)| {
            let (from, to) = (context.student.stages[student], targets[target]);
            let connector = match from.channels == to.channels {
                true => None,
                false => Some(MapNetwork::new(self.id(), from, context, |b, x| {
                    b.conv("connector", x, Conv::square(from.channels, to.channels, 1, 1))
                })?),
            };
            Ok(Pair { student, target, connector })
        };
        let pairs = pairing::stages(self.id(), context)?.into_iter().map(pair);
        Ok(Box::new(Fskd { settings, pairs: pairs.collect::<Result<_, DistilError>>()? }))
    }
}

impl Term for Fskd {
    fn name(&self) -> &str {
        FskdSpec.id()
    }

    fn wanted(&self) -> Wanted {
        Wanted { stages: true, ..Wanted::default() }
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let teacher = target(FskdSpec.id(), teacher)?;
        let (firsts, seconds) = partners(&batch.labels);
        let Settings { point, cross } = self.settings;
        let share = 1.0 / self.pairs.len() as f64;
        let mut total: Option<Tensor<1>> = None;
        for pair in &mut self.pairs {
            let own = stage(FskdSpec.id(), &student.stages, pair.student)?.clone();
            let other = stage(FskdSpec.id(), &teacher.stages, pair.target)?.clone();
            let own = match &mut pair.connector {
                Some(connector) => connector.forward(own),
                None => own,
            };
            let (own, other) = to_smaller(own, other);
            let mut loss = points(own.clone(), other.clone()).mul_scalar(point * share);
            if cross > 0.0 && !firsts.is_empty() {
                let both = |map: Tensor<4>| {
                    let pick = |places: &[usize]| {
                        let places: Vec<i64> = places.iter().map(|&place| place as i64).collect();
                        let count = places.len();
                        let data = TensorData::new(places, [count]);
                        map.clone().select(0, Tensor::<1, Int>::from_data(data, &map.device()))
                    };
                    [pick(&firsts), pick(&seconds)]
                };
                loss = loss + crossed(both(own), both(other)).mul_scalar(cross * share);
            }
            total = Some(match total {
                Some(total) => total + loss,
                None => loss,
            });
        }
        Ok(total.expect("streams without stages are refused when the term is built"))
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        let connectors = self.pairs.iter_mut().filter_map(|pair| pair.connector.as_mut());
        connectors.map(MapNetwork::parameters_mut).collect()
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::testing::{device, scalar};

    fn map(values: [f32; 4]) -> Tensor<4> {
        Tensor::<1>::from_floats(values, &device()).reshape([1, 2, 1, 2])
    }

    #[test]
    fn partners_are_the_next_of_the_class_and_nobody_is_his_own() {
        assert_eq!(partners(&[5, 7, 5, 5, 9]), (vec![0, 2, 3], vec![2, 3, 0]));
        assert_eq!(partners(&[1, 2]), (vec![], vec![]));
    }

    #[test]
    fn points_and_relations_by_hand() {
        let (a, b) = (map([1.0, 0.0, 0.0, 2.0]), map([0.0, 1.0, 2.0, 0.0]));
        assert!((scalar(&points(a.clone(), a.clone().mul_scalar(3.0)))).abs() < 1e-6);
        assert!((scalar(&points(a.clone(), b.clone())) - 1.0).abs() < 1e-6);
        // Places against places of channels (1, 0), (0, 2) and themselves: diag(1, 4); against (0, 2), (1, 0): the other diagonal.
        let same = crossed([a.clone(), a.clone()], [a.clone(), a.clone()]);
        assert!(scalar(&same).abs() < 1e-6);
        let swapped = crossed([b.clone(), b.clone()], [a.clone(), a]);
        // The student against itself has the relations diag(4, 1): 1 - 8 / 17; mixed ones lie beside the diagonal: 1.
        let expected = 1.0 + 1.0 - 8.0 / 17.0;
        assert!((scalar(&swapped) - expected).abs() < 1e-6, "{}", scalar(&swapped));
    }
    #[test]
    fn relations_that_are_never_formed_are_those_of_the_definition() {
        let maps = [1, 2, 3, 4].map(|seed| {
            let mut rng = facette_random::stream(seed, "maps", 0);
            let drawn: Vec<f32> = (0..3 * 2 * 4).map(|_| rng.random_range(-1.0..1.0)).collect();
            Tensor::<4>::from_data(TensorData::new(drawn, [3, 2, 2, 2]), &device())
        });
        let relation = |a: usize, b: usize| {
            let places = |i: usize| maps[i].clone().reshape([3, 2, 4]);
            places(a).swap_dims(1, 2).matmul(places(b)).reshape([3, 16])
        };
        let [s, other_s, t, other_t] = [0, 1, 2, 3];
        let from_known = |a, b| scalar(&apart(relation(t, other_t), relation(a, b)));
        let mixed = from_known(t, other_s) + from_known(s, other_t);
        let expected = mixed / 2.0 + from_known(s, other_s);
        let [a, b, c, d] = maps.clone();
        let found = scalar(&crossed([a, b], [c, d]));
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
}
