//! MobileNetV2 at full width for small pictures.
//!
//! Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, in the form and with the weight names
//! of weiaicunzai/pytorch-cifar100 `models/mobilenetv2.py`: a 1x1 stem padded by one pixel, convolutions with bias, a 1x1
//! convolution of the pooled feature as classifier.

use facette_graph::{Builder, Conv, Graph, Input, NodeId, Op};

use crate::error::NetsError;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

/// The architecture.
#[derive(Debug)]
pub(crate) struct Cifar100MobileNetV2;

const ENTRY: Entry = Entry {
    id: "mobilenet-v2-full",
    aliases: &["cifar100_mobilenetv2"],
    about: "MobileNetV2 at full width, 2.4 M parameters with 100 classes",
    source: "Sandler et al., CVPR 2018; weiaicunzai/pytorch-cifar100 models/mobilenetv2.py",
    size: 32,
};

/// Channels, blocks, first stride and expansion of the seven groups.
const GROUPS: [(usize, usize, usize, usize); 7] = [
    (16, 1, 1, 1),
    (24, 2, 2, 6),
    (32, 3, 2, 6),
    (64, 4, 2, 6),
    (96, 3, 1, 6),
    (160, 3, 1, 6),
    (320, 1, 1, 6),
];

/// Groups whose output is a stage.
const STAGES: [usize; 4] = [1, 2, 4, 6];

impl NetSpec for Cifar100MobileNetV2 {
    fn entry(&self) -> &Entry {
        &ENTRY
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        settings::none(self.id(), &options.settings)?;
        let mut b = Builder::new(self.id(), Input::square(options.channels, options.size));
        let stem = Conv::square(options.channels, 32, 1, 1).biased().padding(1);
        let mut x = b.conv_norm("pre.0", "pre.1", 0, stem);
        x = b.push("", Op::Relu6, &[x]);
        b.stem(x);
        for (group, (width, count, stride, expansion)) in GROUPS.into_iter().enumerate() {
            for block in 0..count {
                let path = match count {
                    1 => format!("stage{}", group + 1),
                    _ => format!("stage{}.{block}", group + 1),
                };
                let stride = if block == 0 { stride } else { 1 };
                x = inverted(&mut b, &path, x, width, stride, expansion);
            }
            if STAGES.contains(&group) {
                b.stage(x);
            }
        }
        x = b.conv_norm("conv1.0", "conv1.1", x, Conv::square(320, 1280, 1, 1).biased());
        x = b.push("", Op::Relu6, &[x]);
        let mut vector = b.global_average(x);
        if let Some(length) = options.embedding {
            vector = b.linear("embedding", vector, 1280, length, true);
        }
        let inputs = b.channels(vector);
        let logits = options
            .classes
            .map(|classes| b.conv("conv2", vector, Conv::square(inputs, classes, 1, 1).biased()));
        Ok(b.finish(vector, logits)?)
    }
}

fn inverted(
    b: &mut Builder,
    path: &str,
    x: NodeId,
    outputs: usize,
    stride: usize,
    expansion: usize,
) -> NodeId {
    let at = |place: usize| format!("{path}.residual.{place}");
    let inputs = b.channels(x);
    let inner = inputs * expansion;
    let mut y = b.conv_norm(at(0), at(1), x, Conv::square(inputs, inner, 1, 1).biased());
    y = b.push("", Op::Relu6, &[y]);
    y = b.conv_norm(at(3), at(4), y, Conv::depthwise(inner, 3, stride).biased());
    y = b.push("", Op::Relu6, &[y]);
    y = b.conv_norm(at(6), at(7), y, Conv::square(inner, outputs, 1, 1).biased());
    if stride == 1 && inputs == outputs { b.add(y, x) } else { y }
}
