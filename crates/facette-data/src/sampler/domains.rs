//! As many pictures of every domain in each batch.

use facette_random::stream;
use rand::seq::SliceRandom;

use super::Sampler;
use crate::DataError;

/// Batches of equal parts, one of each domain in their order. An epoch shows as many pictures as
/// there are; those of a small domain come several times, a round of all of them before any comes
/// again, and those of a large one take turns over the epochs.
#[derive(Debug)]
pub struct Domains {
    /// Pictures of each domain.
    members: Vec<Vec<usize>>,
    /// Pictures of each domain in a batch.
    share: usize,
    steps: usize,
    seed: u64,
}

impl Domains {
    /// Batches of `batch` pictures from the domains `members`, in orders drawn from the streams
    /// `sampler/domains/<domain>` of `seed`.
    ///
    /// # Errors
    /// [`DataError::Setting`] if there are no domains, or a batch cannot be divided by their number.
    pub fn new(members: Vec<Vec<usize>>, batch: usize, seed: u64) -> Result<Self, DataError> {
        let members: Vec<_> = members.into_iter().filter(|domain| !domain.is_empty()).collect();
        let refuse = |key, problem| Err(DataError::setting("sampler", key, problem));
        if members.is_empty() {
            return refuse("kind", "the data has no domains; add [[data.domain]]".to_owned());
        }
        if batch == 0 || !batch.is_multiple_of(members.len()) {
            let domains = members.len();
            return refuse(
                "batch",
                format!("found {batch}; expected a multiple of the {domains} domains"),
            );
        }
        let total: usize = members.iter().map(Vec::len).sum();
        let (share, steps) = (batch / members.len(), (total / batch).max(1));
        Ok(Self { members, share, steps, seed })
    }
}

impl Sampler for Domains {
    fn batch(&self) -> usize {
        self.share * self.members.len()
    }

    fn steps(&self) -> usize {
        self.steps
    }

    fn order(&self, epoch: u64) -> Vec<usize> {
        let needed = self.steps * self.share;
        let drawn: Vec<Vec<usize>> = self
            .members
            .iter()
            .enumerate()
            .map(|(domain, pictures)| {
                let mut stream = stream(self.seed, &format!("sampler/domains/{domain}"), epoch);
                let mut order = Vec::with_capacity(needed + pictures.len());
                while order.len() < needed {
                    let mut round = pictures.clone();
                    round.shuffle(&mut stream);
                    order.append(&mut round);
                }
                order
            })
            .collect();
        let part = |step: usize| step * self.share..(step + 1) * self.share;
        (0..self.steps)
            .flat_map(|step| drawn.iter().flat_map(move |domain| domain[part(step)].to_vec()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_batch_has_its_share_of_every_domain() {
        let members = vec![(0..20).collect(), vec![20, 21, 22], vec![23, 24]];
        let sampler = Domains::new(members, 6, 7).unwrap();
        assert_eq!((sampler.batch(), sampler.steps()), (6, 4));
        let order = sampler.order(3);
        assert_eq!(order, sampler.order(3));
        assert_ne!(order, sampler.order(4));
        for batch in order.chunks(6) {
            assert!(batch[..2].iter().all(|&i| i < 20));
            assert!(batch[2..4].iter().all(|&i| (20..23).contains(&i)));
            assert!(batch[4..].iter().all(|&i| i >= 23));
            assert_ne!(batch[4], batch[5], "a round of all before any comes again");
        }
    }

    #[test]
    fn what_cannot_be_shared_out_is_refused() {
        let message = |members, batch| Domains::new(members, batch, 1).unwrap_err().to_string();
        assert!(message(Vec::new(), 6).contains("data.domain"));
        assert!(message(vec![vec![0], vec![1]], 3).contains("multiple of the 2"));
    }
}
