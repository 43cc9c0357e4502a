//! The golden vectors of losses, heads and papers: value and gradient of every case, against
//! public reference implementations run in f64.
//!
//! The vectors lie in `$FACETTE_GOLDEN`, by default in `shared/golden` beside the workspace. All
//! shapes, constants and tolerances are read from the files.

mod case;
mod cases;
mod compare;
mod folder;
mod through;

use case::Case;
use cases::RUNNERS;

#[test]
fn golden_vectors() {
    let Some(folder) = folder::locate() else {
        println!("golden: skipped, no folder of golden vectors beside the workspace");
        return;
    };
    let entries = folder::entries(&folder, &["losses", "heads", "papers"]);
    let (mut checked, mut unknown, mut failures) = (0, 0, Vec::new());
    for entry in &entries {
        let Some(runner) = RUNNERS.iter().find(|runner| runner.case == entry.case) else {
            unknown += 1;
            failures.push(format!("{}: no runner knows this case", entry.case));
            continue;
        };
        checked += 1;
        let case = Case::read(&folder.join(&entry.file));
        let (count, found) = compare::case(&case, runner);
        println!("golden: {}: {count} of {} outputs checked", entry.file, case.outputs.len());
        failures.extend(found.into_iter().map(|line| format!("{}: {line}", entry.file)));
    }
    let total = entries.len();
    println!("golden: {total} files, {checked} checked, {unknown} unknown");
    assert!(total > 0, "no case of these groups in the index");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
