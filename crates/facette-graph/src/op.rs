//! The operations a network is made of.

use alloc::format;
use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::check;

/// Shape of what one picture yields at a node: `[channels, height, width]`; a vector has height
/// and width 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shape {
    /// Channels of a map, or length of a vector.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Shape {
    /// A vector of `length` values.
    pub fn vector(length: usize) -> Self {
        Self { channels: length, height: 1, width: 1 }
    }

    /// Values in it.
    pub fn len(self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether it holds nothing.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// Geometry of a 2-d convolution, in PyTorch's terms. Rows first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conv {
    /// Channels in.
    pub inputs: usize,
    /// Channels out.
    pub outputs: usize,
    /// Kernel size.
    pub kernel: [usize; 2],
    /// Stride.
    pub stride: [usize; 2],
    /// Zero padding on each side.
    pub padding: [usize; 2],
    /// Dilation.
    pub dilation: [usize; 2],
    /// Groups; equal to `inputs` for a depthwise convolution.
    pub groups: usize,
    /// Whether a bias is added.
    pub bias: bool,
}

impl Conv {
    /// A square convolution without bias, dilation or groups, padded to `kernel / 2`.
    pub fn square(inputs: usize, outputs: usize, kernel: usize, stride: usize) -> Self {
        Self {
            inputs,
            outputs,
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: [kernel / 2; 2],
            dilation: [1; 2],
            groups: 1,
            bias: false,
        }
    }

    /// A square depthwise convolution without bias or dilation, padded to `kernel / 2`.
    pub fn depthwise(channels: usize, kernel: usize, stride: usize) -> Self {
        Self::square(channels, channels, kernel, stride).groups(channels)
    }

    /// A depthwise convolution over the whole of a map of this side: one value a channel.
    pub fn global_depthwise(channels: usize, side: usize) -> Self {
        Self::depthwise(channels, side, 1).padding(0)
    }

    /// The same with `groups` groups.
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    /// The same with zero padding of `padding` on each side.
    pub fn padding(mut self, padding: usize) -> Self {
        self.padding = [padding; 2];
        self
    }

    /// The same with a bias.
    pub fn biased(mut self) -> Self {
        self.bias = true;
        self
    }
}

/// Geometry of a 2-d pooling window, in PyTorch's terms (`ceil_mode` off). Rows first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Window.
    pub kernel: [usize; 2],
    /// Stride.
    pub stride: [usize; 2],
    /// Padding on each side; ignored values in a maximum, zeros that count in an average.
    pub padding: [usize; 2],
}

impl Pool {
    /// A square window of `kernel` moved by `stride`, unpadded.
    pub fn square(kernel: usize, stride: usize) -> Self {
        Self { kernel: [kernel; 2], stride: [stride; 2], padding: [0; 2] }
    }

    /// The same with padding of `padding` on each side.
    pub fn padding(mut self, padding: usize) -> Self {
        self.padding = [padding; 2];
        self
    }
}

/// One operation. Weight names and layouts are PyTorch's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    /// The picture. Always node 0, and only there.
    Input,
    /// 2-d convolution: `weight [outputs, inputs / groups, kh, kw]`, `bias [outputs]`.
    Conv(Conv),
    /// Batch normalisation of a map or vector: `weight`, `bias` when affine, `running_mean`,
    /// `running_var` (unbiased), momentum 0.1.
    BatchNorm {
        /// Channels.
        channels: usize,
        /// Added to the variance.
        eps: f64,
        /// Whether scale and shift are learned.
        affine: bool,
    },
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `x` where positive, `slope x` elsewhere.
    LeakyRelu {
        /// Factor below zero.
        slope: f64,
    },
    /// Parametric ReLU: `weight [channels]` (or `[1]`, shared by all channels).
    Prelu {
        /// Slopes: the channels of the input, or 1.
        slopes: usize,
    },
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// Maximum over a window.
    MaxPool(Pool),
    /// Mean over a window.
    AvgPool(Pool),
    /// Mean over the whole map; yields a vector.
    GlobalAvgPool,
    /// Sum of two inputs of equal shape.
    Add,
    /// Inputs one after the other along the channels.
    Concat,
    /// Channels `start .. start + length` of the input.
    Channels {
        /// First channel.
        start: usize,
        /// How many.
        length: usize,
    },
    /// The map without its first `rows` rows and `columns` columns.
    Crop {
        /// Rows dropped from the top.
        rows: usize,
        /// Columns dropped from the left.
        columns: usize,
    },
    /// Interleaves `groups` equal blocks of channels (ShuffleNet).
    ChannelShuffle {
        /// Blocks.
        groups: usize,
    },
    /// The map as a vector, channels first, then rows, then columns.
    Flatten,
    /// `weight [outputs, inputs]`, `bias [outputs]`.
    Linear {
        /// Length in.
        inputs: usize,
        /// Length out.
        outputs: usize,
        /// Whether a bias is added.
        bias: bool,
    },
    /// The vector divided by its Euclidean length (at least 1e-12).
    L2Normalise,
}

impl Op {
    /// Name of the kind, as it stands in a card.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Conv(_) => "conv",
            Self::BatchNorm { .. } => "batch_norm",
            Self::Relu => "relu",
            Self::Relu6 => "relu6",
            Self::LeakyRelu { .. } => "leaky_relu",
            Self::Prelu { .. } => "prelu",
            Self::Sigmoid => "sigmoid",
            Self::MaxPool(_) => "max_pool",
            Self::AvgPool(_) => "avg_pool",
            Self::GlobalAvgPool => "global_avg_pool",
            Self::Add => "add",
            Self::Concat => "concat",
            Self::Channels { .. } => "channels",
            Self::Crop { .. } => "crop",
            Self::ChannelShuffle { .. } => "channel_shuffle",
            Self::Flatten => "flatten",
            Self::Linear { .. } => "linear",
            Self::L2Normalise => "l2_normalise",
        }
    }

    /// Shape of the output for inputs of the given shapes, or what does not fit.
    pub(crate) fn output(&self, inputs: &[Shape]) -> Result<Shape, String> {
        check::op(self)?;
        let output = self.fitted(inputs)?;
        check::shape(output)?;
        Ok(output)
    }

    fn fitted(&self, inputs: &[Shape]) -> Result<Shape, String> {
        let expected = match self {
            Self::Input => 0..=0,
            Self::Add => 2..=2,
            Self::Concat => 2..=usize::MAX,
            _ => 1..=1,
        };
        if !expected.contains(&inputs.len()) {
            return Err(format!("takes {expected:?} inputs, found {}", inputs.len()));
        }
        let Some(&x) = inputs.first() else {
            return Err("the picture's shape is the graph's, not a node's".into());
        };
        match self {
            Self::Input => unreachable!("an input node has no inputs, so it returned above"),
            Self::Conv(conv) => convolved(conv, x),
            Self::BatchNorm { channels, .. } if *channels != x.channels => {
                Err(format!("normalises {channels} channels, found {}", x.channels))
            }
            Self::Prelu { slopes } if *slopes != 1 && *slopes != x.channels => {
                Err(format!("has {slopes} slopes, found {} channels", x.channels))
            }
            Self::BatchNorm { .. }
            | Self::Relu
            | Self::Relu6
            | Self::LeakyRelu { .. }
            | Self::Prelu { .. }
            | Self::Sigmoid
            | Self::L2Normalise => Ok(x),
            Self::MaxPool(pool) | Self::AvgPool(pool) => {
                let [height, width] =
                    windows(x, pool.kernel, pool.stride, pool.padding, [1, 1], "window")?;
                Ok(Shape { channels: x.channels, height, width })
            }
            Self::GlobalAvgPool => Ok(Shape::vector(x.channels)),
            Self::Add => match inputs[1] == x {
                true => Ok(x),
                false => Err(format!("adds equal shapes, found {x:?} and {:?}", inputs[1])),
            },
            Self::Concat => {
                let channels =
                    inputs.iter().fold(0, |sum: usize, s| sum.saturating_add(s.channels));
                match inputs.iter().find(|s| (s.height, s.width) != (x.height, x.width)) {
                    None => Ok(Shape { channels, ..x }),
                    Some(other) => {
                        Err(format!("joins maps of one size, found {x:?} and {other:?}"))
                    }
                }
            }
            Self::Channels { start, length } => match start + length <= x.channels {
                true => Ok(Shape { channels: *length, ..x }),
                false => {
                    Err(format!("takes channels {start}..{}, found {}", start + length, x.channels))
                }
            },
            Self::Crop { rows, columns } => match *rows < x.height && *columns < x.width {
                true => Ok(Shape { height: x.height - rows, width: x.width - columns, ..x }),
                false => Err(format!("drops {rows} rows and {columns} columns of {x:?}")),
            },
            Self::ChannelShuffle { groups } => match x.channels.is_multiple_of(*groups) {
                true => Ok(x),
                false => Err(format!("shuffles {groups} groups, found {} channels", x.channels)),
            },
            Self::Flatten => Ok(Shape::vector(x.len())),
            Self::Linear { inputs, outputs, .. } => match x == Shape::vector(*inputs) {
                true => Ok(Shape::vector(*outputs)),
                false => Err(format!("takes a vector of {inputs}, found {x:?}")),
            },
        }
    }
}

fn convolved(conv: &Conv, x: Shape) -> Result<Shape, String> {
    if conv.inputs != x.channels {
        return Err(format!("takes {} channels, found {}", conv.inputs, x.channels));
    }
    if conv.groups == 0
        || !conv.inputs.is_multiple_of(conv.groups)
        || !conv.outputs.is_multiple_of(conv.groups)
    {
        return Err(format!(
            "{} groups do not divide {} channels in and {} out",
            conv.groups, conv.inputs, conv.outputs
        ));
    }
    let [height, width] =
        windows(x, conv.kernel, conv.stride, conv.padding, conv.dilation, "kernel")?;
    Ok(Shape { channels: conv.outputs, height, width })
}

fn windows(
    x: Shape,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
    what: &str,
) -> Result<[usize; 2], String> {
    let mut out = [0; 2];
    for (axis, size) in [x.height, x.width].into_iter().enumerate() {
        let reach = dilation[axis] * kernel[axis].saturating_sub(1) + 1;
        let padded = size + 2 * padding[axis];
        if kernel[axis] == 0 || stride[axis] == 0 || dilation[axis] == 0 || reach > padded {
            return Err(format!(
                "a {what} of {}x{} does not fit a {}x{} map with padding {}x{}",
                kernel[0], kernel[1], x.height, x.width, padding[0], padding[1]
            ));
        }
        out[axis] = (padded - reach) / stride[axis] + 1;
    }
    Ok(out)
}
