//! The recipes and the models that the binary carries.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The recipe `recipes/<name>.toml`.
pub(crate) fn recipe(name: &str) -> Option<&'static str> {
    RECIPES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
