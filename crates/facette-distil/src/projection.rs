//! A training-only linear map from the student's embedding to the target's length.

use burn::tensor::Tensor;
use facette_graph::{TensorKind, TensorSpec};
use facette_nets::{Init, Parameters};
use serde::{Deserialize, Serialize};

use crate::error::DistilError;
use crate::term::Context;

/// Whether the student's embedding is mapped before it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Project {
    /// Where the lengths differ.
    Auto,
    /// Never; lengths that differ are refused.
    None,
    /// Always.
    Linear,
}

/// `x W^T` without bias, `W` `[d_t, d_s]`, or nothing. There is no bias because what is compared
/// after training is the embedding itself, whose cosines a shift would not carry over to.
pub(crate) struct Projection {
    parameters: Option<Parameters>,
}

impl Projection {
    /// # Errors
    /// If there is no target, or lengths differ and no map is wanted.
    pub(crate) fn new(
        owner: &str,
        project: Project,
        context: &Context<'_>,
    ) -> Result<Self, DistilError> {
        let (from, to) = (context.student.embedding, context.target(owner)?.embedding);
        let map = match project {
            Project::Auto => from != to,
            Project::Linear => true,
            Project::None if from == to => false,
            Project::None => {
                return Err(DistilError::Need {
                    owner: owner.to_owned(),
                    need: "embeddings of equal length".into(),
                    found: format!("{from} of {:?} and {to} of its target", context.stream),
                    remedy: "set project = \"auto\" for a learned linear map, or change the \
                             embedding of the network"
                        .into(),
                });
            }
        };
        let spec = TensorSpec {
            name: "project.weight".into(),
            shape: vec![to, from],
            kind: TensorKind::Weight,
        };
        let parameters = map.then(|| context.parameters(owner, vec![spec], Init::Torch));
        Ok(Self { parameters })
    }

    /// `[n, d_s]` to `[n, d_t]`.
    pub(crate) fn apply(&self, x: Tensor<2>) -> Tensor<2> {
        match &self.parameters {
            None => x,
            Some(parameters) => x.matmul(parameters.at(0).shaped::<2>().transpose()),
        }
    }

    pub(crate) fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        self.parameters.iter_mut().collect()
    }
}
