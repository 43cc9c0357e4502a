//! Judges a student while it learns, by the protocols of `facette eval`.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use facette_eval::protocols::Images;
use facette_eval::{Judgement as Judged, ModelInfo, NamedValues, Outcome};
use facette_image::View;
use facette_nets::Network;
use facette_train::{Judgement, Pictures, Recipe, Validator};

use crate::console::Console;
use crate::judging::Trial;
use crate::model::OfNetwork;

/// A recipe's validation.
pub(crate) struct Validation {
    trial: Trial,
}

impl Validation {
    /// What `[validation]` of the recipe says; nothing where there is none. Without `images` or
    /// `source` what `data.split` holds out, identities or pictures, is judged on.
    pub(crate) fn of(recipe: &Recipe, data: &Path) -> anyhow::Result<Option<Self>> {
        let Some(validation) = &recipe.validation else { return Ok(None) };
        let mut table = validation.settings.clone();
        let own = ["images", "source"].iter().any(|key| table.contains_key(*key));
        let held_out = match own || recipe.data.split.is_none() {
            true => None,
            false => Pictures::open(recipe, data)?.held_out.map(|set| Images::Set(Arc::new(set))),
        };
        table.insert("protocol".into(), validation.protocol.clone().into());
        let trial = Trial::of_table("validation", table, data, held_out)
            .with_context(|| format!("recipe {}", recipe.name))?;
        Ok(Some(Self { trial }))
    }
}

impl Validator for Validation {
    fn judge(
        &mut self,
        student: &Network,
        view: &View,
    ) -> Result<Judgement, Box<dyn Error + Send + Sync>> {
        let mut embedder = OfNetwork::new(student.clone(), view, self.trial.needs_logits()?)?;
        // The student is judged in the midst of a progress bar of its own.
        let quiet = Console::new(true);
        let judged = self.trial.judge(&mut embedder, ModelInfo::default(), quiet)?;
        Ok(scored(&judged.judgement))
    }
}

/// What checkpoints are compared by, and what is logged.
fn scored(judged: &Judged) -> Judgement {
    let mut figures = BTreeMap::new();
    let mut all = |prefix: &str, values: &NamedValues<f64>| {
        for (name, value) in &values.0 {
            figures.insert(format!("{prefix}{name}"), *value);
        }
    };
    let score = match &judged.outcome {
        Outcome::Verification(found) => {
            let scores = &found.scores;
            all("tar@", &scores.tar_at_far);
            figures.insert("auc".into(), scores.auc);
            figures.insert("eer".into(), scores.eer);
            figures.insert("accuracy".into(), scores.accuracy);
            scores.accuracy
        }
        Outcome::Identification(found) => {
            all("rank-", &found.rank);
            found.rank.0.first().map(|(_, share)| *share).unwrap_or_default()
        }
        Outcome::Classification(found) => {
            figures.insert("top1".into(), found.top1);
            figures.insert("top5".into(), found.top5);
            figures.insert("nll".into(), found.nll);
            found.top1
        }
    };
    Judgement { score, figures }
}
