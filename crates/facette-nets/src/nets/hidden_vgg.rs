//! VGG for small pictures with two hidden layers before the classifier.
//!
//! Simonyan & Zisserman, "Very Deep Convolutional Networks", ICLR 2015: convolutions with bias and
//! batch normalisation, a pooling after each of the five blocks, hidden layers with ReLU, in the form and with the weight
//! names of weiaicunzai/pytorch-cifar100 `models/vgg.py` (4096 hidden units) and, `vgg16-hidden`, of
//! chengyangfu/pytorch-vgg-cifar10 `vgg.py` (512), which DefangChen/OKDDip-AAAI2020 trains. Dropout is left out. A
//! map of one pixel is not pooled again, so that pictures below 32 pixels pass.

use facette_graph::{Builder, Conv, Graph, Input, Pool};
use serde::{Deserialize, Serialize};

use super::head;
use crate::error::NetsError;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

/// One depth of the family.
#[derive(Debug)]
pub(crate) struct HiddenVgg {
    entry: Entry,
    /// Convolutions of each block.
    blocks: [usize; 5],
    hidden: usize,
    /// Where the linear layers stand in the reference's classifier.
    places: [usize; 3],
}

const WIDTHS: [usize; 5] = [64, 128, 256, 512, 512];

const fn cifar100(id: &'static str, about: &'static str, blocks: [usize; 5]) -> HiddenVgg {
    const SOURCE: &str = "Simonyan & Zisserman, ICLR 2015; weiaicunzai/pytorch-cifar100";
    let entry = Entry { id, aliases: &[], about, source: SOURCE, size: 32 };
    HiddenVgg { entry, blocks, hidden: 4096, places: [0, 3, 6] }
}

/// VGG-11.
pub(crate) const VGG11: HiddenVgg =
    cifar100("vgg11-4096", "VGG-11 with two layers of 4096, 28.5 M parameters", [1, 1, 2, 2, 2]);
/// VGG-13.
pub(crate) const VGG13: HiddenVgg =
    cifar100("vgg13-4096", "VGG-13 with two layers of 4096, 28.7 M parameters", [2; 5]);
/// VGG-16.
pub(crate) const VGG16: HiddenVgg =
    cifar100("vgg16-4096", "VGG-16 with two layers of 4096, 34.0 M parameters", [2, 2, 3, 3, 3]);
/// VGG-19.
pub(crate) const VGG19: HiddenVgg =
    cifar100("vgg19-4096", "VGG-19 with two layers of 4096, 39.3 M parameters", [2, 2, 4, 4, 4]);

/// OKDDip's VGG-16.
pub(crate) const VGG16_HIDDEN: HiddenVgg = HiddenVgg {
    entry: Entry {
        id: "vgg16-hidden",
        aliases: &["okddip-vgg16"],
        about: "OKDDip's VGG-16 with two layers of 512, 15.3 M parameters with 100 classes",
        source: "Simonyan & Zisserman, ICLR 2015; DefangChen/OKDDip-AAAI2020",
        size: 32,
    },
    blocks: [2, 2, 3, 3, 3],
    hidden: 512,
    places: [1, 4, 6],
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Channels of the five blocks.
    widths: Vec<usize>,
    /// Units of each hidden layer.
    hidden: usize,
}

impl HiddenVgg {
    fn settings(&self) -> Settings {
        Settings { widths: WIDTHS.to_vec(), hidden: self.hidden }
    }
}

impl NetSpec for HiddenVgg {
    fn entry(&self) -> &Entry {
        &self.entry
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults(&self.settings())
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings { widths, hidden } =
            settings::read(self.id(), self.settings(), &options.settings)?;
        settings::expect_length(self.id(), "widths", widths.len(), 5, "one for each block")?;
        settings::expect_range(self.id(), "widths", &widths, 4096)?;
        settings::expect_range(self.id(), "hidden", &[hidden], 65_536)?;

        let mut b = Builder::new(self.id(), Input::square(options.channels, options.size));
        let (mut x, mut place) = (0, 0);
        for (&width, &count) in widths.iter().zip(&self.blocks) {
            for _ in 0..count {
                let conv = Conv::square(b.channels(x), width, 3, 1).biased();
                let at = |place: usize| format!("features.{place}");
                x = b.conv_norm(at(place), at(place + 1), x, conv);
                x = b.relu(x);
                place += 3;
            }
            b.stage(x);
            if b.side(x) > 1 {
                x = b.max_pool(x, Pool::square(2, 2));
            }
            place += 1;
        }
        x = b.flatten(x);
        let [first, second, last] = self.places.map(|place| format!("classifier.{place}"));
        for path in [first, second] {
            let inputs = b.channels(x);
            x = b.linear(path, x, inputs, hidden, true);
            x = b.relu(x);
        }
        head::finish(b, x, options.embedding, options, &last)
    }
}
