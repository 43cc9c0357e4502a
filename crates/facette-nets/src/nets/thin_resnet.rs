//! Thin ResNets of three stages for CIFAR, depth 6n + 2.
//!
//! He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2, in the
//! form and with the weight names of HobbitLong/RepDistiller `models/resnet.py` (1x1 shortcut
//! convolutions where the shape changes). The last pooling is the mean over the whole map, which
//! is the reference's 8x8 window at 32x32. The deep nets of DefangChen/OKDDip-AAAI2020 and
//! Lan1991Xu/ONE_NeurIPS2018, which they call resnet110, are the same with bottlenecks.

use facette_graph::{Builder, Conv, Graph, Input};
use serde::{Deserialize, Serialize};

use super::head;
use super::residual::{Block, residual};
use crate::error::NetsError;
use crate::parameters::Init;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

/// One depth and width of the family.
#[derive(Debug)]
pub(crate) struct ThinResNet {
    entry: Entry,
    block: Block,
    /// Blocks of each stage.
    blocks: usize,
    widths: [usize; 4],
}

const THIN: [usize; 4] = [16, 16, 32, 64];
const FOUR_TIMES: [usize; 4] = [32, 64, 128, 256];

const fn net(
    id: &'static str,
    about: &'static str,
    depth: usize,
    widths: [usize; 4],
) -> ThinResNet {
    const SOURCE: &str = "He et al., CVPR 2016, section 4.2; RepDistiller models/resnet.py";
    let entry = Entry { id, aliases: &[], about, source: SOURCE, size: 32 };
    ThinResNet { entry, block: Block::Basic, blocks: (depth - 2) / 6, widths }
}

const fn bottleneck(id: &'static str, about: &'static str, blocks: usize) -> ThinResNet {
    const SOURCE: &str =
        "He et al., CVPR 2016; DefangChen/OKDDip-AAAI2020, Lan1991Xu/ONE_NeurIPS2018";
    let entry = Entry { id, aliases: &[], about, source: SOURCE, size: 32 };
    ThinResNet { entry, block: Block::Bottleneck { inner: 1 }, blocks, widths: THIN }
}

/// resnet8.
pub(crate) const RESNET8: ThinResNet = net("resnet8", "thin ResNet of 8 layers", 8, THIN);
/// resnet14.
pub(crate) const RESNET14: ThinResNet = net("resnet14", "thin ResNet of 14 layers", 14, THIN);
/// resnet20.
pub(crate) const RESNET20: ThinResNet = net("resnet20", "thin ResNet of 20 layers", 20, THIN);
/// resnet32.
pub(crate) const RESNET32: ThinResNet = net("resnet32", "thin ResNet of 32 layers", 32, THIN);
/// resnet44.
pub(crate) const RESNET44: ThinResNet = net("resnet44", "thin ResNet of 44 layers", 44, THIN);
/// resnet56.
pub(crate) const RESNET56: ThinResNet = net("resnet56", "thin ResNet of 56 layers", 56, THIN);
/// resnet110.
pub(crate) const RESNET110: ThinResNet = net("resnet110", "thin ResNet of 110 layers", 110, THIN);
/// resnet8x4.
pub(crate) const RESNET8X4: ThinResNet =
    net("resnet8x4", "thin ResNet of 8 layers, four times as wide", 8, FOUR_TIMES);
/// resnet32x4.
pub(crate) const RESNET32X4: ThinResNet =
    net("resnet32x4", "thin ResNet of 32 layers, four times as wide", 32, FOUR_TIMES);

/// OKDDip's resnet110.
pub(crate) const RESNET110_BOTTLENECK: ThinResNet =
    bottleneck("resnet110-bottleneck", "OKDDip's ResNet-110: three times 12 bottlenecks", 12);
/// ONE's resnet110.
pub(crate) const RESNET164_BOTTLENECK: ThinResNet =
    bottleneck("resnet164-bottleneck", "ONE's ResNet-110: three times 18 bottlenecks", 18);

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Channels of the stem and of the three stages.
    widths: Vec<usize>,
}

impl ThinResNet {
    fn settings(&self) -> Settings {
        Settings { widths: self.widths.to_vec() }
    }
}

impl NetSpec for ThinResNet {
    fn entry(&self) -> &Entry {
        &self.entry
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults(&self.settings())
    }

    fn init(&self) -> Init {
        Init::HeFanOut
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings { widths } = settings::read(self.id(), self.settings(), &options.settings)?;
        settings::expect_length(self.id(), "widths", widths.len(), 4, "stem and three stages")?;
        settings::expect_range(self.id(), "widths", &widths, 4096)?;

        let mut b = Builder::new(self.id(), Input::square(options.channels, options.size));
        let stem = Conv::square(options.channels, widths[0], 3, 1);
        let mut x = b.conv_norm("conv1", "bn1", 0, stem);
        x = b.relu(x);
        b.stem(x);
        for (stage, &width) in widths[1..].iter().enumerate() {
            for block in 0..self.blocks {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let path = format!("layer{}.{block}", stage + 1);
                x = residual(&mut b, &path, x, self.block, width, stride);
            }
            b.stage(x);
        }
        let pooled = b.global_average(x);
        head::finish(b, pooled, options.embedding, options, "fc")
    }
}
