//! Networks, students and ONNX models as what protocols judge.

use std::error::Error;

use anyhow::Context;
use burn::tensor::{Tensor, TensorData};
use facette_eval::Embedder;
use facette_image::View;
use facette_nets::{Network, OnnxModel, read};
use facette_runtime::{Recognizer, RuntimeError, Scratch};
use rayon::prelude::*;

/// A network in training, read at its embedding or at its class scores.
pub(crate) struct OfNetwork<'a> {
    network: Network,
    view: &'a View,
    logits: bool,
    dim: usize,
}

impl<'a> OfNetwork<'a> {
    /// `network` must be without autodiff and take what `view` makes.
    ///
    /// # Errors
    /// If class scores are wanted and it has none.
    pub(crate) fn new(network: Network, view: &'a View, logits: bool) -> anyhow::Result<Self> {
        let dim = match logits {
            true => network.classes().context(
                "the model scores no classes; set `classifier = true` under [student] of its \
                 recipe, or judge it by another protocol",
            )?,
            false => network.embedding_dim(),
        };
        Ok(Self { network, view, logits, dim })
    }
}

impl Embedder for OfNetwork<'_> {
    fn input(&self) -> &View {
        self.view
    }

    fn dim(&self) -> usize {
        self.dim
    }

    fn embed(
        &mut self,
        planes: &[f32],
        count: usize,
    ) -> Result<Vec<f32>, Box<dyn Error + Send + Sync>> {
        let shape = [count, self.view.planes(), self.view.size.height, self.view.size.width];
        let data = TensorData::new(planes.to_vec(), shape);
        let knowledge = self.network.infer(Tensor::from_data(data, self.network.device()));
        let rows = match (self.logits, knowledge.logits) {
            (true, Some(logits)) => logits,
            _ => knowledge.embedding,
        };
        Ok(read("embedding", &rows)?)
    }
}

/// A student, run by the runtime on all threads.
pub(super) struct OfStudent<'a> {
    recognizer: Recognizer,
    scratches: Vec<Scratch>,
    view: &'a View,
}

impl<'a> OfStudent<'a> {
    /// `recognizer` must take what `view` makes.
    pub(super) fn new(recognizer: Recognizer, view: &'a View) -> Self {
        let threads = rayon::current_num_threads();
        let scratches = (0..threads).map(|_| recognizer.scratch(Scratch::MOST)).collect();
        Self { recognizer, scratches, view }
    }
}

impl Embedder for OfStudent<'_> {
    fn input(&self) -> &View {
        self.view
    }

    fn dim(&self) -> usize {
        self.recognizer.dim()
    }

    fn embed(
        &mut self,
        planes: &[f32],
        count: usize,
    ) -> Result<Vec<f32>, Box<dyn Error + Send + Sync>> {
        let (len, dim) = (self.view.len(), self.dim());
        let mut rows = vec![0.0; count * dim];
        let share = count.div_ceil(self.scratches.len()).max(1);
        let parts = planes.par_chunks(share * len).zip(rows.par_chunks_mut(share * dim));
        parts.zip(&mut self.scratches).try_for_each(|((planes, rows), scratch)| {
            let count = rows.len() / dim;
            self.recognizer.embed_planes(scratch, planes, count, rows)?;
            Ok::<(), RuntimeError>(())
        })?;
        Ok(rows)
    }
}

/// An ONNX model.
pub(super) struct OfOnnx<'a> {
    pub(super) model: &'a OnnxModel,
    pub(super) view: &'a View,
}

impl Embedder for OfOnnx<'_> {
    fn input(&self) -> &View {
        self.view
    }

    fn dim(&self) -> usize {
        self.model.dim()
    }

    fn embed(
        &mut self,
        planes: &[f32],
        count: usize,
    ) -> Result<Vec<f32>, Box<dyn Error + Send + Sync>> {
        Ok(self.model.run(planes, count)?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use burn::tensor::Device;
    use facette_data::Source;
    use facette_graph::{Card, ChannelOrder, InputCard, Norm};
    use facette_nets::{Init, NetOptions};

    use super::*;
    use crate::model::{Model, Precision, Preprocessing, open};

    /// Planes of drawn faces as `view` makes them.
    fn drawn(view: &View, count: usize) -> Vec<f32> {
        let mut planes = vec![0.0; count * view.len()];
        let people = Source::new("synthetic", None).with("identities", count as i64);
        let people = people.with("shots", 1).with("size", 112).open().unwrap();
        for (i, planes) in planes.chunks_exact_mut(view.len()).enumerate() {
            view.clean(&people.picture(i).unwrap(), false, planes).unwrap();
        }
        planes
    }

    fn cosine(a: &[f32], b: &[f32]) -> f64 {
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
        };
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    }

    /// Whether both are the same within 1e-5 of the largest value.
    fn near(found: &[f32], expected: &[f32]) -> bool {
        let largest = expected.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
        let apart = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5 * largest;
        found.len() == expected.len() && found.iter().zip(expected).all(apart)
    }

    #[test]
    fn class_scores_are_those_of_the_network() {
        let graph = facette_nets::build("few-shot", &NetOptions::new(16).classes(5)).unwrap();
        let network = Network::new(graph.clone(), Init::Torch, 1, "classes", &Device::flex());
        let network = network.unwrap();
        let input = InputCard {
            width: 16,
            height: 16,
            channels: ChannelOrder::Rgb,
            mean: vec![0.5; 3],
            std: vec![0.5; 3],
            resize: "area".to_owned(),
            template: "none".to_owned(),
        };
        let card = Card::new(graph, BTreeMap::new(), input, Norm::L2, "for tests").unwrap();
        let file = network.to_student_file(card).unwrap();
        let model = Model::of_student("classes".to_owned(), 0, file, Precision::Auto).unwrap();
        let planes = drawn(model.view(), 3);
        let mut network = OfNetwork::new(network, model.view(), true).unwrap();
        let found = model.embedder(true).unwrap().embed(&planes, 3).unwrap();
        assert!(near(&found, &network.embed(&planes, 3).unwrap()));
        assert_eq!(found.len(), 15);
    }

    #[test]
    fn students_are_judged_as_they_were_trained() {
        for name in ["facette-16", "facette-32"] {
            let of = |precision| open(Some(name), None, &Preprocessing::default(), precision);
            let float = of(Precision::F32).unwrap();
            let planes = drawn(float.view(), 7);
            let network = Network::load(float.student().unwrap(), &Device::flex()).unwrap();
            let mut network = OfNetwork::new(network, float.view(), false).unwrap();
            let expected = network.embed(&planes, 7).unwrap();
            let found = float.embedder(false).unwrap().embed(&planes, 7).unwrap();
            assert!(near(&found, &expected), "{name}");

            let small = of(Precision::Auto).unwrap();
            assert_eq!(small.info().unwrap().precision.as_deref(), Some("int8"), "{name}");
            let bytes = small.embedder(false).unwrap().embed(&planes, 7).unwrap();
            let dim = small.embedder(false).unwrap().dim();
            for (a, b) in expected.chunks_exact(dim).zip(bytes.chunks_exact(dim)) {
                assert!(cosine(a, b) > 0.98, "{name}: {}", cosine(a, b));
            }
            assert_ne!(bytes, found, "{name}");
            assert!(small.embedder(true).is_err(), "{name} scores no classes");
        }
    }
}
