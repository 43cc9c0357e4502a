//! Where the golden vectors are, and what the index says of them.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// A line of the index.
pub(crate) struct Entry {
    pub(crate) file: String,
    pub(crate) reference: String,
    pub(crate) tolerance: Value,
}

impl Entry {
    pub(crate) fn tolerance(&self, key: &str) -> Result<f64, String> {
        self.tolerance[key].as_f64().ok_or_else(|| format!("the index lacks tolerance {key}"))
    }
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

/// The entries of a group, in the order of the index.
pub(crate) fn entries(folder: &Path, group: &str) -> Vec<Entry> {
    let index = json(&folder.join("index.json"));
    let cases = index["cases"].as_array().expect("the index lists cases");
    let entry = |case: &Value| Entry {
        file: case["file"].as_str().expect("a case has a file").to_owned(),
        reference: case["reference"][0].as_str().unwrap_or_default().to_owned(),
        tolerance: case["tolerance"].clone(),
    };
    cases.iter().filter(|case| case["group"] == group).map(entry).collect()
}

pub(crate) fn json(path: &Path) -> Value {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
