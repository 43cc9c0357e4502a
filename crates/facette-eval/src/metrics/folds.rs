//! Which pair belongs to which fold.

use std::ops::Range;

use crate::EvalError;

/// Contiguous folds over a list of pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folds {
    ranges: Vec<Range<usize>>,
}

impl Folds {
    /// `count` contiguous folds of `len` items: the first `len % count` folds hold one item more
    /// (scikit-learn's `KFold(shuffle=False)`).
    ///
    /// Fails where `count` is 0 or larger than `len`.
    pub fn contiguous(len: usize, count: usize) -> Result<Self, EvalError> {
        if count == 0 || count > len {
            return Err(EvalError::Option {
                option: "folds".into(),
                value: count.to_string(),
                expected: format!("a number from 1 to the number of pairs, {len}"),
            });
        }
        let sizes: Vec<usize> =
            (0..count).map(|k| len / count + usize::from(k < len % count)).collect();
        Self::from_sizes(&sizes)
    }

    /// Folds of the given sizes, one after the other.
    ///
    /// Fails where there is none, or one is empty.
    pub fn from_sizes(sizes: &[usize]) -> Result<Self, EvalError> {
        if let Some(empty) = sizes.iter().position(|&size| size == 0) {
            return Err(EvalError::TooLittle {
                measure: "k-fold verification".into(),
                needs: "at least one pair in every fold".into(),
                found: format!("fold {} of {} without any", empty + 1, sizes.len()),
            });
        }
        if sizes.is_empty() {
            return Err(EvalError::TooLittle {
                measure: "k-fold verification".into(),
                needs: "at least one fold".into(),
                found: "none".into(),
            });
        }
        let mut start = 0;
        let ranges = sizes
            .iter()
            .map(|size| {
                let range = start..start + size;
                start = range.end;
                range
            })
            .collect();
        Ok(Self { ranges })
    }

    /// Number of folds.
    pub fn count(&self) -> usize {
        self.ranges.len()
    }

    /// Number of items in all folds together.
    pub fn items(&self) -> usize {
        self.ranges.last().map_or(0, |range| range.end)
    }

    /// The items of fold `k`.
    pub fn test(&self, k: usize) -> impl Iterator<Item = usize> + Clone + use<> {
        self.ranges[k].clone()
    }

    /// The items of all other folds, in order. With a single fold there are no others and the fold
    /// itself is returned, as InsightFace's `LFold` does: a threshold chosen so is chosen on the
    /// pairs it is tested on, and the accuracy an upper bound.
    pub fn train(&self, k: usize) -> impl Iterator<Item = usize> + Clone + use<> {
        let all = 0..self.items();
        let held_out = if self.count() == 1 { 0..0 } else { self.ranges[k].clone() };
        all.filter(move |item| !held_out.contains(item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uneven_lists_follow_scikit_learn() {
        let folds = Folds::contiguous(11, 4).unwrap();
        let sizes: Vec<usize> = (0..4).map(|k| folds.test(k).count()).collect();
        assert_eq!(sizes, [3, 3, 3, 2]);
        assert_eq!(folds.train(1).collect::<Vec<_>>(), [0, 1, 2, 6, 7, 8, 9, 10]);
        assert_eq!(folds.items(), 11);
    }

    #[test]
    fn one_fold_trains_on_itself() {
        let folds = Folds::contiguous(3, 1).unwrap();
        assert_eq!(folds.train(0).collect::<Vec<_>>(), folds.test(0).collect::<Vec<_>>());
    }

    #[test]
    fn impossible_counts_are_refused() {
        assert!(Folds::contiguous(3, 0).is_err());
        assert!(Folds::contiguous(3, 4).is_err());
        assert!(Folds::from_sizes(&[2, 0, 1]).unwrap_err().to_string().contains("fold 2 of 3"));
        assert!(Folds::from_sizes(&[]).is_err());
    }
}
