//! What a model takes and yields.

use rten::{Dimension, Model, NodeId};

/// What is wrong, and the way out.
pub(super) type Refusal = (String, &'static str);

/// Pictures a run takes, where fixed, and channels, rows and columns of one.
pub(super) fn picture(
    shape: Option<&[Dimension]>,
    size: Option<usize>,
) -> Result<(Option<usize>, [usize; 3]), Refusal> {
    let Some([batch, channels, height, width]) = shape else {
        let found = shape.map_or_else(|| "no shape".to_owned(), |shape| format!("{shape:?}"));
        return Err((
            format!("takes {found}, expected pictures [n, c, h, w]"),
            "export it with an input of four dimensions",
        ));
    };
    let fixed = |dimension: &Dimension| match dimension {
        Dimension::Fixed(length) => Some(*length),
        Dimension::Symbolic(_) => None,
    };
    let side = |dimension: &Dimension| match (fixed(dimension), size) {
        (Some(found), Some(asked)) if found != asked => {
            Err((format!("takes a side of {found}, asked for {asked}"), "leave the size out"))
        }
        (Some(found), _) => Ok(found),
        (None, Some(asked)) => Ok(asked),
        (None, None) => Err(("leaves its picture size open".into(), "give the size")),
    };
    let channels =
        fixed(channels).filter(|channels| [1, 3].contains(channels)).ok_or_else(|| {
            let problem = format!("takes {channels:?} channels, expected 1 or 3");
            (problem, "export it with channels first")
        })?;
    let shape = [channels, side(height)?, side(width)?];
    if fixed(batch) == Some(0) || shape[1..].iter().any(|side| !(1..=4096).contains(side)) {
        return Err((format!("takes pictures of {shape:?}"), "export it with a usual size"));
    }
    Ok((fixed(batch), shape))
}

/// The output called `name`, or the only one that can be a vector a picture.
pub(super) fn choose(model: &Model, name: Option<&str>) -> Result<NodeId, Refusal> {
    let outputs = model.output_ids();
    let listed = || names(model, outputs).join(", ");
    if let Some(name) = name {
        let place = names(model, outputs).iter().position(|output| output == name);
        return place.map(|place| outputs[place]).ok_or_else(|| {
            (format!("has no output {name:?}; there are: {}", listed()), "name one of them")
        });
    }
    let vector = |output: &&NodeId| {
        let shape = model.node_info(**output).and_then(|info| info.shape());
        shape.is_none_or(|shape| {
            shape.len() >= 2 && shape[2..].iter().all(|d| *d == Dimension::Fixed(1))
        })
    };
    let vectors: Vec<&NodeId> = match outputs {
        [only] => vec![only],
        several => several.iter().filter(vector).collect(),
    };
    match vectors.as_slice() {
        [only] => Ok(**only),
        _ => Err((
            format!("has {} outputs that may be the embedding: {}", vectors.len(), listed()),
            "name the one that holds it",
        )),
    }
}

pub(super) fn names(model: &Model, nodes: &[NodeId]) -> Vec<String> {
    let name =
        |node: &NodeId| model.node_info(*node).and_then(|info| info.name().map(str::to_owned));
    nodes.iter().map(|node| name(node).unwrap_or_default()).collect()
}
