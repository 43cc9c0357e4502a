//! Running a case through a term of the registry, as training would.

use burn::tensor::Tensor;
use facette_distil::{Batch, Context, Needs, StreamShapes, Term, find_term};
use facette_graph::Shape;
use facette_nets::Knowledge;
use toml::Table;

use crate::case::Case;

/// Shapes of a stream that yields `knowledge`.
pub(crate) fn shapes(knowledge: &Knowledge) -> StreamShapes {
    let shape = |map: &Tensor<4>| {
        let [_, channels, height, width] = map.dims();
        Shape { channels, height, width }
    };
    StreamShapes {
        stem: knowledge.stem.as_ref().map(shape),
        stages: knowledge.stages.iter().map(shape).collect(),
        embedding: knowledge.embedding.dims()[1],
        classes: knowledge.logits.as_ref().map(|z| z.dims()[1]),
    }
}

/// Knowledge of only these class scores.
pub(crate) fn scores(logits: Tensor<2>) -> Knowledge {
    let embedding = Tensor::zeros([logits.dims()[0], 1], &logits.device());
    Knowledge { logits: Some(logits), ..Knowledge::from_embedding(embedding) }
}

/// Knowledge of only these maps, before and after the activation alike.
pub(crate) fn maps(stages: Vec<Tensor<4>>) -> Knowledge {
    let embedding = Tensor::zeros([stages[0].dims()[0], 1], &stages[0].device());
    let before_activation = stages.clone();
    Knowledge { stages, before_activation, ..Knowledge::from_embedding(embedding) }
}

/// A term under test with what it reads.
pub(crate) struct Through<'a> {
    pub(crate) case: &'a Case,
    pub(crate) term: Box<dyn Term>,
    pub(crate) student: Knowledge,
    pub(crate) target: Option<Knowledge>,
    pub(crate) batch: Batch,
}

impl<'a> Through<'a> {
    /// The term `id` with `settings` (TOML) for what student and target yield.
    pub(crate) fn new(
        case: &'a Case,
        id: &str,
        settings: &str,
        student: Knowledge,
        target: Option<Knowledge>,
        classes: Option<usize>,
    ) -> Self {
        let settings: Table = settings.parse().expect("settings are TOML");
        let (own, other) = (shapes(&student), target.as_ref().map(shapes));
        let context = Context {
            student: &own,
            target: other.as_ref(),
            left: None,
            network: None,
            classes,
            domains: &[],
            pictures: 1000,
            device: &case.device,
            stream: "student",
            seed: 0,
        };
        let spec = find_term(id).expect("runners name terms of the registry");
        let needs: Needs = spec.needs();
        let labels = if needs.labels { case.labels("in/labels") } else { Vec::new() };
        let count = student.embedding.dims()[0];
        let batch = Batch::first(labels, (0..count).collect(), &case.device);
        let term = spec.build(&settings, &context).unwrap_or_else(|e| panic!("{id}: {e}"));
        Self { case, term, student, target, batch }
    }

    /// Gives the term's tensors the values of the case: `(tensor of the term, tensor of the case)`.
    pub(crate) fn give(mut self, names: &[(&str, &str)]) -> Self {
        for (own, given) in names {
            self.set(own, self.case.values(given).to_vec());
        }
        self
    }

    /// Gives one tensor of the term these values.
    pub(crate) fn set(&mut self, name: &str, values: Vec<f32>) {
        let mut lists = self.term.parameters_mut();
        let list = lists.iter_mut().find(|list| list.get(name).is_some());
        let list = list.unwrap_or_else(|| panic!("the term has no tensor {name}"));
        list.set(name, values).expect("the case fits the term");
    }

    /// A tensor of the term.
    pub(crate) fn tensor(&mut self, name: &str) -> Tensor<1> {
        let lists = self.term.parameters_mut().into_iter();
        let found = lists.filter_map(|list| list.get(name).map(|p| p.value.clone())).next();
        found.unwrap_or_else(|| panic!("the term has no tensor {name}"))
    }

    /// What the term does after a step of the optimiser.
    pub(crate) fn after_step(&mut self) {
        let target = self.target.clone().map(Knowledge::detach);
        let done = self.term.after_step(&self.student, target.as_ref(), &self.batch);
        done.unwrap_or_else(|e| panic!("{}: {e}", self.term.name()));
    }

    /// The loss; records the leaves of learned tensors `(tensor of the term, name in gradients)`.
    pub(crate) fn loss(&mut self, names: &[(&str, &str)]) -> Tensor<1> {
        let target = self.target.clone().map(Knowledge::detach);
        let loss = self.term.loss(&self.student, target.as_ref(), &self.batch);
        for (own, name) in names {
            self.case.record(name, self.tensor(own));
        }
        loss.unwrap_or_else(|e| panic!("{}: {e}", self.term.name()))
    }
}
