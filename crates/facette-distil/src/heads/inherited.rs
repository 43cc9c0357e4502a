//! Class weights inherited from a teacher: fitted to its embeddings before the first step, then frozen.
//!
//! A teacher that yields only embeddings has no class weights to inherit, so they are made: in a first pass over the
//! training set each starts as its class's mean, and in `passes` more momentum descent on ArcFace of the teacher's
//! embeddings moves them. Teachers with a classifier of their own are treated alike, because the inner product of a plain
//! softmax layer is no angle.

use burn::tensor::{IndexingUpdateOp, Tensor};
use facette_graph::{TensorKind, TensorSpec};
use facette_nets::{Init, Knowledge, Parameters, read};
use serde::{Deserialize, Serialize};

use super::arcface::{ArcFaceForm, arcface};
use crate::batch::Batch;
use crate::error::DistilError;
use crate::normalise::{EPS, rows};
use crate::projection::{Project, Projection};
use crate::settings::{check, positive, within};
use crate::term::Context;
use crate::terms::cross_entropy::cross_entropy;

/// Momentum of the descent.
const MOMENTUM: f64 = 0.9;

/// How class weights are fitted, and embeddings brought to their length.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Fit {
    pub(crate) scale: f64,
    /// Margin of the fit, radians.
    pub(crate) margin: f64,
    /// Passes over the training set in which the class weights learn.
    pub(crate) passes: usize,
    /// Their learning rate.
    pub(crate) rate: f64,
    pub(crate) project: Project,
}

impl Default for Fit {
    fn default() -> Self {
        Self { scale: 64.0, margin: 0.5, passes: 5, rate: 0.1, project: Project::Auto }
    }
}

impl Fit {
    /// # Errors
    /// If a setting is impossible.
    pub(crate) fn check(&self, owner: &str) -> Result<(), DistilError> {
        positive(owner, "scale", self.scale)?;
        within(owner, "margin", self.margin, 0.0, std::f64::consts::FRAC_PI_2)?;
        check(owner, "passes", self.passes <= 1000, || {
            format!("expected at most 1000, found {}", self.passes)
        })?;
        positive(owner, "rate", self.rate)
    }
}

/// Class weights `[classes, d_t]` that the student's optimiser leaves alone.
pub(crate) struct Inherited {
    fit: Fit,
    classes: usize,
    projection: Projection,
    /// The weights, and how many embeddings were seen of each class, as buffers.
    tensors: Parameters,
    momentum: Option<Tensor<2>>,
    ready: bool,
}

impl Inherited {
    /// # Errors
    /// If there is no teacher or the data has no labels.
    pub(crate) fn new(owner: &str, fit: Fit, context: &Context<'_>) -> Result<Self, DistilError> {
        let classes = context.classes(owner)?;
        let length = context.target(owner)?.embedding;
        let projection = Projection::new(owner, fit.project, context)?;
        let spec = |name: &str, shape| TensorSpec {
            name: name.into(),
            shape,
            kind: TensorKind::RunningMean,
        };
        let specs = vec![spec("inherited", vec![classes, length]), spec("seen", vec![classes, 1])];
        let tensors = context.parameters(owner, specs, Init::Torch);
        Ok(Self { fit, classes, projection, tensors, momentum: None, ready: false })
    }

    /// Passes over the training set that the fit takes.
    pub(crate) fn passes(&self) -> usize {
        1 + self.fit.passes
    }

    /// Learns from the embeddings of one batch; `batch.epoch` is the pass.
    ///
    /// # Errors
    /// If labels are missing or too large.
    pub(crate) fn observe(
        &mut self,
        owner: &str,
        target: &Knowledge,
        batch: &Batch,
    ) -> Result<(), DistilError> {
        let x = rows(target.embedding.clone().detach(), EPS);
        let labels = batch.labels(owner, x.dims()[0], self.classes)?;
        let (weight, seen) = (self.weight(), self.tensors.at(1).shaped::<2>());
        if batch.epoch == 0 {
            let ones = Tensor::ones([x.dims()[0], 1], &x.device());
            let sums = weight.select_assign(0, labels.clone(), x, IndexingUpdateOp::Add);
            self.keep(0, sums);
            self.keep(1, seen.select_assign(0, labels, ones, IndexingUpdateOp::Add));
            return Ok(());
        }
        // A sum points where its mean does; from here on lengths are 1.
        let leaf = rows(weight, EPS).detach().require_grad();
        let Fit { scale, margin, rate, .. } = self.fit;
        let form = ArcFaceForm::Fallback;
        let scores = arcface(x, leaf.clone(), labels.clone(), scale, margin, form);
        let mut grads = cross_entropy(scores, labels, 0.0).backward();
        let Some(grad) = leaf.grad_remove(&mut grads).map(Tensor::from_inner) else {
            return Ok(());
        };
        let moved = match self.momentum.take() {
            None => grad,
            Some(old) => old.mul_scalar(MOMENTUM) + grad,
        };
        self.keep(0, rows(leaf.detach() - moved.clone().mul_scalar(rate), EPS));
        self.momentum = Some(moved.detach());
        Ok(())
    }

    fn weight(&self) -> Tensor<2> {
        self.tensors.at(0).shaped::<2>()
    }

    fn keep(&mut self, index: usize, value: Tensor<2>) {
        let parameter = self.tensors.at_mut(index);
        parameter.set(value.reshape([parameter.spec.len()]));
    }

    /// The frozen class weights, and the student's embeddings in their space.
    ///
    /// # Errors
    /// If no pass was made.
    pub(crate) fn sides(
        &mut self,
        owner: &str,
        student: &Knowledge,
    ) -> Result<(Tensor<2>, Tensor<2>), DistilError> {
        if !self.ready {
            let seen = read("seen", &self.tensors.at(1).value)?;
            self.ready = seen.iter().any(|&count| count > 0.0);
        }
        match self.ready {
            true => Ok((self.weight(), self.projection.apply(student.embedding.clone()))),
            false => Err(DistilError::Need {
                owner: owner.to_owned(),
                need: "passes over the training set in which class weights are fitted".into(),
                found: "none was made".into(),
                remedy: "let the stage make the passes the term asks for".into(),
            }),
        }
    }

    /// Classes of the data.
    pub(crate) fn classes(&self) -> usize {
        self.classes
    }

    pub(crate) fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        let mut all = self.projection.parameters_mut();
        all.push(&mut self.tensors);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::StreamShapes;
    use crate::testing::{context, device, values};

    #[test]
    fn weights_start_at_class_means_and_turn_towards_their_classes() {
        let (own, teacher) = (StreamShapes::embedding_only(2), StreamShapes::embedding_only(2));
        let fit = Fit::default();
        let mut head = Inherited::new("proxyless", fit, &context(&own, Some(&teacher))).unwrap();
        let seen = Tensor::<2>::from_floats([[1.0, 0.0], [0.6, 0.8], [-1.0, 0.1]], &device());
        let seen = Knowledge::from_embedding(seen);
        let student = Knowledge::from_embedding(Tensor::ones([3, 2], &device()));
        assert!(head.sides("proxyless", &student).is_err());
        let mut batch = Batch::first(vec![0, 0, 1], vec![0, 1, 2], &device());
        head.observe("proxyless", &seen, &batch).unwrap();
        let first = values(&head.sides("proxyless", &student).unwrap().0);
        assert!((first[0] - 1.6).abs() < 1e-6 && (first[1] - 0.8).abs() < 1e-6, "{first:?}");
        for pass in 1..6 {
            batch.epoch = pass;
            head.observe("proxyless", &seen, &batch).unwrap();
        }
        let fitted = values(&head.sides("proxyless", &student).unwrap().0);
        let length = (fitted[0].powi(2) + fitted[1].powi(2)).sqrt();
        assert!((length - 1.0).abs() < 1e-5, "{fitted:?}");
        assert!(fitted[2] < -0.9, "{fitted:?}");
    }
}
