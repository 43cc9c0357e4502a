//! How an ONNX model wants to see a picture, which its file does not say.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use facette_image::View;
use facette_nets::{OnnxModel, OnnxOptions};
use serde_json::{Map, Value, json};

use super::{Body, Model};

/// Flags that say how an ONNX model wants to see a picture.
#[derive(Debug, Clone, Default, PartialEq, Args)]
#[command(next_help_heading = "How an ONNX model sees pictures")]
pub(crate) struct Preprocessing {
    /// JSON file that says it; `MODEL.onnx.json` or `MODEL.json` beside the model is found by
    /// itself
    #[arg(long, value_name = "FILE")]
    card: Option<PathBuf>,
    /// Subtracted from values in 0..1: one number, or one for each channel
    #[arg(long, value_name = "M[,M,M]", value_parser = numbers, allow_hyphen_values = true)]
    mean: Option<Numbers>,
    /// Divided by: one number, or one for each channel
    #[arg(long, value_name = "S[,S,S]", value_parser = numbers)]
    std: Option<Numbers>,
    /// Order of the channels: rgb, bgr or grey
    #[arg(long, value_name = "ORDER")]
    channels: Option<String>,
    /// How pictures are brought to the model's input: area, bilinear, bicubic, lanczos, ...
    #[arg(long, value_name = "NAME")]
    kernel: Option<String>,
    /// Side of the model's input in pixels, where the file leaves it open
    #[arg(long, value_name = "SIDE")]
    input: Option<usize>,
    /// Output that holds the embedding, where there are several
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
    /// What a list says in the words of a card.
    #[arg(skip)]
    listed: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq)]
struct Numbers(Vec<f64>);

fn numbers(text: &str) -> Result<Numbers, String> {
    let refused = || "expected one number or three with commas between".to_owned();
    let values: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    match values {
        Ok(values) if matches!(values.len(), 1 | 3) => Ok(Numbers(values)),
        _ => Err(refused()),
    }
}

impl Preprocessing {
    /// What a table with the keys of a card says.
    pub(crate) fn of_table(table: &toml::Table) -> anyhow::Result<Self> {
        let Value::Object(listed) = serde_json::to_value(table)? else {
            bail!("expected a table with the keys of a card, found {table}")
        };
        Ok(Self { listed, ..Self::default() })
    }

    /// Whether nothing was said.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Opens the ONNX model at `path`, to be shown pictures as its card and the flags say.
pub(super) fn open(path: &Path, preprocessing: &Preprocessing) -> anyhow::Result<Model> {
    let (card_path, mut card) = card_of(path, preprocessing)?;
    card.extend(preprocessing.listed.clone());
    let flags = [
        ("mean", preprocessing.mean.as_ref().map(one_or_three)),
        ("std", preprocessing.std.as_ref().map(one_or_three)),
        ("channels", preprocessing.channels.as_ref().map(|name| json!(name))),
        ("kernel", preprocessing.kernel.as_ref().map(|name| json!(name))),
        ("size", preprocessing.input.map(|side| json!(side))),
    ];
    for (key, value) in flags {
        if let Some(value) = value {
            card.insert(key.to_owned(), value);
        }
    }
    for key in ["mean", "std"] {
        ensure!(
            card.contains_key(key),
            "{}: an ONNX file does not say how pictures are normalised; give --mean and --std, or \
             a card such as {{\"mean\": 0.5, \"std\": 0.5}} in {}",
            path.display(),
            card_path.display()
        );
    }
    let output = match (&preprocessing.output, card.remove("output")) {
        (Some(name), _) => Some(name.clone()),
        (None, Some(Value::String(name))) => Some(name),
        (None, None) => None,
        (None, Some(other)) => {
            bail!("{}: \"output\" takes a name, found {other}", card_path.display())
        }
    };
    let asked: Option<View> = match card.contains_key("size") {
        true => Some(view(&card, &card_path)?),
        false => None,
    };
    let size = asked.map(|view| view.size.width);
    let model = OnnxModel::open_with(path, &OnnxOptions { output, size, threads: None })?;
    let [channels, height, width] = model.picture();
    card.insert("size".to_owned(), json!([width, height]));
    let view = view(&card, &card_path)?;
    ensure!(
        view.planes() == channels,
        "{}: takes {channels} channels, but `channels` makes {}; set --channels",
        path.display(),
        view.planes()
    );
    let bytes = std::fs::metadata(path).map(|found| found.len()).unwrap_or_default();
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    Ok(Model { name: name.unwrap_or_default(), bytes, view, body: Body::Onnx(Box::new(model)) })
}

fn one_or_three(numbers: &Numbers) -> Value {
    match numbers.0.as_slice() {
        [one] => json!(one),
        several => json!(several),
    }
}

/// The card that was named, or that stands beside the model; an empty one where there is none. The
/// path is where it is or could be.
fn card_of(
    model: &Path,
    preprocessing: &Preprocessing,
) -> anyhow::Result<(PathBuf, Map<String, Value>)> {
    let beside = [model.with_extension("onnx.json"), model.with_extension("json")];
    let found = beside.iter().find(|path| path.is_file());
    let Some(path) = preprocessing.card.as_ref().or(found) else {
        return Ok((beside[0].clone(), Map::new()));
    };
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let card = serde_json::from_str(&text)
        .with_context(|| format!("{}: no card of an ONNX model", path.display()))?;
    Ok((path.clone(), card))
}

fn view(card: &Map<String, Value>, path: &Path) -> anyhow::Result<View> {
    let view: View = serde_json::from_value(Value::Object(card.clone()))
        .with_context(|| format!("{}: card of an ONNX model", path.display()))?;
    view.check()?;
    Ok(view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_or_three() {
        assert_eq!(numbers("0.5").unwrap().0, [0.5]);
        assert_eq!(numbers("0.485, .456,.406").unwrap().0, [0.485, 0.456, 0.406]);
        assert!(numbers("1,2").is_err() && numbers("a").is_err());
    }

    #[test]
    fn cards_refuse_unknown_keys() {
        let card: Map<String, Value> =
            serde_json::from_str(r#"{"size": 112, "men": 0.5}"#).unwrap();
        let message = format!("{:#}", view(&card, Path::new("m.json")).unwrap_err());
        assert!(message.contains("m.json") && message.contains("men"), "{message}");
    }
}
