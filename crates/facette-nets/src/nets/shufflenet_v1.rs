//! ShuffleNet for CIFAR.
//!
//! Zhang et al., "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile
//! Devices", CVPR 2018, in the form and with the weight names of HobbitLong/RepDistiller
//! `models/ShuffleNetv1.py`: a 1x1 stem of stride 1, and ReLU after the depthwise convolution.

use facette_graph::{Builder, Conv, Graph, Input, NodeId, Op, Pool};
use serde::{Deserialize, Serialize};

use super::head;
use crate::error::NetsError;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

/// The family.
#[derive(Debug)]
pub(crate) struct ShuffleNetV1;

const ENTRY: Entry = Entry {
    id: "shufflenet-v1",
    aliases: &["ShuffleV1", "shufflenet"],
    about: "ShuffleNet with 3 groups, 0.95 M parameters with 100 classes",
    source: "Zhang et al., CVPR 2018; RepDistiller models/ShuffleNetv1.py",
    size: 32,
};

/// Channels of the stem.
const STEM: usize = 24;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Channels of the three stages.
    widths: Vec<usize>,
    /// Blocks of the three stages.
    blocks: Vec<usize>,
    /// Groups of the 1x1 convolutions, except the first that reads the stem.
    groups: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { widths: vec![240, 480, 960], blocks: vec![4, 8, 4], groups: 3 }
    }
}

impl NetSpec for ShuffleNetV1 {
    fn entry(&self) -> &Entry {
        &ENTRY
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults(&Settings::default())
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings { widths, blocks, groups } =
            settings::read(self.id(), Settings::default(), &options.settings)?;
        settings::expect_length(self.id(), "widths", widths.len(), 3, "one for each stage")?;
        settings::expect_length(self.id(), "blocks", blocks.len(), 3, "one for each stage")?;
        settings::expect_range(self.id(), "widths", &widths, 8192)?;
        settings::expect_range(self.id(), "blocks", &blocks, 64)?;
        settings::expect_range(self.id(), "groups", &[groups], 64)?;
        if widths[0] <= STEM || !widths.is_sorted_by(|a, b| a < b) {
            return Err(NetsError::Setting {
                net: self.id().to_owned(),
                setting: "widths".to_owned(),
                problem: format!("must grow, and start above {STEM}; found {widths:?}"),
            });
        }

        let mut b = Builder::new(self.id(), Input::square(options.channels, options.size));
        let mut x = b.conv_norm("conv1", "bn1", 0, Conv::square(options.channels, STEM, 1, 1));
        x = b.relu(x);
        b.stem(x);
        for (stage, (&width, &count)) in widths.iter().zip(&blocks).enumerate() {
            for block in 0..count {
                let path = format!("layer{}.{block}", stage + 1);
                x = bottleneck(&mut b, &path, x, width, block == 0, groups);
            }
            b.stage(x);
        }
        let pooled = b.global_average(x);
        head::finish(b, pooled, options.embedding, options, "linear")
    }
}

/// Grouped 1x1, shuffle, depthwise 3x3, grouped 1x1; where it halves the map, beside the
/// averaged input, else plus the input.
fn bottleneck(
    b: &mut Builder,
    path: &str,
    x: NodeId,
    width: usize,
    halves: bool,
    groups: usize,
) -> NodeId {
    let at = |leaf: &str| format!("{path}.{leaf}");
    let inputs = b.channels(x);
    let outputs = if halves { width.saturating_sub(inputs) } else { width };
    let inner = outputs / 4;
    let first = if inputs == STEM { 1 } else { groups };
    let conv = Conv::square(inputs, inner, 1, 1).groups(first);
    let mut y = b.conv_norm(at("conv1"), at("bn1"), x, conv);
    y = b.relu(y);
    y = b.push("", Op::ChannelShuffle { groups: first }, &[y]);
    let stride = if halves { 2 } else { 1 };
    y = b.conv_norm(at("conv2"), at("bn2"), y, Conv::depthwise(inner, 3, stride));
    y = b.relu(y);
    let conv = Conv::square(inner, outputs, 1, 1).groups(groups);
    y = b.conv_norm(at("conv3"), at("bn3"), y, conv);
    let joined = match halves {
        true => {
            let shortcut = b.avg_pool(x, Pool::square(3, 2).padding(1));
            b.concat(&[y, shortcut])
        }
        false => b.add(y, x),
    };
    b.relu(joined)
}
