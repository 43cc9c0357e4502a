//! The range that bytes are spread over.

use std::fmt;
use std::str::FromStr;

use super::histogram::Histogram;

/// How the range of an activation is found. What lies beyond it becomes its end.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Range {
    /// From the smallest to the largest value seen.
    MinMax,
    /// So that this many per cent of the values lie below its upper end, and as many above its
    /// lower end.
    Percentile(f64),
    /// The symmetric cut that loses least information: of those tried, the one with the least
    /// Kullback-Leibler divergence between the distribution of magnitudes and what 128 steps leave
    /// of it (Migacz, "8-bit inference with TensorRT", GTC 2017).
    Entropy,
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MinMax => f.write_str("min-max"),
            Self::Percentile(percent) => write!(f, "percentile {percent}"),
            Self::Entropy => f.write_str("entropy"),
        }
    }
}

impl FromStr for Range {
    type Err = String;

    /// `min-max`, `percentile`, `percentile 99.99` (a colon may stand for the space), `entropy` or
    /// `kl`, which is the same.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split([' ', ':']);
        match (words.next(), words.next(), words.next()) {
            (Some("min-max"), None, _) => Ok(Self::MinMax),
            (Some("entropy" | "kl"), None, _) => Ok(Self::Entropy),
            (Some("percentile"), percent, None) => {
                let percent = percent.map_or(Ok(99.999), str::parse);
                let percent = percent.ok().filter(|percent| (50.0..=100.0).contains(percent));
                percent
                    .map(Self::Percentile)
                    .ok_or_else(|| format!("{text:?}: a percentile is a number from 50 to 100"))
            }
            _ => {
                Err(format!("{text:?}: expected min-max, percentile, percentile:99.99 or entropy"))
            }
        }
    }
}

impl Range {
    /// Scale and zero for values so distributed; `None` where all were 0.
    pub(super) fn code(self, seen: &Histogram) -> Option<(f32, u8)> {
        let (low, high) = match self {
            Self::MinMax => (f64::from(seen.low), f64::from(seen.high)),
            Self::Percentile(percent) => percentile(seen, percent),
            Self::Entropy => {
                let cut = entropy(seen);
                (f64::from(seen.low).max(-cut), f64::from(seen.high).min(cut))
            }
        };
        let (low, high) = (low.min(0.0), high.max(0.0));
        let scale = short((high - low) / 255.0);
        let possible = scale.is_normal() && scale.recip().is_normal();
        possible.then(|| (scale, (-low / f64::from(scale)).round().clamp(0.0, 255.0) as u8))
    }
}

/// The number in four significant digits, rounded up: short in a card, and no range gets narrower.
pub(super) fn short(value: f64) -> f32 {
    if !(value > 0.0 && value.is_finite()) {
        return 0.0;
    }
    let unit = 10f64.powi(value.log10().floor() as i32 - 3);
    format!("{:.3e}", (value / unit).ceil() * unit).parse().unwrap_or(0.0)
}

fn percentile(seen: &Histogram, percent: f64) -> (f64, f64) {
    let total: u64 = seen.counts.iter().sum();
    let beyond = ((1.0 - percent / 100.0).clamp(0.0, 1.0) * total as f64) as u64;
    let cut = |mut bins: Box<dyn Iterator<Item = usize>>| {
        let mut passed = 0;
        bins.find(|&bin| {
            passed += seen.counts[bin];
            passed > beyond
        })
    };
    let bins = seen.counts.len();
    let half = 0.5 * seen.width();
    let low = cut(Box::new(0..bins)).map_or(0.0, |bin| seen.middle(bin) - half);
    let high = cut(Box::new((0..bins).rev())).map_or(0.0, |bin| seen.middle(bin) + half);
    (low, high)
}

/// Steps on either side of 0.
const STEPS: usize = 128;
/// Bins of magnitudes.
const MAGNITUDES: usize = 2048;

fn entropy(seen: &Histogram) -> f64 {
    let most = f64::from(seen.high.max(-seen.low));
    let width = most / MAGNITUDES as f64;
    let mut counts = vec![0.0; MAGNITUDES];
    for (bin, &count) in seen.counts.iter().enumerate() {
        let at = (seen.middle(bin).abs() / width.max(f64::MIN_POSITIVE)) as usize;
        counts[at.min(MAGNITUDES - 1)] += count as f64;
    }
    // Zeros of a ReLU are met exactly by any range and would drown everything else.
    counts[0] = counts[1];
    let cuts = (STEPS..=MAGNITUDES).step_by(8);
    let best = cuts.map(|cut| (divergence(&counts, cut), cut)).min_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or(most, |(_, cut)| cut as f64 * width)
}

/// How much of the first `cut` bins, with all beyond them in the last, is lost in [`STEPS`] steps.
fn divergence(counts: &[f64], cut: usize) -> f64 {
    let mut kept = counts[..cut].to_vec();
    kept[cut - 1] += counts[cut..].iter().sum::<f64>();
    let mut coarse = vec![0.0; cut];
    for step in 0..STEPS {
        let bins = step * cut / STEPS..(step + 1) * cut / STEPS;
        // Without what was moved into the last bin: that is what clipping loses.
        let filled = counts[bins.clone()].iter().filter(|&&count| count > 0.0).count().max(1);
        let mean = counts[bins.clone()].iter().sum::<f64>() / filled as f64;
        for bin in bins.filter(|&bin| counts[bin] > 0.0) {
            coarse[bin] = mean;
        }
    }
    let (all, all_coarse) = (kept.iter().sum::<f64>(), coarse.iter().sum::<f64>());
    let pairs = kept.iter().zip(&coarse).filter(|(kept, _)| **kept > 0.0);
    pairs
        .map(|(kept, coarse)| {
            let (p, q) = (kept / all, (coarse / all_coarse).max(1e-9));
            p * (p / q).ln()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(values: &[f32]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|&value| histogram.widen(value));
        values.iter().for_each(|&value| histogram.count(value));
        histogram
    }

    #[test]
    fn the_whole_range_keeps_both_ends() {
        let (scale, zero) = Range::MinMax.code(&seen(&[-1.0, 0.5, 3.0])).unwrap();
        let value = |byte: f32| scale * (byte - f32::from(zero));
        assert!((value(0.0) + 1.0).abs() <= scale && (value(255.0) - 3.0).abs() <= scale);
        // Ranges without a sign use all bytes for the other.
        assert_eq!(Range::MinMax.code(&seen(&[1.0, 2.55])), Some((0.01, 0)));
        assert_eq!(Range::MinMax.code(&seen(&[0.0])), None);
    }

    #[test]
    fn outliers_are_cut_off() {
        // 100,000 values of a triangle up to 1, and one of 100.
        let mut values: Vec<f32> = (0..100_000).map(|i| 1.0 - (i as f32 / 1e5).sqrt()).collect();
        values.push(100.0);
        let reach = |range: Range| 255.0 * range.code(&seen(&values)).unwrap().0;
        assert!(reach(Range::MinMax) > 99.0);
        assert!((0.9..1.2).contains(&reach(Range::Percentile(99.99))));
        assert!(reach(Range::Entropy) < 20.0, "{}", reach(Range::Entropy));
    }

    #[test]
    fn ranges_are_read_as_they_are_written() {
        for range in [Range::MinMax, Range::Percentile(99.99), Range::Entropy] {
            assert_eq!(range.to_string().parse(), Ok(range));
        }
        assert_eq!("percentile:99.9".parse(), Ok(Range::Percentile(99.9)));
        assert_eq!("percentile".parse(), Ok(Range::Percentile(99.999)));
        for wrong in ["", "minmax", "percentile:3", "percentile x", "entropy 3", "k"] {
            assert!(wrong.parse::<Range>().unwrap_err().contains("percentile"), "{wrong}");
        }
    }

    #[test]
    fn short_numbers_are_not_smaller() {
        for value in [1.0, 0.012_345_67, 9.999_99, 1e-20, 123_456.0] {
            let found = f64::from(short(value));
            assert!(found >= value * (1.0 - 1e-7) && found <= value * 1.0011, "{value} {found}");
        }
        assert_eq!(short(0.012_345_67), 0.012_35);
        assert_eq!([short(0.0), short(f64::NAN), short(f64::INFINITY)], [0.0; 3]);
    }
}
