//! Plain stacks of 3x3 convolutions: the students of bridge, selective and few-shot
//! distillation.
//!
//! The papers publish sizes, not layers. These are the stacks whose parameters and activations
//! meet the published figures: Bridge 0.21 M and 0.057 MB (Ge et al., "Efficient Low-Resolution
//! Face Recognition via Bridge Distillation", TIP 2020), selective 0.79 M and 0.15 MB
//! (Ge et al., "Low-resolution Face Recognition in the Wild via Selective Knowledge
//! Distillation", TIP 2019), few-shot 30 KB of activations (Ge et al., "Fewer-Shots and
//! Lower-Resolutions", ACM MM 2019).

use facette_graph::{Builder, Conv, Graph, Input, Pool};
use serde::{Deserialize, Serialize};

use super::head;
use crate::error::NetsError;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

#[derive(Debug, Clone, Copy)]
enum Layer {
    /// Convolution of this kernel size, batch normalisation, ReLU.
    Conv(usize),
    /// Maximum over 2x2; what comes before it is a stage.
    Pool,
}
use Layer::{Conv as C, Pool as P};

/// A stack of convolutions, pooled over the whole map and embedded by one linear layer.
#[derive(Debug)]
pub(crate) struct Plain {
    entry: Entry,
    layers: &'static [Layer],
    widths: &'static [usize],
    embedding: usize,
}

/// Student of bridge distillation: 210,000 parameters.
pub(crate) const BRIDGE: Plain = Plain {
    entry: Entry {
        id: "bridge",
        aliases: &["bd", "bridge-student"],
        about: "plain stack, 0.21 M parameters with its 512-d mimic layer",
        source: "Ge et al., TIP 2020 (arXiv 2409.11786); layers reconstructed from the published \
             0.21 M parameters and 0.057 MB",
        size: 16,
    },
    layers: &[C(3), P, C(3), C(3), P, C(3), C(3), C(3)],
    widths: &[16, 32, 32, 64, 64, 128],
    embedding: 512,
};

/// Student of selective distillation: 791,456 parameters.
pub(crate) const SELECTIVE: Plain = Plain {
    entry: Entry {
        id: "selective",
        aliases: &["skd", "selective-student"],
        about: "plain stack, 0.79 M parameters with its 4096-d mimic layer",
        source: "Ge et al., TIP 2019 (arXiv 1811.09998); layers reconstructed from the published \
             0.79 M parameters and 0.15 MB",
        size: 16,
    },
    layers: &[C(3), C(3), P, C(3), C(3), P, C(3), C(3), C(1)],
    widths: &[32, 32, 64, 64, 128, 96, 128],
    embedding: 4096,
};

/// Student of few-shot distillation: 35,304 parameters.
pub(crate) const FEW_SHOT: Plain = Plain {
    entry: Entry {
        id: "few-shot",
        aliases: &["fslr", "few-shot-student"],
        about: "plain stack, 0.035 M parameters and 29 KB of activations at 16x16",
        source: "Ge et al., ACM MM 2019; layers reconstructed from the published 30 KB",
        size: 16,
    },
    layers: &[C(3), P, C(3), C(3), P, C(3), C(3)],
    widths: &[8, 16, 16, 32, 64],
    embedding: 128,
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Channels of each convolution.
    widths: Vec<usize>,
}

impl Plain {
    fn settings(&self) -> Settings {
        Settings { widths: self.widths.to_vec() }
    }
}

impl NetSpec for Plain {
    fn entry(&self) -> &Entry {
        &self.entry
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults(&self.settings())
    }

    fn embedding(&self) -> Option<usize> {
        Some(self.embedding)
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings { widths } = settings::read(self.id(), self.settings(), &options.settings)?;
        settings::expect_length(
            self.id(),
            "widths",
            widths.len(),
            self.widths.len(),
            "one for each convolution",
        )?;
        settings::expect_range(self.id(), "widths", &widths, 4096)?;

        let input = Input { channels: options.channels, height: options.size, width: options.size };
        let mut b = Builder::new(self.id(), input);
        let (mut x, mut index) = (0, 0);
        for layer in self.layers {
            match *layer {
                Layer::Conv(kernel) => {
                    let inputs = b.channels(x);
                    let path = format!("features.{index}");
                    let conv = Conv::square(inputs, widths[index], kernel, 1);
                    x = b.conv_norm(format!("{path}.conv"), format!("{path}.bn"), x, conv);
                    x = b.relu(x);
                    index += 1;
                }
                Layer::Pool => {
                    b.stage(x);
                    x = b.max_pool(x, Pool::square(2, 2));
                }
            }
        }
        b.stage(x);
        let pooled = b.global_average(x);
        let embedding = options.embedding.or(self.embedding());
        head::finish(b, pooled, embedding, options, "classifier")
    }
}
