//! Mixed-domain distillation: public faces, faces from the web and faces in the wild in one batch.
//!
//! ```text
//! L = 1/3 [ CE(z_a, y) + mean (g_a - h_a)^2 ]                 a: public faces, h: adapted teacher, of the large face
//!   + 1/3 [ CE(z_b, y) + 0.1 mean (g_b - h_b)^2 ]             b: small faces from the web, h of the small face, enlarged
//!   + 1/3 | C_a - C_c |^2 / (4 d^2)                           c: small faces in the wild, without labels
//! ```
//!
//! The fourth domain, the private faces, is in the teacher's weights alone; the teacher is best one adapted to public faces by a
//! stage of `bridge-adapt` over that domain. `domains` names a, b and c, which are domains of the data; batches should hold
//! them in equal parts (`sampler = { kind = "domains" }`). `wild = "labels"` uses the labels of c, by a head of its own, in place of
//! aligning covariances. The embedding is as long as the teacher's. Source: Ge et al. 2019 (BigMM, "Mixed-domain distillation"),
//! of which the abstract was at hand: losses and weights are reconstructed.

use serde::{Deserialize, Serialize};
use toml::Table;

use crate::domain_term::within;
use crate::error::DistilError;
use crate::method::{Kind, Method, MethodSpec, Stream};
use crate::settings;
use crate::term::{Context, Needs};
use crate::weighted::Weighted;

/// What is learned from faces in the wild.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wild {
    /// Their embeddings vary as those of public faces do.
    Coral,
    /// Their labels, by a head of their own.
    Labels,
}

/// Settings of the method.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Names of the public, the web's and the wild domain.
    domains: [String; 3],
    /// Classifies public and web faces.
    head: Weighted,
    /// Compares embeddings; its weight is that of public faces.
    regression: Weighted,
    /// Weight of the same on web faces.
    web: f64,
    wild: Wild,
    /// Weight of what is learned from wild faces.
    wild_weight: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            domains: ["public", "web", "wild"].map(str::to_owned),
            head: Weighted::new("softmax", 1.0),
            regression: Weighted::new("squared", 1.0).with("project", "none"),
            web: 0.1,
            wild: Wild::Coral,
            wild_weight: 1.0,
        }
    }
}

/// The entry `mdd`.
pub struct MddSpec;

impl MddSpec {
    fn read(&self, given: &Table) -> Result<Settings, DistilError> {
        let id = self.id();
        let read: Settings = settings::read(id, given)?;
        settings::within(id, "web", read.web, 0.0, f64::INFINITY)?;
        settings::within(id, "wild_weight", read.wild_weight, 0.0, f64::INFINITY)?;
        settings::check(id, "regression", read.regression.weight + read.head.weight > 0.0, || {
            "nothing would be learned with both weights 0".into()
        })?;
        Ok(Settings {
            head: read.head.head_in_full(id, "head")?,
            regression: read.regression.in_full(id, "regression")?,
            ..read
        })
    }
}

impl MethodSpec for MddSpec {
    fn id(&self) -> &'static str {
        "mdd"
    }

    fn about(&self) -> &'static str {
        "public faces with an adapted teacher, web faces and wild faces in one batch"
    }

    fn source(&self) -> &'static str {
        "Ge et al., BigMM 2019 (reconstructed); arXiv 1607.01719"
    }

    fn kind(&self) -> Kind {
        Kind::Offline
    }

    fn needs(&self) -> Needs {
        Needs { embedding: true, labels: true, teacher: true, domains: true, ..Needs::default() }
    }

    fn defaults(&self) -> Table {
        settings::defaults::<Settings>()
    }

    fn effective(&self, given: &Table) -> Result<Table, DistilError> {
        Ok(settings::table(&self.read(given)?))
    }

    fn streams(&self, given: &Table) -> Result<Vec<Stream>, DistilError> {
        self.read(given)?;
        Ok(vec![Stream::teacher(), Stream::student()])
    }

    fn build(&self, given: &Table, contexts: &[Context<'_>]) -> Result<Method, DistilError> {
        let Settings { domains, head, regression, web: web_weight, wild, wild_weight } =
            self.read(given)?;
        let [_, student] = crate::method::contexts(self.id(), contexts)?;
        let places = student.domains(self.id(), &domains)?;
        let (public, web, in_the_wild) = (&places[..1], &places[1..2], &places[2..]);
        let third = |part: &Weighted, factor: f64| Weighted {
            weight: part.weight * factor / 3.0,
            ..part.clone()
        };
        let mut ties = Vec::new();
        // The mean over public and web faces together is half of what both cost.
        let labels = third(&head, 2.0).tie(1, None, student)?;
        ties.extend(labels.map(|tie| within(tie, "public+web", &places[..2])));
        let large = third(&regression, 1.0).tie(1, Some(0), student)?;
        ties.extend(large.map(|tie| within(tie, "public", public)));
        let small = third(&Weighted { weight: web_weight, ..regression }, 1.0);
        ties.extend(small.tie(1, Some(0), student)?.map(|tie| within(tie, "web", web)));
        let last = match wild {
            Wild::Coral => {
                let named = vec![domains[0].clone(), domains[2].clone()];
                let align = Weighted::new("coral", wild_weight).with("domains", named);
                third(&align, 1.0).tie(1, None, student)?
            }
            Wild::Labels => {
                let own = Weighted::new("softmax", wild_weight).with("layer", "own");
                let tie = third(&own, 1.0).tie(1, None, student)?;
                tie.map(|tie| within(tie, "wild", in_the_wild))
            }
        };
        ties.extend(last);
        Ok(Method { streams: vec![Stream::teacher(), Stream::student()], ties })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::Domain;
    use crate::testing::{context, shapes};

    #[test]
    fn every_domain_has_its_terms_and_must_be_there() {
        let shapes = shapes();
        let named = |name: &str| Domain { name: name.into(), classes: vec![0, 1] };
        let all = ["public", "web", "wild"].map(named);
        let of = |domains| {
            [context(&shapes, None), context(&shapes, Some(&shapes))]
                .map(|context| Context { domains, ..context })
        };
        let weights = |text: &str| -> Vec<(String, f64)> {
            let method = MddSpec.build(&text.parse().unwrap(), &of(&all)).unwrap();
            method.ties.iter().map(|tie| (tie.term.name().to_owned(), 3.0 * tie.weight)).collect()
        };
        let found = weights("");
        let expected = [
            ("softmax/public+web", 2.0),
            ("squared/public", 1.0),
            ("squared/web", 0.1),
            ("coral", 1.0),
        ];
        assert!(found.iter().zip(expected).all(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() < 1e-12));
        assert_eq!(weights("wild = 'labels'\nweb = 0").len(), 3);
        let lacking = MddSpec.build(&Table::new(), &of(&all[..2])).err().unwrap().to_string();
        assert!(lacking.contains("\"wild\"") && lacking.contains("data.domain"), "{lacking}");
    }
}
