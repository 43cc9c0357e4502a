//! Residual blocks with the weight names of torchvision: `conv1`, `bn1`, ..., `downsample.0`.

use facette_graph::{Builder, Conv, NodeId};

/// What a block is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Block {
    /// Two 3x3 convolutions.
    Basic,
    /// 1x1, 3x3 and 1x1 to four times the width; the inner two `inner` times as wide.
    Bottleneck { inner: usize },
}

/// Convolutions with batch normalisation, ReLU between, plus the input (through a 1x1 convolution where the shape
/// changes), then ReLU. The 3x3 convolution of a bottleneck takes the stride, as torchvision's does.
pub(crate) fn residual(
    b: &mut Builder,
    path: &str,
    x: NodeId,
    block: Block,
    width: usize,
    stride: usize,
) -> NodeId {
    let inputs = b.channels(x);
    let at = |leaf: String| format!("{path}.{leaf}");
    let convolutions = match block {
        Block::Basic => {
            vec![Conv::square(inputs, width, 3, stride), Conv::square(width, width, 3, 1)]
        }
        Block::Bottleneck { inner } => {
            let inner = inner * width;
            vec![
                Conv::square(inputs, inner, 1, 1),
                Conv::square(inner, inner, 3, stride),
                Conv::square(inner, 4 * width, 1, 1),
            ]
        }
    };
    let outputs = convolutions.last().map_or(inputs, |last| last.outputs);
    let mut y = x;
    for (index, conv) in convolutions.into_iter().enumerate() {
        if index > 0 {
            y = b.relu(y);
        }
        let number = index + 1;
        y = b.conv_norm(at(format!("conv{number}")), at(format!("bn{number}")), y, conv);
    }
    let mut shortcut = x;
    if stride != 1 || inputs != outputs {
        let conv = Conv::square(inputs, outputs, 1, stride);
        shortcut = b.conv_norm(at("downsample.0".into()), at("downsample.1".into()), x, conv);
    }
    let sum = b.add(y, shortcut);
    b.relu(sum)
}
