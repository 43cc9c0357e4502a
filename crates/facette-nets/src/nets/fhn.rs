//! Face hallucination: from a small face, enlarged, to the face as a large camera would have seen it.
//!
//! ```text
//! conv 7x7 3->C, BN, PReLU;  B times: x + (conv 3x3, BN, PReLU, conv 3x3, BN);  conv 3x3 C->3;  + the picture
//! ```
//!
//! What it yields is a picture of the size and normalisation of its input, flattened; the student's
//! view enlarges the small face by bicubic interpolation before. Kong et al., "Cross-Resolution Face Recognition via
//! Prior-Aided Face Hallucination and Residual Knowledge Distillation" (arXiv 1905.10777), whose code
//! (HyoKong/Cross-Resolution-Face-Recognition, `Coarse_SR`) has 64 channels and 6 residual blocks. Deviations: batch
//! for instance normalisation; no strides and no transposed convolutions, so that blocks have 64 and not 256
//! channels; the picture is added in place of a tanh, so that a fresh network starts near bicubic
//! interpolation; no paths for landmarks and parsing maps, for which faces carry no labels here.

use facette_graph::{Builder, Conv, Graph, Input};
use serde::{Deserialize, Serialize};

use crate::error::NetsError;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

/// The network.
#[derive(Debug)]
pub(crate) struct Fhn;

const ENTRY: Entry = Entry {
    id: "fhn",
    aliases: &[],
    about: "hallucinates a large face from a small one: yields a picture, to be read by another network",
    source: "arXiv 1905.10777; HyoKong/Cross-Resolution-Face-Recognition (coarse path, simplified)",
    size: 112,
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Channels.
    width: usize,
    /// Residual blocks.
    blocks: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { width: 64, blocks: 6 }
    }
}

impl NetSpec for Fhn {
    fn entry(&self) -> &Entry {
        &ENTRY
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults(&Settings::default())
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings { width, blocks } =
            settings::read(self.id(), Settings::default(), &options.settings)?;
        settings::expect_range(self.id(), "width", &[width], 4096)?;
        settings::expect_range(self.id(), "blocks", &[blocks], 256)?;
        let NetOptions { size, channels, .. } = *options;
        let length = channels * size * size;
        if let Some(asked) = options.embedding.filter(|&asked| asked != length) {
            return Err(NetsError::Setting {
                net: self.id().to_owned(),
                setting: "embedding".to_owned(),
                problem: format!(
                    "it yields a picture of {length} values, found {asked}; leave it out"
                ),
            });
        }
        let mut b = Builder::new(self.id(), Input::square(channels, size));
        let mut x = b.conv_norm("stem.conv", "stem.bn", 0, Conv::square(channels, width, 7, 1));
        x = b.prelu("stem.prelu", x);
        for block in 0..blocks {
            let path = |layer: &str| format!("blocks.{block}.{layer}");
            let conv = || Conv::square(width, width, 3, 1);
            let mut y = b.conv_norm(path("conv1"), path("bn1"), x, conv());
            y = b.prelu(path("prelu"), y);
            y = b.conv_norm(path("conv2"), path("bn2"), y, conv());
            x = b.add(y, x);
        }
        b.stage(x);
        let paint = b.conv("paint", x, Conv::square(width, channels, 3, 1).biased());
        let picture = b.add(paint, 0);
        let flat = b.flatten(picture);
        Ok(b.finish(flat, None)?)
    }
}
