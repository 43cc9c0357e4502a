//! Conv-4, the backbone of the few-shot literature: four convolutions, each halving the map.
//!
//! Vinyals et al., "Matching Networks for One Shot Learning", NIPS 2016 (arXiv 1606.04080),
//! section 4.1; layer names as in oscarknagg/few-shot.

use facette_graph::{Builder, Conv, Graph, Input, Pool};
use serde::{Deserialize, Serialize};

use super::head;
use crate::error::NetsError;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

/// The architecture.
#[derive(Debug)]
pub(crate) struct Conv4;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Channels of every convolution.
    width: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { width: 64 }
    }
}

impl NetSpec for Conv4 {
    fn entry(&self) -> &Entry {
        &Entry {
            id: "conv4",
            aliases: &[],
            about: "four 3x3 convolutions, each followed by a 2x2 maximum",
            source: "arXiv 1606.04080, section 4.1",
            size: 28,
        }
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults(&Settings::default())
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings { width } = settings::read(self.id(), Settings::default(), &options.settings)?;
        settings::expect_range(self.id(), "width", &[width], 4096)?;
        let input = Input { channels: options.channels, height: options.size, width: options.size };
        let mut b = Builder::new(self.id(), input);
        let mut x = 0;
        for block in 1..=4 {
            let conv = Conv::square(b.channels(x), width, 3, 1).biased();
            x = b.conv(format!("conv{block}.0"), x, conv);
            x = b.norm(format!("conv{block}.1"), x);
            x = b.relu(x);
            x = b.max_pool(x, Pool::square(2, 2));
            b.stage(x);
        }
        let vector = b.flatten(x);
        head::finish(b, vector, options.embedding, options, "logits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_those_of_the_reference() {
        // Convolutions 1,792 + 3 x 36,928, normalisations 4 x 128.
        let graph = Conv4.build(&NetOptions::new(28)).unwrap();
        assert_eq!(graph.counts().unwrap().parameters, 1_792 + 3 * 36_928 + 4 * 128);
        assert_eq!(graph.taps.stages.len(), 4);
    }

    #[test]
    fn a_picture_too_small_to_halve_four_times_is_refused() {
        assert!(Conv4.build(&NetOptions::new(8)).is_err());
    }
}
