//! Improved residual networks in the form of AdaFace.
//!
//! Deng et al., "ArcFace", CVPR 2019, in the form and with the weight names of mk-minchul/AdaFace `net.py` (`IR_18`,
//! `IR_50`), whose trained weights load by name: shortcuts by sampling where only the size changes, no learned scale or shift
//! after the last layer. Dropout is left out. The embedding is not normalised here; the reference returns it so, beside its
//! length.

use facette_graph::{Builder, Conv, Graph, Input, NodeId, Op, Pool};
use serde::{Deserialize, Serialize};

use super::head;
use crate::error::NetsError;
use crate::parameters::Init;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

/// One depth of the family.
#[derive(Debug)]
pub(crate) struct Ir {
    entry: Entry,
    blocks: [usize; 4],
}

const fn net(
    id: &'static str,
    aliases: &'static [&'static str],
    about: &'static str,
    blocks: [usize; 4],
) -> Ir {
    const SOURCE: &str = "Deng et al., CVPR 2019; mk-minchul/AdaFace net.py";
    Ir { entry: Entry { id, aliases, about, source: SOURCE, size: 112 }, blocks }
}

/// IR-18.
pub(crate) const IR_18: Ir =
    net("ir-18", &["adaface_ir_18"], "AdaFace's ResNet-18, 24.0 M parameters", [2, 2, 2, 2]);
/// IR-50.
pub(crate) const IR_50: Ir =
    net("ir-50", &["adaface_ir_50"], "AdaFace's ResNet-50, 43.6 M parameters", [3, 4, 14, 3]);

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

impl NetSpec for Ir {
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
        Init::HeFanOut
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings { widths } =
            settings::read(self.id(), Settings::default(), &options.settings)?;
        settings::expect_length(self.id(), "widths", widths.len(), 4, "one for each stage")?;
        settings::expect_range(self.id(), "widths", &widths, 4096)?;

        let mut b = Builder::new(self.id(), Input::square(options.channels, options.size));
        let stem = Conv::square(options.channels, widths[0], 3, 1);
        let mut x = b.conv_norm("input_layer.0", "input_layer.1", 0, stem);
        x = b.prelu("input_layer.2", x);
        b.stem(x);
        let mut number = 0;
        for (&width, &count) in widths.iter().zip(&self.blocks) {
            for block in 0..count {
                let stride = if block == 0 { 2 } else { 1 };
                x = residual(&mut b, &format!("body.{number}"), x, width, stride);
                number += 1;
            }
            b.stage(x);
        }
        x = b.norm("output_layer.0", x);
        x = b.flatten(x);
        let (inputs, length) = (b.channels(x), options.embedding.unwrap_or(512));
        x = b.linear("output_layer.3", x, inputs, length, true);
        let plain = Op::BatchNorm { channels: length, eps: 1e-5, affine: false };
        x = b.push("output_layer.4", plain, &[x]);
        head::classified(b, x, options, "classifier")
    }
}

/// bn, conv, bn, PReLU, conv, bn, plus the input.
fn residual(b: &mut Builder, path: &str, x: NodeId, width: usize, stride: usize) -> NodeId {
    let inputs = b.channels(x);
    let at = |place: usize| format!("{path}.res_layer.{place}");
    let mut y = b.norm(at(0), x);
    y = b.conv_norm(at(1), at(2), y, Conv::square(inputs, width, 3, 1));
    y = b.prelu(at(3), y);
    y = b.conv_norm(at(4), at(5), y, Conv::square(width, width, 3, stride));
    let shortcut = if inputs != width {
        let at = |place: usize| format!("{path}.shortcut_layer.{place}");
        b.conv_norm(at(0), at(1), x, Conv::square(inputs, width, 1, stride))
    } else if stride != 1 {
        b.max_pool(x, Pool::square(1, stride))
    } else {
        x
    };
    b.add(y, shortcut)
}
