//! Distances of same and different pairs, sorted, so that any threshold is judged in `O(log n)`.

/// The distances of a set of pairs, split by kind and sorted. A pair is taken for the same person
/// where its distance is **strictly below** the threshold.
#[derive(Debug, Clone)]
pub struct SortedDistances {
    same: Vec<f64>,
    different: Vec<f64>,
}

impl SortedDistances {
    /// From `(distance, is the same person)`. Distances must be finite.
    pub fn new(pairs: impl IntoIterator<Item = (f64, bool)>) -> Self {
        let (mut same, mut different) = (Vec::new(), Vec::new());
        for (distance, is_same) in pairs {
            if is_same { same.push(distance) } else { different.push(distance) }
        }
        same.sort_by(f64::total_cmp);
        different.sort_by(f64::total_cmp);
        Self { same, different }
    }

    /// Number of same pairs.
    pub fn same(&self) -> usize {
        self.same.len()
    }

    /// Number of different pairs.
    pub fn different(&self) -> usize {
        self.different.len()
    }

    /// Same pairs accepted at `threshold`.
    pub fn true_accepts(&self, threshold: f64) -> usize {
        self.same.partition_point(|&d| d < threshold)
    }

    /// Different pairs accepted at `threshold`.
    pub fn false_accepts(&self, threshold: f64) -> usize {
        self.different.partition_point(|&d| d < threshold)
    }

    /// Share of same pairs accepted; 0 where there are none.
    pub fn true_accept_rate(&self, threshold: f64) -> f64 {
        share(self.true_accepts(threshold), self.same.len())
    }

    /// Share of different pairs accepted; 0 where there are none.
    pub fn false_accept_rate(&self, threshold: f64) -> f64 {
        share(self.false_accepts(threshold), self.different.len())
    }

    /// Pairs judged rightly at `threshold`.
    pub fn correct(&self, threshold: f64) -> usize {
        self.true_accepts(threshold) + self.different.len() - self.false_accepts(threshold)
    }

    /// Share of pairs judged rightly at `threshold`; 0 where there are none.
    pub fn accuracy(&self, threshold: f64) -> f64 {
        share(self.correct(threshold), self.same.len() + self.different.len())
    }

    /// The first of `thresholds` with the highest accuracy, or `None` where the list is empty.
    pub fn first_best(&self, thresholds: impl IntoIterator<Item = f64>) -> Option<f64> {
        let mut best: Option<(usize, f64)> = None;
        for threshold in thresholds {
            let correct = self.correct(threshold);
            if best.is_none_or(|(most, _)| correct > most) {
                best = Some((correct, threshold));
            }
        }
        best.map(|(_, threshold)| threshold)
    }

    /// One threshold for every way these distances can be split: below all of them, half-way
    /// between each two neighbours that differ, and above all. Ascending.
    pub fn splits(&self) -> Vec<f64> {
        let mut all: Vec<f64> = self.same.iter().chain(&self.different).copied().collect();
        all.sort_by(f64::total_cmp);
        all.dedup();
        let below = all.first().copied();
        let above = all.last().map(|d| d.next_up());
        // Half-way between two neighbouring floats rounds to one of them; the upper one still
        // splits them, since acceptance is strict.
        let between = all.windows(2).map(|d| {
            let middle = d[0] + (d[1] - d[0]) / 2.0;
            if middle > d[0] { middle } else { d[1] }
        });
        below.into_iter().chain(between).chain(above).collect()
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_strict() {
        let sorted = SortedDistances::new([(1.0, true), (2.0, true), (2.0, false), (3.0, false)]);
        assert_eq!(sorted.true_accepts(2.0), 1);
        assert_eq!(sorted.false_accepts(2.0), 0);
        assert_eq!(sorted.accuracy(2.0), 0.75);
        assert_eq!(sorted.accuracy(2.5), 0.75);
        assert_eq!(sorted.first_best([0.0, 2.0, 2.5]), Some(2.0));
        assert_eq!(sorted.splits(), [1.0, 1.5, 2.5, 3.0f64.next_up()]);
    }

    #[test]
    fn neighbouring_floats_are_still_split() {
        let (low, high) = (1.0f64, 1.0f64.next_up());
        let sorted = SortedDistances::new([(low, true), (high, false)]);
        let best = sorted.first_best(sorted.splits()).unwrap();
        assert_eq!(sorted.accuracy(best), 1.0);
    }

    #[test]
    fn nothing_at_all_is_no_panic() {
        let none = SortedDistances::new([]);
        assert_eq!(none.accuracy(1.0), 0.0);
        assert!(none.splits().is_empty());
        assert_eq!(none.first_best([]), None);
    }
}
