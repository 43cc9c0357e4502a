//! The geometry of a two-dimensional convolution.

use crate::KernelError;

/// How the kernel walks over the picture; [`Default`] is stride 1, no padding, one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvOptions {
    /// Rows and columns between neighbouring outputs.
    pub stride: [usize; 2],
    /// Zero rows above and below, zero columns left and right.
    pub padding: [usize; 2],
    /// Rows and columns between neighbouring taps.
    pub dilation: [usize; 2],
    /// Groups of channels that do not see each other.
    pub groups: usize,
}

impl Default for ConvOptions {
    fn default() -> Self {
        Self { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 }
    }
}

/// The checked geometry of a convolution, with the meaning of PyTorch's `Conv2d`.
///
/// Input `[batch, in_channels, height, width]`, weights
/// `[out_channels, in_channels / groups, kernel[0], kernel[1]]`, output
/// `[batch, out_channels, out_height, out_width]`, all contiguous `f32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    pub(crate) batch: usize,
    pub(crate) in_channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) out_channels: usize,
    pub(crate) out_height: usize,
    pub(crate) out_width: usize,
    pub(crate) kernel: [usize; 2],
    pub(crate) options: ConvOptions,
}

impl ConvShape {
    /// Checks a geometry; `input` is `[batch, channels, height, width]`. The batch may be zero.
    ///
    /// # Errors
    /// Where a size is zero, the groups do not divide the channels, the kernel does not fit the
    /// padded input or a tensor could not be addressed.
    pub fn new(
        input: [usize; 4],
        out_channels: usize,
        kernel: [usize; 2],
        options: ConvOptions,
    ) -> Result<Self, KernelError> {
        let [batch, in_channels, height, width] = input;
        let ConvOptions { stride, padding, dilation, groups } = options;
        for (field, value) in [
            ("in_channels", in_channels),
            ("height", height),
            ("width", width),
            ("out_channels", out_channels),
            ("kernel height", kernel[0]),
            ("kernel width", kernel[1]),
            ("stride", stride[0].min(stride[1])),
            ("dilation", dilation[0].min(dilation[1])),
            ("groups", groups),
        ] {
            if value == 0 {
                return Err(KernelError::Zero { field });
            }
        }
        for (field, found) in [("in_channels", in_channels), ("out_channels", out_channels)] {
            if found % groups != 0 {
                return Err(KernelError::Groups { field, found, groups });
            }
        }
        let axis = |axis, size: usize, i: usize| {
            let too_large = KernelError::TooLarge { tensor: "the padded input" };
            let span = (kernel[i] - 1).checked_mul(dilation[i]).and_then(|s| s.checked_add(1));
            let span = span.ok_or(too_large.clone())?;
            let padded = padding[i].checked_mul(2).and_then(|p| p.checked_add(size));
            let padded = padded.filter(|p| *p <= isize::MAX as usize).ok_or(too_large)?;
            match padded.checked_sub(span) {
                Some(room) => Ok(room / stride[i] + 1),
                None => Err(KernelError::KernelTooLarge { axis, span, size, padding: padding[i] }),
            }
        };
        let out_height = axis("rows", height, 0)?;
        let out_width = axis("columns", width, 1)?;
        let shape = Self {
            batch,
            in_channels,
            height,
            width,
            out_channels,
            out_height,
            out_width,
            kernel,
            options,
        };
        for (tensor, sizes) in [
            ("the input", input),
            ("the output", [batch, out_channels, out_height, out_width]),
            ("the weight", [out_channels, in_channels / groups, kernel[0], kernel[1]]),
        ] {
            // Room for a block of sixteen pictures, so that scratch sizes cannot overflow either.
            let elements = [sizes[0].max(16), sizes[1], sizes[2], sizes[3]]
                .iter()
                .try_fold(64_usize, |product, size| product.checked_mul(*size));
            if elements.is_none_or(|n| n > isize::MAX as usize) {
                return Err(KernelError::TooLarge { tensor });
            }
        }
        Ok(shape)
    }

    /// Pictures in a batch.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Channels of the output.
    pub fn out_channels(&self) -> usize {
        self.out_channels
    }

    /// Rows of the output.
    pub fn out_height(&self) -> usize {
        self.out_height
    }

    /// Columns of the output.
    pub fn out_width(&self) -> usize {
        self.out_width
    }

    /// Input as `[batch, channels, height, width]`.
    pub fn input_size(&self) -> [usize; 4] {
        [self.batch, self.in_channels, self.height, self.width]
    }

    /// Elements of the input.
    pub fn input_len(&self) -> usize {
        self.batch * self.in_channels * self.height * self.width
    }

    /// Elements of the output.
    pub fn output_len(&self) -> usize {
        self.batch * self.out_channels * self.out_height * self.out_width
    }

    /// Elements of the weight.
    pub fn weight_len(&self) -> usize {
        self.out_channels * self.in_group() * self.taps()
    }

    /// Multiplications and additions of one forward pass, taps on the padding included.
    pub fn macs(&self) -> usize {
        self.output_len() * self.in_group() * self.taps()
    }

    pub(crate) fn in_group(&self) -> usize {
        self.in_channels / self.options.groups
    }

    pub(crate) fn out_group(&self) -> usize {
        self.out_channels / self.options.groups
    }

    pub(crate) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    pub(crate) fn is_depthwise(&self) -> bool {
        self.options.groups > 1 && self.in_group() == 1 && self.out_group() == 1
    }
}
