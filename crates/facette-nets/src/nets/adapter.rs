//! A layer that adapts a teacher's features: step 1 of Bridge distillation.
//!
//! ```text
//! h = ReLU(BN(FC(f)))
//! ```
//!
//! Reads vectors `[n, d, 1, 1]`; pictures are flattened. Ge et al., "Efficient Low-Resolution Face
//! Recognition via Bridge Distillation" (arXiv 2409.11786), say that the adapted features are
//! compact; the layers are a reconstruction.

use facette_graph::{Builder, Graph, Input};
use serde::{Deserialize, Serialize};

use super::head;
use crate::error::NetsError;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

/// The layer.
#[derive(Debug)]
pub(crate) struct Adapter;

const ENTRY: Entry = Entry {
    id: "adapter",
    aliases: &[],
    about: "one linear layer, normalised and rectified: adapts a teacher's features",
    source: "arXiv 2409.11786, step 1 (reconstructed)",
    size: 1,
};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {}

impl NetSpec for Adapter {
    fn entry(&self) -> &Entry {
        &ENTRY
    }

    fn embedding(&self) -> Option<usize> {
        Some(512)
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings {} = settings::read(self.id(), Settings::default(), &options.settings)?;
        let input = Input { channels: options.channels, height: options.size, width: options.size };
        let mut b = Builder::new(self.id(), input);
        let x = b.flatten(0);
        let inputs = b.channels(x);
        let outputs = options.embedding.or(self.embedding()).unwrap_or(inputs);
        let x = b.linear("fc", x, inputs, outputs, true);
        let x = b.norm("bn", x);
        let x = b.relu(x);
        head::classified(b, x, options, "classifier")
    }
}
