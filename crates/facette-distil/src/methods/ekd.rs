//! Evolutionary distillation: teacher and student learn together, each through guided modules.
//!
//! ```text
//! L^t = L_D + L_F + L_L                                                 (term `self_kd`)
//! L^s = L_D + L_F + L_L + KL_T(z_s || z_t) + sum_b [ KL_T(z_b^s || z_b^t) + d(F_b^s, F_b^t) ]
//! ```
//!
//! The teacher steps first; the student learns from what the teacher yielded before that step, without
//! gradient to it. Modules on stages of equal height are paired, from the deepest; the rest learn within
//! their own stream. What can be switched gives the rows of the paper's Table V and the points of its Fig. 4:
//!
//! | row | settings |
//! |---|---|
//! | KD | `evolving = false`, `teacher_modules = false`, `student_modules = false` |
//! | KD + ET | `teacher_modules = false`, `student_modules = false` |
//! | KD + S_G | `evolving = false`, `teacher_modules = false` |
//! | KD + S_G + ET | `teacher_modules = false` |
//! | KD + T_G + S_G | `evolving = false`; the teacher is a stage or run of `self-kd` with `preset = "paper"` and the same `dim` |
//! | EKD | none |
//! | n module pairs | `modules = n`; those nearest to the output are kept |
//!
//! Source: Zhang et al. 2021 (arXiv 2103.13811), Eq. 3 to 11 and Algorithm 1. Eq. 11 prints
//! the cross-stream part with the teacher; Algorithm 1, the text and the ablation put it with the student,
//! and so does this, unless `eq11_literal` asks for the printed form.

use std::sync::Arc;

use facette_graph::StateDict;
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::error::DistilError;
use crate::guided::GuidedModules;
use crate::method::{Kind, Method, MethodSpec, Stream, Tie};
use crate::settings;
use crate::term::{Context, Needs, TermSpec};
use crate::terms::self_kd::{Exchange, Lesson, Others, SelfKd, SelfKdSpec, Settings};

/// The entry `ekd`.
pub struct EkdSpec;

/// Which parts take part; the rest of the settings is the term `self_kd`'s.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Parts {
    /// Whether the teacher learns, too.
    evolving: bool,
    /// Whether the teacher has guided modules.
    teacher_modules: bool,
    /// Whether the student has guided modules.
    student_modules: bool,
    /// Weight of what is learned across streams.
    cross: f64,
    /// Whether the teacher bears what is learned across streams, as Eq. 11 prints it.
    eq11_literal: bool,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            evolving: true,
            teacher_modules: true,
            student_modules: true,
            cross: 1.0,
            eq11_literal: false,
        }
    }
}

impl EkdSpec {
    fn read(&self, given: &Table) -> Result<(Parts, Settings), DistilError> {
        let known = settings::defaults::<Parts>();
        let (of_parts, rest) = given
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .partition::<Table, _>(|(key, _)| known.contains_key(key));
        let parts: Parts = settings::read(self.id(), &of_parts)?;
        settings::within(self.id(), "cross", parts.cross, 0.0, f64::INFINITY)?;
        settings::check(self.id(), "eq11_literal", parts.evolving || !parts.eq11_literal, || {
            "a finished teacher learns nothing; set evolving to true".into()
        })?;
        Ok((parts, Settings::read(self.id(), &rest)?))
    }

    /// The modules that a finished teacher was trained with.
    fn finished(
        &self,
        most: usize,
        dim: usize,
        teacher: &Context<'_>,
        student: &Context<'_>,
    ) -> Result<GuidedModules, DistilError> {
        let left = |name: &str| {
            let arrays = teacher.left?.clone();
            Some(StateDict { arrays }.part(name)).filter(|part| !part.arrays.is_empty())
        };
        let left = left(SelfKdSpec.id()).or_else(|| left(self.id()));
        let left = left.ok_or_else(|| DistilError::Need {
            owner: self.id().into(),
            need: "the guided modules of the teacher".into(),
            found: "a finished teacher without any".into(),
            remedy: "name a stage or run that was trained by self-kd with preset = \"paper\", set \
                     teacher_modules = false, or let the teacher learn (evolving = true)"
                .into(),
        })?;
        let classes = student.equal_classes(self.id())?;
        GuidedModules::new(self.id(), most, dim, classes, teacher)?.finished(self.id(), &left)
    }

    fn streams_of(parts: &Parts) -> Vec<Stream> {
        vec![Stream::named("teacher", parts.evolving), Stream::student()]
    }
}

/// Modules of two streams that hang on stages of equal height: `(own, other)`, from the deepest.
fn paired(own: &[usize], other: &[usize]) -> Vec<(usize, usize)> {
    let mut free: Vec<usize> = (0..other.len()).collect();
    let mut pairs = Vec::new();
    for (place, height) in own.iter().enumerate().rev() {
        if let Some(found) = free.iter().rposition(|&at| other[at] == *height) {
            pairs.push((place, free.remove(found)));
        }
    }
    pairs.reverse();
    pairs
}

impl MethodSpec for EkdSpec {
    fn id(&self) -> &'static str {
        "ekd"
    }

    fn about(&self) -> &'static str {
        "teacher and student learn together, each through guided modules"
    }

    fn source(&self) -> &'static str {
        "arXiv 2103.13811"
    }

    fn kind(&self) -> Kind {
        Kind::Evolving
    }

    fn needs(&self) -> Needs {
        Needs {
            logits: true,
            stages: true,
            embedding: true,
            labels: true,
            teacher: true,
            ..Needs::default()
        }
    }

    fn defaults(&self) -> Table {
        let mut all = settings::defaults::<Settings>();
        all.extend(settings::defaults::<Parts>());
        all
    }

    fn effective(&self, given: &Table) -> Result<Table, DistilError> {
        let (parts, settings) = self.read(given)?;
        let mut all = settings::table(&settings);
        all.extend(settings::table(&parts));
        Ok(all)
    }

    fn streams(&self, given: &Table) -> Result<Vec<Stream>, DistilError> {
        Ok(Self::streams_of(&self.read(given)?.0))
    }

    fn build(&self, given: &Table, contexts: &[Context<'_>]) -> Result<Method, DistilError> {
        let (parts, settings) = self.read(given)?;
        let [teacher, student] = crate::method::contexts(self.id(), contexts)?;
        student.equal_classes(self.id())?;
        let dim = match settings.dim {
            0 => student.student.stages.last().map_or(0, |stage| stage.channels),
            dim => dim,
        };
        let modules = |wanted: bool| {
            let mut settings = settings.clone();
            settings.modules = if wanted { settings.modules } else { 0 };
            settings
        };
        let learning = SelfKd::new(self.id(), modules(parts.student_modules), dim, student)?;
        let tie = |learner: usize, target: Option<usize>, term: SelfKd| Tie {
            learner,
            target,
            weight: 1.0,
            detach_target: true,
            term: Box::new(term),
        };
        let exchange = Exchange::default();
        let lesson = |own: &[usize], other: &[usize]| Lesson {
            others: Others::Learning(Arc::clone(&exchange)),
            pairs: paired(own, other),
            weight: parts.cross,
            reversed: parts.eq11_literal,
        };
        let streams = Self::streams_of(&parts);
        if !parts.evolving {
            let lesson = match parts.teacher_modules {
                false => lesson(learning.heights(), &[]),
                true => {
                    let most = modules(true).modules;
                    let finished = self.finished(most, dim, teacher, student)?;
                    Lesson {
                        pairs: paired(learning.heights(), &finished.heights),
                        others: Others::Finished(finished),
                        weight: parts.cross,
                        reversed: false,
                    }
                }
            };
            return Ok(Method { streams, ties: vec![tie(1, Some(0), learning.taking(lesson))] });
        }
        let teaching = SelfKd::new(self.id(), modules(parts.teacher_modules), dim, teacher)?;
        // Who learns across streams is evaluated last, with what the other left.
        let ties = match parts.eq11_literal {
            false => {
                let lesson = lesson(learning.heights(), teaching.heights());
                let teaching = teaching.giving(Arc::clone(&exchange));
                vec![tie(0, None, teaching), tie(1, Some(0), learning.taking(lesson))]
            }
            true => {
                let lesson = lesson(teaching.heights(), learning.heights());
                let learning = learning.giving(Arc::clone(&exchange));
                vec![tie(1, None, learning), tie(0, Some(1), teaching.taking(lesson))]
            }
        };
        Ok(Method { streams, ties })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_pair_by_height_from_the_deepest() {
        assert_eq!(paired(&[16, 8, 4], &[16, 8, 4]), [(0, 0), (1, 1), (2, 2)]);
        assert_eq!(paired(&[16, 8, 4, 4], &[32, 16, 8, 4]), [(0, 1), (1, 2), (3, 3)]);
        assert!(paired(&[7], &[8]).is_empty());
    }

    #[test]
    fn parts_that_a_finished_teacher_lacks_are_refused() {
        let streams = |text: &str| EkdSpec.streams(&text.parse().unwrap());
        assert!(streams("").unwrap()[0].learns);
        let frozen = streams("evolving = false\nteacher_modules = false").unwrap();
        assert!(!frozen[0].learns && frozen[1].learns);
        assert!(streams("cros = 1.0").is_err());
        assert!(streams("evolving = false\neq11_literal = true").is_err());
    }

    #[test]
    fn a_finished_teacher_must_have_kept_its_modules() {
        let shapes = crate::testing::shapes();
        let contexts = [None, Some(&shapes)].map(|target| crate::testing::context(&shapes, target));
        let built = EkdSpec.build(&"evolving = false\nmodules = 0".parse().unwrap(), &contexts);
        let message = built.err().unwrap().to_string();
        assert!(message.contains("self-kd"), "{message}");
    }
}
