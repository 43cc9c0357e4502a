//! Relational subsets: teachers of some of the classes each, one student of all.
//!
//! ```text
//! L = CE(z_s, y) + sum_r w_r [x in subset r] T^2 KL( p(z_r[C_r]; T) || p(z_s[C_r]; T) )
//! ```
//!
//! A subset is a domain of the data (many, medium and few pictures a class by default; or classes that belong together), its
//! teacher a stream of the same name: a network of all classes that was trained on the pictures of that domain alone (a stage
//! with `domains = ["many"]`). How w_r is paced, the term `subset_kd` says. Source: Ju et al. 2021 (arXiv 2104.11057), of which the abstract was at hand
//! (reconstructed). Deviation: its teachers score their own classes alone; here the others' scores are left unread.

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
    /// Names of the subsets' domains, and of their teachers' streams.
    domains: Vec<String>,
    /// Weight of the labels.
    gamma: f64,
    /// Compares with a subset's teacher.
    subset: Weighted,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            domains: ["many", "medium", "few"].map(str::to_owned).into(),
            gamma: 1.0,
            subset: Weighted::new("subset_kd", 1.0),
        }
    }
}

/// The entry `relational-subsets`.
pub struct RelationalSubsetsSpec;

impl RelationalSubsetsSpec {
    fn read(&self, given: &Table) -> Result<Settings, DistilError> {
        let id = self.id();
        let read: Settings = settings::read(id, given)?;
        settings::within(id, "gamma", read.gamma, 0.0, f64::INFINITY)?;
        let reserved = |name: &String| ["student", "teacher"].contains(&name.as_str());
        let repeated =
            (1..read.domains.len()).any(|i| read.domains[..i].contains(&read.domains[i]));
        let fine = !read.domains.is_empty() && !read.domains.iter().any(reserved) && !repeated;
        settings::check(id, "domains", fine, || {
            format!(
                "expected different names other than \"student\" and \"teacher\", found {:?}",
                read.domains
            )
        })?;
        settings::check(id, "subset.domain", !read.subset.settings.contains_key("domain"), || {
            "the domain is each teacher's own; leave it out".into()
        })?;
        let mut subset = read.subset.in_full(id, "subset")?;
        settings::check(id, "subset.term", subset.term == "subset_kd", || {
            format!("expected \"subset_kd\", found {:?}", subset.term)
        })?;
        subset.settings.remove("domain");
        Ok(Settings { subset, ..read })
    }

    fn streams_of(settings: &Settings) -> Vec<Stream> {
        let teachers = settings.domains.iter().map(|name| Stream::named(name, false));
        teachers.chain([Stream::student()]).collect()
    }
}

impl MethodSpec for RelationalSubsetsSpec {
    fn id(&self) -> &'static str {
        "relational-subsets"
    }

    fn about(&self) -> &'static str {
        "a teacher for each subset of the classes, followed while it is better than the student"
    }

    fn source(&self) -> &'static str {
        "arXiv 2104.11057 (reconstructed)"
    }

    fn kind(&self) -> Kind {
        Kind::Offline
    }

    fn needs(&self) -> Needs {
        Needs { logits: true, labels: true, teacher: true, domains: true, ..Needs::default() }
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
        if contexts.len() != streams.len() {
            let (needed, described) = (streams.len(), contexts.len());
            return Err(crate::method::missing_streams(self.id(), needed, described));
        }
        let learner = streams.len() - 1;
        let student = &contexts[learner];
        student.domains(self.id(), &settings.domains)?;
        let mut ties = Vec::new();
        ties.extend(Weighted::new("ce", settings.gamma).tie(learner, None, student)?);
        for (place, name) in settings.domains.iter().enumerate() {
            let context = Context { target: Some(contexts[place].student), ..student.clone() };
            let subset = settings.subset.clone().with("domain", name.clone());
            ties.extend(subset.tie(learner, Some(place), &context)?);
        }
        Ok(Method { streams, ties })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_for_every_subset() {
        let streams = |text: &str| RelationalSubsetsSpec.streams(&text.parse().unwrap());
        let names: Vec<String> = streams("domains = ['animals', 'things']")
            .unwrap()
            .into_iter()
            .map(|s| s.name)
            .collect();
        assert_eq!(names, ["animals", "things", "student"]);
        assert!(streams("domains = ['a', 'a']").is_err());
        assert!(streams("domains = ['student']").is_err());
        assert!(streams("domains = []").is_err());
        assert!(streams("subset = 'kd'").is_err());
    }
}
