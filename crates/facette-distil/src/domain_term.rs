//! A term that looks at the pictures of some domains alone.

use burn::tensor::{Int, Tensor, TensorData};
use facette_nets::{Knowledge, Parameters, Wanted};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::method::Tie;
use crate::term::Term;

/// Another term over the part of every batch that belongs to some domains; 0 where a batch has no
/// picture of them.
struct DomainTerm {
    name: String,
    domains: Vec<usize>,
    inner: Box<dyn Term>,
}

/// The tie over the pictures of `domains` alone, in logs called `<term>/<of>`.
pub(crate) fn within(tie: Tie, of: &str, domains: &[usize]) -> Tie {
    let name = format!("{}/{of}", tie.term.name());
    let term = Box::new(DomainTerm { name, domains: domains.to_vec(), inner: tie.term });
    Tie { term, ..tie }
}

/// Places as a tensor on the device of `like`.
pub(crate) fn places_tensor(places: &[usize], like: &Tensor<2>) -> Tensor<1, Int> {
    let values: Vec<i64> = places.iter().map(|&place| place as i64).collect();
    Tensor::from_data(TensorData::new(values, [places.len()]), &like.device())
}

/// A loss of 0 `[1]` that depends on nothing, but may stand in a sum that learns.
pub(crate) fn nothing(student: &Knowledge) -> Tensor<1> {
    student.embedding.clone().mul_scalar(0.0).sum()
}

impl DomainTerm {
    /// The part of a batch that the term looks at; `None` where there is none.
    fn part(
        &self,
        student: &Knowledge,
        target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Option<(Knowledge, Option<Knowledge>, Batch)> {
        let places = batch.places_in(&self.domains);
        if places.is_empty() {
            return None;
        }
        let of =
            |knowledge: &Knowledge| knowledge.select(&places_tensor(&places, &knowledge.embedding));
        Some((of(student), target.map(of), batch.select(&places)))
    }
}

impl Term for DomainTerm {
    fn name(&self) -> &str {
        &self.name
    }

    fn wanted(&self) -> Wanted {
        self.inner.wanted()
    }

    fn passes(&self) -> usize {
        self.inner.passes()
    }

    fn observe(&mut self, target: &Knowledge, batch: &Batch) -> Result<(), DistilError> {
        match self.part(target, None, batch) {
            Some((target, _, batch)) => self.inner.observe(&target, &batch),
            None => Ok(()),
        }
    }

    fn conclude(&mut self) -> Result<Vec<String>, DistilError> {
        self.inner.conclude()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        match self.part(student, target, batch) {
            Some((student, target, batch)) => self.inner.loss(&student, target.as_ref(), &batch),
            None => Ok(nothing(student)),
        }
    }

    fn after_step(
        &mut self,
        student: &Knowledge,
        target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<(), DistilError> {
        match self.part(student, target, batch) {
            Some((student, target, batch)) => {
                self.inner.after_step(&student, target.as_ref(), &batch)
            }
            None => Ok(()),
        }
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        self.inner.parameters_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::find_term;
    use crate::testing::{context, device, scalar, shapes};

    #[test]
    fn only_the_pictures_of_the_domains_count() {
        let shapes = shapes();
        let term = find_term("squared").unwrap();
        let term = term.build(&toml::Table::new(), &context(&shapes, Some(&shapes))).unwrap();
        let tie = Tie { learner: 1, target: Some(0), weight: 1.0, detach_target: true, term };
        let mut term = within(tie, "wild", &[2]).term;
        assert_eq!(term.name(), "squared/wild");
        let knowledge = |rows: [f32; 3]| {
            let rows = Tensor::<2>::from_floats(rows.map(|value| [value; 6]), &device());
            Knowledge::from_embedding(rows)
        };
        let (student, teacher) = (knowledge([1.0, 2.0, 3.0]), knowledge([0.0, 0.0, 0.0]));
        let mut batch = Batch::first(vec![0, 1, 2], vec![7, 8, 9], &device());
        batch.domains = vec![2, 0, 2];
        let found = scalar(&term.loss(&student, Some(&teacher), &batch).unwrap());
        assert!((found - 5.0).abs() < 1e-6, "{found}");
        batch.domains = vec![0, 1, 0];
        assert_eq!(scalar(&term.loss(&student, Some(&teacher), &batch).unwrap()), 0.0);
        let part = batch.select(&[2]);
        assert_eq!((part.labels, part.indices, part.domains), (vec![2], vec![9], vec![0]));
    }
}
