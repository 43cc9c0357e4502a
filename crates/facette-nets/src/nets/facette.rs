//! Our own residual family, recommended for 16x16 and 32x32 faces.
//!
//! Basic residual blocks (He et al., "Deep Residual Learning", CVPR 2016) with PReLU, and a
//! global depthwise convolution in place of the mean at the end (Chen et al., "MobileFaceNets",
//! CCBR 2018): it lets the network weigh the places of a face differently for 16 parameters a
//! channel.

use facette_graph::{Builder, Conv, Graph, Input, NodeId};
use serde::{Deserialize, Serialize};

use super::head;
use crate::error::NetsError;
use crate::settings;
use crate::spec::{NetOptions, NetSpec};

/// The family.
#[derive(Debug)]
pub(crate) struct Facette;

/// Side from which the stem is coarse.
const COARSE_FROM: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stem {
    /// Fine below 32 pixels, coarse from there.
    BySize,
    /// 3x3, stride 1.
    Fine,
    /// 5x5, stride 2.
    Coarse,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Channels of each stage.
    widths: Vec<usize>,
    /// Residual blocks of each stage.
    blocks: Vec<usize>,
    /// First convolution.
    stem: Stem,
}

impl Default for Settings {
    fn default() -> Self {
        Self { widths: vec![32, 48, 64], blocks: vec![2, 2, 1], stem: Stem::BySize }
    }
}

impl NetSpec for Facette {
    fn id(&self) -> &'static str {
        "facette"
    }

    fn about(&self) -> &'static str {
        "residual blocks with PReLU and a global depthwise convolution; recommended"
    }

    fn source(&self) -> &'static str {
        "this project; blocks of ResNet (CVPR 2016), end of MobileFaceNets (CCBR 2018)"
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults::<Settings>()
    }

    fn embedding(&self) -> Option<usize> {
        Some(128)
    }

    fn native_size(&self) -> usize {
        16
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings { widths, blocks, stem } = settings::read(self.id(), &options.settings)?;
        settings::expect_range(self.id(), "widths", &widths, 4096)?;
        settings::expect_range(self.id(), "blocks", &blocks, 64)?;
        settings::expect_length(
            self.id(),
            "blocks",
            blocks.len(),
            widths.len(),
            "as many as widths",
        )?;
        let Some(&first) = widths.first() else {
            return Err(NetsError::Setting {
                net: self.id().to_owned(),
                setting: "widths".to_owned(),
                problem: "needs at least one stage".to_owned(),
            });
        };
        let coarse = match stem {
            Stem::BySize => options.size >= COARSE_FROM,
            Stem::Fine => false,
            Stem::Coarse => true,
        };
        let (kernel, stride) = if coarse { (5, 2) } else { (3, 1) };

        let input = Input { channels: options.channels, height: options.size, width: options.size };
        let mut b = Builder::new(self.id(), input);
        let conv = Conv::square(options.channels, first, kernel, stride);
        let mut x = b.conv("stem.conv", 0, conv);
        x = b.norm("stem.bn", x);
        x = b.prelu("stem.prelu", x);
        b.stem(x);
        for (stage, (&width, &count)) in widths.iter().zip(&blocks).enumerate() {
            for block in 0..count {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                x = residual(&mut b, &format!("stage{}.{block}", stage + 1), x, width, stride);
            }
            b.stage(x);
        }
        let channels = b.channels(x);
        let side = b.shape(x).map_or(0, |shape| shape.height);
        let global = Conv::square(channels, channels, side, 1).groups(channels).padding(0);
        x = b.conv("pool.conv", x, global);
        x = b.norm("pool.bn", x);
        x = b.flatten(x);
        let embedding = options.embedding.or(self.embedding());
        head::finish(b, x, embedding, options, "classifier")
    }
}

/// conv, bn, PReLU, conv, bn, plus the input (through a 1x1 convolution and bn where the shape
/// changes), PReLU.
fn residual(b: &mut Builder, path: &str, x: NodeId, width: usize, stride: usize) -> NodeId {
    let inputs = b.channels(x);
    let mut y = b.conv(format!("{path}.conv1"), x, Conv::square(inputs, width, 3, stride));
    y = b.norm(format!("{path}.bn1"), y);
    y = b.prelu(format!("{path}.prelu1"), y);
    y = b.conv(format!("{path}.conv2"), y, Conv::square(width, width, 3, 1));
    y = b.norm(format!("{path}.bn2"), y);
    let mut shortcut = x;
    if stride != 1 || inputs != width {
        let conv = Conv::square(inputs, width, 1, stride);
        shortcut = b.conv(format!("{path}.shortcut.0"), x, conv);
        shortcut = b.norm(format!("{path}.shortcut.1"), shortcut);
    }
    let sum = b.add(y, shortcut);
    b.prelu(format!("{path}.prelu2"), sum)
}
