//! Wide residual networks with pre-activation.
//!
//! Zagoruyko & Komodakis, "Wide Residual Networks", BMVC 2016, in the form and with the weight
//! names of HobbitLong/RepDistiller `models/wrn.py`, without dropout.

use facette_graph::{Builder, Conv, Graph, Input, NodeId};
use serde::{Deserialize, Serialize};

use super::head;
use crate::error::NetsError;
use crate::parameters::Init;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

/// One depth and width of the family.
#[derive(Debug)]
pub(crate) struct WideResNet {
    entry: Entry,
    depth: usize,
    widen: usize,
}

const fn net(id: &'static str, about: &'static str, depth: usize, widen: usize) -> WideResNet {
    const SOURCE: &str = "Zagoruyko & Komodakis, BMVC 2016; RepDistiller models/wrn.py";
    WideResNet { entry: Entry { id, aliases: &[], about, source: SOURCE, size: 32 }, depth, widen }
}

/// WRN-16-1.
pub(crate) const WRN_16_1: WideResNet = net("wrn_16_1", "wide ResNet of depth 16", 16, 1);
/// WRN-16-2.
pub(crate) const WRN_16_2: WideResNet =
    net("wrn_16_2", "wide ResNet of depth 16, twice as wide", 16, 2);
/// WRN-40-1.
pub(crate) const WRN_40_1: WideResNet = net("wrn_40_1", "wide ResNet of depth 40", 40, 1);
/// WRN-40-2.
pub(crate) const WRN_40_2: WideResNet =
    net("wrn_40_2", "wide ResNet of depth 40, twice as wide", 40, 2);

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Layers, 6n + 4.
    depth: usize,
    /// Factor of the stages' 16, 32 and 64 channels.
    widen: usize,
}

impl WideResNet {
    fn settings(&self) -> Settings {
        Settings { depth: self.depth, widen: self.widen }
    }
}

impl NetSpec for WideResNet {
    fn entry(&self) -> &Entry {
        &self.entry
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults(&self.settings())
    }

    fn init(&self) -> Init {
        Init::HeZeroBias
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings { depth, widen } =
            settings::read(self.id(), self.settings(), &options.settings)?;
        settings::expect_range(self.id(), "widen", &[widen], 64)?;
        if !(10..=1000).contains(&depth) || depth % 6 != 4 {
            return Err(NetsError::Setting {
                net: self.id().to_owned(),
                setting: "depth".to_owned(),
                problem: format!("must be 6n + 4, at least 10 and at most 1000, found {depth}"),
            });
        }

        let mut b = Builder::new(self.id(), Input::square(options.channels, options.size));
        let mut x = b.conv("conv1", 0, Conv::square(options.channels, 16, 3, 1));
        b.stem(x);
        for (stage, width) in [16, 32, 64].into_iter().enumerate() {
            for block in 0..(depth - 4) / 6 {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let path = format!("block{}.layer.{block}", stage + 1);
                x = residual(&mut b, &path, x, width * widen, stride);
            }
            b.stage(x);
        }
        x = b.norm("bn1", x);
        x = b.relu(x);
        let pooled = b.global_average(x);
        head::finish(b, pooled, options.embedding, options, "fc")
    }
}

/// bn, ReLU, conv, bn, ReLU, conv, plus the input, or where the width changes a 1x1 convolution
/// of the activated input.
fn residual(b: &mut Builder, path: &str, x: NodeId, width: usize, stride: usize) -> NodeId {
    let inputs = b.channels(x);
    let at = |leaf: &str| format!("{path}.{leaf}");
    let mut active = b.norm(at("bn1"), x);
    active = b.relu(active);
    let mut y = b.conv_norm(at("conv1"), at("bn2"), active, Conv::square(inputs, width, 3, stride));
    y = b.relu(y);
    y = b.conv(at("conv2"), y, Conv::square(width, width, 3, 1));
    let shortcut = match inputs == width {
        true => x,
        false => b.conv(at("convShortcut"), active, Conv::square(inputs, width, 1, stride)),
    };
    b.add(shortcut, y)
}
