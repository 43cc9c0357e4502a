//! A features file: a safetensors file with one teacher vector per picture.

use std::fs;
use std::path::Path;

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};

use crate::features::FeatureTable;
use crate::{DataError, Dataset};

/// Gives every picture of `dataset` its vector from the safetensors file at `path`.
///
/// The file holds `features` `[n, d]` (F32, F16, BF16 or F64) and the names of the `n` pictures:
/// either metadata `names`, a JSON list of strings, or a tensor `names` (U8) that holds the same
/// JSON. Rows are matched to pictures by [`Dataset::name`], in any order; rows without a picture
/// are passed over.
///
/// # Errors
/// [`DataError::Io`], or [`DataError::Features`] if the file is not of that form, holds anything
/// but finite numbers, or has no row for some picture.
pub fn read_features_file(dataset: &mut Dataset, path: &Path) -> Result<(), DataError> {
    let owner = path.display().to_string();
    let refuse = |problem: String| DataError::Features { owner: owner.clone(), problem };
    let bytes = fs::read(path).map_err(DataError::io(path))?;
    let form = "expected a safetensors file with `features` [n, d] and `names`";
    let file = SafeTensors::deserialize(&bytes).map_err(|e| refuse(format!("{e}; {form}")))?;
    let features = file.tensor("features").map_err(|e| refuse(format!("{e}; {form}")))?;
    let &[_, width] = features.shape() else {
        return Err(refuse(format!("`features` has shape {:?}; {form}", features.shape())));
    };
    let values = numbers(features.dtype(), features.data()).ok_or_else(|| {
        refuse(format!("`features` is {:?}; expected F32, F16, BF16 or F64", features.dtype()))
    })?;
    let (_, metadata) =
        SafeTensors::read_metadata(&bytes).map_err(|e| refuse(format!("{e}; {form}")))?;
    let listed = metadata.metadata().as_ref().and_then(|map| map.get("names"));
    let tensor = file.tensor("names").ok();
    let json = match (listed, &tensor) {
        (Some(text), _) => text.as_bytes(),
        (None, Some(tensor)) => tensor.data(),
        (None, None) => return Err(refuse(format!("no `names`; {form}"))),
    };
    let names: Vec<String> = serde_json::from_slice(json)
        .map_err(|e| refuse(format!("`names` is not a JSON list of strings: {e}")))?;
    let table = FeatureTable::new(&owner, width, values)?;
    dataset.match_features(&owner, &names, table)
}

fn numbers(dtype: Dtype, data: &[u8]) -> Option<Vec<f32>> {
    let words = data.chunks_exact(2).map(|b| [b[0], b[1]]);
    Some(match dtype {
        Dtype::F32 => {
            data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
        }
        Dtype::F64 => data
            .chunks_exact(8)
            .map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f32)
            .collect(),
        Dtype::F16 => words.map(|b| f16::from_le_bytes(b).to_f32()).collect(),
        Dtype::BF16 => words.map(|b| bf16::from_le_bytes(b).to_f32()).collect(),
        _ => return None,
    })
}
