//! Which faces of a training set are worth imitating: a graph energy, and its descent.
//!
//! ```text
//! E(a) = sum_i a_i (d_i - tau)                                   d_i = 1 - cos(f_i, mean of its identity)
//!      + between sum_{(i,j), y_i != y_j} w_ij a_i a_j            edges: nearest neighbours by cosine
//!      + within sum_{(i,j), y_i == y_j} w_ij |a_i - a_j|         w_ij = exp( -(1 - cos_ij) / 0.1 )
//! ```
//!
//! `tau` is a percentile of `d`. Reconstructed: Ge et al. 2019 (arXiv 1811.09998) speak of a sparse graph
//! and of informative features; typicality, confusion between identities and smoothness within them make the smallest energy of
//! that kind. Descent starts from `a_i = [d_i < tau]`, flips faces where that lowers the energy, those of the largest gain
//! first, and keeps one face of every identity. It never raises the energy and always ends alike.

use std::cmp::Ordering;

/// Sweeps at most.
const SWEEPS: usize = 20;

/// Width of the kernel of the edges.
const WIDTH: f64 = 0.1;

/// The weighed graph of a training set.
pub struct Energy {
    /// Cost of choosing each face by itself, `d_i - tau`.
    own: Vec<f64>,
    /// Edges of each face: the other, the weight times `between` or `within`, whether of one identity.
    edges: Vec<Vec<(usize, f64, bool)>>,
    labels: Vec<usize>,
}

/// What was chosen, and the energies before and after descent.
pub struct Selection {
    /// Of each face.
    pub chosen: Vec<bool>,
    /// Energy of the typical faces.
    pub before: f64,
    /// Energy of the choice.
    pub after: f64,
    /// Sweeps it took.
    pub sweeps: usize,
}

impl Energy {
    /// `features` are `labels.len()` rows of unit length `d`; `neighbours` edges lead from each; `percentile` (0 to 1) sets
    /// `tau`.
    pub fn new(
        features: &[f32],
        labels: &[usize],
        neighbours: usize,
        percentile: f64,
        [between, within]: [f64; 2],
    ) -> Self {
        let n = labels.len();
        let d = features.len() / n.max(1);
        let row = |i: usize| &features[i * d..(i + 1) * d];
        let classes = labels.iter().max().map_or(0, |&last| last + 1);
        let mut means = vec![0.0f64; classes * d];
        for (i, &label) in labels.iter().enumerate() {
            for (mean, &x) in means[label * d..(label + 1) * d].iter_mut().zip(row(i)) {
                *mean += f64::from(x);
            }
        }
        let far: Vec<f64> = (0..n)
            .map(|i| {
                let mean = &means[labels[i] * d..(labels[i] + 1) * d];
                let length = mean.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-12);
                let product: f64 = mean.iter().zip(row(i)).map(|(m, &x)| m * f64::from(x)).sum();
                1.0 - product / length
            })
            .collect();
        let mut sorted = far.clone();
        sorted.sort_by(f64::total_cmp);
        let place = (percentile * n.saturating_sub(1) as f64).round() as usize;
        let tau = sorted.get(place).copied().unwrap_or_default();
        let mut edges = vec![Vec::new(); n];
        for i in 0..n {
            let cosine = |j: usize| row(i).iter().zip(row(j)).map(|(a, b)| a * b).sum::<f32>();
            let mut others: Vec<(f32, usize)> =
                (0..n).filter(|&j| j != i).map(|j| (cosine(j), j)).collect();
            let nearer = |a: &(f32, usize), b: &(f32, usize)| match b.0.total_cmp(&a.0) {
                Ordering::Equal => a.1.cmp(&b.1),
                order => order,
            };
            if others.len() > neighbours {
                others.select_nth_unstable_by(neighbours, nearer);
                others.truncate(neighbours);
            }
            for (cosine, j) in others {
                let alike = labels[i] == labels[j];
                let weight = (-(1.0 - f64::from(cosine)) / WIDTH).exp();
                let weight = weight * if alike { within } else { between };
                edges[i].push((j, weight, alike));
                edges[j].push((i, weight, alike));
            }
        }
        // Neighbours of each other are one edge.
        for list in &mut edges {
            list.sort_by_key(|edge| edge.0);
            list.dedup_by_key(|edge| edge.0);
        }
        let own = far.into_iter().map(|far| far - tau).collect();
        Self { own, edges, labels: labels.to_vec() }
    }

    /// The energy of a choice.
    pub fn of(&self, chosen: &[bool]) -> f64 {
        let own: f64 = self.own.iter().zip(chosen).map(|(e, &a)| if a { *e } else { 0.0 }).sum();
        let edge = |i: usize, &(j, weight, alike): &(usize, f64, bool)| match alike {
            true if chosen[i] != chosen[j] => weight,
            false if chosen[i] && chosen[j] => weight,
            _ => 0.0,
        };
        let later = |i: usize| {
            self.edges[i].iter().filter(move |e| e.0 > i).map(move |e| edge(i, e)).sum::<f64>()
        };
        own + (0..chosen.len()).map(later).sum::<f64>()
    }

    /// What flipping face `i` adds to the energy.
    fn change(&self, chosen: &[bool], i: usize) -> f64 {
        let sign = if chosen[i] { -1.0 } else { 1.0 };
        let edges = self.edges[i].iter().map(|&(j, weight, alike)| match (alike, chosen[j]) {
            // Alike faces cost where they differ.
            (true, true) => -weight,
            (true, false) => weight,
            (false, true) => weight,
            (false, false) => 0.0,
        });
        sign * (self.own[i] + edges.sum::<f64>())
    }

    /// Descends from the typical faces.
    pub fn descend(&self) -> Selection {
        let n = self.own.len();
        let mut chosen: Vec<bool> = self.own.iter().map(|&e| e < 0.0).collect();
        let classes = self.labels.iter().max().map_or(0, |&last| last + 1);
        let mut left = vec![0usize; classes];
        let mut nearest: Vec<Option<usize>> = vec![None; classes];
        for (i, (&label, &chosen)) in self.labels.iter().zip(&chosen).enumerate() {
            left[label] += usize::from(chosen);
            if nearest[label].is_none_or(|best| self.own[i] < self.own[best]) {
                nearest[label] = Some(i);
            }
        }
        for (label, face) in nearest.into_iter().enumerate() {
            if let (0, Some(face)) = (left[label], face) {
                chosen[face] = true;
                left[label] = 1;
            }
        }
        let before = self.of(&chosen);
        let mut sweeps = 0;
        while sweeps < SWEEPS {
            sweeps += 1;
            let mut order: Vec<(f64, usize)> =
                (0..n).map(|i| (self.change(&chosen, i), i)).filter(|c| c.0 < 0.0).collect();
            order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let mut flips = 0;
            for (_, i) in order {
                let label = self.labels[i];
                let last = chosen[i] && left[label] == 1;
                if !last && self.change(&chosen, i) < -1e-12 {
                    chosen[i] = !chosen[i];
                    left[label] = if chosen[i] { left[label] + 1 } else { left[label] - 1 };
                    flips += 1;
                }
            }
            if flips == 0 {
                break;
            }
        }
        let after = self.of(&chosen);
        Selection { chosen, before, after, sweeps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twelve faces of three identities on the circle, one of which looks like another identity.
    fn energy() -> Energy {
        let angles: Vec<f32> =
            [0.0, 0.1, 0.05, 1.0, 1.0, 1.1, 0.95, 1.02, 2.0, 2.1, 2.2, 2.05].to_vec();
        let features: Vec<f32> = angles.iter().flat_map(|a| [a.cos(), a.sin()]).collect();
        let labels = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2];
        Energy::new(&features, &labels, 4, 0.7, [0.1, 0.1])
    }

    #[test]
    fn changes_are_differences_of_energies() {
        let energy = energy();
        let mut chosen = energy.descend().chosen;
        for i in 0..chosen.len() {
            let (change, before) = (energy.change(&chosen, i), energy.of(&chosen));
            chosen[i] = !chosen[i];
            assert!((energy.of(&chosen) - before - change).abs() < 1e-9, "{i}");
            chosen[i] = !chosen[i];
        }
    }

    #[test]
    fn descent_lowers_the_energy_drops_the_confused_face_and_keeps_every_identity() {
        let energy = energy();
        let found = energy.descend();
        assert!(found.after <= found.before && found.sweeps <= SWEEPS);
        assert_eq!(found.after, energy.of(&found.chosen));
        assert!(!found.chosen[3], "a face of the first identity among those of the second");
        for identity in 0..3 {
            assert!((0..4).any(|face| found.chosen[4 * identity + face]), "identity {identity}");
        }
        assert_eq!(energy.descend().chosen, found.chosen);
    }
}
