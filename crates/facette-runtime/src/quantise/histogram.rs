//! How values are distributed between the smallest and the largest seen.

/// Bins of equal width.
const BINS: usize = 4096;

/// Bounds, always around 0, and how many values lie in each bin between them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Histogram {
    pub(super) low: f32,
    pub(super) high: f32,
    pub(super) counts: Vec<u64>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { low: 0.0, high: 0.0, counts: vec![0; BINS] }
    }
}

impl Histogram {
    /// Moves the bounds so that `value` lies between them; before anything is counted.
    pub(super) fn widen(&mut self, value: f32) {
        if value.is_finite() {
            self.low = self.low.min(value);
            self.high = self.high.max(value);
        }
    }

    /// Counts a value.
    pub(super) fn count(&mut self, value: f32) {
        let width = self.width();
        if width > 0.0 {
            let bin = (f64::from(value) - f64::from(self.low)) / width;
            self.counts[(bin.max(0.0) as usize).min(BINS - 1)] += 1;
        }
    }

    /// Width of a bin.
    pub(super) fn width(&self) -> f64 {
        (f64::from(self.high) - f64::from(self.low)) / BINS as f64
    }

    /// The value in the middle of a bin.
    pub(super) fn middle(&self, bin: usize) -> f64 {
        f64::from(self.low) + (bin as f64 + 0.5) * self.width()
    }
}
