//! Golden vectors of the group `backbones`: networks of public reference implementations, run by
//! PyTorch in f64, and their parameter counts.
//!
//! The vectors lie in `$FACETTE_GOLDEN`, by default in `shared/golden` beside the workspace.
//! Shapes, widths and tolerances are read from the files.

mod case;
mod counts;
mod folder;
mod reference;

#[test]
fn golden_backbones() {
    let Some(folder) = folder::locate() else {
        println!("golden: skipped, no folder of golden vectors beside the workspace");
        return;
    };
    let entries = folder::entries(&folder, "backbones");
    assert!(!entries.is_empty(), "no case of the group in the index");
    let mut failures = Vec::new();
    for entry in &entries {
        let found = match entry.file.ends_with(".json") {
            true => counts::check(&folder, entry),
            false => case::check(&folder, entry),
        };
        match found {
            Ok(summary) => println!("golden: {}: {summary}", entry.file),
            Err(problem) => failures.push(format!("{}: {problem}", entry.file)),
        }
    }
    println!("golden: {} files of backbones, {} failed", entries.len(), failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
