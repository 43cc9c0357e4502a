//! PocketNet: small face networks found by architecture search.
//!
//! Boutros et al., "PocketNet: Extreme Lightweight Face Recognition Network Using Neural
//! Architecture Search and Multistep Knowledge Distillation", IEEE Access 2022, with genotype
//! `softmax_casia` and the weight names of fdbtrs/PocketNet `backbones/augment_cnn.py`. The
//! global depthwise convolution covers whatever map remains, 7x7 at 112x112.

use facette_graph::{Builder, Conv, Graph, Input, NodeId, Pool};
use serde::{Deserialize, Serialize};

use super::head;
use crate::error::NetsError;
use crate::settings;
use crate::spec::{Entry, NetOptions, NetSpec};

const SOURCE: &str = "Boutros et al., IEEE Access 2022; fdbtrs/PocketNet backbones/augment_cnn.py";

/// One size of the family.
#[derive(Debug)]
pub(crate) struct PocketNet {
    entry: Entry,
    channels: usize,
    cells: usize,
}

/// PocketNetS.
pub(crate) const POCKETNET_S: PocketNet = PocketNet {
    entry: Entry {
        id: "pocketnet-s",
        aliases: &["PocketNetS"],
        about: "PocketNetS, 0.93 M parameters with its 128-d embedding",
        source: SOURCE,
        size: 112,
    },
    channels: 16,
    cells: 18,
};

/// PocketNetM.
pub(crate) const POCKETNET_M: PocketNet = PocketNet {
    entry: Entry {
        id: "pocketnet-m",
        aliases: &["PocketNetM"],
        about: "PocketNetM, 1.69 M parameters with its 128-d embedding",
        source: SOURCE,
        size: 112,
    },
    channels: 32,
    cells: 9,
};

/// What an edge of a cell does.
#[derive(Debug, Clone, Copy)]
enum Edge {
    /// PReLU, depthwise convolution of this kernel size, 1x1, batch normalisation.
    Conv(usize),
    /// 3x3 maximum, batch normalisation.
    Max,
    /// Nothing.
    Skip,
}
use Edge::{Conv as C, Max, Skip};

/// Two edges and their sources for each of the four nodes; states 0 and 1 are the inputs.
type Genotype = [[(Edge, usize); 2]; 4];

const NORMAL: Genotype = [
    [(C(3), 0), (C(1), 1)],
    [(C(3), 2), (C(5), 0)],
    [(C(3), 3), (C(3), 0)],
    [(C(3), 4), (Skip, 0)],
];
const REDUCTION: Genotype =
    [[(C(3), 1), (C(7), 0)], [(Skip, 2), (C(5), 1)], [(Max, 0), (Skip, 2)], [(Max, 0), (Max, 1)]];

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Channels of a node in the first cells; a cell yields four times as many.
    channels: usize,
    /// Cells; those at a third, at two thirds and at the end halve the map.
    cells: usize,
}

impl PocketNet {
    fn settings(&self) -> Settings {
        Settings { channels: self.channels, cells: self.cells }
    }
}

impl NetSpec for PocketNet {
    fn entry(&self) -> &Entry {
        &self.entry
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults(&self.settings())
    }

    fn embedding(&self) -> Option<usize> {
        Some(128)
    }

    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError> {
        let Settings { mut channels, cells } =
            settings::read(self.id(), self.settings(), &options.settings)?;
        settings::expect_range(self.id(), "channels", &[channels], 1024)?;
        settings::expect_range(self.id(), "cells", &[cells], 128)?;

        let mut b = Builder::new(self.id(), Input::square(options.channels, options.size));
        let stem = Conv::square(options.channels, 4 * channels, 3, 2);
        let mut x = b.conv_norm("stem.0", "stem.1", 0, stem);
        b.stem(x);
        let (mut before, mut after_reduction) = (x, false);
        for cell in 0..cells {
            let reduces = [cells / 3, 2 * cells / 3, cells - 1].contains(&cell);
            if reduces {
                b.stage(x);
                channels *= 2;
            }
            let path = format!("cells.{cell}");
            let inputs = [
                match after_reduction {
                    true => factorised(&mut b, &format!("{path}.preproc0"), before, channels),
                    false => separable(&mut b, &format!("{path}.preproc0"), before, channels, 1, 1),
                },
                separable(&mut b, &format!("{path}.preproc1"), x, channels, 1, 1),
            ];
            before = x;
            x = run(&mut b, &path, inputs, channels, reduces);
            after_reduction = reduces;
        }
        b.stage(x);

        let length = options.embedding.unwrap_or(128);
        let wide = if length == 512 { 1024 } else { 512 };
        let inputs = b.channels(x);
        x = b.prelu("tail.0", x);
        x = b.conv_norm("tail.1", "tail.2", x, Conv::square(inputs, wide, 1, 1));
        x = b.prelu("tail.3", x);
        let global = Conv::global_depthwise(wide, b.side(x));
        x = b.conv_norm("tail.4", "tail.5", x, global);
        x = b.conv_norm("tail.6", "tail.7", x, Conv::square(wide, length, 1, 1));
        x = b.flatten(x);
        head::classified(b, x, options, "classifier")
    }
}

/// A cell: four nodes, each the sum of two edges, side by side.
fn run(b: &mut Builder, path: &str, inputs: [NodeId; 2], channels: usize, reduces: bool) -> NodeId {
    let mut states = inputs.to_vec();
    let genotype = if reduces { REDUCTION } else { NORMAL };
    for (node, edges) in genotype.into_iter().enumerate() {
        let [left, right] = [0, 1].map(|place| {
            let (edge, source) = edges[place];
            let stride = if reduces && source < 2 { 2 } else { 1 };
            let path = format!("{path}.dag.{node}.{place}");
            match edge {
                Edge::Conv(kernel) => separable(b, &path, states[source], channels, kernel, stride),
                Edge::Max => {
                    let pool = Pool::square(3, stride).padding(1);
                    let y = b.max_pool(states[source], pool);
                    b.norm(format!("{path}.bn"), y)
                }
                Edge::Skip => states[source],
            }
        });
        states.push(b.add(left, right));
    }
    b.concat(&states[2..])
}

/// PReLU, depthwise convolution, 1x1 convolution, batch normalisation.
fn separable(
    b: &mut Builder,
    path: &str,
    x: NodeId,
    outputs: usize,
    kernel: usize,
    stride: usize,
) -> NodeId {
    let at = |place: usize| format!("{path}.net.{place}");
    let inputs = b.channels(x);
    let mut y = b.prelu(at(0), x);
    y = b.conv(at(1), y, Conv::depthwise(inputs, kernel, stride));
    b.conv_norm(at(2), at(3), y, Conv::square(inputs, outputs, 1, 1))
}

/// Halves the map without skipping a value: two strided 1x1 convolutions, the second on the map
/// moved by one pixel, each for half of the channels.
fn factorised(b: &mut Builder, path: &str, x: NodeId, outputs: usize) -> NodeId {
    let at = |leaf: &str| format!("{path}.{leaf}");
    let inputs = b.channels(x);
    let x = b.prelu(at("relu"), x);
    let moved = b.crop(x, 1, 1);
    let [even, odd] =
        [(1, x, outputs / 2), (2, moved, outputs - outputs / 2)].map(|(branch, from, half)| {
            let strided = Conv::depthwise(inputs, 1, 2);
            let y = b.conv(at(&format!("conv{branch}1")), from, strided);
            b.conv(at(&format!("conv{branch}2")), y, Conv::square(inputs, half, 1, 1))
        });
    let joined = b.concat(&[even, odd]);
    b.norm(at("bn"), joined)
}
