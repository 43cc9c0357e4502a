//! From floats to bytes after training.
//!
//! Weights become int8 with one step a channel, symmetric; activations become bytes with a zero of
//! their own, over a range found on faces (Jacob et al., CVPR 2018; Krishnamoorthi, arXiv
//! 1806.08342). What is gained little by and loses most stays `f32`: the picture and the weights that
//! read it, which are multiplied in fixed point of 16 bits where all values of a picture are in its
//! reach; and all vectors, which is to say what is computed behind the last map; the weights there
//! are int8 in the file, and multiplied as floats. The mean error that the rounded weights make is
//! taken off the bias (Nagel et al., ICCV 2019, equation 17, with the mean of each input measured on
//! the faces instead of derived from the normalisation before it).
//!
//! Which ranges, and whether biases are corrected and channels equalised, is best decided by faces
//! that were not calibrated on: see [`choose`].

mod calibration;
mod choose;
mod drift;
mod equalise;
mod histogram;
mod observe;
mod range;
mod weights;

use std::fmt;

use facette_graph::StudentFile;

use calibration::Calibration;
pub use choose::{Choice, Tried, choose};
pub use drift::{Drift, drift};
pub use equalise::equalise;
pub use range::Range;

use crate::error::RuntimeError;
use crate::input::Face;

/// How a student is quantised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuantiseOptions {
    /// How the range of each activation is found.
    pub range: Range,
    /// Whether the mean error of the rounded weights is taken off the biases.
    pub correct_bias: bool,
    /// Whether the channels of maps are brought to ranges alike before; see [`equalise`].
    pub equalise: bool,
}

impl Default for QuantiseOptions {
    /// All but one value in 100,000 on either side, and corrected biases.
    fn default() -> Self {
        Self { range: Range::Percentile(99.999), correct_bias: true, equalise: false }
    }
}

impl fmt::Display for QuantiseOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.range)?;
        if self.correct_bias {
            f.write_str(", biases corrected")?;
        }
        if self.equalise {
            f.write_str(", channels equalised")?;
        }
        Ok(())
    }
}

/// The int8 form of a student, its ranges found on `faces`; some hundred are enough. The same
/// student, faces and options give the same file on every machine with the same kernels.
///
/// The card keeps its thresholds and loses its accuracies, which were not measured on this file.
///
/// # Errors
/// If the student is int8 already or cannot be run, if there is no face, or if one cannot be
/// brought to the student's size.
pub fn quantise(
    file: &StudentFile,
    faces: &[Face<'_>],
    options: QuantiseOptions,
) -> Result<StudentFile, RuntimeError> {
    if options.equalise {
        let file = equalise(file, faces)?;
        return Calibration::new(&file, faces)?.student(options);
    }
    Calibration::new(file, faces)?.student(options)
}
