//! Where the golden vectors are.

use std::path::{Path, PathBuf};

/// A line of the index.
pub(crate) struct Entry {
    pub(crate) case: String,
    pub(crate) file: String,
}

/// The folder of golden vectors; none where it is absent and nobody asked for one.
pub(crate) fn locate() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("FACETTE_GOLDEN") {
        let folder = PathBuf::from(folder);
        assert!(folder.is_dir(), "FACETTE_GOLDEN names no folder: {}", folder.display());
        return Some(folder);
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
    beside.is_dir().then_some(beside)
}

/// The entries of the groups, in the order of the index.
pub(crate) fn entries(folder: &Path, groups: &[&str]) -> Vec<Entry> {
    let text = std::fs::read_to_string(folder.join("index.json")).expect("index.json is readable");
    let index: serde_json::Value = serde_json::from_str(&text).expect("index.json is JSON");
    let word = |entry: &serde_json::Value, key: &str| {
        entry[key].as_str().unwrap_or_else(|| panic!("index: {key} missing in {entry}")).to_owned()
    };
    let cases = index["cases"].as_array().expect("the index lists cases");
    cases
        .iter()
        .filter(|entry| groups.contains(&word(entry, "group").as_str()))
        .map(|entry| Entry { case: word(entry, "case"), file: word(entry, "file") })
        .collect()
}
