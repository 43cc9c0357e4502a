//! Selective distillation: regression to the teacher's embedding, of the faces worth imitating alone.
//!
//! ```text
//! L = 1 / sum_i a_i sum_i a_i mean_d ( P g_i - (f_i - mean) / deviation )^2                 a_i: chosen or not
//! ```
//!
//! Which faces are chosen, [`crate::selection`] says; that takes one pass over the training set, in which the mean and
//! the deviation of every dimension are gathered, too. Batches without a chosen face cost nothing. Source: Ge et al.
//! 2019 (arXiv 1811.09998), of which the abstract was at hand: selection and weights are reconstructed.

use burn::tensor::{Tensor, TensorData};
use facette_graph::{TensorKind, TensorSpec};
use facette_nets::{Init, Knowledge, Parameters, read};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::target;
use crate::normalise::{EPS, rows};
use crate::projection::{Project, Projection};
use crate::selection::{Energy, Selection};
use crate::settings::{self, check, within};
use crate::term::{Context, Needs, Term, TermSpec};

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Edges that lead from each face.
    neighbours: usize,
    /// Share of the faces counted as typical, 0 to 1.
    typical: f64,
    /// Cost of neighbours of different identities.
    between: f64,
    /// Cost of neighbours of one identity that are treated differently.
    within: f64,
    project: Project,
}

impl Default for Settings {
    fn default() -> Self {
        Self { neighbours: 10, typical: 0.7, between: 0.1, within: 0.1, project: Project::Auto }
    }
}

/// The entry `selective`.
pub struct SelectiveSpec;

struct Selective {
    settings: Settings,
    projection: Projection,
    classes: usize,
    length: usize,
    /// Embeddings and labels by picture while they are gathered.
    gathered: Vec<Option<(Vec<f32>, usize)>>,
    /// Which pictures are chosen, and mean and deviation of every dimension, as buffers.
    tensors: Parameters,
    chosen: Vec<bool>,
}

impl TermSpec for SelectiveSpec {
    fn id(&self) -> &'static str {
        "selective"
    }

    fn about(&self) -> &'static str {
        "regression to the teacher's embedding of the faces a graph energy selects"
    }

    fn source(&self) -> &'static str {
        "arXiv 1811.09998 (selection reconstructed)"
    }

    fn needs(&self) -> Needs {
        Needs { embedding: true, labels: true, teacher: true, memory: true, ..Needs::default() }
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
        check(self.id(), "neighbours", (1..=1000).contains(&settings.neighbours), || {
            format!("expected 1 to 1000, found {}", settings.neighbours)
        })?;
        within(self.id(), "typical", settings.typical, 0.0, 1.0)?;
        within(self.id(), "between", settings.between, 0.0, f64::INFINITY)?;
        within(self.id(), "within", settings.within, 0.0, f64::INFINITY)?;
        let classes = context.classes(self.id())?;
        let length = context.target(self.id())?.embedding;
        let projection = Projection::new(self.id(), settings.project, context)?;
        let spec = |name: &str, length: usize| TensorSpec {
            name: name.into(),
            shape: vec![length],
            kind: TensorKind::RunningMean,
        };
        let specs =
            vec![spec("chosen", context.pictures), spec("mean", length), spec("deviation", length)];
        let tensors = context.parameters(self.id(), specs, Init::Torch);
        let gathered = vec![None; context.pictures];
        let chosen = Vec::new();
        Ok(Box::new(Selective { settings, projection, classes, length, gathered, tensors, chosen }))
    }
}

impl Selective {
    fn keep(&mut self, index: usize, values: Vec<f32>) {
        let parameter = self.tensors.at_mut(index);
        let data = TensorData::new(values, [parameter.spec.len()]);
        parameter.set(Tensor::from_data(data, &parameter.value.device()));
    }

    fn missing(&self) -> DistilError {
        DistilError::Need {
            owner: self.name().into(),
            need: "a pass over the training set in which faces are selected".into(),
            found: "none was made".into(),
            remedy: "let the stage make the passes the term asks for".into(),
        }
    }
}

impl Term for Selective {
    fn name(&self) -> &str {
        SelectiveSpec.id()
    }

    fn passes(&self) -> usize {
        1
    }

    fn observe(&mut self, target: &Knowledge, batch: &Batch) -> Result<(), DistilError> {
        let x = target.embedding.clone().detach();
        batch.labels(self.name(), x.dims()[0], self.classes)?;
        let values = read("embeddings", &x)?;
        let seen = batch.indices.iter().zip(&batch.labels).zip(values.chunks(self.length));
        for ((&picture, &label), row) in seen {
            if let Some(place) = self.gathered.get_mut(picture) {
                *place = Some((row.to_vec(), label));
            }
        }
        Ok(())
    }

    fn conclude(&mut self) -> Result<Vec<String>, DistilError> {
        let gathered = std::mem::take(&mut self.gathered);
        let seen: Vec<usize> = (0..gathered.len()).filter(|&at| gathered[at].is_some()).collect();
        let list: Vec<&(Vec<f32>, usize)> = gathered.iter().flatten().collect();
        if list.is_empty() {
            return Err(self.missing());
        }
        let column = |d: usize| list.iter().map(move |(row, _)| f64::from(row[d]));
        let n = list.len() as f64;
        let means: Vec<f64> = (0..self.length).map(|d| column(d).sum::<f64>() / n).collect();
        let deviation = |d: usize| {
            let squares: f64 = column(d).map(|x| (x - means[d]).powi(2)).sum();
            (squares / n).sqrt().max(1e-6) as f32
        };
        let deviations = (0..self.length).map(deviation).collect();
        let flat: Vec<f32> = list.iter().flat_map(|(row, _)| row.iter().copied()).collect();
        let device = self.tensors.at(0).value.device();
        let flat =
            Tensor::<2>::from_data(TensorData::new(flat, [list.len(), self.length]), &device);
        let unit = read("embeddings", &rows(flat, EPS))?;
        let labels: Vec<usize> = list.iter().map(|(_, label)| *label).collect();
        let Settings { neighbours, typical, between, within, .. } = self.settings;
        let energy = Energy::new(&unit, &labels, neighbours, typical, [between, within]);
        let Selection { chosen, before, after, sweeps } = energy.descend();
        let mut by_picture = vec![0.0; self.tensors.at(0).spec.len()];
        for (&picture, &chosen) in seen.iter().zip(&chosen) {
            by_picture[picture] = f32::from(u8::from(chosen));
        }
        self.keep(0, by_picture);
        self.keep(1, means.iter().map(|&mean| mean as f32).collect());
        self.keep(2, deviations);
        let count = chosen.iter().filter(|&&chosen| chosen).count();
        Ok(vec![format!(
            "selected {count} of {} faces; energy {before:.4} before, {after:.4} after {sweeps} \
             sweeps",
            chosen.len()
        )])
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        if self.chosen.is_empty() {
            let kept = read("chosen", &self.tensors.at(0).value)?;
            self.chosen = kept.iter().map(|&chosen| chosen > 0.0).collect();
        }
        if !self.chosen.contains(&true) {
            self.chosen.clear();
            return Err(self.missing());
        }
        let f = target(self.name(), teacher)?.embedding.clone();
        let of = |index: usize| self.tensors.at(index).value.clone().unsqueeze::<2>();
        let f = (f - of(1)) / of(2);
        let g = self.projection.apply(student.embedding.clone());
        let weight =
            |&picture: &usize| self.chosen.get(picture).map_or(0.0, |&a| f32::from(u8::from(a)));
        let weights: Vec<f32> = batch.indices.iter().map(weight).collect();
        let count = weights.iter().sum::<f32>().max(1.0);
        let weights = TensorData::new(weights, [batch.indices.len(), 1]);
        let weights = Tensor::<2>::from_data(weights, &g.device());
        Ok(((g - f).square().mean_dim(1) * weights).sum().div_scalar(f64::from(count)))
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        let mut all = self.projection.parameters_mut();
        all.push(&mut self.tensors);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::StreamShapes;
    use crate::testing::{context, device, scalar};

    #[test]
    fn only_selected_faces_count() {
        let shapes = StreamShapes::embedding_only(2);
        let settings = "neighbours = 2\ntypical = 0.5".parse().unwrap();
        let mut term = SelectiveSpec.build(&settings, &context(&shapes, Some(&shapes))).unwrap();
        let rows = [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9], [0.7, 0.7], [0.6, 0.7]];
        let seen = Knowledge::from_embedding(Tensor::from_floats(rows, &device()));
        let batch = Batch::first(vec![0, 0, 1, 1, 0, 1], (0..6).collect(), &device());
        assert!(term.loss(&seen, Some(&seen), &batch).is_err());
        term.observe(&seen, &batch).unwrap();
        let remarks = term.conclude().unwrap();
        assert!(remarks[0].contains("of 6 faces; energy"), "{remarks:?}");
        let whole = scalar(&term.loss(&seen, Some(&seen), &batch).unwrap());
        assert!(whole > 0.0);
        // The two faces between both identities are no one's example.
        let odd = Batch::first(vec![0, 1], vec![4, 5], &device());
        let odd_seen = Knowledge::from_embedding(seen.embedding.narrow(0, 4, 2));
        assert_eq!(scalar(&term.loss(&odd_seen, Some(&odd_seen), &odd).unwrap()), 0.0);
    }
}
