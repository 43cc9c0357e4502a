//! ResNets with a 3x3 stem and no pooling before the stages, for small pictures.
//!
//! He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, in the form and with
//! the weight names of weiaicunzai/pytorch-cifar100 `models/resnet.py`. The students of EKD and
//! HORKD are the same nets with other widths.

use facette_graph::{Builder, Conv, Graph, Input, NodeId};
use serde::{Deserialize, Serialize};

use super::head;
use crate::error::NetsError;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

const SOURCE: &str = "He et al., CVPR 2016; weiaicunzai/pytorch-cifar100 models/resnet.py";

#[derive(Debug, Clone, Copy)]
enum Block {
    /// Two 3x3 convolutions.
    Basic,
    /// 1x1, 3x3 and 1x1 to four times the width; the inner two `inner` times as wide.
    Bottleneck { inner: usize },
}

impl Block {
    fn expansion(self) -> usize {
        match self {
            Self::Basic => 1,
            Self::Bottleneck { .. } => 4,
        }
    }
}

/// One depth of the family.
#[derive(Debug)]
pub(crate) struct CifarResNet {
    entry: Entry,
    block: Block,
    blocks: [usize; 4],
    widths: [usize; 4],
}

const WIDTHS: [usize; 4] = [64, 128, 256, 512];

const fn published(id: &'static str, about: &'static str) -> Entry {
    Entry { id, aliases: &[], about, source: SOURCE, size: 32 }
}

/// ResNet-18.
pub(crate) const RESNET18: CifarResNet = CifarResNet {
    entry: published("resnet18", "ResNet-18 with a 3x3 stem, 11.2 M parameters"),
    block: Block::Basic,
    blocks: [2, 2, 2, 2],
    widths: WIDTHS,
};

/// ResNet-34.
pub(crate) const RESNET34: CifarResNet = CifarResNet {
    entry: published("resnet34", "ResNet-34 with a 3x3 stem, 21.3 M parameters"),
    block: Block::Basic,
    blocks: [3, 4, 6, 3],
    widths: WIDTHS,
};

/// ResNet-50.
pub(crate) const RESNET50: CifarResNet = CifarResNet {
    entry: published("resnet50", "ResNet-50 with a 3x3 stem, 23.7 M parameters"),
    block: Block::Bottleneck { inner: 1 },
    blocks: [3, 4, 6, 3],
    widths: WIDTHS,
};

/// ResNet-101.
pub(crate) const RESNET101: CifarResNet = CifarResNet {
    entry: published("resnet101", "ResNet-101 with a 3x3 stem, 42.7 M parameters"),
    block: Block::Bottleneck { inner: 1 },
    blocks: [3, 4, 23, 3],
    widths: WIDTHS,
};

/// ResNet-152.
pub(crate) const RESNET152: CifarResNet = CifarResNet {
    entry: published("resnet152", "ResNet-152 with a 3x3 stem, 58.3 M parameters"),
    block: Block::Bottleneck { inner: 1 },
    blocks: [3, 8, 36, 3],
    widths: WIDTHS,
};

/// Wide ResNet-50-2 with a CIFAR stem: the reading of "WRN50-2" with doubled inner width.
pub(crate) const WIDE_RESNET50_2: CifarResNet = CifarResNet {
    entry: Entry {
        id: "wide-resnet50-2",
        aliases: &["wrn50-2", "wide_resnet50_2"],
        about: "ResNet-50 with bottlenecks twice as wide inside and a 3x3 stem, 67.0 M parameters",
        source: "Zagoruyko & Komodakis, BMVC 2016; torchvision wide_resnet50_2 with a CIFAR stem",
        size: 32,
    },
    block: Block::Bottleneck { inner: 2 },
    blocks: [3, 4, 6, 3],
    widths: WIDTHS,
};

/// Student of evolutionary distillation: 606,400 parameters without a head.
pub(crate) const EKD: CifarResNet = CifarResNet {
    entry: Entry {
        id: "ekd",
        aliases: &["ekd-student", "resnet18-0.61m"],
        about: "ResNet-18 with 64 channels in every stage, 0.61 M parameters",
        source: "Zhang et al., TCSVT 2021 (arXiv 2103.13811); widths reconstructed from the \
                 published 0.61 M parameters",
        size: 16,
    },
    block: Block::Basic,
    blocks: [2, 2, 2, 2],
    widths: [64; 4],
};

/// Student of hybrid order relational distillation: 7,802,784 parameters without a head.
pub(crate) const HORKD: CifarResNet = CifarResNet {
    entry: Entry {
        id: "horkd",
        aliases: &["horkd-student"],
        about: "ResNet-34 with 32, 80, 160 and 304 channels, 7.8 M parameters",
        source: "Ge et al., AAAI 2020 (arXiv 2409.05384); widths reconstructed from the \
                 published 7.8 M parameters",
        size: 16,
    },
    block: Block::Basic,
    blocks: [3, 4, 6, 3],
    widths: [32, 80, 160, 304],
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Channels of the four stages; of the stem the first of them.
    widths: Vec<usize>,
}

impl CifarResNet {
    fn settings(&self) -> Settings {
        Settings { widths: self.widths.to_vec() }
    }
}

impl NetSpec for CifarResNet {
    fn entry(&self) -> &Entry {
        &self.entry
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults(&self.settings())
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings { widths } = settings::read(self.id(), self.settings(), &options.settings)?;
        settings::expect_length(self.id(), "widths", widths.len(), 4, "one for each stage")?;
        settings::expect_range(self.id(), "widths", &widths, 4096)?;

        let mut b = Builder::new(self.id(), Input::square(options.channels, options.size));
        let stem = Conv::square(options.channels, widths[0], 3, 1);
        let mut x = b.conv_norm("conv1.0", "conv1.1", 0, stem);
        x = b.relu(x);
        b.stem(x);
        for (stage, (&width, &count)) in widths.iter().zip(&self.blocks).enumerate() {
            for block in 0..count {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let path = format!("conv{}_x.{block}", stage + 2);
                x = residual(&mut b, &path, x, self.block, width, stride);
            }
            b.stage(x);
        }
        let pooled = b.global_average(x);
        head::finish(b, pooled, options.embedding, options, "fc")
    }
}

fn residual(
    b: &mut Builder,
    path: &str,
    x: NodeId,
    block: Block,
    width: usize,
    stride: usize,
) -> NodeId {
    let inputs = b.channels(x);
    let outputs = width * block.expansion();
    let convolutions = match block {
        Block::Basic => {
            vec![Conv::square(inputs, width, 3, stride), Conv::square(width, outputs, 3, 1)]
        }
        Block::Bottleneck { inner } => {
            let inner = width * inner;
            vec![
                Conv::square(inputs, inner, 1, 1),
                Conv::square(inner, inner, 3, stride),
                Conv::square(inner, outputs, 1, 1),
            ]
        }
    };
    let mut y = x;
    for (index, conv) in convolutions.into_iter().enumerate() {
        if index > 0 {
            y = b.relu(y);
        }
        let at = |place: usize| format!("{path}.residual_function.{place}");
        y = b.conv_norm(at(3 * index), at(3 * index + 1), y, conv);
    }
    let mut shortcut = x;
    if stride != 1 || inputs != outputs {
        let conv = Conv::square(inputs, outputs, 1, stride);
        shortcut = b.conv_norm(format!("{path}.shortcut.0"), format!("{path}.shortcut.1"), x, conv);
    }
    let sum = b.add(y, shortcut);
    b.relu(sum)
}
