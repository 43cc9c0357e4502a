//! Reading golden cases.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use facette_eval::Outputs;
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde_json::Value;

/// One golden file.
pub(crate) struct Case {
    /// Its name in the index.
    pub(crate) name: String,
    label: String,
    outputs: Vec<String>,
    bytes: Vec<u8>,
    metadata: BTreeMap<String, String>,
}

/// All cases of `group`, or `None` (with a printed line) where there is no folder and none was named.
pub(crate) fn cases(group: &str) -> Option<Vec<Case>> {
    let named = std::env::var_os("FACETTE_GOLDEN").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
    let folder = named.clone().unwrap_or(beside);
    if named.is_none() && !folder.is_dir() {
        println!("skipped: no golden vectors beside the workspace and FACETTE_GOLDEN is not set");
        return None;
    }
    let index = folder.join("index.json");
    let text = std::fs::read(&index).unwrap_or_else(|e| panic!("{}: {e}", index.display()));
    let index: Value = serde_json::from_slice(&text).unwrap();
    let cases = index["cases"].as_array().unwrap().iter();
    Some(
        cases.filter(|case| case["group"] == group).map(|case| Case::read(&folder, case)).collect(),
    )
}

impl Case {
    fn read(folder: &Path, entry: &Value) -> Self {
        let text = |key: &str| entry[key].as_str().unwrap().to_string();
        let path = folder.join(text("file"));
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let metadata = header.metadata().clone().unwrap_or_default().into_iter().collect();
        let outputs = entry["outputs"].as_array().unwrap();
        Self {
            name: text("case"),
            label: format!("{}.{}", text("case"), text("variant")),
            outputs: outputs.iter().map(|o| o.as_str().unwrap().to_string()).collect(),
            bytes,
            metadata,
        }
    }

    /// Input `name` as rows.
    pub(crate) fn outputs(&self, name: &str) -> Outputs {
        let (shape, values) = self.floats(&format!("in/{name}"));
        Outputs::new(values, shape[1]).unwrap()
    }

    /// Input `name` as integers.
    pub(crate) fn integers(&self, name: &str) -> Vec<i64> {
        let tensors = SafeTensors::deserialize(&self.bytes).unwrap();
        let tensor = tensors.tensor(&format!("in/{name}")).unwrap();
        assert_eq!(tensor.dtype(), Dtype::I64, "{}: in/{name}", self.label);
        tensor.data().chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap())).collect()
    }

    /// Input `name` as labels or indices.
    pub(crate) fn labels(&self, name: &str) -> Vec<usize> {
        self.integers(name).into_iter().map(|i| usize::try_from(i).unwrap()).collect()
    }

    /// Hyper-parameter `name`, a whole number.
    pub(crate) fn hyper_integer(&self, name: &str) -> usize {
        self.hyper(name).as_u64().unwrap() as usize
    }

    /// Hyper-parameter `name`, a list of numbers.
    pub(crate) fn hyper_numbers(&self, name: &str) -> Vec<f64> {
        self.hyper(name).as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    }

    fn hyper(&self, name: &str) -> Value {
        let hyper: Value = serde_json::from_str(&self.metadata["hyper"]).unwrap();
        assert!(!hyper[name].is_null(), "{}: no hyper-parameter {name}", self.label);
        hyper[name].clone()
    }

    /// The expected values of `output`: in float64 from the metadata where they stand there, from
    /// the stored float32 tensor otherwise.
    pub(crate) fn expected(&self, output: &str) -> Vec<f64> {
        let expected: Value = serde_json::from_str(&self.metadata["expected_f64"]).unwrap();
        match &expected[output] {
            Value::Number(number) => vec![number.as_f64().unwrap()],
            Value::Array(values) => values.iter().map(|v| v.as_f64().unwrap()).collect(),
            _ => self.floats(&format!("out/{output}")).1.into_iter().map(f64::from).collect(),
        }
    }

    /// Compares every output of the case with what `compute` gives for its name: values and the
    /// absolute tolerance, or a millionth of the value where that is more (references round rates
    /// to float32). `None` is an output that the test does not know.
    pub(crate) fn check(&self, compute: impl Fn(&str) -> Option<(Vec<f64>, f64)>) {
        for output in &self.outputs {
            let label = format!("{} {output}", self.label);
            let (values, tolerance) =
                compute(output).unwrap_or_else(|| panic!("{label}: an output no test knows"));
            let expected = self.expected(output);
            assert_eq!(values.len(), expected.len(), "{label}: number of values");
            for (i, (value, wanted)) in values.iter().zip(&expected).enumerate() {
                let gap = (value - wanted).abs();
                let allowed = tolerance.max(1e-6 * wanted.abs());
                assert!(gap <= allowed, "{label}[{i}]: {value}, expected {wanted} (+- {allowed})");
            }
        }
    }

    fn floats(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        let tensors = SafeTensors::deserialize(&self.bytes).unwrap();
        let tensor = tensors.tensor(name).unwrap_or_else(|e| panic!("{}: {name}: {e}", self.label));
        assert_eq!(tensor.dtype(), Dtype::F32, "{}: {name}", self.label);
        let bytes = tensor.data().chunks_exact(4);
        let values = bytes.map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        (tensor.shape().to_vec(), values)
    }
}
