//! MobileNetV2 at half width for CIFAR.
//!
//! Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, in the
//! form and with the weight names of HobbitLong/RepDistiller `models/mobilenetv2.py`
//! (`mobilenetv2_T_w`): ReLU instead of ReLU6, stem and second block of stride 2 and 1.

use facette_graph::{Builder, Conv, Graph, Input, NodeId};
use serde::{Deserialize, Serialize};

use super::head;
use crate::error::NetsError;
use crate::parameters::Init;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

/// The family.
#[derive(Debug)]
pub(crate) struct MobileNetV2;

const ENTRY: Entry = Entry {
    id: "mobilenet-v2",
    aliases: &["MobileNetV2", "mobile_half", "mobilenetv2"],
    about: "MobileNetV2 at half width, 0.81 M parameters with 100 classes",
    source: "Sandler et al., CVPR 2018; RepDistiller models/mobilenetv2.py",
    size: 32,
};

/// Channels before scaling, blocks and first stride of the seven groups.
const GROUPS: [(usize, usize, usize); 7] =
    [(16, 1, 1), (24, 2, 1), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1)];

/// Groups whose output is a stage.
const STAGES: [usize; 4] = [1, 2, 4, 6];

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Channels inside a block, in multiples of those that enter it (1 in the first group).
    expansion: usize,
    /// Factor of all channels but the last 1280, which only grow with it.
    width: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { expansion: 6, width: 0.5 }
    }
}

impl NetSpec for MobileNetV2 {
    fn entry(&self) -> &Entry {
        &ENTRY
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults(&Settings::default())
    }

    fn init(&self) -> Init {
        Init::HeSmallLinear
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings { expansion, width } =
            settings::read(self.id(), Settings::default(), &options.settings)?;
        settings::expect_range(self.id(), "expansion", &[expansion], 64)?;
        if !(0.0625..=16.0).contains(&width) {
            return Err(NetsError::Setting {
                net: self.id().to_owned(),
                setting: "width".to_owned(),
                problem: format!("must be 0.0625 to 16, found {width}"),
            });
        }
        let scaled = |channels: usize| (channels as f64 * width) as usize;

        let mut b = Builder::new(self.id(), Input::square(options.channels, options.size));
        let stem = Conv::square(options.channels, scaled(32), 3, 2);
        let mut x = b.conv_norm("conv1.0", "conv1.1", 0, stem);
        x = b.relu(x);
        b.stem(x);
        for (group, (channels, count, stride)) in GROUPS.into_iter().enumerate() {
            let expansion = if group == 0 { 1 } else { expansion };
            for block in 0..count {
                let path = format!("blocks.{group}.{block}");
                let stride = if block == 0 { stride } else { 1 };
                x = inverted(&mut b, &path, x, scaled(channels), stride, expansion);
            }
            if STAGES.contains(&group) {
                b.stage(x);
            }
        }
        let last = scaled(1280).max(1280);
        let inputs = b.channels(x);
        x = b.conv_norm("conv2.0", "conv2.1", x, Conv::square(inputs, last, 1, 1));
        x = b.relu(x);
        let pooled = b.global_average(x);
        head::finish(b, pooled, options.embedding, options, "classifier.0")
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
    let at = |place: usize| format!("{path}.conv.{place}");
    let inputs = b.channels(x);
    let inner = inputs * expansion;
    let mut y = b.conv_norm(at(0), at(1), x, Conv::square(inputs, inner, 1, 1));
    y = b.relu(y);
    y = b.conv_norm(at(3), at(4), y, Conv::depthwise(inner, 3, stride));
    y = b.relu(y);
    y = b.conv_norm(at(6), at(7), y, Conv::square(inner, outputs, 1, 1));
    if stride == 1 && inputs == outputs { b.add(x, y) } else { y }
}
