//! Embeds `recipes/*.toml`, `models/*.safetensors` and `models/f32/*.safetensors`, so that the
//! installed binary carries them, and says which state of the source it was built from.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let mut source = String::new();
    source += &slice("RECIPES", "str", "include_str", &files(&workspace.join("recipes"), "toml")?);
    for (name, folder) in [("MODELS", "models"), ("FLOAT_MODELS", "models/f32")] {
        let models = files(&workspace.join(folder), "safetensors")?;
        source += &slice(name, "[u8]", "include_bytes", &models);
    }
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    fs::write(Path::new(&out).join("embedded.rs"), source)?;
    if let Some(state) = state(&workspace) {
        println!("cargo::rustc-env=FACETTE_SOURCE={state}");
    }
    Ok(())
}

/// What git says of the source code; nothing where it was not cloned.
fn state(workspace: &Path) -> Option<String> {
    let commits = workspace.join(".git/logs/HEAD");
    if !commits.is_file() {
        return None;
    }
    println!("cargo::rerun-if-changed={}", commits.display());
    let arguments = ["describe", "--always", "--abbrev=12"];
    let output = Command::new("git").arg("-C").arg(workspace).args(arguments).output().ok()?;
    let state = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !state.is_empty()).then_some(state)
}

/// Files of `folder` that end in `.extension`, by name; none where there is no such folder.
fn files(folder: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == extension) {
            println!("cargo::rerun-if-changed={}", path.display());
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn slice(name: &str, kind: &str, include: &str, files: &[PathBuf]) -> String {
    let mut source = format!("pub(crate) const {name}: &[(&str, &{kind})] = &[\n");
    for path in files {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(source, "    ({stem:?}, {include}!({:?})),", path.display().to_string());
    }
    source + "];\n"
}
