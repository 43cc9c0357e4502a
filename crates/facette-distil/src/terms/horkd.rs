//! Hybrid order relational distillation: instances, pairs, triples and class centres.
//!
//! ```text
//! L1 = sum_i |f_i - g_i|_1                                                    f: teacher, g: student
//! L2 = sum_{i != j} ( |f_i - f_j| / mu_f - |g_i - g_j| / mu_g )^2             mu: mean over pairs, each its own
//! L3 = sum_{i, j, k distinct} huber( angle at f_j - angle at g_j )            cosines of angles
//! LC = sum_i sum_c ( |f_i - u_c| - |g_i - u_c| )^2                            u: teacher's class centres
//! L  = L1 + alpha L2 + beta L3 + gamma LC
//! ```
//!
//! | `reduction` | L1 | L2 | L3 | LC |
//! |---|---|---|---|---|
//! | `sum` (the paper's) | sum | ordered pairs | ordered triples | sum |
//! | `mean` | mean | / n (n - 1) | / n (n - 1) (n - 2) | mean |
//! | `full` (as RKD's code) | mean | / n^2 | all triples / n^3 | mean |
//!
//! `unordered` halves the sums of L2 and L3, `per_image` divides the whole by n. Centres are those of the
//! training set, gathered in one pass before the first step (of which `sampled_centres` take part in
//! a batch, its own classes always), or of the batch. `norm` normalises both sides by the batch's statistics
//! first. Source: Ge et al. 2020 (arXiv 2409.05384), Eq. 2 to 8: alpha 0.02, beta 0.01, gamma 1; its
//! ablation is best without L1 (`use_l1 = false`). Where lengths differ a learned linear map leads from student
//! to teacher. Coinciding pictures get no gradient from each other.
//!
//! The sums are as large as they look: 128 pictures of 128 values cost 2e5 at first, with a gradient as long, and plain descent
//! wants `clip`, `per_image` and a small rate, or `reduction = "mean"` with alpha 25 and beta 50 (golden `total_mean`).

use burn::tensor::{Bool, IndexingUpdateOp, Int, Tensor, TensorData};
use facette_graph::{TensorKind, TensorSpec};
use facette_nets::{Init, Knowledge, Parameters, read};
use facette_random::stream;
use rand::seq::IteratorRandom;
use serde::{Deserialize, Serialize};

use super::rkd_angle::cosines_at;
use crate::batch::Batch;
use crate::error::DistilError;
use crate::huber::smooth_l1;
use crate::knowledge::target;
use crate::normalise::columns;
use crate::pairs::distances;
use crate::projection::{Project, Projection};
use crate::settings::{self, check, within};
use crate::term::{Context, Needs, Term, TermSpec};

/// L1: absolute differences of `student` and `target`, both `[n, d]`, summed; `[1]`.
pub fn instances(student: Tensor<2>, target: Tensor<2>) -> Tensor<1> {
    (student - target).abs().sum()
}

/// L2: squared differences of relative distances, summed over ordered pairs; `[1]`.
pub fn pairs(student: Tensor<2>, target: Tensor<2>) -> Tensor<1> {
    let relative = |x: Tensor<2>| {
        let n = x.dims()[0];
        let distances = distances(x);
        let count = (n * n.saturating_sub(1)).max(1) as f64;
        let mean = distances.clone().sum().div_scalar(count).clamp_min(1e-12);
        distances / mean.reshape([1, 1])
    };
    (relative(student) - relative(target)).square().sum()
}

/// L3: Huber differences of angles, summed over ordered triples; `[1]`. Where `distinct` is false
/// the angles between a side and itself count, too: they differ where pictures coincide for one
/// of the two only.
pub fn triples(student: Tensor<2>, target: Tensor<2>, distinct: bool) -> Tensor<1> {
    let n = student.dims()[0];
    let differences = cosines_at(student) - cosines_at(target);
    if !distinct {
        return smooth_l1(differences).sum();
    }
    let itself = Tensor::<2, Bool>::diag_mask([n, n], 0, &differences.device()).bool_not();
    let itself = itself.reshape([1, n, n]).expand([n, n, n]);
    smooth_l1(differences.mask_fill(itself, 0.0)).sum()
}

/// LC: squared differences of the distances of `student` and `target`, both `[n, d]`, to the
/// centres `[k, d]`, summed; `[1]`.
pub fn centres(student: Tensor<2>, target: Tensor<2>, centres: Tensor<2>) -> Tensor<1> {
    let to = |x: Tensor<2>| {
        let products = x.clone().matmul(centres.clone().transpose());
        let squares = x.square().sum_dim(1) + centres.clone().square().sum_dim(1).transpose();
        (squares - products.mul_scalar(2.0)).clamp_min(1e-12).sqrt()
    };
    (to(student) - to(target)).square().sum()
}

/// What sums are divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reduction {
    Sum,
    Mean,
    Full,
}

/// Whose class centres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Centres {
    Dataset,
    Batch,
}

/// What happens to both sides first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Norm {
    None,
    Bn,
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Weight of pairs.
    alpha: f64,
    /// Weight of triples.
    beta: f64,
    /// Weight of class centres.
    gamma: f64,
    /// Whether instances take part.
    use_l1: bool,
    reduction: Reduction,
    unordered: bool,
    per_image: bool,
    centres: Centres,
    /// Most centres of the training set that take part in a batch.
    sampled_centres: usize,
    norm: Norm,
    project: Project,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            alpha: 0.02,
            beta: 0.01,
            gamma: 1.0,
            use_l1: true,
            reduction: Reduction::Sum,
            unordered: false,
            per_image: false,
            centres: Centres::Dataset,
            sampled_centres: 512,
            norm: Norm::None,
            project: Project::Auto,
        }
    }
}

/// The entry `horkd`.
pub struct HorkdSpec;

struct Horkd {
    settings: Settings,
    projection: Projection,
    /// 0 without class centres.
    classes: usize,
    /// Sums of the teacher's embeddings by class, and how many, where the training set's count.
    sums: Option<Parameters>,
    /// Seed and name of the stream that centres are sampled from.
    random: (u64, String),
}

impl TermSpec for HorkdSpec {
    fn id(&self) -> &'static str {
        "horkd"
    }

    fn about(&self) -> &'static str {
        "instances, pairs, triples and class centres of the batch together"
    }

    fn source(&self) -> &'static str {
        "arXiv 2409.05384, Eq. 2 to 8"
    }

    fn needs(&self) -> Needs {
        Needs { embedding: true, labels: true, teacher: true, ..Needs::default() }
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
        for (name, value) in
            [("alpha", settings.alpha), ("beta", settings.beta), ("gamma", settings.gamma)]
        {
            within(self.id(), name, value, 0.0, f64::INFINITY)?;
        }
        check(self.id(), "sampled_centres", settings.sampled_centres > 0, || {
            "expected 1 or more".into()
        })?;
        let projection = Projection::new(self.id(), settings.project, context)?;
        let classes = match settings.gamma > 0.0 {
            true => context.classes(self.id())?,
            false => 0,
        };
        let spec = |name: &str, shape: Vec<usize>| TensorSpec {
            name: name.into(),
            shape,
            kind: TensorKind::RunningMean,
        };
        let kept = classes > 0 && settings.centres == Centres::Dataset;
        let sums = kept.then(|| {
            let length = context.target.map_or(0, |target| target.embedding);
            let specs = vec![spec("sums", vec![classes, length]), spec("counts", vec![classes, 1])];
            context.parameters(self.id(), specs, Init::Torch)
        });
        let random = (context.seed, format!("term/{}/{}/centres", context.stream, self.id()));
        Ok(Box::new(Horkd { settings, projection, classes, sums, random }))
    }
}

impl Horkd {
    /// The centres that take part, `[k, d]`.
    fn centres(&self, target: &Tensor<2>, batch: &Batch) -> Result<Tensor<2>, DistilError> {
        let labels = batch.labels(HorkdSpec.id(), target.dims()[0], self.classes)?;
        let mut present = batch.labels.clone();
        present.sort_unstable();
        present.dedup();
        let device = target.device();
        let list = |classes: &[usize]| {
            let values: Vec<i64> = classes.iter().map(|&class| class as i64).collect();
            Tensor::<1, Int>::from_data(TensorData::new(values, [classes.len()]), &device)
        };
        let Some(sums) = &self.sums else {
            let empty = Tensor::zeros([self.classes, target.dims()[1]], &device);
            let none = Tensor::zeros([self.classes, 1], &device);
            let (sums, counts) = gathered(empty, none, target.clone(), labels);
            let own = list(&present);
            return Ok(sums.select(0, own.clone()) / counts.select(0, own));
        };
        let counts = read("counts", &sums.at(1).value)?;
        if counts.iter().all(|&count| count == 0.0) {
            return Err(DistilError::Need {
                owner: HorkdSpec.id().into(),
                need: "a pass over the training set for the class centres".into(),
                found: "none was made".into(),
                remedy:
                    "let the stage make the passes the term asks for, or set centres = \"batch\""
                        .into(),
            });
        }
        let more = self.settings.sampled_centres.saturating_sub(present.len());
        let others = (0..self.classes)
            .filter(|class| counts[*class] > 0.0 && present.binary_search(class).is_err());
        let mut rng = stream(self.random.0, &self.random.1, batch.step);
        let mut chosen = others.sample(&mut rng, more);
        chosen.extend(present.iter().filter(|&&class| counts[class] > 0.0));
        chosen.sort_unstable();
        let chosen = list(&chosen);
        let of = |index: usize| sums.at(index).shaped::<2>().select(0, chosen.clone());
        Ok(of(0) / of(1))
    }
}

/// Sums `[k, d]` and counts `[k, 1]` by class with the embeddings `[n, d]` of a batch added.
fn gathered(
    sums: Tensor<2>,
    counts: Tensor<2>,
    x: Tensor<2>,
    labels: Tensor<1, Int>,
) -> (Tensor<2>, Tensor<2>) {
    let ones = Tensor::ones([x.dims()[0], 1], &x.device());
    let add = IndexingUpdateOp::Add;
    (sums.select_assign(0, labels.clone(), x, add), counts.select_assign(0, labels, ones, add))
}

impl Term for Horkd {
    fn name(&self) -> &str {
        HorkdSpec.id()
    }

    fn passes(&self) -> usize {
        usize::from(self.sums.is_some())
    }

    fn observe(&mut self, target: &Knowledge, batch: &Batch) -> Result<(), DistilError> {
        let x = target.embedding.clone().detach();
        let labels = batch.labels(self.name(), x.dims()[0], self.classes)?;
        if let Some(list) = &mut self.sums {
            let (sums, counts) = (list.at(0).shaped::<2>(), list.at(1).shaped::<2>());
            let (sums, counts) = gathered(sums, counts, x, labels);
            for (index, new) in [sums, counts].into_iter().enumerate() {
                let parameter = list.at_mut(index);
                parameter.set(new.reshape([parameter.spec.len()]));
            }
        }
        Ok(())
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let f = target(self.name(), teacher)?.embedding.clone();
        let g = self.projection.apply(student.embedding.clone());
        let centres_of = match self.classes {
            0 => None,
            _ => Some(self.centres(&f.clone().detach(), batch)?),
        };
        let (f, g) = match self.settings.norm {
            Norm::None => (f, g),
            Norm::Bn => (columns(f), columns(g)),
        };
        let Settings { alpha, beta, gamma, use_l1, reduction, unordered, per_image, .. } =
            self.settings;
        let [n, d] = f.dims();
        let k = centres_of.as_ref().map_or(0, |c| c.dims()[0]);
        let product = |factors: [usize; 3]| {
            let [a, b, c] = factors.map(|factor| factor.max(1) as f64);
            a * b * c
        };
        let (less, least) = (n.saturating_sub(1), n.saturating_sub(2));
        let half = if unordered { 0.5 } else { 1.0 };
        let (of_ones, of_pairs, of_triples, of_centres) = match reduction {
            Reduction::Sum => (1.0, half, half, 1.0),
            Reduction::Mean | Reduction::Full => {
                let (pairs, triples) = match reduction {
                    Reduction::Full => ([n, n, 1], [n, n, n]),
                    _ => ([n, less, 1], [n, less, least]),
                };
                (
                    1.0 / product([n, d, 1]),
                    1.0 / product(pairs),
                    1.0 / product(triples),
                    1.0 / product([n, k, 1]),
                )
            }
        };
        let mut total = pairs(g.clone(), f.clone()).mul_scalar(alpha * of_pairs)
            + triples(g.clone(), f.clone(), reduction != Reduction::Full)
                .mul_scalar(beta * of_triples);
        if use_l1 {
            total = total + instances(g.clone(), f.clone()).mul_scalar(of_ones);
        }
        if let Some(u) = centres_of {
            total = total + centres(g, f, u).mul_scalar(gamma * of_centres);
        }
        Ok(if per_image { total.div_scalar(n as f64) } else { total })
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        self.projection.parameters_mut().into_iter().chain(self.sums.iter_mut()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::StreamShapes;
    use crate::testing::{context, device, scalar, shapes};

    #[test]
    fn parts_by_hand() {
        let f = Tensor::<2>::from_floats([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]], &device());
        let g = Tensor::<2>::from_floats([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0]], &device());
        assert!((scalar(&instances(g.clone(), f.clone())) - 6.0).abs() < 1e-6);
        // Teacher 2, 2, 2 sqrt 2 over their mean; student 1, 3, 2 over 2.
        let mean = (4.0 + 8f64.sqrt()) / 3.0;
        let expected = 2.0
            * ((2.0 / mean - 0.5).powi(2)
                + (2.0 / mean - 1.5).powi(2)
                + (8f64.sqrt() / mean - 1.0).powi(2));
        assert!((scalar(&pairs(g.clone(), f.clone())) - expected).abs() < 1e-5);
        // Angles at 0, 1, 2: cosines 0, sqrt 1/2 twice against 1, -1, 1.
        let half = 0.5f64.sqrt();
        let huber = |e: f64| if e.abs() < 1.0 { 0.5 * e * e } else { e.abs() - 0.5 };
        let expected = 2.0 * (huber(1.0) + huber(-1.0 - half) + huber(1.0 - half));
        assert!((scalar(&triples(g.clone(), f.clone(), true)) - expected).abs() < 1e-5);
        let u = Tensor::<2>::from_floats([[1.0, 0.0]], &device());
        // Distances 1, 1, sqrt 5 against 1, 0, 2.
        let expected = 1.0 + (5f64.sqrt() - 2.0).powi(2);
        assert!((scalar(&centres(g, f, u)) - expected).abs() < 1e-5);
    }

    #[test]
    fn centres_of_the_training_set_need_their_pass() {
        let teacher = StreamShapes::embedding_only(4);
        let (own, device) = (shapes(), device());
        let mut term =
            HorkdSpec.build(&toml::Table::new(), &context(&own, Some(&teacher))).unwrap();
        assert_eq!(term.passes(), 1);
        let seen = Knowledge::from_embedding(Tensor::ones([3, 4], &device));
        let student = Knowledge::from_embedding(Tensor::zeros([3, 6], &device));
        let batch = Batch::first(vec![0, 0, 3], vec![0, 1, 2], &device);
        let early = term.loss(&student, Some(&seen), &batch).err().unwrap().to_string();
        assert!(early.contains("pass over the training set"), "{early}");
        term.observe(&seen, &batch).unwrap();
        assert!(term.loss(&student, Some(&seen), &batch).is_ok());
        let plain = "gamma = 0.0".parse().unwrap();
        let term = HorkdSpec.build(&plain, &context(&own, Some(&teacher))).unwrap();
        assert_eq!(term.passes(), 0);
    }
}
