//! A temporary folder to play in, and the program.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use tempfile::TempDir;

/// The program with these arguments.
pub(crate) fn facette(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_facette"));
    command.args(arguments).env("COLUMNS", "100");
    command
}

/// A folder that is gone afterwards.
pub(crate) struct Playground(TempDir);

impl Playground {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// One with `faces/`: 8 drawn people, 5 pictures each, and 2 folds of 10 + 10 pairs.
    pub(crate) fn with_faces() -> Self {
        let play = Self::new();
        facette(&["data", "synthesize", &play.path("faces"), "--pairs", "2:10"])
            .args(["--identities", "8", "--shots", "5", "--size", "24", "--quiet"])
            .assert()
            .success();
        play
    }

    /// Path of something in it.
    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file; its path.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> String {
        fs::write(self.0.path().join(name), bytes).unwrap();
        self.path(name)
    }

    /// A recipe of two stages, a few steps each, over `faces/`.
    pub(crate) fn recipe(&self) -> String {
        self.write("tiny.toml", RECIPE.as_bytes())
    }

    /// Names of everything in a folder, hidden files included; nothing where it does not exist.
    pub(crate) fn list(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(Path::new(&self.path(folder))) else { return Vec::new() };
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry.unwrap().file_name().into_string().unwrap()
        };
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }
}

/// Standard error is one line from facette that holds all of `words`.
pub(crate) fn says(assert: Assert, words: &[&str]) {
    let text = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    let complaint: Vec<&str> = text.lines().filter(|line| line.starts_with("facette: ")).collect();
    assert_eq!(complaint.len(), 1, "one line of complaint:\n{text}");
    assert!(text.ends_with(&format!("{}\n", complaint[0])), "the complaint comes last:\n{text}");
    for word in words {
        assert!(complaint[0].contains(word), "{word:?} is not in {:?}", complaint[0]);
    }
    assert!(!text.contains("panicked"), "{text}");
}

/// Standard error holds all of `words`.
pub(crate) fn says_on_stderr(assert: Assert, words: &[&str]) {
    let text = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    words.iter().for_each(|word| assert!(text.contains(word), "{word:?} is not in {text:?}"));
}

/// A teacher at 24 pixels and a student at 16, each trained for a few steps.
pub(crate) const RECIPE: &str = r#"
name = "tiny"
terms = "trained on drawn faces"

[data]
sources = [{ kind = "folder", path = "faces" }]

[views.student]
size = 16

[views.teacher.view]
size = 24

[student]
net = "few-shot"
embedding = 16

[validation]
protocol = "lfw"
images = "faces"
pairs = "faces/pairs.txt"

[[stage]]
name = "teacher"
method = "none"
steps = 3
batch = 8
lr = 0.05
validate = false
student = { net = "few-shot", embedding = 16, input = "teacher" }

[[stage]]
name = "student"
method = "feature"
steps = 5
batch = 8
lr = 0.05
teacher = { kind = "stage", path = "teacher" }
"#;
