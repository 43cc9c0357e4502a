//! Splits: of identities, so that none stands on both sides, or of the pictures of every class.

use facette_random::stream;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::{DataError, Dataset};

/// What to hold out for validation: what a recipe says under `[data.split]`. Identities for
/// recognition, where people who are met later were never seen; pictures of every class for classification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Split {
    /// A share of the identities, drawn at random.
    Share {
        /// Above 0 and below 1; rounded to whole identities, at least one on either side.
        share: f64,
    },
    /// The identities named.
    Listed {
        /// Their names.
        identities: Vec<String>,
    },
    /// A number of identities that have many pictures, drawn at random: the same ones whatever the
    /// run's seed is, and whatever sources without such identities stand beside.
    Drawn {
        /// How many.
        drawn: usize,
        /// Only identities with at least so many pictures are drawn.
        #[serde(default = "one_picture")]
        least: usize,
        /// Seed of the draw.
        #[serde(default = "first_seed")]
        seed: u64,
    },
    /// A share of the pictures of every class, drawn at random: the same ones whatever the run's seed
    /// is. Every class stays on both sides, unless it has a single picture, which is not held out.
    Pictures {
        /// Above 0 and below 1; rounded to whole pictures, at least one on either side.
        pictures: f64,
        /// Seed of the draw.
        #[serde(default = "first_seed")]
        seed: u64,
    },
}

fn one_picture() -> usize {
    1
}
fn first_seed() -> u64 {
    1
}

impl Dataset {
    /// The data set without what `split` holds out, and that; of identities each side has only its
    /// own classes, of pictures both have all. A share of identities is drawn from the stream
    /// `select/split` of `seed`, a number from `select/drawn` of the split's own seed, pictures of
    /// class `i` from `select/pictures`, number `i`, of that.
    ///
    /// # Errors
    /// [`DataError::Selection`] for an impossible share or number, an identity that is not there, or
    /// a side without a picture.
    pub fn split(&self, split: &Split, seed: u64) -> Result<(Self, Self), DataError> {
        let held = self.holding(split, seed)?;
        Ok((self.side(split, &held, false)?, self.side(split, &held, true)?))
    }

    /// Only what `split` holds out, which may be all identities there are.
    ///
    /// # Errors
    /// As [`Dataset::split`], but for what is left.
    pub fn held_out(&self, split: &Split, seed: u64) -> Result<Self, DataError> {
        self.side(split, &self.holding(split, seed)?, true)
    }

    fn side(&self, split: &Split, held: &[bool], out: bool) -> Result<Self, DataError> {
        let kept: Vec<_> = (0..self.len()).filter(|&i| held[i] == out).collect();
        let side = self.subset(&kept)?;
        Ok(match split {
            Split::Pictures { .. } => side,
            _ => side.compacted(),
        })
    }

    /// For every picture, whether it is held out.
    fn holding(&self, split: &Split, seed: u64) -> Result<Vec<bool>, DataError> {
        let held = match split {
            Split::Listed { identities } => self.listed(identities)?,
            Split::Share { share } => self.drawn(*share, seed)?,
            Split::Drawn { drawn, least, seed } => self.many(*drawn, *least, *seed)?,
            Split::Pictures { pictures, seed } => return self.of_each(*pictures, *seed),
        };
        Ok((0..self.len()).map(|i| held[self.label(i)]).collect())
    }

    fn of_each(&self, share: f64, seed: u64) -> Result<Vec<bool>, DataError> {
        if !(share > 0.0 && share < 1.0) {
            return Err(DataError::selection(format!(
                "a split that holds out a share of {share} of the pictures of every class; expected \
                 a share above 0 and below 1"
            )));
        }
        let mut held = vec![false; self.len()];
        for (class, mut places) in self.by_class().into_iter().enumerate() {
            let count = (places.len() as f64 * share).round() as usize;
            let count = count.clamp(1, places.len().saturating_sub(1).max(1));
            places.shuffle(&mut stream(seed, "select/pictures", class as u64));
            if places.len() > 1 {
                places[..count].iter().for_each(|&place| held[place] = true);
            }
        }
        Ok(held)
    }

    fn drawn(&self, share: f64, seed: u64) -> Result<Vec<bool>, DataError> {
        let classes = self.by_class();
        let mut there: Vec<_> = (0..classes.len()).filter(|&c| !classes[c].is_empty()).collect();
        if !(share > 0.0 && share < 1.0) || there.len() < 2 {
            return Err(DataError::selection(format!(
                "a split that holds out a share of {share} of {} identities; expected a share \
                 above 0 and below 1, and two identities",
                there.len()
            )));
        }
        let count = (there.len() as f64 * share).round() as usize;
        let count = count.clamp(1, there.len() - 1);
        there.shuffle(&mut stream(seed, "select/split", 0));
        let mut held = vec![false; classes.len()];
        there[..count].iter().for_each(|&label| held[label] = true);
        Ok(held)
    }

    fn many(&self, drawn: usize, least: usize, seed: u64) -> Result<Vec<bool>, DataError> {
        let sizes: Vec<usize> = self.by_class().iter().map(Vec::len).collect();
        let mut large: Vec<usize> =
            (0..sizes.len()).filter(|&class| sizes[class] >= least.max(1)).collect();
        if drawn == 0 || drawn > large.len() {
            return Err(DataError::selection(format!(
                "a split that holds out {drawn} identities of at least {least} pictures; there are \
                 {} such identities",
                large.len()
            )));
        }
        large.shuffle(&mut stream(seed, "select/drawn", 0));
        let mut held = vec![false; sizes.len()];
        large[..drawn].iter().for_each(|&class| held[class] = true);
        Ok(held)
    }
}
