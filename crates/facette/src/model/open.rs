//! Finding a model by path or by name.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use facette_graph::StudentFile;

use super::{Model, Precision, Preprocessing, onnx};
use crate::embedded;

/// Students in a run folder, the preferred one first.
const IN_RUN: [&str; 2] = ["best.safetensors", "last.safetensors"];

/// Opens the model called `name`: a student file, a run folder, an ONNX file, or one that ships.
/// Without a name, the one that ships and fits pictures of `side` pixels best. Students are run in
/// `precision`.
pub(crate) fn open(
    name: Option<&str>,
    side: Option<usize>,
    preprocessing: &Preprocessing,
    precision: Precision,
) -> anyhow::Result<Model> {
    let shipped = match name {
        None => Some(shipped_for(side, precision)?),
        Some(name) if !Path::new(name).exists() => Some(find_shipped(name, precision)?),
        Some(_) => None,
    };
    let path = Path::new(name.unwrap_or_default());
    if shipped.is_none() && path.extension().is_some_and(|extension| extension == "onnx") {
        ensure!(
            precision == Precision::Auto,
            "{}: --precision is for students; an ONNX file says itself what it computes in",
            path.display()
        );
        return onnx::open(path, preprocessing);
    }
    ensure!(
        preprocessing.is_empty(),
        "{}: a student file says itself how it sees pictures; leave --card, --mean, --std, \
         --channels, --kernel, --input and --output out",
        name.unwrap_or("the model that ships")
    );
    if let Some((name, bytes)) = shipped {
        let file = StudentFile::from_bytes(bytes).with_context(|| format!("model {name}"))?;
        return Model::of_student(name.to_owned(), bytes.len() as u64, file, precision);
    }
    let file_path = match path.is_dir() {
        false => path.to_owned(),
        true => {
            IN_RUN.iter().map(|file| path.join(file)).find(|file| file.is_file()).with_context(
                || {
                    format!(
                        "{}: no run folder; it holds neither {}",
                        path.display(),
                        IN_RUN.join(" nor ")
                    )
                },
            )?
        }
    };
    let file = StudentFile::open(&file_path)?;
    let bytes = std::fs::metadata(&file_path).map(|found| found.len()).unwrap_or_default();
    let called = if path.is_dir() { path.file_name() } else { path.file_stem() };
    let called = called.map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Model::of_student(called, bytes, file, precision)
}

type Shipped = (&'static str, &'static [u8]);

/// Of the models that ship, that whose name ends in the side nearest to `side` (16 where unsaid).
fn shipped_for(side: Option<usize>, precision: Precision) -> anyhow::Result<Shipped> {
    let side = side.unwrap_or(16);
    let distance = |(name, _): &&Shipped| {
        let own = name.rsplit('-').next().and_then(|own| own.parse::<usize>().ok());
        own.map_or(usize::MAX, |own| own.abs_diff(side))
    };
    let nearest = embedded::MODELS.iter().min_by_key(distance);
    let nearest =
        nearest.context("no model ships with this build; name one of your own (MODEL)")?;
    find_shipped(nearest.0, precision)
}

/// The model of that name that ships; as it was before it was quantised where floats are wanted.
fn find_shipped(name: &str, precision: Precision) -> anyhow::Result<Shipped> {
    let float = embedded::FLOAT_MODELS.iter().filter(|_| precision == Precision::F32);
    if let Some(model) = float.into_iter().find(|(known, _)| *known == name) {
        return Ok(*model);
    }
    if let Some(model) = embedded::MODELS.iter().find(|(known, _)| *known == name) {
        return Ok(*model);
    }
    let known: Vec<&str> = embedded::MODELS.iter().map(|(known, _)| *known).collect();
    match known.is_empty() {
        true => bail!("{name}: no such file or folder"),
        false => bail!(
            "{name}: no such file or folder, and no model that ships; those are {}",
            known.join(", ")
        ),
    }
}
