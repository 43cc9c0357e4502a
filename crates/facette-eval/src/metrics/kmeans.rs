//! k-means, for the clustering score (NMI) of metric learning.

use facette_random::stream;
use rand::RngExt;

use super::distance::squared_euclidean;
use crate::{EvalError, Outputs};

/// A partition of rows into groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    /// The group of every row, below `k`.
    pub labels: Vec<usize>,
    /// Sum of the squared distances of all rows to their group's mean.
    pub inertia: f64,
}

/// Starts drawn for one call; the best result is kept.
const STARTS: u64 = 10;
/// Lloyd iterations of one start at most.
const ITERATIONS: usize = 300;

/// Lloyd's algorithm from greedy k-means++ starts (Arthur and Vassilvitskii 2007; candidates per
/// centre `2 + ln k`, as scikit-learn), the best of ten by inertia. The same seed gives the same
/// groups. A group that loses all its rows takes the row farthest from its own centre.
///
/// Fails where `k` is 0 or there are fewer rows.
pub fn kmeans(rows: &Outputs, k: usize, seed: u64) -> Result<Clusters, EvalError> {
    if k == 0 || k > rows.len() {
        return Err(EvalError::Option {
            option: "k".into(),
            value: k.to_string(),
            expected: format!("a number of groups from 1 to the number of rows, {}", rows.len()),
        });
    }
    let mut best: Option<Clusters> = None;
    for start in 0..STARTS {
        let clusters = lloyd(rows, plus_plus(rows, k, seed, start));
        if best.as_ref().is_none_or(|b| clusters.inertia < b.inertia) {
            best = Some(clusters);
        }
    }
    Ok(best.expect("STARTS is not zero"))
}

fn plus_plus(rows: &Outputs, k: usize, seed: u64, start: u64) -> Vec<Vec<f32>> {
    let mut random = stream(seed, "kmeans", start);
    let candidates = 2 + (k as f64).ln() as usize;
    let first = random.random_range(0..rows.len());
    let mut centres = vec![rows.row(first).to_vec()];
    let mut nearest: Vec<f64> =
        rows.rows().map(|row| squared_euclidean(row, rows.row(first))).collect();
    while centres.len() < k {
        let total: f64 = nearest.iter().sum();
        let mut chosen: Option<(f64, usize, Vec<f64>)> = None;
        for _ in 0..candidates {
            let mut left = random.random::<f64>() * total;
            let drawn = nearest.iter().position(|d| {
                left -= d;
                left < 0.0
            });
            // All rows equal to a centre, or rounding at the far end: any row will do.
            let drawn = drawn.unwrap_or(rows.len() - 1);
            let distances: Vec<f64> = rows
                .rows()
                .zip(&nearest)
                .map(|(row, &d)| d.min(squared_euclidean(row, rows.row(drawn))))
                .collect();
            let cost = distances.iter().sum();
            if chosen.as_ref().is_none_or(|(least, _, _)| cost < *least) {
                chosen = Some((cost, drawn, distances));
            }
        }
        let (_, drawn, distances) = chosen.expect("there are at least two candidates");
        centres.push(rows.row(drawn).to_vec());
        nearest = distances;
    }
    centres
}

fn lloyd(rows: &Outputs, mut centres: Vec<Vec<f32>>) -> Clusters {
    let (mut labels, mut distances) = assign(rows, &centres);
    for _ in 0..ITERATIONS {
        centres = means(rows, &labels, &distances, centres.len());
        let (next, next_distances) = assign(rows, &centres);
        distances = next_distances;
        if next == labels {
            break;
        }
        labels = next;
    }
    Clusters { labels, inertia: distances.iter().sum() }
}

fn assign(rows: &Outputs, centres: &[Vec<f32>]) -> (Vec<usize>, Vec<f64>) {
    rows.rows()
        .map(|row| {
            let mut nearest = (0, f64::INFINITY);
            for (label, centre) in centres.iter().enumerate() {
                let distance = squared_euclidean(row, centre);
                if distance < nearest.1 {
                    nearest = (label, distance);
                }
            }
            nearest
        })
        .unzip()
}

fn means(rows: &Outputs, labels: &[usize], distances: &[f64], k: usize) -> Vec<Vec<f32>> {
    let mut sums = vec![vec![0.0f64; rows.width()]; k];
    let mut sizes = vec![0usize; k];
    for (row, &label) in rows.rows().zip(labels) {
        sizes[label] += 1;
        sums[label].iter_mut().zip(row).for_each(|(sum, &v)| *sum += f64::from(v));
    }
    let mut farthest: Vec<usize> = (0..labels.len()).collect();
    farthest.sort_by(|&a, &b| distances[b].total_cmp(&distances[a]));
    let mut spare = farthest.into_iter();
    sums.iter()
        .zip(&sizes)
        .map(|(sum, &size)| match size {
            0 => rows.row(spare.next().expect("there are at least k rows")).to_vec(),
            _ => sum.iter().map(|s| (s / size as f64) as f32).collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_heaps() {
        let rows = Outputs::new(vec![0.0, 0.1, 5.0, 5.1, 9.0, 9.1, 0.2], 1).unwrap();
        let clusters = kmeans(&rows, 3, 1).unwrap();
        let of = |i: usize| clusters.labels[i];
        assert!(of(0) == of(1) && of(0) == of(6) && of(2) == of(3) && of(4) == of(5));
        assert!(of(0) != of(2) && of(2) != of(4) && of(0) != of(4));
        assert!((clusters.inertia - (0.02 + 0.005 + 0.005)).abs() < 1e-5);
        assert_eq!(clusters, kmeans(&rows, 3, 1).unwrap());
    }

    #[test]
    fn equal_rows_and_impossible_k() {
        let rows = Outputs::new(vec![1.0; 4], 1).unwrap();
        assert_eq!(kmeans(&rows, 3, 1).unwrap().inertia, 0.0);
        assert!(kmeans(&rows, 0, 1).is_err());
        assert!(kmeans(&rows, 5, 1).is_err());
    }
}
