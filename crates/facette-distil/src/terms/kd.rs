//! Soft-logit distillation.
//!
//! ```text
//! L = T^2 mean_n KL( softmax(z_t / T) || softmax(z_s / T) )
//! ```
//!
//! Source: Hinton et al. 2015 (arXiv 1503.02531), in the form of HobbitLong/RepDistiller
//! `DistillKL` (identical: mdistiller `kd_loss`, KD-Zoo `SoftTarget`). `squared_temperature = false`
//! leaves `T^2` out, as torchdistill's `KDLoss` does. Default: T = 4. `student_temperature` softens the student by
//! another number (Snapshot distillation leaves it at 1); 0 stands for T.

use burn::tensor::Tensor;
use facette_nets::Knowledge;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::divergence::kl;
use crate::error::DistilError;
use crate::knowledge::{logits, target};
use crate::settings::{self, positive, within};
use crate::term::{Context, Needs, Term, TermSpec};

/// `T^2` times the divergence of the student's scores from the teacher's at temperature `T`, both
/// `[n, k]`; `[1]`. Gradient flows to both sides.
pub fn soft_logits(student: Tensor<2>, teacher: Tensor<2>, temperature: f64) -> Tensor<1> {
    kl(student, teacher, temperature).mul_scalar(temperature * temperature)
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    temperature: f64,
    /// Whether the loss is multiplied by the temperature squared, which keeps its gradient as
    /// large as that of the hard labels.
    squared_temperature: bool,
    /// Temperature of the student; 0 for that of the teacher.
    student_temperature: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { temperature: 4.0, squared_temperature: true, student_temperature: 0.0 }
    }
}

/// The entry `kd`.
pub struct KdSpec;

struct Kd {
    settings: Settings,
}

impl TermSpec for KdSpec {
    fn id(&self) -> &'static str {
        "kd"
    }

    fn about(&self) -> &'static str {
        "divergence of the student's softened class scores from the teacher's"
    }

    fn source(&self) -> &'static str {
        "arXiv 1503.02531; HobbitLong/RepDistiller distiller_zoo/KD.py"
    }

    fn needs(&self) -> Needs {
        Needs { logits: true, teacher: true, ..Needs::default() }
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults::<Settings>()
    }

    fn build(
        &self,
        settings: &toml::Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Term>, DistilError> {
        let settings: Settings = settings::read(self.id(), settings)?;
        positive(self.id(), "temperature", settings.temperature)?;
        within(self.id(), "student_temperature", settings.student_temperature, 0.0, 1e6)?;
        context.equal_classes(self.id())?;
        Ok(Box::new(Kd { settings }))
    }
}

impl Term for Kd {
    fn name(&self) -> &str {
        KdSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        _batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let s = logits(self.name(), student)?.clone();
        let t = logits(self.name(), target(self.name(), teacher)?)?.clone();
        let Settings { temperature, squared_temperature, student_temperature } = self.settings;
        let s = match student_temperature {
            0.0 => s,
            own => s.mul_scalar(temperature / own),
        };
        Ok(match squared_temperature {
            true => soft_logits(s, t, temperature),
            false => kl(s, t, temperature),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{context, device, scalar, shapes};

    #[test]
    fn two_classes_by_hand() {
        let s = Tensor::<2>::from_floats([[0.0, 0.0]], &device());
        let t = Tensor::<2>::from_floats([[0.0, 2.0 * 3f32.ln()]], &device());
        // At T = 2 the teacher says (1/4, 3/4), the student (1/2, 1/2).
        let divergence = 0.25 * 0.5f64.ln() + 0.75 * 1.5f64.ln();
        let found = scalar(&soft_logits(s, t, 2.0));
        assert!((found - 4.0 * divergence).abs() < 1e-6, "{found}");
    }

    #[test]
    fn the_student_may_have_a_temperature_of_its_own() {
        let loss = |settings: &str, student: [f32; 2]| {
            let settings = settings.parse().unwrap();
            let mut term = KdSpec.build(&settings, &context(&two(), Some(&two()))).unwrap();
            let scored = |values: [f32; 2]| {
                let logits = Some(Tensor::<2>::from_floats([values], &device()));
                Knowledge { logits, ..Knowledge::from_embedding(Tensor::zeros([1, 1], &device())) }
            };
            let batch = Batch::first(vec![0], vec![0], &device());
            scalar(&term.loss(&scored(student), Some(&scored([1.0, 3.0])), &batch).unwrap())
        };
        fn two() -> crate::shapes::StreamShapes {
            crate::shapes::StreamShapes { classes: Some(2), ..shapes() }
        }
        let own = "temperature = 2.0\nstudent_temperature = 1.0";
        let found = loss(own, [0.5, 0.0]);
        assert!((found - loss("temperature = 2.0", [1.0, 0.0])).abs() < 1e-6);
    }

    #[test]
    fn a_teacher_with_other_classes_is_refused() {
        let mut teacher = shapes();
        teacher.classes = Some(3);
        let built = KdSpec.build(&toml::Table::new(), &context(&shapes(), Some(&teacher)));
        let message = built.err().unwrap().to_string();
        assert!(message.contains('3') && message.contains("classes"), "{message}");
        assert!(KdSpec.build(&toml::Table::new(), &context(&shapes(), None)).is_err());
    }
}
