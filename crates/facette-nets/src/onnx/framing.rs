//! Whether a file is a whole ONNX model.
//!
//! The engine's parser takes a file that ends too early for one that says less. A model is a
//! protocol buffer whose fields fill the file exactly, so a walk over the outermost fields tells.

/// Field of `ModelProto` that holds the version of the format.
const VERSION: u64 = 1;
/// Field of `ModelProto` that holds the graph.
const GRAPH: u64 = 7;
/// Highest field of `ModelProto`, with room for later ones.
const HIGHEST: u64 = 100;

/// Refuses bytes that are no whole model.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    let mut rest = bytes;
    let (mut version, mut graph) = (false, false);
    while !rest.is_empty() {
        let at = bytes.len() - rest.len();
        let tag = varint(&mut rest).ok_or_else(|| format!("cut off at byte {at}"))?;
        let (field, kind) = (tag >> 3, tag & 7);
        if !(1..=HIGHEST).contains(&field) {
            return Err(format!("no field of a model at byte {at}"));
        }
        version |= field == VERSION && kind == 0;
        graph |= field == GRAPH && kind == 2;
        let length = match kind {
            0 => varint(&mut rest).map(|_| 0),
            1 => Some(8),
            2 => varint(&mut rest),
            5 => Some(4),
            _ => return Err(format!("no field of a model at byte {at}")),
        };
        rest = length
            .and_then(|length| rest.get(usize::try_from(length).ok()?..))
            .ok_or_else(|| format!("the field at byte {at} is cut off by the end of the file"))?;
    }
    match version && graph {
        true => Ok(()),
        false => Err("it holds no graph".to_owned()),
    }
}

/// Takes a number off the front.
fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
