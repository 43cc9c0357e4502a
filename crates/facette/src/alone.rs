//! A recipe without its teacher.

use facette_distil::methods::none::NoneSpec;
use facette_distil::{MethodSpec, find_method, find_term};
use facette_train::Recipe;
use toml::{Table, Value};

/// The recipe of the same student without its teacher: the last stage with the same pictures,
/// views and schedule, learning from labels through the head that the stage names, at weight 1.
/// A recipe without a teacher stays as it is.
///
/// # Errors
/// If what is left cannot be run, e.g. because the student reads the teacher's embeddings.
pub(crate) fn alone(recipe: &Recipe) -> anyhow::Result<Recipe> {
    let taught = |method: &str| Ok::<_, anyhow::Error>(find_method(method)?.needs().teacher);
    let Some(last) = recipe.stages.last() else { return Ok(recipe.clone()) };
    if !taught(&last.method)? {
        return Ok(recipe.clone());
    }
    let mut stage = last.clone();
    stage.settings = head(&last.settings).map(|head| Table::from_iter([head])).unwrap_or_default();
    stage.method = NoneSpec.id().to_owned();
    stage.teacher = None;
    let mut kept = Vec::new();
    for term in stage.terms {
        if !find_term(&term.kind)?.needs().teacher {
            kept.push(term);
        }
    }
    stage.terms = kept;
    let mut student = stage.student.take().or_else(|| recipe.student.clone());
    if let Some(student) = &mut student {
        student.init_stage = None;
    }
    let left = Recipe {
        name: format!("{}-alone", recipe.name),
        about: format!("{}, without its teacher", recipe.about),
        teacher: None,
        student,
        stages: vec![stage],
        ..recipe.clone()
    };
    Ok(Recipe::parse(&left.name, &left.to_toml(), &[])?)
}

/// The head among the settings of a method, at weight 1.
fn head(settings: &Table) -> Option<(String, Value)> {
    let (key, head) = settings.iter().find(|(_, value)| {
        let term = value.get("term").and_then(Value::as_str).or(value.as_str());
        term.is_some_and(|term| facette_distil::find_head(term).is_ok())
    })?;
    let mut head = head.clone();
    if let Value::Table(table) = &mut head {
        table.insert("weight".into(), 1.0.into());
    }
    Some((key.clone(), head))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECIPE: &str = r#"
        name = "two"
        [[data.sources]]
        kind = "folder"
        path = "faces"
        [views.student]
        size = 16
        [views.teacher.view]
        size = 48
        [student]
        net = "facette"
        [[stage]]
        name = "teacher"
        method = "none"
        epochs = 1
        lr = 0.1
        student = { net = "facette", input = "teacher" }
        [[stage]]
        name = "student"
        method = "feature"
        epochs = 2
        lr = 0.01
        teacher = { kind = "stage", path = "teacher" }
        settings = { head = { term = "cosface", weight = 0.1 } }
        [[stage.term]]
        kind = "relation"
    "#;

    #[test]
    fn the_last_stage_is_left_with_its_head() {
        let recipe = Recipe::parse("two.toml", RECIPE, &[]).unwrap();
        let left = alone(&recipe).unwrap();
        assert_eq!((left.name.as_str(), left.stages.len()), ("two-alone", 1));
        let stage = &left.stages[0];
        assert_eq!((stage.method.as_str(), stage.epochs), ("none", Some(2)));
        assert_eq!(stage.settings["head"]["term"].as_str(), Some("cosface"));
        assert_eq!(stage.settings["head"]["weight"].as_float(), Some(1.0));
        assert!(stage.terms.is_empty() && stage.teacher.is_none());
        assert_eq!(alone(&left).unwrap(), left, "what has no teacher stays");
    }
}
