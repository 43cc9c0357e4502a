//! MobileFaceNet as insightface trains it.
//!
//! Chen et al., "MobileFaceNets: Efficient CNNs for Accurate Real-Time Face Verification on
//! Mobile Devices", CCBR 2018, in the form and with the weight names of deepinsight/insightface
//! `recognition/arcface_torch/backbones/mobilefacenet.py` (`get_mbf`, `get_mbf_large`). The
//! global depthwise convolution covers whatever map remains, 7x7 at 112x112. Fresh weights of the
//! last linear layer are drawn as PyTorch's defaults say; the reference draws them as it draws
//! convolutions.

use facette_graph::{Builder, Conv, Graph, Input, NodeId};
use serde::{Deserialize, Serialize};

use super::head;
use crate::error::NetsError;
use crate::parameters::Init;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

const SOURCE: &str = "Chen et al., CCBR 2018; insightface arcface_torch/backbones/mobilefacenet.py";

/// One size of the family.
#[derive(Debug)]
pub(crate) struct MobileFaceNet {
    entry: Entry,
    blocks: [usize; 4],
    scale: usize,
}

/// `get_mbf`.
pub(crate) const MOBILEFACENET: MobileFaceNet = MobileFaceNet {
    entry: Entry {
        id: "mobilefacenet",
        aliases: &["mbf"],
        about: "MobileFaceNet, 2.06 M parameters with its 512-d embedding",
        source: SOURCE,
        size: 112,
    },
    blocks: [1, 4, 6, 2],
    scale: 2,
};

/// `get_mbf_large`.
pub(crate) const MOBILEFACENET_LARGE: MobileFaceNet = MobileFaceNet {
    entry: Entry {
        id: "mobilefacenet-large",
        aliases: &["mbf-large"],
        about: "large MobileFaceNet, 6.3 M parameters with its 512-d embedding",
        source: SOURCE,
        size: 112,
    },
    blocks: [2, 8, 12, 4],
    scale: 4,
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Residual bottlenecks at each of four map sizes; a first 1 stands for one depthwise layer.
    blocks: Vec<usize>,
    /// Factor of the 64 and 128 channels between bottlenecks.
    scale: usize,
}

impl MobileFaceNet {
    fn settings(&self) -> Settings {
        Settings { blocks: self.blocks.to_vec(), scale: self.scale }
    }
}

impl NetSpec for MobileFaceNet {
    fn entry(&self) -> &Entry {
        &self.entry
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults(&self.settings())
    }

    fn embedding(&self) -> Option<usize> {
        Some(512)
    }

    fn init(&self) -> Init {
        Init::HeFanOut
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings { blocks, scale } =
            settings::read(self.id(), self.settings(), &options.settings)?;
        settings::expect_length(self.id(), "blocks", blocks.len(), 4, "one a map size")?;
        settings::expect_range(self.id(), "blocks", &blocks, 64)?;
        settings::expect_range(self.id(), "scale", &[scale], 64)?;
        let (narrow, wide) = (64 * scale, 128 * scale);

        let mut b = Builder::new(self.id(), Input::square(options.channels, options.size));
        let stem = Conv::square(options.channels, narrow, 3, 2);
        let mut x = active(&mut b, "layers.0", 0, stem);
        b.stem(x);
        x = match blocks[0] {
            1 => active(&mut b, "layers.1", x, Conv::depthwise(narrow, 3, 1).groups(64)),
            count => residuals(&mut b, 1, x, count, 128),
        };
        b.stage(x);
        // Place in `layers`, channels out and channels inside of each layer that halves the map,
        // then bottlenecks and channels inside of what follows it.
        let rest = [
            (2, narrow, 128, blocks[1], 128),
            (4, wide, 256, blocks[2], 256),
            (6, wide, 512, blocks[3], 256),
        ];
        for (place, outputs, inner, count, inner_after) in rest {
            x = bottleneck(&mut b, &format!("layers.{place}"), x, outputs, inner, 2);
            x = residuals(&mut b, place + 1, x, count, inner_after);
            b.stage(x);
        }
        let inputs = b.channels(x);
        x = active(&mut b, "conv_sep", x, Conv::square(inputs, 512, 1, 1));
        let global = Conv::global_depthwise(512, b.side(x));
        x = b.conv_norm("features.layers.0.layers.0", "features.layers.0.layers.1", x, global);
        x = b.flatten(x);
        let length = options.embedding.unwrap_or(512);
        x = b.linear("features.layers.2", x, 512, length, false);
        x = b.norm("features.layers.3", x);
        head::classified(b, x, options, "classifier")
    }
}

/// Convolution, batch normalisation, PReLU.
fn active(b: &mut Builder, path: &str, x: NodeId, conv: Conv) -> NodeId {
    let at = |place: usize| format!("{path}.layers.{place}");
    let y = b.conv_norm(at(0), at(1), x, conv);
    b.prelu(at(2), y)
}

/// 1x1 to `inner` channels, depthwise 3x3, 1x1 to `outputs` channels without activation.
fn bottleneck(
    b: &mut Builder,
    path: &str,
    x: NodeId,
    outputs: usize,
    inner: usize,
    stride: usize,
) -> NodeId {
    let at = |place: usize| format!("{path}.layers.{place}");
    let inputs = b.channels(x);
    let mut y = active(b, &at(0), x, Conv::square(inputs, inner, 1, 1));
    y = active(b, &at(1), y, Conv::depthwise(inner, 3, stride));
    let last = Conv::square(inner, outputs, 1, 1);
    b.conv_norm(format!("{}.layers.0", at(2)), format!("{}.layers.1", at(2)), y, last)
}

fn residuals(b: &mut Builder, place: usize, x: NodeId, count: usize, inner: usize) -> NodeId {
    let outputs = b.channels(x);
    (0..count).fold(x, |x, block| {
        let path = format!("layers.{place}.layers.{block}");
        let y = bottleneck(b, &path, x, outputs, inner, 1);
        b.add(x, y)
    })
}
