//! The documentation says what the program says.
//!
//! `FACETTE_UPDATE_DOCS=1 cargo test --release -p facette --test docs` writes the generated parts
//! anew.

use std::path::{Path, PathBuf};
use std::{env, fs};

use assert_cmd::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// What `facette <arguments>` prints, run in the workspace root; a sweep with rows left to do ends
/// with 1 and prints all the same.
fn printed(arguments: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_facette"));
    let output = command.current_dir(root()).args(arguments.split(' ')).output().unwrap();
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "facette {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// `text` with what stands between `<!-- facette ... -->` and `<!-- end -->` replaced by what the
/// command prints.
fn regenerated(text: &str) -> String {
    const START: &str = "<!-- facette ";
    const END: &str = "<!-- end -->";
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(START) {
        let after = at + rest[at..].find(" -->\n").expect("a marker ends with ` -->`") + 5;
        let arguments = &rest[at + START.len()..after - 5];
        let format = if arguments.starts_with("sweep") { "--table" } else { "--markdown" };
        let end = after + rest[after..].find(END).expect("a generated part has an end");
        result.push_str(&rest[..after]);
        result.push_str(&printed(&format!("{arguments} {format}")));
        rest = &rest[end..];
    }
    result + rest
}

#[test]
fn generated_parts_are_what_the_program_prints() {
    let update = env::var_os("FACETTE_UPDATE_DOCS").is_some();
    let mut generated = 0;
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = read(&path);
        let expected = regenerated(&text);
        generated += text.matches("<!-- facette ").count();
        if update && text != expected {
            fs::write(&path, &expected).unwrap();
        } else {
            assert!(
                text == expected,
                "{}: not what the registries say; FACETTE_UPDATE_DOCS=1 cargo test --release -p \
                 facette --test docs writes it anew",
                path.display()
            );
        }
    }
    assert!(generated >= 6, "nets, methods, terms, datasets, degradations, protocols");
}

#[test]
fn contributing_shows_the_examples_as_they_are_compiled() {
    let page = read(&root().join("CONTRIBUTING.md"));
    for example in ["docs/examples/method.rs", "docs/examples/net.rs"] {
        let code = read(&root().join(example));
        let block = format!("<!-- {example} -->\n```rust\n{code}```");
        assert!(page.contains(&block), "CONTRIBUTING.md does not show {example} as it is");
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    let pages = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = pages.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let top = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name));
    for page in pages.chain(top) {
        let text = read(&page);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')) {
            let target = link.0.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let path = page.parent().unwrap().join(target);
            assert!(path.exists(), "{}: {target} leads nowhere", page.display());
        }
    }
}

#[test]
fn every_key_of_a_recipe_is_explained() {
    let page = read(&root().join("docs/recipes.md"));
    let recipe: toml::Table = printed("recipe show demo").parse().unwrap();
    let mut unexplained = Vec::new();
    // Words in code spans: every other part between backticks.
    let spans = page.split('`').skip(1).step_by(2);
    let words = spans.flat_map(|span| span.split(|c: char| !c.is_alphanumeric() && c != '_'));
    let words: std::collections::BTreeSet<&str> = words.collect();
    keys(&toml::Value::Table(recipe), &mut |key| {
        if !words.contains(key) {
            unexplained.push(key.to_owned());
        }
    });
    // Settings of networks, methods, terms and sources are explained where those are.
    let elsewhere = ["identities", "shots", "first", "size", "seed", "widths", "blocks", "stem"];
    unexplained.retain(|key| !elsewhere.contains(&key.as_str()));
    assert!(unexplained.is_empty(), "docs/recipes.md does not explain {unexplained:?}");
}

/// Every key of tables in `value`, save those below `settings`.
fn keys(value: &toml::Value, found: &mut impl FnMut(&str)) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                found(key);
                if key != "settings" {
                    keys(value, found);
                }
            }
        }
        toml::Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}
