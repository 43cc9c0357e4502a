//! Proxyless distillation: the student's embeddings classified by the teacher's frozen class weights.
//!
//! ```text
//! L = ArcFace( P f_s, W_t, y )               W_t: inherited, frozen
//! ```
//!
//! Nothing else ties the student to the teacher, so its embeddings come to live in the teacher's space. Source: Shi et
//! al. 2020 (arXiv 2011.00265), of which the abstract was at hand: scale 64, margin 0.5. How `W_t` is
//! made where the teacher has none `heads/inherited.rs` says. `P` is a learned linear map where lengths differ, best
//! avoided by an embedding of the teacher's length.

use burn::tensor::Tensor;
use facette_nets::{Knowledge, Parameters};
use serde::{Deserialize, Serialize};

use super::arcface::{ArcFaceForm, arcface};
use super::inherited::{Fit, Inherited};
use crate::batch::Batch;
use crate::error::DistilError;
use crate::settings;
use crate::term::{Context, Needs, Term, TermSpec};
use crate::terms::cross_entropy::cross_entropy;

/// Settings of the term; scale and margin serve the fit and the student.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Settings {
    #[serde(flatten)]
    fit: Fit,
}

/// The entry `proxyless`.
pub struct ProxylessSpec;

struct Proxyless {
    fit: Fit,
    inherited: Inherited,
}

impl TermSpec for ProxylessSpec {
    fn id(&self) -> &'static str {
        "proxyless"
    }

    fn about(&self) -> &'static str {
        "a margin softmax of the student's embeddings by the teacher's frozen class weights"
    }

    fn source(&self) -> &'static str {
        "arXiv 2011.00265 (details reconstructed)"
    }

    fn needs(&self) -> Needs {
        Needs { embedding: true, labels: true, teacher: true, ..Needs::default() }
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults::<Settings>()
    }

    fn build(
        &self,
        given: &toml::Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Term>, DistilError> {
        let Settings { fit } = settings::read(self.id(), given)?;
        fit.check(self.id())?;
        let inherited = Inherited::new(self.id(), fit.clone(), context)?;
        Ok(Box::new(Proxyless { fit, inherited }))
    }
}

impl Term for Proxyless {
    fn name(&self) -> &str {
        ProxylessSpec.id()
    }

    fn passes(&self) -> usize {
        self.inherited.passes()
    }

    fn observe(&mut self, target: &Knowledge, batch: &Batch) -> Result<(), DistilError> {
        self.inherited.observe(ProxylessSpec.id(), target, batch)
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        _target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let (weight, x) = self.inherited.sides(ProxylessSpec.id(), student)?;
        let labels = batch.labels(self.name(), x.dims()[0], self.inherited.classes())?;
        let Fit { scale, margin, .. } = self.fit;
        let form = ArcFaceForm::Fallback;
        let scores = arcface(x, weight, labels.clone(), scale, margin, form);
        Ok(cross_entropy(scores, labels, 0.0))
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        self.inherited.parameters_mut()
    }
}
