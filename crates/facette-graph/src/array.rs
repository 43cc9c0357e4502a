//! Values of named tensors on the host.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::error::GraphError;
use crate::graph::Graph;
use crate::tensor::{TensorKind, TensorSpec};

/// A tensor's values.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Shape, outermost first.
    pub shape: Vec<usize>,
    /// Values, outermost dimension first.
    pub values: Vec<f32>,
}

/// Tensors by name, in the order of their names.
pub type Arrays = BTreeMap<String, Array>;

impl Graph {
    /// Whether `arrays` are exactly the tensors of this network, with usable values.
    ///
    /// # Errors
    /// Names every missing and every superfluous tensor, or the first one whose shape or values
    /// are wrong.
    pub fn check_arrays(&self, arrays: &Arrays) -> Result<(), GraphError> {
        let specs = self.tensors();
        self.check_names(&specs, arrays)?;
        specs.iter().try_for_each(|spec| check_array(spec, &arrays[&spec.name]))
    }

    fn check_names(&self, specs: &[TensorSpec], arrays: &Arrays) -> Result<(), GraphError> {
        let needed: BTreeSet<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let missing: Vec<String> = specs
            .iter()
            .filter(|spec| !arrays.contains_key(&spec.name))
            .map(|spec| spec.name.clone())
            .collect();
        let unused: Vec<String> =
            arrays.keys().filter(|name| !needed.contains(name.as_str())).cloned().collect();
        if missing.is_empty() && unused.is_empty() {
            return Ok(());
        }
        Err(GraphError::Names { architecture: self.architecture.clone(), missing, unused })
    }
}

pub(crate) fn check_array(spec: &TensorSpec, array: &Array) -> Result<(), GraphError> {
    let refuse = |expected: String, found: String, remedy| {
        Err(GraphError::Tensor { name: spec.name.clone(), expected, found, remedy })
    };
    if array.shape != spec.shape || array.values.len() != spec.len() {
        return refuse(
            format!("shape {:?}", spec.shape),
            format!("shape {:?} with {} values", array.shape, array.values.len()),
            "use the weights of this architecture with these settings",
        );
    }
    // Without a way out in the midst of a run, so that it is done in registers.
    let finite = |run: &[f32]| run.iter().fold(true, |finite, value| finite & value.is_finite());
    if let Some(run) = array.values.chunks(1024).position(|run| !finite(run)) {
        let within = array.values[1024 * run..].iter().position(|value| !value.is_finite());
        let place = 1024 * run + within.unwrap_or_default();
        return refuse(
            "finite values".into(),
            format!("{} at {place}", array.values[place]),
            "use a checkpoint from before the run diverged",
        );
    }
    if spec.kind == TensorKind::RunningVariance
        && let Some(place) = array.values.iter().position(|&value| value < 0.0)
    {
        return refuse(
            "variances of at least 0".into(),
            format!("{} at {place}", array.values[place]),
            "the file is damaged; take it anew",
        );
    }
    Ok(())
}
