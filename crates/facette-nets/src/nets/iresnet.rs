//! Improved residual networks for faces, the teachers of most face distillation.
//!
//! Deng et al., "ArcFace", CVPR 2019, in the form and with the weight names of
//! deepinsight/insightface `recognition/arcface_torch/backbones/iresnet.py`, without dropout.
//! The scale of the last batch normalisation, which the reference keeps at 1, is learned here.

use facette_graph::{Builder, Conv, Graph, Input, NodeId};
use serde::{Deserialize, Serialize};

use super::head;
use crate::error::NetsError;
use crate::parameters::Init;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

/// One depth of the family.
#[derive(Debug)]
pub(crate) struct IResNet {
    entry: Entry,
    blocks: [usize; 4],
}

const fn net(id: &'static str, about: &'static str, blocks: [usize; 4]) -> IResNet {
    const SOURCE: &str = "Deng et al., CVPR 2019; insightface arcface_torch/backbones/iresnet.py";
    IResNet { entry: Entry { id, aliases: &[], about, source: SOURCE, size: 112 }, blocks }
}

/// iresnet18.
pub(crate) const IRESNET18: IResNet =
    net("iresnet18", "ArcFace ResNet-18, 24.0 M parameters", [2, 2, 2, 2]);
/// iresnet34.
pub(crate) const IRESNET34: IResNet =
    net("iresnet34", "ArcFace ResNet-34, 34.1 M parameters", [3, 4, 6, 3]);
/// iresnet50.
pub(crate) const IRESNET50: IResNet =
    net("iresnet50", "ArcFace ResNet-50, 43.6 M parameters", [3, 4, 14, 3]);
/// iresnet100.
pub(crate) const IRESNET100: IResNet =
    net("iresnet100", "ArcFace ResNet-100, 65.2 M parameters", [3, 13, 30, 3]);

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Channels of the four stages; of the stem the first of them.
    widths: Vec<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { widths: vec![64, 128, 256, 512] }
    }
}

impl NetSpec for IResNet {
    fn entry(&self) -> &Entry {
        &self.entry
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults(&Settings::default())
    }

    fn embedding(&self) -> Option<usize> {
        Some(512)
    }

    fn init(&self) -> Init {
        Init::SmallNormal
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings { widths } =
            settings::read(self.id(), Settings::default(), &options.settings)?;
        settings::expect_length(self.id(), "widths", widths.len(), 4, "one for each stage")?;
        settings::expect_range(self.id(), "widths", &widths, 4096)?;

        let mut b = Builder::new(self.id(), Input::square(options.channels, options.size));
        let stem = Conv::square(options.channels, widths[0], 3, 1);
        let mut x = b.conv_norm("conv1", "bn1", 0, stem);
        x = b.prelu("prelu", x);
        b.stem(x);
        for (stage, (&width, &count)) in widths.iter().zip(&self.blocks).enumerate() {
            for block in 0..count {
                let stride = if block == 0 { 2 } else { 1 };
                x = residual(&mut b, &format!("layer{}.{block}", stage + 1), x, width, stride);
            }
            b.stage(x);
        }
        x = b.norm("bn2", x);
        x = b.flatten(x);
        let (inputs, length) = (b.channels(x), options.embedding.unwrap_or(512));
        x = b.linear("fc", x, inputs, length, true);
        x = b.norm("features", x);
        head::classified(b, x, options, "classifier")
    }
}

/// bn, conv, bn, PReLU, conv, bn, plus the input.
fn residual(b: &mut Builder, path: &str, x: NodeId, width: usize, stride: usize) -> NodeId {
    let inputs = b.channels(x);
    let at = |leaf: &str| format!("{path}.{leaf}");
    let mut y = b.norm(at("bn1"), x);
    y = b.conv_norm(at("conv1"), at("bn2"), y, Conv::square(inputs, width, 3, 1));
    y = b.prelu(at("prelu"), y);
    y = b.conv_norm(at("conv2"), at("bn3"), y, Conv::square(width, width, 3, stride));
    let mut shortcut = x;
    if stride != 1 || inputs != width {
        let conv = Conv::square(inputs, width, 1, stride);
        shortcut = b.conv_norm(at("downsample.0"), at("downsample.1"), x, conv);
    }
    b.add(y, shortcut)
}
