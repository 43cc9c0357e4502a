//! Reading and writing safetensors: named arrays and string metadata.

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
#[cfg(feature = "std")]
use std::{fs::File, io::Read, path::Path};

use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};
use serde::Serialize;

use crate::array::{Array, Arrays};
use crate::error::GraphError;
use crate::strict_json;

/// Largest file read, in bytes.
#[cfg(feature = "std")]
const FILE: u64 = 1 << 31;
/// Largest header read, in bytes.
const HEADER: u64 = 1 << 25;

const RETAKE: &str = "if it was downloaded or copied, take it anew";

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Contents {
    pub(crate) arrays: Arrays,
    /// Names of the tensors that are stored as I8.
    pub(crate) integers: BTreeSet<String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// What becomes of tensors of type I8.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Integers {
    /// They become the floats of equal value, and are listed.
    Read,
    /// They are refused.
    Refuse,
}

/// The bytes of a file, if it is not too large.
#[cfg(feature = "std")]
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, GraphError> {
    let failed = |action| move |source| GraphError::Io { action, source };
    let file = File::open(path).map_err(failed("open the file"))?;
    let length = file.metadata().map_err(failed("look up the file's size"))?.len();
    too_large("the file", length, FILE)?;
    // A byte more than there are, so that the end is found without making room for more.
    let mut bytes = Vec::with_capacity(length as usize + 1);
    file.take(FILE + 1).read_to_end(&mut bytes).map_err(failed("read the file"))?;
    too_large("the file", bytes.len() as u64, FILE)?;
    Ok(bytes)
}

/// Decodes a file's bytes. Tensors of F32, F16, BF16 and F64 become f32; those of other types are
/// refused, except those of I8 if they are to be read, and those for which `ignore` holds.
pub(crate) fn decode(
    bytes: &[u8],
    int8: Integers,
    ignore: fn(&str) -> bool,
) -> Result<Contents, GraphError> {
    let metadata = metadata(bytes)?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| refused(&error))?;
    let (mut arrays, mut integers) = (Arrays::new(), BTreeSet::new());
    for (name, view) in file.tensors() {
        if !ignore(&name) {
            let values = match (view.dtype(), int8) {
                (Dtype::I8, Integers::Read) => {
                    integers.insert(name.clone());
                    of_bytes(view.data(), |[byte]: [u8; 1]| f32::from(byte as i8))
                }
                _ => floats(&name, &view)?,
            };
            let array = Array { shape: view.shape().to_vec(), values };
            arrays.insert(name, array);
        }
    }
    Ok(Contents { arrays, integers, metadata })
}

/// Encodes arrays as F32, or as I8 where there are `integers` of that name, with `metadata`; the same
/// arguments give the same bytes. Floats come first, so that each lies where its size wants it.
pub(crate) fn encode(
    arrays: &Arrays,
    integers: &BTreeMap<&str, Vec<i8>>,
    metadata: &BTreeMap<String, String>,
) -> Vec<u8> {
    let mut header = BTreeMap::from([("__metadata__", Entry::Metadata(metadata))]);
    let mut data = Vec::new();
    let is_float = |name: &str| !integers.contains_key(name);
    for (name, array) in arrays.iter().filter(|(name, _)| is_float(name)) {
        let start = data.len();
        array.values.iter().for_each(|value| data.extend(value.to_le_bytes()));
        let (shape, data_offsets) = (array.shape.as_slice(), [start, data.len()]);
        header.insert(name, Entry::Tensor { dtype: "F32", shape, data_offsets });
    }
    for (name, array) in arrays {
        if let Some(values) = integers.get(name.as_str()) {
            let start = data.len();
            data.extend(values.iter().map(|&value| value as u8));
            let (shape, data_offsets) = (array.shape.as_slice(), [start, data.len()]);
            header.insert(name, Entry::Tensor { dtype: "I8", shape, data_offsets });
        }
    }
    let mut header = serde_json::to_vec(&header).expect("maps with text keys are JSON");
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut bytes = Vec::with_capacity(8 + header.len() + data.len());
    bytes.extend((header.len() as u64).to_le_bytes());
    bytes.extend(header);
    bytes.extend(data);
    bytes
}

/// An entry of the header.
#[derive(Serialize)]
#[serde(untagged)]
enum Entry<'a> {
    Metadata(&'a BTreeMap<String, String>),
    Tensor { dtype: &'static str, shape: &'a [usize], data_offsets: [usize; 2] },
}

fn metadata(bytes: &[u8]) -> Result<BTreeMap<String, String>, GraphError> {
    let broken = |problem: String| GraphError::NotSafetensors { problem, remedy: RETAKE };
    let (length, rest) = bytes
        .split_first_chunk::<8>()
        .ok_or_else(|| broken(format!("it has only {} bytes", bytes.len())))?;
    let length = u64::from_le_bytes(*length);
    if rest.first() != Some(&b'{') {
        return Err(GraphError::NotSafetensors {
            problem: "it does not start with a header".into(),
            remedy: "give a .safetensors file; PyTorch's .pt and .pth files and ONNX models are \
                     other formats",
        });
    }
    too_large("the header", length, HEADER)?;
    let header = rest.get(..length as usize).ok_or_else(|| {
        broken(format!("its header of {length} bytes is cut off after {}", rest.len()))
    })?;
    let text = core::str::from_utf8(header).map_err(|error| broken(format!("header: {error}")))?;
    let header = strict_json::parse(text).map_err(|error| broken(format!("header: {error}")))?;
    let Some(metadata) = header.get("__metadata__") else {
        return Ok(BTreeMap::new());
    };
    let strings = metadata.as_object().map(|object| {
        object.iter().map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
    });
    strings.flatten().ok_or_else(|| broken("its __metadata__ is not an object of strings".into()))
}

fn refused(error: &SafeTensorError) -> GraphError {
    let problem = match error {
        SafeTensorError::MetadataIncompleteBuffer => {
            "its tensors take up more or fewer bytes than the file has".to_owned()
        }
        other => other.to_string(),
    };
    GraphError::NotSafetensors { problem, remedy: RETAKE }
}

fn floats(name: &str, view: &TensorView<'_>) -> Result<Vec<f32>, GraphError> {
    let data = view.data();
    match view.dtype() {
        Dtype::F32 => Ok(of_bytes(data, f32::from_le_bytes)),
        Dtype::F16 => Ok(of_bytes(data, |b| half::f16::from_le_bytes(b).to_f32())),
        Dtype::BF16 => Ok(of_bytes(data, |b| half::bf16::from_le_bytes(b).to_f32())),
        Dtype::F64 => Ok(of_bytes(data, |b| f64::from_le_bytes(b) as f32)),
        other => Err(GraphError::Tensor {
            name: name.to_owned(),
            expected: "values of type F32, F16, BF16 or F64".into(),
            found: format!("{other:?}"),
            remedy: "convert the weights to one of these",
        }),
    }
}

fn of_bytes<const N: usize>(data: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    data.as_chunks::<N>().0.iter().map(|&bytes| value(bytes)).collect()
}

fn too_large(what: &'static str, found: u64, most: u64) -> Result<(), GraphError> {
    if found > most { Err(GraphError::TooLarge { what, found, most }) } else { Ok(()) }
}
