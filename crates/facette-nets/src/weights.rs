//! Weights in and out of a network: student files, and state dicts from elsewhere.

use burn::tensor::Device;
use facette_graph::{Array, Arrays, Card, Graph, GraphError, Imported, StudentFile};

use crate::error::NetsError;
use crate::network::Network;
use crate::parameters::{Init, Parameters};

impl Network {
    /// The network of a student file.
    ///
    /// # Errors
    /// If the file's graph cannot be run.
    pub fn load(file: &StudentFile, device: &Device) -> Result<Self, NetsError> {
        Self::of_arrays(file.card().graph.clone(), file.arrays(), device)
    }

    /// A network with exactly these weights.
    ///
    /// # Errors
    /// If the graph cannot be run, or `arrays` are not exactly its tensors.
    pub fn of_arrays(graph: Graph, arrays: &Arrays, device: &Device) -> Result<Self, NetsError> {
        graph.check_arrays(arrays)?;
        let mut network = Self::new(graph, Init::Torch, 0, "replaced", device)?;
        network.set_some(arrays)?;
        Ok(network)
    }

    /// Replaces all weights.
    ///
    /// # Errors
    /// If `arrays` are not exactly the network's tensors; nothing is replaced then.
    pub fn set_arrays(&mut self, arrays: &Arrays) -> Result<(), NetsError> {
        self.graph().check_arrays(arrays)?;
        self.set_some(arrays)
    }

    /// Replaces the weights that were found in a state dict and keeps the others, e.g. the
    /// classifier of a backbone that was trained on other classes. `imported` says which are
    /// missing; look at them first.
    ///
    /// # Errors
    /// If `imported` was fitted to another graph.
    pub fn set_imported(&mut self, imported: &Imported) -> Result<(), NetsError> {
        self.set_some(&imported.arrays)
    }

    fn set_some(&mut self, arrays: &Arrays) -> Result<(), NetsError> {
        arrays
            .iter()
            .try_for_each(|(name, array)| self.parameters_mut().set(name, array.values.clone()))
    }

    /// Its weights on the host.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub fn arrays(&self) -> Result<Arrays, NetsError> {
        self.parameters().arrays()
    }

    /// The student file of this network under `card`, whose graph is the network's, or what is
    /// left of it without its classifier (see [`Graph::ending_at`]).
    ///
    /// # Errors
    /// If the card is impossible, its graph names a tensor that the network does not have or has
    /// in another shape, or a weight is not finite.
    pub fn to_student_file(&self, card: Card) -> Result<StudentFile, NetsError> {
        let mut arrays = self.arrays()?;
        let wanted = card.graph.tensors();
        let missing: Vec<String> = wanted
            .iter()
            .filter(|spec| !arrays.contains_key(&spec.name))
            .map(|spec| spec.name.clone())
            .collect();
        if !missing.is_empty() {
            let architecture = card.architecture;
            return Err(GraphError::Names { architecture, missing, unused: Vec::new() }.into());
        }
        arrays.retain(|name, _| wanted.iter().any(|spec| spec.name == *name));
        Ok(StudentFile::new(card, arrays)?)
    }
}

impl Parameters {
    /// Every tensor on the host.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub fn arrays(&self) -> Result<Arrays, NetsError> {
        let values = self.values()?.into_iter();
        Ok(values.map(|(spec, values)| (spec.name, Array { shape: spec.shape, values })).collect())
    }
}
