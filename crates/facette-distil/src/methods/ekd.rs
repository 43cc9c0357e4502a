//! Evolutionary distillation: teacher and student learn together, each through guided modules.
//!
//! ```text
//! L^t = L_D + L_F + L_L                                                 (term `self_kd`)
//! L^s = L_D + L_F + L_L + KL_T(z_s || z_t) + sum_b [ KL_T(z_b^s || z_b^t) + d(F_b^s, F_b^t) ]
//! ```
//!
//! The teacher steps first; the student learns from what the teacher yielded before that step, without
//! gradient to it. Modules on stages of equal height are paired, from the deepest; the rest learn within
//! their own stream. Source: Zhang et al. 2021 (arXiv 2103.13811), Eq. 3 to 11 and Algorithm 1. Eq. 11 prints
//! the cross-stream part with the teacher; Algorithm 1, the text and the ablation put it with the student,
//! and so does this.

use std::sync::Arc;

use toml::Table;

use crate::error::DistilError;
use crate::method::{Kind, Method, MethodSpec, Stream, Tie};
use crate::settings;
use crate::term::{Context, Needs};
use crate::terms::self_kd::{Exchange, SelfKd, Settings};

/// The entry `ekd`.
pub struct EkdSpec;

impl EkdSpec {
    fn streams_of() -> Vec<Stream> {
        vec![Stream { learns: true, ..Stream::teacher() }, Stream::student()]
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
        settings::defaults::<Settings>()
    }

    fn effective(&self, given: &Table) -> Result<Table, DistilError> {
        Ok(settings::table(&Settings::read(self.id(), given)?))
    }

    fn streams(&self, given: &Table) -> Result<Vec<Stream>, DistilError> {
        Settings::read(self.id(), given)?;
        Ok(Self::streams_of())
    }

    fn build(&self, given: &Table, contexts: &[Context<'_>]) -> Result<Method, DistilError> {
        let settings = Settings::read(self.id(), given)?;
        let [teacher, student] = crate::method::contexts(self.id(), contexts)?;
        student.equal_classes(self.id())?;
        let dim = match settings.dim {
            0 => student.student.stages.last().map_or(0, |stage| stage.channels),
            dim => dim,
        };
        let exchange = Exchange::default();
        let teaching = SelfKd::new(self.id(), settings.clone(), dim, teacher)?;
        let learning = SelfKd::new(self.id(), settings, dim, student)?;
        let pairs = paired(learning.heights(), teaching.heights());
        let teaching = teaching.giving(Arc::clone(&exchange));
        let learning = learning.taking(exchange, pairs);
        let tie = |learner: usize, target: Option<usize>, term: SelfKd| Tie {
            learner,
            target,
            weight: 1.0,
            detach_target: true,
            term: Box::new(term),
        };
        let ties = vec![tie(0, None, teaching), tie(1, Some(0), learning)];
        Ok(Method { streams: Self::streams_of(), ties })
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
}
