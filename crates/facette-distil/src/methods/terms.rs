//! Terms of the recipe's own choice.
//!
//! ```text
//! L = sum_i w_i term_i
//! ```
//!
//! `terms` lists them: `[{ term = "softmax" }, { term = "kd", weight = 0.9, temperature = 4.0 }]`. A
//! teacher takes part when `teacher` is true, which it is unless the recipe says otherwise.

use serde::{Deserialize, Serialize};
use toml::Table;

use crate::error::DistilError;
use crate::method::{Kind, Method, MethodSpec, Stream};
use crate::settings;
use crate::term::{Context, Needs};
use crate::weighted::Weighted;

/// Settings of the method.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    teacher: bool,
    terms: Vec<Weighted>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { teacher: true, terms: vec![Weighted::new("cosine", 1.0)] }
    }
}

/// The entry `terms`.
pub struct TermsSpec;

impl TermsSpec {
    fn read(&self, given: &Table) -> Result<Settings, DistilError> {
        let id = self.id();
        let Settings { teacher, terms } = settings::read(id, given)?;
        settings::check(id, "terms", terms.iter().any(|term| term.weight > 0.0), || {
            "expected at least one term with a weight above 0".into()
        })?;
        let full = |(index, term): (usize, &Weighted)| term.in_full(id, &format!("terms.{index}"));
        let terms = terms.iter().enumerate().map(full).collect::<Result<_, _>>()?;
        Ok(Settings { teacher, terms })
    }

    fn streams_of(settings: &Settings) -> Vec<Stream> {
        let teacher = settings.teacher.then(Stream::teacher);
        teacher.into_iter().chain([Stream::student()]).collect()
    }
}

impl MethodSpec for TermsSpec {
    fn id(&self) -> &'static str {
        "terms"
    }

    fn about(&self) -> &'static str {
        "a weighted sum of terms the recipe lists"
    }

    fn source(&self) -> &'static str {
        "the terms' own"
    }

    fn kind(&self) -> Kind {
        Kind::Offline
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn defaults(&self) -> Table {
        settings::defaults::<Settings>()
    }

    fn effective(&self, given: &Table) -> Result<Table, DistilError> {
        Ok(settings::table(&self.read(given)?))
    }

    fn streams(&self, given: &Table) -> Result<Vec<Stream>, DistilError> {
        Ok(Self::streams_of(&self.read(given)?))
    }

    fn build(&self, given: &Table, contexts: &[Context<'_>]) -> Result<Method, DistilError> {
        let settings = self.read(given)?;
        let streams = Self::streams_of(&settings);
        let (student, target) = match settings.teacher {
            true => {
                let [_, student] = crate::method::contexts(self.id(), contexts)?;
                (student, Some(0))
            }
            false => {
                let [student] = crate::method::contexts(self.id(), contexts)?;
                (student, None)
            }
        };
        let learner = streams.len() - 1;
        let tie = |term: &Weighted| term.tie(learner, target, student).transpose();
        let ties = settings.terms.iter().filter_map(tie).collect::<Result<_, _>>()?;
        Ok(Method { streams, ties })
    }
}
