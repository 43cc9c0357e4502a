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
use crate::spec::{Entry, NetOptions, NetSpec};

/// The family.
#[derive(Debug)]
pub(crate) struct Facette;

const ENTRY: Entry = Entry {
    id: "facette",
    aliases: &[],
    about: "residual blocks with PReLU and a global depthwise convolution; recommended",
    source: "this project; blocks of ResNet (CVPR 2016), end of MobileFaceNets (CCBR 2018)",
    size: 16,
};

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
    fn entry(&self) -> &Entry {
        &ENTRY
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults(&Settings::default())
    }

    fn embedding(&self) -> Option<usize> {
        Some(128)
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings { widths, blocks, stem } =
            settings::read(self.id(), Settings::default(), &options.settings)?;
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
        let global = Conv::global_depthwise(channels, b.side(x));
        x = b.conv_norm("pool.conv", "pool.bn", x, global);
        x = b.flatten(x);
        let embedding = options.embedding.or(self.embedding());
        head::finish(b, x, embedding, options, "classifier")
    }
}

/// conv, bn, PReLU, conv, bn, plus the input (through a 1x1 convolution and bn where the shape
/// changes), PReLU.
fn residual(b: &mut Builder, path: &str, x: NodeId, width: usize, stride: usize) -> NodeId {
    let inputs = b.channels(x);
    let conv1 = Conv::square(inputs, width, 3, stride);
    let mut y = b.conv_norm(format!("{path}.conv1"), format!("{path}.bn1"), x, conv1);
    y = b.prelu(format!("{path}.prelu1"), y);
    let conv2 = Conv::square(width, width, 3, 1);
    y = b.conv_norm(format!("{path}.conv2"), format!("{path}.bn2"), y, conv2);
    let mut shortcut = x;
    if stride != 1 || inputs != width {
        let conv = Conv::square(inputs, width, 1, stride);
        shortcut = b.conv_norm(format!("{path}.shortcut.0"), format!("{path}.shortcut.1"), x, conv);
    }
    let sum = b.add(y, shortcut);
    b.prelu(format!("{path}.prelu2"), sum)
}
