//! ResNets with a 7x7 stem of stride 2 and a maximum pooling, for pictures of 64 pixels and more.
//!
//! He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, in the form and with the
//! weight names of torchvision `models/resnet.py` (bottlenecks of version 1.5), without its zero
//! start of the last normalisations. Smaller pictures leave little of a map after five halvings.

use facette_graph::{Builder, Conv, Graph, Input, Pool};
use serde::{Deserialize, Serialize};

use super::head;
use super::residual::{Block, residual};
use crate::error::NetsError;
use crate::parameters::Init;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

/// One depth of the family.
#[derive(Debug)]
pub(crate) struct ImageNetResNet {
    entry: Entry,
    block: Block,
    blocks: [usize; 4],
}

const fn entry(id: &'static str, aliases: &'static [&'static str], about: &'static str) -> Entry {
    const SOURCE: &str = "He et al., CVPR 2016; torchvision models/resnet.py";
    Entry { id, aliases, about, source: SOURCE, size: 224 }
}

/// ResNet-18.
pub(crate) const RESNET18: ImageNetResNet = ImageNetResNet {
    entry: entry("imagenet-resnet18", &[], "ResNet-18 with a 7x7 stem, 11.7 M with 1000 classes"),
    block: Block::Basic,
    blocks: [2, 2, 2, 2],
};

/// ResNet-34.
pub(crate) const RESNET34: ImageNetResNet = ImageNetResNet {
    entry: entry("imagenet-resnet34", &[], "ResNet-34 with a 7x7 stem, 21.8 M with 1000 classes"),
    block: Block::Basic,
    blocks: [3, 4, 6, 3],
};

/// ResNet-50.
pub(crate) const RESNET50: ImageNetResNet = ImageNetResNet {
    entry: entry("imagenet-resnet50", &[], "ResNet-50 with a 7x7 stem, 25.6 M with 1000 classes"),
    block: Block::Bottleneck { inner: 1 },
    blocks: [3, 4, 6, 3],
};

/// Wide ResNet-50-2.
pub(crate) const WIDE_RESNET50_2: ImageNetResNet = ImageNetResNet {
    entry: entry(
        "imagenet-wide-resnet50-2",
        &[],
        "ResNet-50 with doubled inner width and a 7x7 stem, 68.9 M with 1000 classes",
    ),
    block: Block::Bottleneck { inner: 2 },
    blocks: [3, 4, 6, 3],
};

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

impl NetSpec for ImageNetResNet {
    fn entry(&self) -> &Entry {
        &self.entry
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults(&Settings::default())
    }

    fn init(&self) -> Init {
        Init::HeFanOut
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings { widths } =
            settings::read(self.id(), Settings::default(), &options.settings)?;
        settings::expect_length(self.id(), "widths", widths.len(), 4, "one for each stage")?;
        settings::expect_range(self.id(), "widths", &widths, 4096)?;

        let mut b = Builder::new(self.id(), Input::square(options.channels, options.size));
        let stem = Conv::square(options.channels, widths[0], 7, 2);
        let mut x = b.conv_norm("conv1", "bn1", 0, stem);
        x = b.relu(x);
        b.stem(x);
        x = b.max_pool(x, Pool::square(3, 2).padding(1));
        for (stage, (&width, &count)) in widths.iter().zip(&self.blocks).enumerate() {
            for block in 0..count {
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
