//! P classes x K pictures a batch.

use std::collections::VecDeque;

use facette_random::{Stream, stream};
use rand::seq::SliceRandom;

use super::Sampler;
use crate::DataError;

/// See [`SamplerSettings::Balanced`](super::SamplerSettings::Balanced).
///
/// Classes come in rounds: each class that has pictures is drawn once before one is drawn again.
/// So do the pictures of a class; only a class with fewer than K pictures shows one twice in a
/// batch.
#[derive(Clone, Debug)]
pub struct Balanced {
    /// Pictures of every class that has some.
    members: Vec<Vec<usize>>,
    classes: usize,
    pictures: usize,
    steps: usize,
    seed: u64,
}

impl Balanced {
    /// Batches of `pictures` pictures of each of `classes` classes, where `members` lists the
    /// pictures of every class; an epoch has as many steps as there are such batches in the data,
    /// at least one. Drawn from the stream `sampler/balanced` of `seed`.
    ///
    /// # Errors
    /// [`DataError::Setting`] if a batch is empty or has more classes than there are.
    pub fn new(
        members: Vec<Vec<usize>>,
        classes: usize,
        pictures: usize,
        seed: u64,
    ) -> Result<Self, DataError> {
        let members: Vec<_> = members.into_iter().filter(|class| !class.is_empty()).collect();
        let refuse = |key, problem| DataError::setting("sampler", key, problem);
        if !(1..=members.len()).contains(&classes) {
            let most = members.len();
            let problem = format!("found {classes}; expected 1 to {most}, the number of classes");
            return Err(refuse("classes", problem));
        }
        let largest = members.iter().map(Vec::len).max().unwrap_or(0);
        if !(1..=largest).contains(&pictures) {
            let problem = format!("found {pictures}; expected 1 to {largest}, the largest class");
            return Err(refuse("pictures", problem));
        }
        let total: usize = members.iter().map(Vec::len).sum();
        let steps = (total / (classes * pictures)).max(1);
        Ok(Self { members, classes, pictures, steps, seed })
    }
}

impl Sampler for Balanced {
    fn batch(&self) -> usize {
        self.classes * self.pictures
    }

    fn steps(&self) -> usize {
        self.steps
    }

    fn order(&self, epoch: u64) -> Vec<usize> {
        let mut stream = stream(self.seed, "sampler/balanced", epoch);
        let mut round = VecDeque::new();
        let mut hands = vec![VecDeque::new(); self.members.len()];
        let mut order = Vec::with_capacity(self.steps * self.batch());
        for _ in 0..self.steps {
            for class in self.draw_classes(&mut round, &mut stream) {
                let hand = &mut hands[class];
                let mut shown = Vec::new();
                while shown.len() < self.pictures {
                    if hand.is_empty() {
                        *hand = shuffled(&self.members[class], &shown, &mut stream);
                    }
                    shown.extend(hand.pop_front());
                }
                order.append(&mut shown);
            }
        }
        order
    }
}

impl Balanced {
    /// The classes of a batch, all different. A round that ends within a batch leaves its rest to
    /// the batch, and the classes of that rest come last in the next round.
    fn draw_classes(&self, round: &mut VecDeque<usize>, stream: &mut Stream) -> Vec<usize> {
        let mut drawn = Vec::with_capacity(self.classes);
        while drawn.len() < self.classes {
            if round.is_empty() {
                let all: Vec<_> = (0..self.members.len()).collect();
                *round = shuffled(&all, &drawn, stream);
            }
            drawn.extend(round.pop_front());
        }
        drawn
    }
}

/// All of `values` in a new order; those in `last` come after all others.
fn shuffled(values: &[usize], last: &[usize], stream: &mut Stream) -> VecDeque<usize> {
    let mut values = values.to_vec();
    values.shuffle(stream);
    values.sort_by_key(|value| last.contains(value));
    values.into()
}
