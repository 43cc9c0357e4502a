//! ShuffleNetV2 for CIFAR.
//!
//! Ma et al., "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design", ECCV
//! 2018, in the form and with the weight names of HobbitLong/RepDistiller
//! `models/ShuffleNetv2.py`: a 1x1 stem of stride 1, and a block that halves the map before the
//! blocks of each stage.

use facette_graph::{Builder, Conv, Graph, Input, NodeId, Op};
use serde::{Deserialize, Serialize};

use super::head;
use crate::error::NetsError;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

/// The family.
#[derive(Debug)]
pub(crate) struct ShuffleNetV2;

const ENTRY: Entry = Entry {
    id: "shufflenet-v2",
    aliases: &["ShuffleV2", "shufflenetv2"],
    about: "ShuffleNetV2, 1.36 M parameters with 100 classes",
    source: "Ma et al., ECCV 2018; RepDistiller models/ShuffleNetv2.py",
    size: 32,
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Channels of the three stages and of the last 1x1 convolution.
    widths: Vec<usize>,
    /// Blocks of the three stages after the one that halves the map.
    blocks: Vec<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { widths: vec![116, 232, 464, 1024], blocks: vec![3, 7, 3] }
    }
}

impl NetSpec for ShuffleNetV2 {
    fn entry(&self) -> &Entry {
        &ENTRY
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults(&Settings::default())
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings { widths, blocks } =
            settings::read(self.id(), Settings::default(), &options.settings)?;
        settings::expect_length(self.id(), "widths", widths.len(), 4, "stages and the last")?;
        settings::expect_length(self.id(), "blocks", blocks.len(), 3, "one for each stage")?;
        settings::expect_range(self.id(), "widths", &widths, 8192)?;
        settings::expect_range(self.id(), "blocks", &blocks, 64)?;

        let mut b = Builder::new(self.id(), Input::square(options.channels, options.size));
        let mut x = b.conv_norm("conv1", "bn1", 0, Conv::square(options.channels, 24, 1, 1));
        x = b.relu(x);
        b.stem(x);
        for (stage, (&width, &count)) in widths.iter().zip(&blocks).enumerate() {
            let path = |block: usize| format!("layer{}.{block}", stage + 1);
            x = halving(&mut b, &path(0), x, width);
            for block in 1..=count {
                x = basic(&mut b, &path(block), x);
            }
            b.stage(x);
        }
        let inputs = b.channels(x);
        x = b.conv_norm("conv2", "bn2", x, Conv::square(inputs, widths[3], 1, 1));
        x = b.relu(x);
        let pooled = b.global_average(x);
        head::finish(b, pooled, options.embedding, options, "linear")
    }
}

/// Half of the channels pass, the other half through 1x1, depthwise 3x3 and 1x1; then shuffled.
fn basic(b: &mut Builder, path: &str, x: NodeId) -> NodeId {
    let at = |leaf: &str| format!("{path}.{leaf}");
    let all = b.channels(x);
    let half = all / 2;
    let passing = b.push("", Op::Channels { start: 0, length: half }, &[x]);
    let rest = all - half;
    let mut y = b.push("", Op::Channels { start: half, length: rest }, &[x]);
    y = b.conv_norm(at("conv1"), at("bn1"), y, Conv::square(rest, rest, 1, 1));
    y = b.relu(y);
    y = b.conv_norm(at("conv2"), at("bn2"), y, Conv::depthwise(rest, 3, 1));
    y = b.conv_norm(at("conv3"), at("bn3"), y, Conv::square(rest, rest, 1, 1));
    y = b.relu(y);
    let joined = b.concat(&[passing, y]);
    b.push("", Op::ChannelShuffle { groups: 2 }, &[joined])
}

/// Both branches halve the map and yield half of the channels; then shuffled.
fn halving(b: &mut Builder, path: &str, x: NodeId, width: usize) -> NodeId {
    let at = |leaf: &str| format!("{path}.{leaf}");
    let (inputs, half) = (b.channels(x), width / 2);
    let mut left = b.conv_norm(at("conv1"), at("bn1"), x, Conv::depthwise(inputs, 3, 2));
    left = b.conv_norm(at("conv2"), at("bn2"), left, Conv::square(inputs, half, 1, 1));
    left = b.relu(left);
    let mut right = b.conv_norm(at("conv3"), at("bn3"), x, Conv::square(inputs, half, 1, 1));
    right = b.relu(right);
    right = b.conv_norm(at("conv4"), at("bn4"), right, Conv::depthwise(half, 3, 2));
    right = b.conv_norm(at("conv5"), at("bn5"), right, Conv::square(half, half, 1, 1));
    right = b.relu(right);
    let joined = b.concat(&[left, right]);
    b.push("", Op::ChannelShuffle { groups: 2 }, &[joined])
}
