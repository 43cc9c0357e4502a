//! Which stages of two networks are compared.

use facette_graph::Shape;

use crate::error::DistilError;
use crate::term::Context;

/// Stages of student and target that are compared, `(student, target)`, shallow to deep. They are
/// paired from the deepest, so a network of more stages leaves its shallowest out.
///
/// # Errors
/// If either yields no stages.
pub(crate) fn stages(
    owner: &str,
    context: &Context<'_>,
) -> Result<Vec<(usize, usize)>, DistilError> {
    let (s, t) = (context.student.stages.len(), context.target(owner)?.stages.len());
    let missing = |found: &str, remedy: &str| DistilError::Need {
        owner: owner.to_owned(),
        need: "stage maps of student and teacher".into(),
        found: found.to_owned(),
        remedy: remedy.to_owned(),
    };
    if s == 0 {
        let remedy = "choose a student whose architecture marks its stages";
        return Err(missing("the student yields none", remedy));
    }
    if t == 0 {
        let remedy = "use a facette run as teacher: ONNX and features files yield embeddings only";
        return Err(missing("the teacher yields none", remedy));
    }
    let count = s.min(t);
    Ok((0..count).map(|i| (s - count + i, t - count + i)).collect())
}

/// The stages counted `stage` (from 1) of student and target, their places and shapes.
///
/// # Errors
/// If either has no such stage.
pub(crate) fn stage(
    owner: &str,
    stage: usize,
    context: &Context<'_>,
) -> Result<(usize, Shape, Shape), DistilError> {
    stages(owner, context)?;
    let (s, t) = (&context.student.stages, &context.target(owner)?.stages);
    let place = stage.wrapping_sub(1);
    match (s.get(place), t.get(place)) {
        (Some(&s), Some(&t)) => Ok((place, s, t)),
        _ => Err(crate::settings::refuse(
            owner,
            "stage",
            format!("expected 1 to {}, found {stage}", s.len().min(t.len())),
        )),
    }
}
