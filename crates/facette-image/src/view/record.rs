//! What a training view drew.

use std::fmt;

use super::Tone;
use super::geometry::Frame;
use crate::degrade::Applied;

/// Everything that was random about one training view.
#[derive(Clone, Debug, PartialEq)]
pub struct Jittered {
    /// The rectangle of the picture that is shown.
    pub frame: Frame,
    /// Whether it is mirrored.
    pub flip: bool,
    /// How colours and tones were changed.
    pub tone: Tone,
    /// Degradations before the resize.
    pub degraded: Applied,
    /// Degradations after the resize.
    pub degraded_after: Applied,
    /// Left, top, width and height of the erased rectangle, in pixels of the view.
    pub erased: Option<[usize; 4]>,
}

impl fmt::Display for Jittered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { frame, flip, tone, degraded, degraded_after, erased } = self;
        let (left, top) = (frame.x - 0.5 * frame.width, frame.y - 0.5 * frame.height);
        write!(f, "crop {:.1}x{:.1}+{left:.1}+{top:.1}", frame.width, frame.height)?;
        if frame.angle != 0.0 {
            write!(f, " turned {:.1} degrees", frame.angle)?;
        }
        if *flip {
            write!(f, ", mirrored")?;
        }
        if *tone != Tone::default() {
            write!(f, ", {tone}")?;
        }
        for (when, applied) in [("degraded", degraded), ("degraded after", degraded_after)] {
            if !applied.steps.is_empty() {
                write!(f, ", {when}: {applied}")?;
            }
        }
        if let Some([x, y, width, height]) = erased {
            write!(f, ", erased {width}x{height}+{x}+{y}")?;
        }
        Ok(())
    }
}
