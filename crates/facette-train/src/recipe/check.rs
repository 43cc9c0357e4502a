//! Impossible values, found before the first step.

use std::path::Path;

use facette_data::{TeacherView, Views};
use facette_distil::Stream;

use super::parse::Misfit;
use super::{Recipe, Schedule, Stage, StudentInput, StudentSettings, TeacherKind, TeacherSettings};
use crate::optimise::OptimiserSettings;

/// Largest seed: TOML has no larger whole number.
const MAX_SEED: u64 = i64::MAX as u64;

impl Recipe {
    /// Refuses what no data could make possible.
    pub(super) fn check(&self) -> Result<(), Misfit> {
        let name_fits = |name: &str| {
            !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
                && !name.starts_with('.')
        };
        require(name_fits(&self.name), "name", || {
            format!("expected letters, digits, '-', '_' and '.', found {:?}", self.name)
        })?;
        require(self.seed <= MAX_SEED, "seed", || format!("expected at most {MAX_SEED}"))?;
        require(self.threads != Some(0), "threads", || "expected at least 1, found 0".into())?;
        require(self.log_every > 0, "log_every", || "expected at least 1, found 0".into())?;
        positive("checkpoint.minutes", self.checkpoint.minutes)?;
        require(self.checkpoint.steps != Some(0), "checkpoint.steps", || {
            "expected at least 1, found 0".into()
        })?;
        require(self.checkpoint.students != Some(0), "checkpoint.students", || {
            "expected at least 1 epoch, found 0; leave it out to keep none".into()
        })?;
        require(!self.data.sources.is_empty(), "data.sources", || {
            "expected at least one source, such as { kind = \"folder\", path = \"faces\" }".into()
        })?;
        for (index, source) in self.data.sources.iter().enumerate() {
            for (key, path) in [("path", &source.path), ("features", &source.features)] {
                relative(&format!("data.sources[{index}].{key}"), path.as_deref())?;
            }
        }
        relative("data.cache.folder", self.data.cache.folder.as_deref())?;
        if let Some(validation) = &self.validation {
            require(validation.every > 0, "validation.every", || {
                "expected at least 1 epoch, found 0".into()
            })?;
            require(validation.patience != Some(0), "validation.patience", || {
                "expected at least 1 judgement, found 0; leave it out for no early stopping".into()
            })?;
        }
        for (key, text) in [("terms", &self.terms), ("template", &self.template)] {
            require(!text.trim().is_empty(), key, || "expected words, found nothing".into())?;
        }
        require(!self.stages.is_empty(), "stage", || "expected at least one [[stage]]".into())?;
        self.check_views("views", &self.views)?;
        if let Some(student) = &self.student {
            check_net("student", student)?;
        }
        if let Some(teacher) = &self.teacher {
            check_teacher("teacher", teacher)?;
        }
        for (index, stage) in self.stages.iter().enumerate() {
            let key = format!("stage[{index}]");
            require(name_fits(&stage.name), &format!("{key}.name"), || {
                format!("expected letters, digits, '-', '_' and '.', found {:?}", stage.name)
            })?;
            let earlier = &self.stages[..index];
            require(
                earlier.iter().all(|other| other.name != stage.name),
                &format!("{key}.name"),
                || format!("{:?} names another stage too; give each its own name", stage.name),
            )?;
            check_stage(&key, stage)?;
            self.check_streams(&key, stage, earlier)?;
        }
        Ok(())
    }

    fn check_views(&self, key: &str, views: &Views) -> Result<(), Misfit> {
        views.student.check().map_err(|e| Misfit::new(format!("{key}.student"), e))?;
        match &views.teacher {
            Some(TeacherView { view, .. }) => {
                view.check().map_err(|e| Misfit::new(format!("{key}.teacher.view"), e))
            }
            None => Ok(()),
        }
    }

    fn check_streams(&self, key: &str, stage: &Stage, earlier: &[Stage]) -> Result<(), Misfit> {
        let known = |name: &str| earlier.iter().any(|other| other.name == name);
        let student = stage.student.as_ref().or(self.student.as_ref());
        let student = student.ok_or_else(|| {
            Misfit::new(format!("{key}.student"), "missing; add [student] or [stage.student]")
        })?;
        if let Some(name) = &student.init_stage {
            require(known(name), &format!("{key}.student.init_stage"), || {
                format!("no earlier stage is called {name:?}")
            })?;
        }
        let teacher = stage.teacher.as_ref().or(self.teacher.as_ref());
        let views = stage.views.as_ref().unwrap_or(&self.views);
        if let Some(views) = &stage.views {
            self.check_views(&format!("{key}.views"), views)?;
        }
        let others =
            stage.teachers.iter().map(|(name, other)| (format!("{key}.teachers.{name}"), other));
        for (place, teacher) in
            teacher.into_iter().map(|own| (format!("{key}.teacher"), own)).chain(others)
        {
            if teacher.kind == TeacherKind::Stage {
                let name = teacher.path.as_deref().and_then(Path::to_str).unwrap_or_default();
                require(known(name), &format!("{place}.path"), || {
                    format!("no earlier stage is called {name:?}")
                })?;
            }
            let shown = matches!(
                teacher.kind,
                TeacherKind::Onnx | TeacherKind::Picture | TeacherKind::Weights
            );
            require(!shown || views.teacher.is_some(), &format!("{key}.views.teacher"), || {
                "missing; it says what the teacher is shown".into()
            })?;
        }
        let settings = &stage.settings;
        let spec = facette_distil::find_method(&stage.method)
            .map_err(|e| Misfit::new(format!("{key}.method"), e))?;
        let moves = teacher.is_some_and(|teacher| teacher.kind == TeacherKind::Route);
        require(moves || !spec.needs().route, &format!("{key}.teacher.kind"), || {
            format!(
                "method {:?} follows the way a teacher came, which a finished one does not show: \
                 train a teacher here with checkpoint.students = 1 and give \
                 {{ kind = \"route\", path = its run folder }}",
                stage.method
            )
        })?;
        let painted = teacher.is_some_and(|teacher| teacher.kind == TeacherKind::Picture);
        require(painted || !spec.needs().picture, &format!("{key}.teacher.kind"), || {
            format!(
                "method {:?} learns to paint the picture itself: give {{ kind = \"picture\" }}, and \
                 in views.teacher how large it is and mode = \"paired\"",
                stage.method
            )
        })?;
        require(!spec.needs().domains || !self.data.domains.is_empty(), "data.domain", || {
            format!("missing; method {:?} tells domains apart", stage.method)
        })?;
        let streams =
            spec.streams(settings).map_err(|e| Misfit::new(format!("{key}.settings"), e))?;
        for stream in streams.iter().filter(|stream| stream.same.is_none()) {
            let supplied = match stream.name.as_str() {
                "student" => true,
                "teacher" => teacher.is_some(),
                other if stream.learns => stage.streams.contains_key(other),
                other => stage.streams.contains_key(other) != stage.teachers.contains_key(other),
            };
            require(supplied, &format!("{key}.{}", stream.name), || {
                format!(
                    "missing; method {:?} has a stream {:?}: add {}",
                    stage.method,
                    stream.name,
                    match stream.name.as_str() {
                        "teacher" => "[teacher]".to_owned(),
                        other if stream.learns => format!("[stage.streams.{other}]"),
                        other => format!(
                            "[stage.teachers.{other}], or its network with `init` or `init_stage` \
                             under [stage.streams.{other}]"
                        ),
                    }
                )
            })?;
        }
        for (name, net) in &stage.streams {
            let place = format!("{key}.streams.{name}");
            let named = |stream: &Stream| &stream.name == name && stream.same.is_none();
            require(streams.iter().any(named), &place, || {
                format!("method {:?} has no stream of that name", stage.method)
            })?;
            check_net(&place, net)?;
            let fresh = net.init.is_none() && net.init_stage.is_none();
            let learns = streams.iter().any(|stream| &stream.name == name && stream.learns);
            require(learns || !fresh, &place, || {
                "is finished and needs weights: give init or init_stage".into()
            })?;
            if let Some(stage) = &net.init_stage {
                require(known(stage), &format!("{place}.init_stage"), || {
                    format!("no earlier stage is called {stage:?}")
                })?;
            }
        }
        for (name, teacher) in &stage.teachers {
            let place = format!("{key}.teachers.{name}");
            let finished =
                |s: &Stream| &s.name == name && !s.learns && s.same.is_none() && name != "teacher";
            require(streams.iter().any(finished), &place, || {
                format!("method {:?} has no other finished stream of that name", stage.method)
            })?;
            let fits = !matches!(teacher.kind, TeacherKind::Net | TeacherKind::Route);
            require(fits, &format!("{place}.kind"), || {
                "expected a finished teacher that does not move".into()
            })?;
            check_teacher(&place, teacher)?;
        }
        for (place, term) in stage.terms.iter().enumerate() {
            for name in [Some(&term.learner), term.target.as_ref()].into_iter().flatten() {
                require(
                    streams.iter().any(|stream| &stream.name == name),
                    &format!("{key}.term[{place}]"),
                    || format!("method {:?} has no stream {name:?}", stage.method),
                )?;
            }
        }
        Ok(())
    }
}

fn check_stage(key: &str, stage: &Stage) -> Result<(), Misfit> {
    let at = |rest: &str| format!("{key}.{rest}");
    let length = (stage.epochs, stage.steps);
    require(matches!(length, (Some(_), None) | (None, Some(_))), &at("epochs"), || {
        "give either epochs or steps".into()
    })?;
    require(length.0 != Some(0) && length.1 != Some(0), &at("epochs"), || {
        "expected at least 1, found 0".into()
    })?;
    require(stage.batch.is_none() || stage.sampler.is_none(), &at("batch"), || {
        "give either batch or sampler".into()
    })?;
    require(stage.batch.is_none_or(|batch| batch >= 2), &at("batch"), || {
        "expected at least 2, which batch normalisation needs".into()
    })?;
    positive(&at("lr"), stage.lr)?;
    if let Some(clip) = stage.clip {
        positive(&at("clip"), clip)?;
    }
    if let Some(ema) = stage.ema {
        share(&at("ema.decay"), ema.decay)?;
    }
    if let Some(warm_up) = stage.warm_up {
        positive(&at("warm_up.epochs"), warm_up.epochs)?;
        share(&at("warm_up.from"), warm_up.from)?;
    }
    for (place, term) in stage.terms.iter().enumerate() {
        positive(&at(&format!("term[{place}].weight")), term.weight)?;
    }
    match stage.optimiser {
        OptimiserSettings::Sgd { momentum, nesterov, weight_decay } => {
            share(&at("optimiser.momentum"), momentum)?;
            not_negative(&at("optimiser.weight_decay"), weight_decay)?;
            require(!nesterov || momentum > 0.0, &at("optimiser.nesterov"), || {
                "needs a momentum above 0".into()
            })?;
        }
        OptimiserSettings::Adamw { betas, eps, weight_decay } => {
            betas.iter().try_for_each(|&beta| share(&at("optimiser.betas"), beta))?;
            positive(&at("optimiser.eps"), eps)?;
            not_negative(&at("optimiser.weight_decay"), weight_decay)?;
        }
    }
    check_schedule(&at("schedule"), stage)
}

fn check_schedule(key: &str, stage: &Stage) -> Result<(), Misfit> {
    let at = |rest: &str| format!("{key}.{rest}");
    match &stage.schedule {
        Schedule::Constant => Ok(()),
        Schedule::Step { every, gamma } => {
            require(*every > 0, &at("every"), || "expected at least 1 epoch, found 0".into())?;
            positive(&at("gamma"), *gamma)
        }
        Schedule::MultiStep { milestones, gamma } => {
            let ascending = milestones.windows(2).all(|pair| pair[0] < pair[1]);
            require(!milestones.is_empty() && ascending, &at("milestones"), || {
                format!("expected ascending epochs, found {milestones:?}")
            })?;
            if let (Some(epochs), Some(&last)) = (stage.epochs, milestones.last()) {
                require(last < epochs, &at("milestones"), || {
                    format!("epoch {last} is never reached: the stage has {epochs}")
                })?;
            }
            positive(&at("gamma"), *gamma)
        }
        Schedule::Cosine { floor, .. } => {
            require((0.0..=stage.lr).contains(floor), &at("floor"), || {
                format!("expected 0 to lr ({}), found {floor}", stage.lr)
            })
        }
        Schedule::OneCycle {
            pct_start,
            div_factor,
            final_div_factor,
            cycle_momentum,
            base_momentum,
            max_momentum,
        } => {
            share(&at("pct_start"), *pct_start)?;
            positive(&at("div_factor"), *div_factor)?;
            positive(&at("final_div_factor"), *final_div_factor)?;
            share(&at("base_momentum"), *base_momentum)?;
            share(&at("max_momentum"), *max_momentum)?;
            let still = matches!(
                stage.optimiser,
                OptimiserSettings::Sgd { momentum, .. } if momentum == 0.0
            );
            require(!(*cycle_momentum && still), &at("cycle_momentum"), || {
                "the optimiser has no momentum to cycle; set it, or cycle_momentum = false".into()
            })?;
            require(stage.warm_up.is_none(), &at("kind"), || {
                "one-cycle warms up by itself; leave warm_up out".into()
            })
        }
    }
}

fn check_teacher(key: &str, teacher: &TeacherSettings) -> Result<(), Misfit> {
    let at = |rest: &str| format!("{key}.{rest}");
    relative(&at("path"), teacher.path.as_deref())?;
    require(teacher.batch > 0, &at("batch"), || "expected at least 1, found 0".into())?;
    let without = [TeacherKind::Features, TeacherKind::Net, TeacherKind::Picture];
    let computes = !without.contains(&teacher.kind);
    require(!computes || teacher.path.is_some(), &at("path"), || {
        "missing; it says where the teacher is".into()
    })?;
    require(computes || teacher.path.is_none(), &at("path"), || {
        "this kind has none; a features file is named by its source: data.sources[0].features"
            .into()
    })?;
    require(computes || !teacher.flip, &at("flip"), || {
        "only teachers that compute can be shown mirror images".into()
    })?;
    let moves = teacher.kind == TeacherKind::Route;
    for (name, value) in [("every", teacher.every), ("hold", teacher.hold)] {
        require(value.is_none() || moves, &at(name), || {
            "only a teacher of kind \"route\" has it".into()
        })?;
        require(value != Some(0), &at(name), || "expected at least 1, found 0".into())?;
    }
    require(!moves || (teacher.cache != Some(true) && !teacher.flip), &at("cache"), || {
        "a route's outputs change from epoch to epoch; leave cache and flip out".into()
    })?;
    require(teacher.output.is_none() || teacher.kind == TeacherKind::Onnx, &at("output"), || {
        "only ONNX models have named outputs".into()
    })?;
    let bare = matches!(teacher.kind, TeacherKind::Net | TeacherKind::Weights);
    require(bare == teacher.net.is_some(), &at("net"), || {
        "a teacher that learns (kind = \"net\") or is bare weights (kind = \"weights\"), and only such \
         a teacher, names its network"
            .into()
    })?;
    let started = |net: &StudentSettings| net.init.is_some() || net.init_stage.is_some();
    let finished =
        teacher.kind == TeacherKind::Weights && teacher.net.as_ref().is_some_and(started);
    require(!finished, &at("net"), || {
        "its weights are those at path; leave init and init_stage out".into()
    })?;
    match &teacher.net {
        Some(net) => check_net(&at("net"), net),
        None => Ok(()),
    }
}

fn check_net(key: &str, net: &StudentSettings) -> Result<(), Misfit> {
    relative(&format!("{key}.init"), net.init.as_deref())?;
    require(net.init.is_none() || net.init_stage.is_none(), &format!("{key}.init"), || {
        "give either init or init_stage".into()
    })?;
    require(net.embedding != Some(0), &format!("{key}.embedding"), || {
        "expected at least 1, found 0".into()
    })?;
    let shown = net.input == StudentInput::Embedding && net.init.is_some();
    require(!shown, &format!("{key}.init"), || {
        "a network that reads embeddings starts fresh or from an earlier stage".into()
    })
}

fn require(holds: bool, key: &str, problem: impl FnOnce() -> String) -> Result<(), Misfit> {
    if holds { Ok(()) } else { Err(Misfit::new(key, problem())) }
}

fn positive(key: &str, value: f64) -> Result<(), Misfit> {
    require(value.is_finite() && value > 0.0, key, || format!("expected above 0, found {value}"))
}

fn not_negative(key: &str, value: f64) -> Result<(), Misfit> {
    require(value.is_finite() && value >= 0.0, key, || format!("expected 0 or more, found {value}"))
}

fn share(key: &str, value: f64) -> Result<(), Misfit> {
    require((0.0..1.0).contains(&value), key, || format!("expected 0 to below 1, found {value}"))
}

fn relative(key: &str, path: Option<&Path>) -> Result<(), Misfit> {
    let climbs = |path: &Path| {
        path.is_absolute() || path.components().any(|c| c == std::path::Component::ParentDir)
    };
    require(!path.is_some_and(climbs), key, || {
        "expected a path below the data root (`--data DIR`), without a leading '/' or '..'".into()
    })
}
