//! Reading what a term needs from the knowledge of a stream.

use burn::tensor::Tensor;
use facette_nets::Knowledge;

use crate::error::DistilError;

/// What the target yields.
///
/// # Errors
/// If the term was tied to none.
pub(crate) fn target<'a>(
    owner: &str,
    target: Option<&'a Knowledge>,
) -> Result<&'a Knowledge, DistilError> {
    target.ok_or_else(|| DistilError::Need {
        owner: owner.to_owned(),
        need: "a target to imitate".into(),
        found: "a tie without one".into(),
        remedy: "name the target stream in the method's tie".into(),
    })
}

/// Class scores `[n, classes]`.
///
/// # Errors
/// If the stream scores no classes.
pub(crate) fn logits<'a>(
    owner: &str,
    knowledge: &'a Knowledge,
) -> Result<&'a Tensor<2>, DistilError> {
    knowledge.logits.as_ref().ok_or_else(|| DistilError::Need {
        owner: owner.to_owned(),
        need: "class scores".into(),
        found: "a stream that yields only embeddings".into(),
        remedy: "give the network a classifier, or choose a term that compares embeddings".into(),
    })
}

/// The map of stage `place`, `[n, c, h, w]`.
///
/// # Errors
/// If the forward pass did not keep it.
pub(crate) fn stage<'a>(
    owner: &str,
    maps: &'a [Tensor<4>],
    place: usize,
) -> Result<&'a Tensor<4>, DistilError> {
    maps.get(place).ok_or_else(|| DistilError::Need {
        owner: owner.to_owned(),
        need: format!("the map of stage {}", place + 1),
        found: format!("{} maps", maps.len()),
        remedy: "keep the stages the term wants in the forward pass".into(),
    })
}
