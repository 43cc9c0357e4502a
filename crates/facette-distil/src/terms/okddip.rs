//! OKDDip: peers on a shared trunk learn from each other by attention, and a leader from their mean.
//!
//! ```text
//! a_ij = softmax_j( (W_q f_i) . (W_k f_j) )      t_i = sum_j a_ij z_j        f, z: features and scores of the peers
//! L    = sum_i CE(z_i, y) + CE(z_l, y) + w(e) T^2 ( sum_i KL( p(t_i; T) || p(z_i; T) ) + KL( p(mean_i z_i; T) || p(z_l; T) ) )
//! ```
//!
//! Source: Chen et al. 2020 (AAAI, arXiv 1912.00350), in the form of DefangChen/OKDDip-AAAI2020 `train_GL.py`:
//! four branches of which one leads, T = 3, w ramped up over 80 epochs, queries and keys an eighth as long as the
//! features, gradient to both sides (`detach` stops it at the targets). The leader is the network, which is kept;
//! the peers are copies of its last stage.

use burn::tensor::{Tensor, activation};
use facette_graph::{TensorKind, TensorSpec};
use facette_nets::{Init, Knowledge, Parameters, Wanted};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::branches::{Branches, Together, agreement, hard_labels, mean, scores};
use crate::error::DistilError;
use crate::settings::{self, check};
use crate::term::{Context, Needs, Term, TermSpec};

/// Whom each peer listens to, `[n, m, m]`: `features` `[n, d]` of `m` peers, `query` and `key` `[e, d]`.
pub fn attention(features: &[Tensor<2>], query: Tensor<2>, key: Tensor<2>) -> Tensor<3> {
    let project = |weight: Tensor<2>| {
        let one = |x: &Tensor<2>| {
            let rows = x.clone().matmul(weight.clone().transpose());
            let [n, e] = rows.dims();
            rows.reshape([n, 1, e])
        };
        Tensor::cat(features.iter().map(one).collect(), 1)
    };
    activation::softmax(project(query).matmul(project(key).swap_dims(1, 2)), 2)
}

/// What each peer is taught, `[n, k]`: the scores `[n, k]` of all by its attention.
pub fn targets(scores: &[Tensor<2>], attention: Tensor<3>) -> Vec<Tensor<2>> {
    let [n, m, _] = attention.dims();
    let taught = |peer: usize| {
        let row = attention.clone().narrow(1, peer, 1).reshape([n, m]);
        let heard = scores.iter().enumerate().map(|(j, z)| z.clone() * row.clone().narrow(1, j, 1));
        heard.reduce(|a, b| a + b).expect("there are peers")
    };
    (0..scores.len()).map(taught).collect()
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Settings {
    #[serde(flatten)]
    together: Together,
    /// Length of features over that of queries and keys.
    factor: usize,
    /// Whether gradient is stopped at the targets.
    detach: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let together = Together { branches: 4, temperature: 3.0, weight: 1.0, ramp: 80 };
        Self { together, factor: 8, detach: false }
    }
}

impl Settings {
    /// # Errors
    /// If a setting is unknown or impossible.
    fn read(given: &toml::Table) -> Result<Self, DistilError> {
        let id = OkddipSpec.id();
        let settings: Self = settings::read(id, given)?;
        settings.together.check(id)?;
        check(id, "branches", settings.together.branches > 2, || {
            "expected 3 or more: a leader and two peers".into()
        })?;
        check(id, "factor", settings.factor > 0, || "expected 1 or more".into())?;
        Ok(settings)
    }
}

/// The entry `okddip`.
pub struct OkddipSpec;

struct Okddip {
    settings: Settings,
    peers: Branches,
    /// Query and key.
    projections: Parameters,
}

impl TermSpec for OkddipSpec {
    fn id(&self) -> &'static str {
        "okddip"
    }

    fn about(&self) -> &'static str {
        "peers on a shared trunk learn from each other by attention, a leader from their mean"
    }

    fn source(&self) -> &'static str {
        "arXiv 1912.00350; DefangChen/OKDDip-AAAI2020 train_GL.py"
    }

    fn needs(&self) -> Needs {
        Needs { logits: true, stages: true, embedding: true, labels: true, ..Needs::default() }
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults::<Settings>()
    }

    fn effective(&self, given: &toml::Table) -> Result<toml::Table, DistilError> {
        Ok(settings::table(&Settings::read(given)?))
    }

    fn build(
        &self,
        given: &toml::Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Term>, DistilError> {
        let settings = Settings::read(given)?;
        let peers = Branches::new(self.id(), settings.together.branches - 1, context)?;
        let length = context.student.embedding;
        let spec = |name: &str| TensorSpec {
            name: format!("{name}.weight"),
            shape: vec![(length / settings.factor).max(1), length],
            kind: TensorKind::Weight,
        };
        let specs = vec![spec("query"), spec("key")];
        let projections = context.parameters(self.id(), specs, Init::Torch);
        Ok(Box::new(Okddip { settings, peers, projections }))
    }
}

impl Term for Okddip {
    fn name(&self) -> &str {
        OkddipSpec.id()
    }

    fn wanted(&self) -> Wanted {
        Wanted { stages: true, ..Wanted::default() }
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        _target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let copies = self.peers.forward(OkddipSpec.id(), student)?;
        let scores = scores(self.name(), &copies, student)?;
        let labels = self.peers.labels(self.name(), student, batch)?;
        let peers = &scores[..copies.len()];
        let features: Vec<Tensor<2>> = copies.iter().map(|copy| copy.embedding.clone()).collect();
        let [query, key] = [0, 1].map(|index| self.projections.at(index).shaped::<2>());
        let mut targets = targets(peers, attention(&features, query, key));
        targets.push(mean(peers));
        if self.settings.detach {
            targets = targets.into_iter().map(Tensor::detach).collect();
        }
        let together = &self.settings.together;
        let soft = agreement(&scores, &targets, together.temperature);
        Ok(hard_labels(&scores, &labels) + soft.mul_scalar(together.weight_at(batch.epoch)))
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        self.peers.parameters_mut().into_iter().chain([&mut self.projections]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, values};

    #[test]
    fn a_peer_listens_to_those_its_query_matches() {
        let row = |a: f32, b: f32| Tensor::<2>::from_floats([[a, b]], &device());
        let identity = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 1.0]], &device());
        // The first peer is at right angles to the second, and listens to itself by e^4 to 1.
        let features = [row(2.0, 0.0), row(0.0, 0.0)];
        let heard = attention(&features, identity.clone(), identity);
        let first = 4f64.exp() / (4f64.exp() + 1.0);
        let found = values(&heard);
        for (found, expected) in found.iter().zip([first, 1.0 - first, 0.5, 0.5]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        let taught = targets(&[row(1.0, 0.0), row(0.0, 1.0)], heard);
        assert!((values(&taught[0])[0] - first).abs() < 1e-6);
        assert_eq!(values(&taught[1]), [0.5, 0.5]);
    }
}
