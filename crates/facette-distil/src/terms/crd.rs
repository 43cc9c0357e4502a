//! Contrastive representation distillation: the teacher's view of a picture told from those of others.
//!
//! ```text
//! e_s = unit(W_s s + b_s), e_t = unit(W_t t + b_t)         both learned, `dim` values
//! P(a, m) = exp(<a, m> / tau) / Z                          m: rows of the other side's memory, detached
//! l(a)    = -mean_n [ log D+(P_n0) + sum_{k = 1..K} log D-(P_nk) ]
//!           D+(p) = p / (p + K / N + 1e-7)    D-(p) = (K / N) / (p + K / N + 1e-7)
//! L       = l(e_s against the teacher's memory) + l(e_t against the student's memory)
//! ```
//!
//! Column 0 is the picture itself. Each memory holds one vector a picture, `N x dim`; after a step the rows of the
//! batch become unit(m old + (1 - m) new). `Z` of each side is `N` times the mean of the first batch's
//! exponentials, for good. Source: Tian et al. 2020 (arXiv 1910.10699), in the form of RepDistiller `CRDLoss`: dim 128,
//! tau 0.07, m 0.5, K 16384, weight 0.8. Negatives are drawn with replacement from all pictures not known to be of
//! the same class: labels become known as batches show them, so from the second epoch on this is RepDistiller's
//! `exact` sampling (and without labels its draw from all pictures).

mod contrast;

use burn::tensor::{Int, Tensor, TensorData};
use facette_graph::{TensorKind, TensorSpec};
use facette_nets::{Init, Knowledge, Parameters, read};
use facette_random::stream;
use rand::RngExt;
use serde::{Deserialize, Serialize};

pub use self::contrast::{contrast, remembered};
use crate::batch::Batch;
use crate::error::DistilError;
use crate::heads::softmax::linear;
use crate::knowledge::target;
use crate::normalise::{EPS, rows};
use crate::settings::{self, check, length, positive, within};
use crate::term::{Context, Needs, Term, TermSpec};

/// Most negatives of a picture.
const MOST: usize = 1 << 20;

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Length both embeddings are mapped to.
    dim: usize,
    temperature: f64,
    /// Share of the old in a memory's row after a step.
    momentum: f64,
    /// Pictures each picture is told from.
    negatives: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { dim: 128, temperature: 0.07, momentum: 0.5, negatives: 16384 }
    }
}

/// The entry `crd`.
pub struct CrdSpec;

struct Crd {
    settings: Settings,
    maps: Parameters,
    /// The student's and the teacher's vectors, `Z` of both sides, the labels seen (-1: none).
    memory: Parameters,
    /// Seed and name of the stream negatives are drawn from.
    random: (u64, String),
    /// `Z` as the batch of this step sets it, where none is set yet.
    first: Option<Vec<f32>>,
}

impl TermSpec for CrdSpec {
    fn id(&self) -> &'static str {
        "crd"
    }

    fn about(&self) -> &'static str {
        "the teacher's view of a picture told from those of others, with a memory"
    }

    fn source(&self) -> &'static str {
        "arXiv 1910.10699; HobbitLong/RepDistiller crd/"
    }

    fn needs(&self) -> Needs {
        Needs { embedding: true, teacher: true, memory: true, ..Needs::default() }
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
        length(self.id(), "dim", settings.dim)?;
        check(self.id(), "negatives", (1..=MOST).contains(&settings.negatives), || {
            format!("expected 1 to {MOST}, found {}", settings.negatives)
        })?;
        positive(self.id(), "temperature", settings.temperature)?;
        within(self.id(), "momentum", settings.momentum, 0.0, 1.0)?;
        let (dim, pictures) = (settings.dim, context.pictures);
        check(self.id(), "negatives", pictures > 1, || "needs two pictures or more".into())?;
        let spec =
            |name: &str, shape: Vec<usize>, kind| TensorSpec { name: name.into(), shape, kind };
        let map = |path: &str, from: usize| {
            let weight =
                spec(&format!("{path}.linear.weight"), vec![dim, from], TensorKind::Weight);
            [weight, spec(&format!("{path}.linear.bias"), vec![dim], TensorKind::Bias)]
        };
        let own = map("embed_s", context.student.embedding);
        let other = map("embed_t", context.target(self.id())?.embedding);
        let specs = own.into_iter().chain(other).collect();
        let maps = context.parameters(self.id(), specs, Init::Torch);
        let buffer = TensorKind::RunningMean;
        let mut memory = Parameters::default();
        let bound = 1.0 / (dim as f64 / 3.0).sqrt();
        let name = format!("term/{}/{}", context.stream, self.id());
        for side in ["memory_v1", "memory_v2"] {
            let mut rng = stream(context.seed, &format!("{name}/{side}"), 0);
            let values = (0..pictures * dim).map(|_| rng.random_range(-bound..bound) as f32);
            let values = values.collect();
            memory.push(spec(side, vec![pictures, dim], buffer), values, context.device)?;
        }
        memory.push(spec("z", vec![2], buffer), vec![-1.0; 2], context.device)?;
        memory.push(
            spec("labels", vec![pictures], buffer),
            vec![-1.0; pictures],
            context.device,
        )?;
        let random = (context.seed, format!("{name}/negatives"));
        Ok(Box::new(Crd { settings, maps, memory, random, first: None }))
    }
}

impl Crd {
    fn pictures(&self) -> usize {
        self.memory.at(0).spec.shape[0]
    }

    fn embed(&self, x: Tensor<2>, at: usize) -> Tensor<2> {
        let (weight, bias) = (self.maps.at(at).shaped::<2>(), self.maps.at(at + 1).value.clone());
        rows(linear(x, weight, bias), EPS)
    }

    /// Places of the batch's pictures, `[n]`.
    fn places(&self, batch: &Batch, count: usize) -> Result<Vec<usize>, DistilError> {
        let fits = |index: &&usize| **index >= self.pictures();
        match (batch.indices.len() == count, batch.indices.iter().find(fits)) {
            (true, None) => Ok(batch.indices.clone()),
            (same, odd) => Err(DistilError::Need {
                owner: CrdSpec.id().into(),
                need: format!("the places of {count} pictures below {}", self.pictures()),
                found: match (same, odd) {
                    (true, Some(index)) => format!("place {index}"),
                    _ => format!("{} places", batch.indices.len()),
                },
                remedy: "check the number of pictures the data says it has".into(),
            }),
        }
    }

    /// The picture itself and its negatives, row after row.
    fn draw(&self, places: &[usize], batch: &Batch) -> Result<Vec<u32>, DistilError> {
        let known = read("labels", &self.memory.at(3).value)?;
        let mut rng = stream(self.random.0, &self.random.1, batch.step);
        let mut drawn = Vec::with_capacity(places.len() * (self.settings.negatives + 1));
        for (row, &own) in places.iter().enumerate() {
            let label = batch.labels.get(row).map(|&label| label as f32);
            drawn.push(own as u32);
            for _ in 0..self.settings.negatives {
                // A class that fills the training set would leave nothing to draw: after some
                // tries any other picture will do.
                let mut pick = rng.random_range(0..self.pictures());
                for _ in 0..64 {
                    if pick != own && Some(known[pick]) != label {
                        break;
                    }
                    pick = rng.random_range(0..self.pictures());
                }
                drawn.push(pick as u32);
            }
        }
        Ok(drawn)
    }

    /// The loss for given draws.
    fn contrasted(
        &mut self,
        student: Tensor<2>,
        teacher: Tensor<2>,
        drawn: &[u32],
    ) -> Result<Tensor<1>, DistilError> {
        let known = read("z", &self.memory.at(2).value)?;
        let side = |anchors, memory: usize, z: f32| {
            let memory = self.memory.at(memory).shaped::<2>();
            contrast(anchors, memory, drawn, self.settings.temperature, (z >= 0.0).then_some(z))
        };
        let (s, z_s) = side(self.embed(student, 0), 1, known[0])?;
        let (t, z_t) = side(self.embed(teacher, 2), 0, known[1])?;
        if known.iter().any(|&z| z < 0.0) {
            self.first = Some(vec![z_s, z_t]);
        }
        Ok(s + t)
    }
}

impl Term for Crd {
    fn name(&self) -> &str {
        CrdSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let t = target(self.name(), teacher)?.embedding.clone();
        let s = student.embedding.clone();
        let places = self.places(batch, s.dims()[0])?;
        let drawn = self.draw(&places, batch)?;
        self.contrasted(s, t, &drawn)
    }

    fn after_step(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<(), DistilError> {
        let t = target(self.name(), teacher)?.embedding.clone().detach();
        let s = student.embedding.clone().detach();
        let n = s.dims()[0];
        let device = s.device();
        let places = self.places(batch, n)?;
        // A picture shown twice in a batch is remembered as shown last.
        let last: Vec<usize> =
            (0..n).filter(|&row| !places[row + 1..].contains(&places[row])).collect();
        let list = |values: Vec<i64>| {
            let length = values.len();
            Tensor::<1, Int>::from_data(TensorData::new(values, [length]), &device)
        };
        let indices = list(last.iter().map(|&row| places[row] as i64).collect());
        let last = list(last.iter().map(|&row| row as i64).collect());
        let momentum = self.settings.momentum;
        for (side, x) in [self.embed(s, 0), self.embed(t, 2)].into_iter().enumerate() {
            let x = x.select(0, last.clone());
            let memory = self.memory.at_mut(side);
            let old = memory.shaped::<2>();
            let new = remembered(old, x.detach(), indices.clone(), momentum);
            memory.set(new.reshape([memory.spec.len()]));
        }
        if let Some(z) = self.first.take() {
            self.memory.set("z", z)?;
        }
        if batch.labels.len() == n {
            let mut known = read("labels", &self.memory.at(3).value)?;
            let seen = places.iter().zip(&batch.labels);
            seen.for_each(|(&place, &label)| known[place] = label as f32);
            self.memory.set("labels", known)?;
        }
        Ok(())
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        vec![&mut self.maps, &mut self.memory]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::StreamShapes;
    use crate::testing::{context, device, scalar, shapes, values};

    #[test]
    fn negatives_avoid_the_classes_seen_and_repeat_with_the_seed() {
        let (own, teacher) = (shapes(), StreamShapes::embedding_only(4));
        let settings = "negatives = 30\ndim = 3".parse().unwrap();
        let context = context(&own, Some(&teacher));
        let mut term = CrdSpec.build(&settings, &context).unwrap();
        let batch = Batch::first(vec![0, 1], vec![3, 4], &device());
        let s = Knowledge::from_embedding(Tensor::ones([2, own.embedding], &device()));
        let t = Knowledge::from_embedding(Tensor::ones([2, 4], &device()));
        let first = scalar(&term.loss(&s, Some(&t), &batch).unwrap());
        assert_eq!(first, scalar(&term.loss(&s, Some(&t), &batch).unwrap()));
        term.after_step(&s, Some(&t), &batch).unwrap();
        let labels = term.parameters_mut()[1].get("labels").unwrap().value.clone();
        let labels = values(&labels);
        assert_eq!((labels[3], labels[4], labels[5]), (0.0, 1.0, -1.0));
        let z = term.parameters_mut()[1].get("z").unwrap().value.clone();
        assert!(values(&z).iter().all(|&z| z > 0.0));
        let outside = Batch::first(vec![0, 1], vec![3, context.pictures], &device());
        let message = term.loss(&s, Some(&t), &outside).err().unwrap().to_string();
        assert!(message.contains("place 20"), "{message}");
    }
}
