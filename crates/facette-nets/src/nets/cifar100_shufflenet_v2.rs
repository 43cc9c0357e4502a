//! ShuffleNetV2 for small pictures with a 3x3 stem.
//!
//! Ma et al., "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design", ECCV 2018, in the form and with
//! the weight names of weiaicunzai/pytorch-cifar100 `models/shufflenetv2.py`: convolutions with bias, a stem without
//! activation, a first unit of each stage that halves the map at the channels it is given.

use facette_graph::{Builder, Conv, Graph, Input, NodeId, Op};

use super::head;
use crate::error::NetsError;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

/// The architecture.
#[derive(Debug)]
pub(crate) struct Cifar100ShuffleNetV2;

const ENTRY: Entry = Entry {
    id: "shufflenet-v2-3x3",
    aliases: &["cifar100_shufflenetv2"],
    about: "ShuffleNetV2 with a 3x3 stem, 1.36 M parameters with 100 classes",
    source: "Ma et al., ECCV 2018; weiaicunzai/pytorch-cifar100 models/shufflenetv2.py",
    size: 32,
};

/// Channels and units of the three stages.
const STAGES: [(usize, usize); 3] = [(116, 4), (232, 8), (464, 4)];

impl NetSpec for Cifar100ShuffleNetV2 {
    fn entry(&self) -> &Entry {
        &ENTRY
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        settings::none(self.id(), &options.settings)?;
        let mut b = Builder::new(self.id(), Input::square(options.channels, options.size));
        let stem = Conv::square(options.channels, 24, 3, 1).biased();
        let mut x = b.conv_norm("pre.0", "pre.1", 0, stem);
        b.stem(x);
        for (stage, (width, count)) in STAGES.into_iter().enumerate() {
            for unit in 0..count {
                x = shuffled(&mut b, &format!("stage{}.{unit}", stage + 2), x, width);
            }
            b.stage(x);
        }
        x = b.conv_norm("conv5.0", "conv5.1", x, Conv::square(464, 1024, 1, 1).biased());
        x = b.relu(x);
        let pooled = b.global_average(x);
        head::finish(b, pooled, options.embedding, options, "fc")
    }
}

/// Where the channels grow, both branches read the whole map and halve it; else one half passes.
fn shuffled(b: &mut Builder, path: &str, x: NodeId, width: usize) -> NodeId {
    let (inputs, half) = (b.channels(x), width / 2);
    let grows = inputs != width;
    let (left, right, inner, stride) = match grows {
        true => (x, x, inputs, 2),
        false => {
            let channels = |start: usize| Op::Channels { start, length: half };
            (b.push("", channels(0), &[x]), b.push("", channels(half), &[x]), half, 1)
        }
    };
    let at = |part: &str, place: usize| format!("{path}.{part}.{place}");
    let point = |outputs: usize| Conv::square(inner, outputs, 1, 1).biased();
    let deep = || Conv::depthwise(inner, 3, stride).biased();
    let mut y = b.conv_norm(at("residual", 0), at("residual", 1), right, point(inner));
    y = b.relu(y);
    y = b.conv_norm(at("residual", 3), at("residual", 4), y, deep());
    y = b.conv_norm(at("residual", 5), at("residual", 6), y, point(half));
    y = b.relu(y);
    let mut shortcut = left;
    if grows {
        shortcut = b.conv_norm(at("shortcut", 0), at("shortcut", 1), left, deep());
        shortcut = b.conv_norm(at("shortcut", 2), at("shortcut", 3), shortcut, point(half));
        shortcut = b.relu(shortcut);
    }
    let joined = b.concat(&[shortcut, y]);
    b.push("", Op::ChannelShuffle { groups: 2 }, &[joined])
}
