//! Looking a name up in a registry slice.

use crate::EvalError;

/// A registry entry.
pub(crate) trait Named {
    fn name(&self) -> &'static str;
}

/// The entry called `name`, or an error that lists the known names and suggests the nearest.
pub(crate) fn find<T: Named + ?Sized>(
    kind: &'static str,
    registry: &[&'static T],
    name: &str,
) -> Result<&'static T, EvalError> {
    if let Some(&entry) = registry.iter().find(|entry| entry.name() == name) {
        return Ok(entry);
    }
    let nearest = registry
        .iter()
        .map(|entry| (strsim::jaro_winkler(entry.name(), name), entry.name()))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.7)
        .map(|(_, name)| name.to_string());
    let known = registry.iter().map(|entry| entry.name()).collect::<Vec<_>>().join(", ");
    Err(EvalError::Unknown { kind, name: name.to_string(), nearest, known })
}
