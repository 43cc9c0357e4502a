//! Drawing a list of pairs in LFW's format.

use std::fmt::Write as _;

use anyhow::{Context, ensure};
use facette_image::random::{Stream, stream};
use rand::RngExt;
use rand::seq::SliceRandom;

/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PairList {
    /// Folds; no identity stands in two.
    pub(crate) folds: usize,
    /// Pairs of each kind in a fold.
    pub(crate) each: usize,
    /// Seed of the draw.
    pub(crate) seed: u64,
}

impl PairList {
    /// A list over `identities`, each of which has the pictures 1 to `shots`. Identities are dealt
    /// to the folds in a random order; within a fold no pair stands twice.
    ///
    /// # Errors
    /// If there are not enough identities or pictures for so many pairs.
    pub(crate) fn draw(&self, identities: &[String], shots: usize) -> anyhow::Result<String> {
        let Self { folds, each, seed } = *self;
        ensure!(folds > 0 && each > 0, "a list of pairs has at least one fold of one pair each");
        let mut order: Vec<&String> = identities.iter().collect();
        order.shuffle(&mut stream(seed, "pairs/identities", 0));
        let mut text = format!("{folds}\t{each}\n");
        for fold in 0..folds {
            let people: Vec<&String> = order.iter().skip(fold).step_by(folds).copied().collect();
            let rng = &mut stream(seed, "pairs/fold", fold as u64);
            let fold_text = lines(&people, shots, each, rng).with_context(|| {
                format!(
                    "{} identities with {shots} pictures each do not give {folds} folds of {each} \
                     pairs of each kind; ask for fewer pairs or folds, or more pictures",
                    identities.len()
                )
            })?;
            text.push_str(&fold_text);
        }
        Ok(text)
    }
}

fn lines(people: &[&String], shots: usize, each: usize, rng: &mut Stream) -> Option<String> {
    let within = shots * shots.saturating_sub(1) / 2;
    let between = people.len() * people.len().saturating_sub(1) / 2 * shots * shots;
    if people.len() * within < each || between < each {
        return None;
    }
    let mut text = String::new();
    let mut same: Vec<(usize, usize, usize)> = (0..people.len())
        .flat_map(|p| (1..=shots).flat_map(move |i| (i + 1..=shots).map(move |j| (p, i, j))))
        .collect();
    same.shuffle(rng);
    same.truncate(each);
    for (p, i, j) in same {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}\t{i}\t{j}", people[p]);
    }
    let mut drawn = std::collections::BTreeSet::new();
    while drawn.len() < each {
        let (a, b) = (rng.random_range(0..people.len()), rng.random_range(0..people.len()));
        let (i, j) = (rng.random_range(1..=shots), rng.random_range(1..=shots));
        if a < b && drawn.insert((a, i, b, j)) {
            let _ = writeln!(text, "{}\t{i}\t{}\t{j}", people[a], people[b]);
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use facette_data::Pairs;

    use super::*;

    fn people(count: usize) -> Vec<String> {
        (0..count).map(|i| format!("s{i:05}")).collect()
    }

    #[test]
    fn lists_are_read_back_and_folds_share_nobody() {
        let list = PairList { folds: 4, each: 10, seed: 1 };
        let text = list.draw(&people(12), 5).unwrap();
        let pairs = Pairs::parse(&text, Path::new("pairs.txt")).unwrap();
        assert_eq!((pairs.folds.len(), pairs.len()), (4, 80));
        let of = |fold: &[facette_data::Pair]| -> std::collections::BTreeSet<String> {
            fold.iter().flat_map(|pair| [pair.a.name.clone(), pair.b.name.clone()]).collect()
        };
        for (k, fold) in pairs.folds.iter().enumerate() {
            let others = pairs.folds.iter().enumerate().filter(|(j, _)| *j != k);
            assert!(others.into_iter().all(|(_, other)| of(fold).is_disjoint(&of(other))));
        }
        assert_eq!(text, list.draw(&people(12), 5).unwrap());
        assert_ne!(text, PairList { seed: 2, ..list }.draw(&people(12), 5).unwrap());
    }

    #[test]
    fn too_few_people_or_pictures_are_refused() {
        let list = PairList { folds: 2, each: 10, seed: 1 };
        for (identities, shots) in [(4, 3), (2, 9), (0, 9), (4, 0)] {
            let message = format!("{:#}", list.draw(&people(identities), shots).unwrap_err());
            assert!(message.contains("fewer pairs"), "{message}");
        }
    }
}
