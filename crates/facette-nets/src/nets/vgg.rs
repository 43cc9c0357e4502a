//! VGG in five blocks for small pictures.
//!
//! Simonyan & Zisserman, "Very Deep Convolutional Networks", ICLR 2015, in the form and with the
//! weight names of HobbitLong/RepDistiller `models/vgg.py`: convolutions with bias, one linear
//! classifier on the mean over the last map, and no pooling before the last block below 64
//! pixels (the reference pools there at exactly 64).

use facette_graph::{Builder, Conv, Graph, Input, Pool};
use serde::{Deserialize, Serialize};

use super::head;
use crate::error::NetsError;
use crate::parameters::Init;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

/// One depth of the family.
#[derive(Debug)]
pub(crate) struct Vgg {
    entry: Entry,
    widths: [&'static [usize]; 5],
}

const fn net(
    id: &'static str,
    aliases: &'static [&'static str],
    about: &'static str,
    widths: [&'static [usize]; 5],
) -> Vgg {
    const SOURCE: &str = "Simonyan & Zisserman, ICLR 2015; RepDistiller models/vgg.py";
    Vgg { entry: Entry { id, aliases, about, source: SOURCE, size: 32 }, widths }
}

/// VGG-8 with batch normalisation.
pub(crate) const VGG8: Vgg = net(
    "vgg8",
    &["vgg8_bn"],
    "VGG-8 with batch normalisation, 4.0 M parameters",
    [&[64], &[128], &[256], &[512], &[512]],
);
/// VGG-11 with batch normalisation.
pub(crate) const VGG11: Vgg = net(
    "vgg11",
    &["vgg11_bn"],
    "VGG-11 with batch normalisation, 9.3 M parameters",
    [&[64], &[128], &[256; 2], &[512; 2], &[512; 2]],
);
/// VGG-13 with batch normalisation.
pub(crate) const VGG13: Vgg = net(
    "vgg13",
    &["vgg13_bn"],
    "VGG-13 with batch normalisation, 9.5 M parameters",
    [&[64; 2], &[128; 2], &[256; 2], &[512; 2], &[512; 2]],
);
/// VGG-16 with batch normalisation.
pub(crate) const VGG16: Vgg = net(
    "vgg16",
    &["vgg16_bn"],
    "VGG-16 with batch normalisation, 14.8 M parameters",
    [&[64; 2], &[128; 2], &[256; 3], &[512; 3], &[512; 3]],
);
/// VGG-19 with batch normalisation.
pub(crate) const VGG19: Vgg = net(
    "vgg19",
    &["vgg19_bn"],
    "VGG-19 with batch normalisation, 20.1 M parameters",
    [&[64; 2], &[128; 2], &[256; 4], &[512; 4], &[512; 4]],
);

/// Side from which the map is pooled before the last block, too.
const POOL_ALL_FROM: usize = 64;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Channels of each convolution of each block.
    widths: Vec<Vec<usize>>,
}

impl Vgg {
    fn settings(&self) -> Settings {
        Settings { widths: self.widths.iter().map(|block| block.to_vec()).collect() }
    }
}

impl NetSpec for Vgg {
    fn entry(&self) -> &Entry {
        &self.entry
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults(&self.settings())
    }

    fn init(&self) -> Init {
        Init::HeSmallLinear
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings { widths } = settings::read(self.id(), self.settings(), &options.settings)?;
        settings::expect_length(self.id(), "widths", widths.len(), 5, "one list a block")?;
        for block in &widths {
            settings::expect_range(self.id(), "widths", block, 4096)?;
            settings::expect_range(self.id(), "widths", &[block.len()], 64)?;
        }

        let mut b = Builder::new(self.id(), Input::square(options.channels, options.size));
        let mut x = 0;
        for (block, widths) in widths.iter().enumerate() {
            if block > 0 && (block < 4 || options.size >= POOL_ALL_FROM) {
                x = b.max_pool(x, Pool::square(2, 2));
            }
            for (index, &width) in widths.iter().enumerate() {
                let at = |place: usize| format!("block{block}.{}", 3 * index + place);
                let conv = Conv::square(b.channels(x), width, 3, 1).biased();
                x = b.conv_norm(at(0), at(1), x, conv);
                x = b.relu(x);
            }
            b.stage(x);
        }
        let pooled = b.global_average(x);
        head::finish(b, pooled, options.embedding, options, "classifier")
    }
}
