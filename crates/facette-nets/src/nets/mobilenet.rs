//! MobileNet for small pictures.
//!
//! Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
//! Applications" (arXiv 1704.04861), in the form and with the weight names of weiaicunzai/pytorch-cifar100
//! `models/mobilenet.py`: a stem of stride 1, pointwise convolutions with bias.

use facette_graph::{Builder, Conv, Graph, Input, NodeId};
use serde::{Deserialize, Serialize};

use super::head;
use crate::error::NetsError;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

/// The family.
#[derive(Debug)]
pub(crate) struct MobileNet;

const ENTRY: Entry = Entry {
    id: "mobilenet",
    aliases: &["mobilenet-v1"],
    about: "MobileNet with a stem of stride 1, 3.3 M parameters with 100 classes",
    source: "arXiv 1704.04861; weiaicunzai/pytorch-cifar100 models/mobilenet.py",
    size: 32,
};

/// Separable convolutions of the four groups after the stem.
const BLOCKS: [usize; 4] = [2, 2, 6, 2];

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Channels of the stem's convolution, of its separable convolution and of the four groups.
    widths: Vec<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { widths: vec![32, 64, 128, 256, 512, 1024] }
    }
}

impl NetSpec for MobileNet {
    fn entry(&self) -> &Entry {
        &ENTRY
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults(&Settings::default())
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings { widths } =
            settings::read(self.id(), Settings::default(), &options.settings)?;
        settings::expect_length(self.id(), "widths", widths.len(), 6, "stem and four groups")?;
        settings::expect_range(self.id(), "widths", &widths, 8192)?;

        let mut b = Builder::new(self.id(), Input::square(options.channels, options.size));
        let stem = Conv::square(options.channels, widths[0], 3, 1);
        let mut x = b.conv_norm("stem.0.conv", "stem.0.bn", 0, stem);
        x = b.relu(x);
        x = separable(&mut b, "stem.1", x, widths[1], 1);
        b.stem(x);
        for (group, (&width, count)) in widths[2..].iter().zip(BLOCKS).enumerate() {
            for block in 0..count {
                let stride = if block == 0 { 2 } else { 1 };
                x = separable(&mut b, &format!("conv{}.{block}", group + 1), x, width, stride);
            }
            b.stage(x);
        }
        let pooled = b.global_average(x);
        head::finish(b, pooled, options.embedding, options, "fc")
    }
}

/// Depthwise 3x3, then 1x1, each normalised and activated.
fn separable(b: &mut Builder, path: &str, x: NodeId, width: usize, stride: usize) -> NodeId {
    let at = |part: &str, place: usize| format!("{path}.{part}.{place}");
    let inputs = b.channels(x);
    let deep = Conv::depthwise(inputs, 3, stride);
    let mut y = b.conv_norm(at("depthwise", 0), at("depthwise", 1), x, deep);
    y = b.relu(y);
    let point = Conv::square(inputs, width, 1, 1).biased();
    y = b.conv_norm(at("pointwise", 0), at("pointwise", 1), y, point);
    b.relu(y)
}
