//! One file of golden vectors.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// One file of golden vectors, and the leaves of the graph that is being checked.
pub(crate) struct Case {
    floats: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    integers: BTreeMap<String, (Vec<usize>, Vec<i64>)>,
    hyper: Value,
    expected: BTreeMap<String, f64>,
    /// Names of everything the reference computed.
    pub(crate) outputs: BTreeSet<String>,
    pub(crate) primary: String,
    pub(crate) degenerate: bool,
    pub(crate) value_rtol: f64,
    pub(crate) grad_maxrel: f64,
    /// `<output>/<tensor>` whose gradient is zero but for round-off.
    pub(crate) zero_grads: BTreeSet<String>,
    leaves: RefCell<BTreeMap<String, Tensor<1>>>,
    pub(crate) device: Device,
}

impl Case {
    /// Reads a file.
    pub(crate) fn read(file: &Path) -> Self {
        let bytes = std::fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let (_, header) = SafeTensors::read_metadata(&bytes).expect("a safetensors file");
        let words = header.metadata().clone().expect("the file has metadata");
        let json = |key: &str| -> Value {
            let text = words.get(key).unwrap_or_else(|| panic!("{}: no {key}", file.display()));
            serde_json::from_str(text).unwrap_or_else(|e| panic!("{}: {key}: {e}", file.display()))
        };
        let (mut floats, mut integers) = (BTreeMap::new(), BTreeMap::new());
        let tensors = SafeTensors::deserialize(&bytes).expect("a safetensors file");
        for (name, view) in tensors.iter() {
            let shape = view.shape().to_vec();
            let data = view.data();
            match view.dtype() {
                Dtype::F32 => {
                    let values =
                        data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
                    floats.insert(name.to_owned(), (shape, values.collect()));
                }
                Dtype::I64 => {
                    let values = data.chunks_exact(8).map(|b| {
                        i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])
                    });
                    integers.insert(name.to_owned(), (shape, values.collect()));
                }
                other => panic!("{}: {name} has type {other:?}", file.display()),
            }
        }
        let tolerance = json("tolerance");
        let number = |key: &str| tolerance[key].as_f64().expect("tolerances are numbers");
        let expected: BTreeMap<String, f64> = json("expected_f64")
            .as_object()
            .expect("expected_f64 is an object")
            .iter()
            .map(|(name, value)| (name.clone(), value.as_f64().expect("expected are numbers")))
            .collect();
        let named = |name: &String| name.strip_prefix("out/").map(str::to_owned);
        let outputs = floats.keys().filter_map(named).chain(expected.keys().cloned()).collect();
        let zero_grads = tolerance["analytically_zero_grads"]
            .as_array()
            .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default();
        Self {
            value_rtol: number("value_rtol"),
            grad_maxrel: number("grad_maxrel"),
            hyper: json("hyper"),
            primary: words.get("primary").cloned().expect("a loss names its primary output"),
            degenerate: words.get("degenerate").is_some_and(|word| word == "true"),
            leaves: RefCell::default(),
            device: Device::flex().autodiff(),
            zero_grads,
            outputs,
            expected,
            floats,
            integers,
        }
    }

    fn float(&self, name: &str) -> &(Vec<usize>, Vec<f32>) {
        self.floats.get(name).unwrap_or_else(|| panic!("no tensor {name}"))
    }

    /// Whether the file has a tensor of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.floats.contains_key(name)
    }

    /// Values of a tensor.
    pub(crate) fn values(&self, name: &str) -> &[f32] {
        &self.float(name).1
    }

    /// Shape of a tensor.
    pub(crate) fn shape(&self, name: &str) -> &[usize] {
        &self.float(name).0
    }

    /// A tensor, as a constant.
    pub(crate) fn constant<const D: usize>(&self, name: &str) -> Tensor<D> {
        let (shape, values) = self.float(name);
        let shape: [usize; D] = shape.as_slice().try_into().expect("the rank the case documents");
        Tensor::from_data(TensorData::new(values.clone(), shape), &self.device)
    }

    /// An input, as a leaf whose gradient will be compared.
    pub(crate) fn input<const D: usize>(&self, name: &str) -> Tensor<D> {
        let (shape, values) = self.float(&format!("in/{name}"));
        let shape: [usize; D] = shape.as_slice().try_into().expect("the rank the case documents");
        let flat = TensorData::new(values.clone(), [values.len()]);
        let leaf = Tensor::<1>::from_data(flat, &self.device).require_grad();
        self.record(name, leaf.clone());
        leaf.reshape(shape)
    }

    /// An input `[n, ...]` as rows `[n, d]`.
    pub(crate) fn rows(&self, name: &str) -> Tensor<2> {
        let shape = self.shape(&format!("in/{name}"));
        let shape = [shape[0], shape[1..].iter().product()];
        match self.shape(&format!("in/{name}")).len() {
            2 => self.input::<2>(name),
            3 => self.input::<3>(name).reshape(shape),
            _ => self.input::<4>(name).reshape(shape),
        }
    }

    /// A learned tensor, flat, as a leaf whose gradient will be compared.
    pub(crate) fn learned(&self, name: &str) -> Tensor<1> {
        let values = self.values(&format!("param/{name}")).to_vec();
        let length = values.len();
        let data = TensorData::new(values, [length]);
        let leaf = Tensor::<1>::from_data(data, &self.device).require_grad();
        self.record(name, leaf.clone());
        leaf
    }

    /// Says which leaf holds the tensor called `name` in the reference.
    pub(crate) fn record(&self, name: &str, leaf: Tensor<1>) {
        self.leaves.borrow_mut().insert(name.to_owned(), leaf);
    }

    /// Forgets all leaves, before the next graph.
    pub(crate) fn forget(&self) {
        self.leaves.borrow_mut().clear();
    }

    /// The leaf that holds `name`.
    pub(crate) fn leaf(&self, name: &str) -> Option<Tensor<1>> {
        self.leaves.borrow().get(name).cloned()
    }

    /// Labels on the host.
    pub(crate) fn labels(&self, name: &str) -> Vec<usize> {
        let (_, values) = self.integers.get(name).unwrap_or_else(|| panic!("no tensor {name}"));
        values.iter().map(|&v| usize::try_from(v).expect("labels are not negative")).collect()
    }

    /// Labels on the device.
    pub(crate) fn labels_tensor(&self, name: &str) -> Tensor<1, Int> {
        let (_, values) = self.integers.get(name).unwrap_or_else(|| panic!("no tensor {name}"));
        Tensor::from_data(TensorData::new(values.clone(), [values.len()]), &self.device)
    }

    /// A constant of the reference.
    pub(crate) fn hyper(&self, key: &str) -> f64 {
        self.hyper[key].as_f64().unwrap_or_else(|| panic!("hyper has no number {key}"))
    }

    /// The expected value of a scalar output, in f64 where stored so.
    pub(crate) fn expected(&self, output: &str) -> Option<f64> {
        let stored = || match self.floats.get(&format!("out/{output}")) {
            Some((_, values)) if values.len() == 1 => Some(f64::from(values[0])),
            _ => None,
        };
        self.expected.get(output).copied().or_else(stored)
    }

    /// Names of the tensors the reference has gradients of for `output`.
    pub(crate) fn gradients(&self, output: &str) -> Vec<(String, &[f32], &[usize])> {
        let prefix = format!("grad/{output}/");
        self.floats
            .iter()
            .filter_map(|(name, (shape, values))| {
                let name = name.strip_prefix(&prefix)?.to_owned();
                Some((name, values.as_slice(), shape.as_slice()))
            })
            .collect()
    }

    /// Rows of an input at a kink: zero, or equal to another row.
    pub(crate) fn kink_rows(&self, name: &str) -> Vec<usize> {
        let Some((shape, values)) = self.floats.get(&format!("in/{name}")) else {
            return Vec::new();
        };
        let width = shape[1..].iter().product::<usize>().max(1);
        let rows: Vec<&[f32]> = values.chunks(width).collect();
        (0..rows.len())
            .filter(|&i| {
                let equal = |j: usize| i != j && rows[i] == rows[j];
                rows[i].iter().all(|&v| v == 0.0) || (0..rows.len()).any(equal)
            })
            .collect()
    }
}
