//! From text to a recipe, and back.

use std::path::Path;

use toml::{Table, Value};

use super::Recipe;
use super::reader::{self, Fault};
use super::stage::BATCH;
use crate::error::TrainError;

impl Recipe {
    /// Reads the recipe in the file at `path`, with `overrides` such as `stage.0.lr=0.01`.
    ///
    /// # Errors
    /// As [`Recipe::parse`]; [`TrainError::Io`] if the file cannot be read.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, TrainError> {
        let text = std::fs::read_to_string(path).map_err(|e| TrainError::io("read", path, e))?;
        Self::parse(&path.display().to_string(), &text, overrides)
    }

    /// Reads a recipe. `file` is what messages call it. An override sets one key, dotted; members
    /// of a list are named by place (`stage.0.lr=0.01`) or by their `name` (`stage.warm.lr=0.01`).
    /// Settings that are left out of methods, terms and networks are filled in, so that the
    /// recipe says everything.
    ///
    /// # Errors
    /// [`TrainError::Recipe`], naming the key, and for an unknown key the nearest known one.
    pub fn parse(file: &str, text: &str, overrides: &[String]) -> Result<Self, TrainError> {
        let table = table(file, text, overrides)?;
        let mut recipe: Self = reader::read(table).map_err(|fault| refused(file, &fault))?;
        recipe.fill_in().map_err(|e| e.in_file(file))?;
        recipe.check().map_err(|e| e.in_file(file))?;
        Ok(recipe)
    }

    /// The recipe as TOML, with every default written out; [`Recipe::parse`] reads it back.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("recipes are tables of plain values")
    }

    /// BLAKE3 of [`Recipe::to_toml`], in hexadecimal.
    pub fn digest(&self) -> String {
        blake3::hash(self.to_toml().as_bytes()).to_hex().to_string()
    }

    /// Writes out the defaults that other rooms own.
    fn fill_in(&mut self) -> Result<(), Misfit> {
        let nets = self.student.iter_mut().map(|net| ("student".to_owned(), net));
        for (key, net) in nets {
            fill_net(&key, net)?;
        }
        if let Some(net) = self.teacher.as_mut().and_then(|teacher| teacher.net.as_mut()) {
            fill_net("teacher.net", net)?;
        }
        for (index, stage) in self.stages.iter_mut().enumerate() {
            let key = |rest: &str| format!("stage[{index}].{rest}");
            if stage.sampler.is_none() {
                stage.batch.get_or_insert(BATCH);
            }
            let method = facette_distil::find_method(&stage.method)
                .map_err(|e| Misfit::new(key("method"), e))?;
            stage.settings =
                method.effective(&stage.settings).map_err(|e| Misfit::new(key("settings"), e))?;
            for (place, term) in stage.terms.iter_mut().enumerate() {
                let key = |rest: &str| format!("stage[{index}].term[{place}].{rest}");
                let spec = facette_distil::find_term(&term.kind)
                    .map_err(|e| Misfit::new(key("kind"), e))?;
                fill(&key("settings"), &mut term.settings, spec.defaults())?;
            }
            if let Some(net) = &mut stage.student {
                fill_net(&key("student"), net)?;
            }
            if let Some(net) = stage.teacher.as_mut().and_then(|teacher| teacher.net.as_mut()) {
                fill_net(&key("teacher.net"), net)?;
            }
            for (name, net) in &mut stage.streams {
                fill_net(&key(&format!("streams.{name}")), net)?;
            }
            for (name, teacher) in &mut stage.teachers {
                if let Some(net) = &mut teacher.net {
                    fill_net(&key(&format!("teachers.{name}.net")), net)?;
                }
            }
        }
        Ok(())
    }
}

/// A value that does not fit, before the file's name is known.
#[derive(Debug)]
pub(super) struct Misfit {
    key: String,
    problem: String,
}

impl Misfit {
    pub(super) fn new(key: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self { key: key.into(), problem: problem.to_string() }
    }

    pub(super) fn in_file(self, file: &str) -> TrainError {
        TrainError::Recipe { file: file.to_owned(), key: self.key, problem: self.problem }
    }
}

fn fill_net(key: &str, net: &mut super::StudentSettings) -> Result<(), Misfit> {
    let spec = facette_nets::find(&net.net).map_err(|e| Misfit::new(format!("{key}.net"), e))?;
    fill(&format!("{key}.settings"), &mut net.settings, spec.defaults())
}

fn fill(key: &str, settings: &mut Table, defaults: Table) -> Result<(), Misfit> {
    let known: Vec<&str> = defaults.keys().map(String::as_str).collect();
    if let Some(odd) = settings.keys().find(|name| !defaults.contains_key(*name)) {
        let problem = format!("unknown key{}", reader::hint(odd, &known));
        return Err(Misfit::new(format!("{key}.{odd}"), problem));
    }
    for (name, value) in defaults {
        settings.entry(name).or_insert(value);
    }
    Ok(())
}

/// The TOML table of `text` with `overrides`.
pub(crate) fn table(file: &str, text: &str, overrides: &[String]) -> Result<Table, TrainError> {
    let mut table: Table = text.parse().map_err(|e: toml::de::Error| {
        let line = e.span().map(|span| 1 + text[..span.start].matches('\n').count());
        TrainError::Recipe {
            file: file.to_owned(),
            key: line.map_or("syntax".to_owned(), |line| format!("line {line}")),
            problem: e.message().to_owned(),
        }
    })?;
    for change in overrides {
        apply(&mut table, change).map_err(|problem| TrainError::Recipe {
            file: file.to_owned(),
            key: format!("--set {change}"),
            problem,
        })?;
    }
    Ok(table)
}

pub(crate) fn refused(file: &str, fault: &Fault) -> TrainError {
    TrainError::Recipe {
        file: file.to_owned(),
        key: fault.key(),
        problem: fault.problem().to_owned(),
    }
}

/// Sets one key of `table`, `a.b=c`. What is no TOML value is a string.
fn apply(table: &mut Table, change: &str) -> Result<(), String> {
    let (key, text) =
        change.split_once('=').ok_or("expected KEY=VALUE, such as stage.0.lr=0.01")?;
    let text = text.trim();
    let value = format!("v = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut one| if one.len() == 1 { one.remove("v") } else { None })
        .unwrap_or_else(|| Value::String(text.to_owned()));
    let parts: Vec<&str> = key.trim().split('.').collect();
    let Some((last, path)) = parts.split_last() else { return Err("expected a key".into()) };
    if parts.iter().any(|part| part.is_empty()) {
        return Err(format!("{key:?} has an empty part"));
    }
    let mut place = table;
    let mut rest = path.iter();
    while let Some(part) = rest.next() {
        let found = place.entry(part.to_string()).or_insert_with(|| Value::Table(Table::new()));
        place = match found {
            Value::Table(inner) => inner,
            Value::Array(list) => {
                let member = rest.next().ok_or(format!("{part} is a list; name its member"))?;
                member_of(list, part, member)?
            }
            other => return Err(format!("{part} is a {}, not a table", other.type_str())),
        };
    }
    if let Some(Value::Array(list)) = place.get_mut(*last)
        && !value.is_array()
    {
        let members = list.len();
        return Err(format!("{last} is a list of {members}; give a list, or name its member"));
    }
    place.insert(last.to_string(), value);
    Ok(())
}

fn member_of<'a>(list: &'a mut [Value], part: &str, member: &str) -> Result<&'a mut Table, String> {
    let count = list.len();
    let index = match member.parse::<usize>() {
        Ok(index) => Some(index).filter(|index| *index < count),
        Err(_) => list.iter().position(|value| {
            value.get("name").and_then(Value::as_str).is_some_and(|name| name == member)
        }),
    };
    let index = index.ok_or(format!("{part} has {count} members, none is {member:?}"))?;
    match &mut list[index] {
        Value::Table(inner) => Ok(inner),
        other => Err(format!("{part}.{member} is a {}, not a table", other.type_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(text: &str, changes: &[&str]) -> Result<Table, String> {
        let changes: Vec<String> = changes.iter().map(|c| c.to_string()).collect();
        table("r.toml", text, &changes).map_err(|e| e.to_string())
    }

    #[test]
    fn overrides_reach_into_tables_and_lists() {
        let text = "seed = 1\n[[stage]]\nname = 'warm'\n[[stage]]\nname = 'cold'";
        let table = changed(
            text,
            &["seed=7", "stage.cold.lr=1e-2", "stage.0.optimiser.kind=sgd", "a.b = [1, 2]"],
        )
        .unwrap();
        let expected = "seed = 7\n[a]\nb = [1, 2]\n[[stage]]\nname = 'warm'\n\
            optimiser = { kind = 'sgd' }\n[[stage]]\nname = 'cold'\nlr = 0.01";
        assert_eq!(table, expected.parse::<Table>().unwrap());
    }

    #[test]
    fn overrides_that_lead_nowhere_are_refused() {
        let text = "seed = 1\n[[stage]]\nname = 'warm'";
        for (change, expected) in [
            ("seed", "expected KEY=VALUE"),
            ("seed.x=1", "seed is a integer"),
            ("stage.3.lr=1", "stage has 1 members, none is \"3\""),
            ("stage=3", "stage is a list of 1"),
            ("a..b=3", "empty part"),
        ] {
            let message = changed(text, &[change]).unwrap_err();
            assert!(message.contains(expected), "{change}: {message}");
        }
    }

    #[test]
    fn syntax_errors_name_file_and_line() {
        let message = changed("seed = 1\nname = = 3", &[]).unwrap_err();
        assert!(message.starts_with("r.toml: line 2: "), "{message}");
    }

    proptest::proptest! {
        #[test]
        fn any_override_is_taken_or_refused(change in "[a-z.0-9=\\[\\] '-]{0,24}") {
            let text = "seed = 1\n[[stage]]\nname = 'warm'\n[a]\nb = { c = [1, {}] }";
            let _ = table("r.toml", text, &[change]);
        }

        #[test]
        fn any_text_is_a_recipe_or_refused(text in ".{0,200}", cut in 0usize..400) {
            let _ = Recipe::parse("r.toml", &text, &[]);
            let whole = include_str!("../../tests/training/recipe.toml");
            let cut = whole.floor_char_boundary(cut);
            let _ = Recipe::parse("r.toml", &format!("{}{text}", &whole[..cut]), &[]);
        }
    }

    #[test]
    fn the_effective_recipe_reads_back_as_itself() {
        let text = include_str!("../../tests/training/recipe.toml");
        let recipe = Recipe::parse("recipe.toml", text, &[]).unwrap();
        let written = recipe.to_toml();
        assert_eq!(Recipe::parse("written.toml", &written, &[]).unwrap(), recipe);
        for default in ["div_factor = 25.0", "minutes = 2.0", "warm_up = true", "stem = "] {
            assert!(written.contains(default), "{default} is not in\n{written}");
        }
        let other = Recipe::parse("recipe.toml", text, &["seed=4".into()]).unwrap();
        assert_ne!(other.digest(), recipe.digest());
    }
}
