//! ShuffleNet for small pictures with a 3x3 stem.
//!
//! Zhang et al., "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices", CVPR 2018, in the
//! form and with the weight names of weiaicunzai/pytorch-cifar100 `models/shufflenet.py`: three groups everywhere (the paper
//! leaves the first pointwise convolution of the first stage ungrouped), convolutions with bias.

use facette_graph::{Builder, Conv, Graph, Input, NodeId, Op, Pool};

use super::head;
use crate::error::NetsError;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

/// The architecture.
#[derive(Debug)]
pub(crate) struct Cifar100ShuffleNet;

const ENTRY: Entry = Entry {
    id: "shufflenet-v1-3x3",
    aliases: &["cifar100_shufflenet"],
    about: "ShuffleNet of three groups with a 3x3 stem, 1.01 M parameters with 100 classes",
    source: "Zhang et al., CVPR 2018; weiaicunzai/pytorch-cifar100 models/shufflenet.py",
    size: 32,
};

/// Channels and units of the three stages.
const STAGES: [(usize, usize); 3] = [(240, 4), (480, 8), (960, 4)];

const GROUPS: usize = 3;

impl NetSpec for Cifar100ShuffleNet {
    fn entry(&self) -> &Entry {
        &ENTRY
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        settings::none(self.id(), &options.settings)?;
        let mut b = Builder::new(self.id(), Input::square(options.channels, options.size));
        let stem = Conv::square(options.channels, 24, 3, 1).biased();
        let mut x = b.conv_norm("conv1.conv", "conv1.bn", 0, stem);
        x = b.relu(x);
        b.stem(x);
        for (stage, (width, count)) in STAGES.into_iter().enumerate() {
            for unit in 0..count {
                x = shuffled(&mut b, &format!("stage{}.{unit}", stage + 2), x, width);
            }
            b.stage(x);
        }
        let pooled = b.global_average(x);
        head::finish(b, pooled, options.embedding, options, "fc")
    }
}

/// Pointwise to a quarter, shuffle, depthwise, pointwise; added to the input or, where channels grow, set beside its mean
/// over 3x3 windows of stride 2.
fn shuffled(b: &mut Builder, path: &str, x: NodeId, width: usize) -> NodeId {
    let at = |part: &str, place: usize| format!("{path}.{part}.{place}");
    let (inputs, quarter) = (b.channels(x), width / 4);
    let grows = inputs != width;
    let (stride, outputs) = if grows { (2, width - inputs) } else { (1, width) };
    let reduce = Conv::square(inputs, quarter, 1, 1).groups(GROUPS).biased();
    let mut y =
        b.conv_norm(at("bottlneck.0.pointwise", 0), at("bottlneck.0.pointwise", 1), x, reduce);
    y = b.relu(y);
    y = b.push("", Op::ChannelShuffle { groups: GROUPS }, &[y]);
    let deep = Conv::depthwise(quarter, 3, stride).biased();
    y = b.conv_norm(at("depthwise.depthwise", 0), at("depthwise.depthwise", 1), y, deep);
    let expand = Conv::square(quarter, outputs, 1, 1).groups(GROUPS).biased();
    y = b.conv_norm(at("expand.pointwise", 0), at("expand.pointwise", 1), y, expand);
    let fused = match grows {
        true => {
            let shortcut = b.avg_pool(x, Pool::square(3, 2).padding(1));
            b.concat(&[shortcut, y])
        }
        false => b.add(x, y),
    };
    b.relu(fused)
}
