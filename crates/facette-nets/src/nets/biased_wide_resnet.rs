//! Wide residual networks whose convolutions have biases.
//!
//! Zagoruyko & Komodakis, "Wide Residual Networks", BMVC 2016, in the form and with the weight names of
//! weiaicunzai/pytorch-cifar100 `models/wideresidual.py`: shortcuts of the input as it is, no ReLU after the last
//! normalisation. Depths that are not 6n + 4 are rounded down to one, as there. Dropout is left out.

use facette_graph::{Builder, Conv, Graph, Input, NodeId};
use serde::{Deserialize, Serialize};

use super::head;
use crate::error::NetsError;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

/// One depth and width of the family.
#[derive(Debug)]
pub(crate) struct BiasedWideResNet {
    entry: Entry,
    depth: usize,
    widen: usize,
}

const fn net(
    id: &'static str,
    about: &'static str,
    depth: usize,
    widen: usize,
) -> BiasedWideResNet {
    const SOURCE: &str = "Zagoruyko & Komodakis, BMVC 2016; weiaicunzai/pytorch-cifar100";
    let entry = Entry { id, aliases: &[], about, source: SOURCE, size: 32 };
    BiasedWideResNet { entry, depth, widen }
}

/// WRN-40-10.
pub(crate) const WRN_40_10: BiasedWideResNet = net(
    "wrn_40_10-biased",
    "wide ResNet of depth 40, ten times as wide, 55.9 M parameters",
    40,
    10,
);
/// "WRN-50-2" read as depth and widening.
pub(crate) const WRN_50_2: BiasedWideResNet =
    net("wrn_50_2-biased", "wide ResNet of depth 46 (asked for 50), twice as wide, 2.6 M", 50, 2);

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Layers; three times `(depth - 4) / 6` blocks, rounded down.
    depth: usize,
    /// Factor of the stages' 16, 32 and 64 channels.
    widen: usize,
}

impl NetSpec for BiasedWideResNet {
    fn entry(&self) -> &Entry {
        &self.entry
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults(&Settings { depth: self.depth, widen: self.widen })
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let own = Settings { depth: self.depth, widen: self.widen };
        let Settings { depth, widen } = settings::read(self.id(), own, &options.settings)?;
        settings::expect_range(self.id(), "widen", &[widen], 64)?;
        if !(10..=1000).contains(&depth) {
            return Err(NetsError::Setting {
                net: self.id().to_owned(),
                setting: "depth".to_owned(),
                problem: format!("must be 10 to 1000, found {depth}"),
            });
        }

        let mut b = Builder::new(self.id(), Input::square(options.channels, options.size));
        let stem = Conv::square(options.channels, 16, 3, 1).biased();
        let mut x = b.conv("init_conv", 0, stem);
        b.stem(x);
        for (stage, width) in [16, 32, 64].into_iter().enumerate() {
            for block in 0..(depth - 4) / 6 {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let path = format!("conv{}.{block}", stage + 2);
                x = residual(&mut b, &path, x, width * widen, stride);
            }
            b.stage(x);
        }
        x = b.norm("bn", x);
        let pooled = b.global_average(x);
        head::finish(b, pooled, options.embedding, options, "linear")
    }
}

/// bn, ReLU, conv, bn, ReLU, conv, plus the input, through a 1x1 convolution where the shape changes.
fn residual(b: &mut Builder, path: &str, x: NodeId, width: usize, stride: usize) -> NodeId {
    let inputs = b.channels(x);
    let at = |place: usize| format!("{path}.residual.{place}");
    let mut y = b.norm(at(0), x);
    y = b.relu(y);
    y = b.conv_norm(at(2), at(3), y, Conv::square(inputs, width, 3, stride).biased());
    y = b.relu(y);
    y = b.conv(at(6), y, Conv::square(width, width, 3, 1).biased());
    let shortcut = match inputs == width && stride == 1 {
        true => x,
        false => {
            let conv = Conv::square(inputs, width, 1, stride).biased();
            b.conv(format!("{path}.shortcut.0"), x, conv)
        }
    };
    b.add(y, shortcut)
}
