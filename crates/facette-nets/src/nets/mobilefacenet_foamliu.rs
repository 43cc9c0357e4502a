//! MobileFaceNet as foamliu trains it.
//!
//! Chen et al., "MobileFaceNets", CCBR 2018, in the form and with the weight names of
//! foamliu/MobileFaceNet `mobilefacenet.py`: ReLU6 in place of PReLU, and a 1x1 convolution with
//! bias and a batch normalisation after the global depthwise convolution.

use facette_graph::{Builder, Conv, Graph, Input, NodeId, Op};
use serde::{Deserialize, Serialize};

use super::head;
use crate::error::NetsError;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

/// The net.
#[derive(Debug)]
pub(crate) struct MobileFaceNetFoamliu;

const ENTRY: Entry = Entry {
    id: "mobilefacenet-foamliu",
    aliases: &["foamliu"],
    about: "MobileFaceNet with ReLU6, 1.02 M parameters with its 128-d embedding",
    source: "Chen et al., CCBR 2018; foamliu/MobileFaceNet mobilefacenet.py",
    size: 112,
};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {}

/// Expansion, channels, blocks and first stride of the five groups.
const GROUPS: [(usize, usize, usize, usize); 5] =
    [(2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1)];

/// Groups whose output is a stage.
const STAGES: [usize; 3] = [0, 2, 4];

impl NetSpec for MobileFaceNetFoamliu {
    fn entry(&self) -> &Entry {
        &ENTRY
    }

    fn embedding(&self) -> Option<usize> {
        Some(128)
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings {} = settings::read(self.id(), Settings::default(), &options.settings)?;
        let mut b = Builder::new(self.id(), Input::square(options.channels, options.size));
        let stem = Conv::square(options.channels, 64, 3, 2);
        let mut x = relu6(&mut b, "conv1", 0, stem);
        x = b.conv_norm("dw_conv.depthwise", "dw_conv.bn1", x, Conv::depthwise(64, 3, 1));
        x = b.relu(x);
        x = b.conv_norm("dw_conv.pointwise", "dw_conv.bn2", x, Conv::square(64, 64, 1, 1));
        x = b.relu(x);
        b.stem(x);
        let mut place = 0;
        for (group, (expansion, outputs, count, stride)) in GROUPS.into_iter().enumerate() {
            for block in 0..count {
                let stride = if block == 0 { stride } else { 1 };
                x = inverted(&mut b, place, x, outputs, stride, expansion);
                place += 1;
            }
            if STAGES.contains(&group) {
                b.stage(x);
            }
        }
        x = relu6(&mut b, "conv2", x, Conv::square(128, 512, 1, 1));
        let global = Conv::global_depthwise(512, b.side(x));
        x = b.conv_norm("gdconv.depthwise", "gdconv.bn", x, global);
        let length = options.embedding.unwrap_or(128);
        x = b.conv_norm("conv3", "bn", x, Conv::square(512, length, 1, 1).biased());
        x = b.flatten(x);
        head::classified(b, x, options, "classifier")
    }
}

fn relu6(b: &mut Builder, path: &str, x: NodeId, conv: Conv) -> NodeId {
    let y = b.conv_norm(format!("{path}.0"), format!("{path}.1"), x, conv);
    b.push("", Op::Relu6, &[y])
}

fn inverted(
    b: &mut Builder,
    place: usize,
    x: NodeId,
    outputs: usize,
    stride: usize,
    expansion: usize,
) -> NodeId {
    let at = |leaf: usize| format!("features.{place}.conv.{leaf}");
    let inputs = b.channels(x);
    let inner = inputs * expansion;
    let mut y = relu6(b, &at(0), x, Conv::square(inputs, inner, 1, 1));
    y = relu6(b, &at(1), y, Conv::depthwise(inner, 3, stride));
    y = b.conv_norm(at(2), at(3), y, Conv::square(inner, outputs, 1, 1));
    if stride == 1 && inputs == outputs { b.add(x, y) } else { y }
}
