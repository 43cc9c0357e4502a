//! The baselines every comparison holds a method against: one more term beside labels and soft logits.
//!
//! ```text
//! L = gamma CE(z_s, y) + alpha T^2 KL( p(z_t; T) || p(z_s; T) ) + sum_i beta_i term_i
//! ```
//!
//! Source: HobbitLong/RepDistiller `train_student.py` with the weights of its
//! `scripts/run_cifar_distill.sh`: gamma 1, alpha 0, and the beta each entry names. What a term
//! is, its own file in [`crate::terms`] says.

use serde::{Deserialize, Serialize};
use toml::Table;

use crate::error::DistilError;
use crate::method::{Kind, Method, MethodSpec, Stream};
use crate::settings;
use crate::term::{Context, Needs};
use crate::weighted::Weighted;

/// A baseline: its terms and their published weights.
pub struct Baseline {
    id: &'static str,
    about: &'static str,
    source: &'static str,
    terms: &'static [(&'static str, f64)],
}

/// FitNet's hints.
pub const FITNET: Baseline = Baseline {
    id: "fitnet",
    about: "the map of one stage, regressed, beside the labels",
    source: "arXiv 1412.6550; HobbitLong/RepDistiller",
    terms: &[("fitnet", 100.0)],
};

/// Attention transfer.
pub const AT: Baseline = Baseline {
    id: "at",
    about: "where in the picture the teacher is active, beside the labels",
    source: "arXiv 1612.03928; HobbitLong/RepDistiller",
    terms: &[("at", 1000.0)],
};

/// Similarity preservation.
pub const SP: Baseline = Baseline {
    id: "sp",
    about: "which pictures excite the last stage alike, beside the labels",
    source: "arXiv 1907.09682; HobbitLong/RepDistiller",
    terms: &[("sp", 3000.0)],
};

/// RepDistiller's correlation.
pub const CC: Baseline = Baseline {
    id: "cc",
    about: "errors of neighbouring pictures in a learned space, beside the labels",
    source: "HobbitLong/RepDistiller",
    terms: &[("cc", 0.02)],
};

/// Correlation congruence.
pub const CCKD: Baseline = Baseline {
    id: "cckd",
    about: "Gaussian kernel matrices of the batch, beside the labels",
    source: "arXiv 1904.01802 with RepDistiller's weight of its surrogate",
    terms: &[("cckd", 0.02)],
};

/// Variational information distillation.
pub const VID: Baseline = Baseline {
    id: "vid",
    about: "maps that predict the teacher's, beside the labels",
    source: "arXiv 1904.05835; HobbitLong/RepDistiller",
    terms: &[("vid", 1.0)],
};

/// Relational distillation.
pub const RKD: Baseline = Baseline {
    id: "rkd",
    about: "relative distances and angles of the batch, beside the labels",
    source: "arXiv 1904.05068; HobbitLong/RepDistiller",
    terms: &[("rkd_distance", 25.0), ("rkd_angle", 50.0)],
};

/// Probabilistic knowledge transfer.
pub const PKT: Baseline = Baseline {
    id: "pkt",
    about: "who is near whom in the batch, beside the labels",
    source: "arXiv 1803.10837; HobbitLong/RepDistiller",
    terms: &[("pkt", 30000.0)],
};

/// Neuron selectivity transfer.
pub const NST: Baseline = Baseline {
    id: "nst",
    about: "what channels respond to, beside the labels",
    source: "arXiv 1707.01219; HobbitLong/RepDistiller",
    terms: &[("nst", 50.0)],
};

/// Contrastive representation distillation.
pub const CRD: Baseline = Baseline {
    id: "crd",
    about: "the teacher's view of a picture told from others', beside the labels",
    source: "arXiv 1910.10699; HobbitLong/RepDistiller",
    terms: &[("crd", 0.8)],
};

/// Decoupled distillation.
pub const DKD: Baseline = Baseline {
    id: "dkd",
    about: "the label's probability and the rest's ranking apart, beside the labels",
    source: "arXiv 2203.08679; megvii-research/mdistiller",
    terms: &[("dkd", 1.0)],
};

/// Settings of the method.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Weight of the labels.
    gamma: f64,
    /// Weight of the soft logits.
    alpha: f64,
    temperature: f64,
    terms: Vec<Weighted>,
}

impl Baseline {
    fn published(&self) -> Settings {
        let terms = self.terms.iter().map(|&(term, beta)| Weighted::new(term, beta)).collect();
        Settings { gamma: 1.0, alpha: 0.0, temperature: 4.0, terms }
    }

    fn read(&self, given: &Table) -> Result<Settings, DistilError> {
        let settings = settings::read_over(self.id, &self.published(), given)?;
        settings::within(self.id, "gamma", settings.gamma, 0.0, f64::INFINITY)?;
        settings::within(self.id, "alpha", settings.alpha, 0.0, f64::INFINITY)?;
        settings::positive(self.id, "temperature", settings.temperature)?;
        let full =
            |(index, term): (usize, &Weighted)| term.in_full(self.id, &format!("terms.{index}"));
        let terms = settings.terms.iter().enumerate().map(full).collect::<Result<_, _>>()?;
        Ok(Settings { terms, ..settings })
    }
}

impl MethodSpec for Baseline {
    fn id(&self) -> &'static str {
        self.id
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn source(&self) -> &'static str {
        self.source
    }

    fn kind(&self) -> Kind {
        Kind::Offline
    }

    fn needs(&self) -> Needs {
        let of = |name: &str| crate::registry::find_term(name).map(|term| term.needs());
        let own = Needs { logits: true, labels: true, teacher: true, ..Needs::default() };
        self.terms.iter().filter_map(|(name, _)| of(name).ok()).fold(own, Needs::or)
    }

    fn defaults(&self) -> Table {
        settings::table(&self.published())
    }

    fn effective(&self, given: &Table) -> Result<Table, DistilError> {
        Ok(settings::table(&self.read(given)?))
    }

    fn streams(&self, given: &Table) -> Result<Vec<Stream>, DistilError> {
        self.read(given)?;
        Ok(vec![Stream::teacher(), Stream::student()])
    }

    fn build(&self, given: &Table, contexts: &[Context<'_>]) -> Result<Method, DistilError> {
        let Settings { gamma, alpha, temperature, terms } = self.read(given)?;
        let [_, student] = crate::method::contexts(self.id, contexts)?;
        let labels = Weighted::new("ce", gamma);
        let soft = Weighted::new("kd", alpha).with("temperature", temperature);
        let mut ties = Vec::new();
        ties.extend(labels.tie(1, None, student)?);
        for term in [soft].iter().chain(&terms) {
            ties.extend(term.tie(1, Some(0), student)?);
        }
        Ok(Method { streams: vec![Stream::teacher(), Stream::student()], ties })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_may_be_changed_and_unknown_terms_are_named() {
        let full = RKD.effective(&"alpha = 0.9".parse().unwrap()).unwrap();
        assert_eq!(full["alpha"].as_float(), Some(0.9));
        assert_eq!(full["terms"].as_array().map(Vec::len), Some(2));
        let odd = "terms = [{ term = 'rkd_distanse' }]".parse().unwrap();
        let message = RKD.effective(&odd).unwrap_err().to_string();
        assert!(message.contains("did you mean \"rkd_distance\""), "{message}");
        assert!(AT.needs().stages && !PKT.needs().stages);
    }
}
