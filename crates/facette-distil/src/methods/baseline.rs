//! The baselines every comparison holds a method against: one more term beside labels and soft logits.
//!
//! ```text
//! L = gamma CE(z_s, y) + alpha T^2 KL( p(z_t; T) || p(z_s; T) ) + sum_i beta_i term_i
//! ```
//!
//! Source: HobbitLong/RepDistiller `train_student.py` with the weights of its
//! `scripts/run_cifar_distill.sh`: gamma 1, alpha 0, and the beta each entry names. What a term
//! is, its own file in [`crate::terms`] says; the entries stand in [`super::published`].

use serde::{Deserialize, Serialize};
use toml::Table;

use crate::error::DistilError;
use crate::method::{Kind, Method, MethodSpec, Stream};
use crate::settings;
use crate::term::{Context, Needs};
use crate::weighted::Weighted;

/// One term beside the labels: its name, its weight, and settings other than its defaults, as TOML.
pub(crate) type Part = (&'static str, f64, &'static str);

/// A baseline: its terms and their published weights.
pub struct Baseline {
    pub(crate) id: &'static str,
    pub(crate) about: &'static str,
    pub(crate) source: &'static str,
    /// Weight of the labels.
    pub(crate) gamma: f64,
    /// Weight of the soft logits.
    pub(crate) alpha: f64,
    pub(crate) temperature: f64,
    pub(crate) terms: &'static [Part],
    /// Whether the teacher moves along the way it came.
    pub(crate) route: bool,
    /// Whether virtual pictures are shown.
    pub(crate) mixes: bool,
}

/// What RepDistiller gives every term: the labels at full weight, no soft logits.
pub(crate) const PLAIN: Baseline = Baseline {
    id: "",
    about: "",
    source: "",
    gamma: 1.0,
    alpha: 0.0,
    temperature: 4.0,
    terms: &[],
    route: false,
    mixes: false,
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
        let weighted = |&(term, weight, settings): &Part| Weighted {
            term: term.to_owned(),
            weight,
            settings: settings.parse().expect("settings in the registry are TOML"),
        };
        let Self { gamma, alpha, temperature, .. } = *self;
        Settings { gamma, alpha, temperature, terms: self.terms.iter().map(weighted).collect() }
    }

    fn read(&self, given: &Table) -> Result<Settings, DistilError> {
        let settings = settings::read_over(self.id, &self.published(), given)?;
        settings::within(self.id, "gamma", settings.gamma, 0.0, f64::INFINITY)?;
        settings::within(self.id, "alpha", settings.alpha, 0.0, f64::INFINITY)?;
        settings::positive(self.id, "temperature", settings.temperature)?;
        let full =
            |(index, term): (usize, &Weighted)| term.in_full(self.id, &format!("terms.{index}"));
        let terms: Vec<Weighted> =
            settings.terms.iter().enumerate().map(full).collect::<Result<_, _>>()?;
        let learned = settings.gamma + settings.alpha > 0.0;
        settings::check(self.id, "terms", learned || terms.iter().any(|t| t.weight > 0.0), || {
            "nothing would be learned with all weights 0".into()
        })?;
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
        let (labels, soft) = (self.gamma > 0.0, self.alpha > 0.0);
        let own = Needs {
            logits: labels || soft,
            labels,
            teacher: true,
            route: self.route,
            ..Needs::default()
        };
        self.terms.iter().filter_map(|(name, ..)| of(name).ok()).fold(own, Needs::or)
    }

    fn mixes(&self) -> bool {
        self.mixes
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
    use crate::methods::published::{AB, AT, PKT, RKD};

    #[test]
    fn weights_may_be_changed_and_unknown_terms_are_named() {
        let full = RKD.effective(&"alpha = 0.9".parse().unwrap()).unwrap();
        assert_eq!(full["alpha"].as_float(), Some(0.9));
        assert_eq!(full["terms"].as_array().map(Vec::len), Some(2));
        let odd = "terms = [{ term = 'rkd_distanse' }]".parse().unwrap();
        let message = RKD.effective(&odd).unwrap_err().to_string();
        assert!(message.contains("did you mean \"rkd_distance\""), "{message}");
        assert!(AT.needs().stages && !PKT.needs().stages);
        assert!(AT.needs().labels && !AB.needs().labels && !AB.needs().logits);
        assert!(AB.effective(&"terms = []".parse().unwrap()).is_err());
    }
}
