//! Soft logits of a teacher of some of the classes, on pictures of these classes.
//!
//! ```text
//! L = w T^2 1/n sum_{i in subset} KL( softmax(z_t[C] / T) || softmax(z_s[C] / T) )       C: classes of the subset
//! w = max(0, 1 - a_s / a_t)                                    a: accuracies among C in the last epoch
//! ```
//!
//! The teacher is followed as long as it is better than the student: `weighting = "paced"`; `"fixed"` leaves w at 1,
//! which it is in the first epoch, too. A subset is a domain of the data; the teacher scores all classes, of which those of the
//! subset are read. Source: Ju et al. 2021 (arXiv 2104.11057), of which the abstract was at hand; the weights are those of
//! Xiang et al. 2020 (arXiv 2001.01536, self-paced expert selection), there from validation accuracies, here from those on the
//! training pictures as both saw them (reconstructed). T = 4.

use burn::tensor::Tensor;
use facette_graph::{TensorKind, TensorSpec};
use facette_nets::{Init, Knowledge, Parameters, read};
use serde::{Deserialize, Serialize};
use toml::Table;

use super::kd::soft_logits;
use crate::batch::Batch;
use crate::domain_term::{nothing, places_tensor};
use crate::error::DistilError;
use crate::knowledge::{logits, target};
use crate::settings::{self, positive};
use crate::term::{Context, Needs, Term, TermSpec};

/// Who decides how much the teacher counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Weighting {
    /// How much better than the student it was in the last epoch.
    Paced,
    /// Nobody: always 1.
    Fixed,
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Name of the subset's domain.
    domain: String,
    temperature: f64,
    weighting: Weighting,
}

impl Default for Settings {
    fn default() -> Self {
        Self { domain: "many".into(), temperature: 4.0, weighting: Weighting::Paced }
    }
}

/// The entry `subset_kd`.
pub struct SubsetKdSpec;

/// Places in the state: right answers of student and teacher and questions in this epoch, the epoch, and the
/// weight in force.
const RIGHT: [usize; 2] = [0, 1];
const ASKED: usize = 2;
const EPOCH: usize = 3;
const WEIGHT: usize = 4;

struct SubsetKd {
    name: String,
    settings: Settings,
    domain: usize,
    classes: Vec<usize>,
    state: Parameters,
}

impl TermSpec for SubsetKdSpec {
    fn id(&self) -> &'static str {
        "subset_kd"
    }

    fn about(&self) -> &'static str {
        "soft logits of a teacher of some classes, while it is better at them"
    }

    fn source(&self) -> &'static str {
        "arXiv 2104.11057 (reconstructed); weights of arXiv 2001.01536"
    }

    fn needs(&self) -> Needs {
        Needs { logits: true, labels: true, teacher: true, domains: true, ..Needs::default() }
    }

    fn defaults(&self) -> Table {
        settings::defaults::<Settings>()
    }

    fn build(&self, given: &Table, context: &Context<'_>) -> Result<Box<dyn Term>, DistilError> {
        let settings: Settings = settings::read(self.id(), given)?;
        positive(self.id(), "temperature", settings.temperature)?;
        context.equal_classes(self.id())?;
        context.classes(self.id())?;
        let domain = context.domains(self.id(), std::slice::from_ref(&settings.domain))?[0];
        let classes = context.domains[domain].classes.clone();
        if classes.len() < 2 {
            return Err(DistilError::Need {
                owner: self.id().into(),
                need: format!("two classes or more in domain {:?}", settings.domain),
                found: format!("{}", classes.len()),
                remedy: "let the domain take more identities".into(),
            });
        }
        let spec = TensorSpec {
            name: "pace".into(),
            shape: vec![WEIGHT + 1],
            kind: TensorKind::RunningMean,
        };
        let owner = format!("{}/{}", self.id(), settings.domain);
        let mut state = context.parameters(&owner, vec![spec], Init::Torch);
        state.set("pace", vec![0.0, 0.0, 0.0, 0.0, 1.0])?;
        Ok(Box::new(SubsetKd { name: owner, settings, domain, classes, state }))
    }
}

/// How many rows of `scores` `[n, k]` are largest at the row's place in `right`.
fn count(name: &str, scores: &Tensor<2>, right: &[usize]) -> Result<f32, DistilError> {
    let width = scores.dims()[1].max(1);
    let values = read(name, scores)?;
    let rows = values.chunks_exact(width).zip(right);
    let first = |row: &[f32]| (0..width).max_by(|&a, &b| row[a].total_cmp(&row[b]).then(b.cmp(&a)));
    Ok(rows.filter(|(row, right)| first(row) == Some(**right)).count() as f32)
}

impl SubsetKd {
    /// Scores of the subset's classes on the subset's pictures, `[m, |C|]`.
    fn of_subset(&self, scores: &Tensor<2>, places: &[usize]) -> Tensor<2> {
        let rows = scores.clone().select(0, places_tensor(places, scores));
        rows.select(1, places_tensor(&self.classes, scores))
    }
}

impl Term for SubsetKd {
    fn name(&self) -> &str {
        &self.name
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let places = batch.places_in(&[self.domain]);
        if places.is_empty() {
            return Ok(nothing(student));
        }
        let s = self.of_subset(logits(&self.name, student)?, &places);
        let t = self.of_subset(logits(&self.name, target(&self.name, teacher)?)?, &places);
        let weight = f64::from(read(&self.name, &self.state.at(0).value)?[WEIGHT]);
        let share = places.len() as f64 / batch.domains.len() as f64;
        Ok(soft_logits(s, t, self.settings.temperature).mul_scalar(weight * share))
    }

    fn after_step(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<(), DistilError> {
        if self.settings.weighting == Weighting::Fixed {
            return Ok(());
        }
        let mut state = read(&self.name, &self.state.at(0).value)?;
        if batch.epoch as f32 != state[EPOCH] {
            let [own, taught] = RIGHT.map(|place| state[place]);
            state[WEIGHT] = match taught > 0.0 {
                true => (1.0 - own / taught).max(0.0),
                false => 0.0,
            };
            [state[RIGHT[0]], state[RIGHT[1]], state[ASKED]] = [0.0; 3];
            state[EPOCH] = batch.epoch as f32;
        }
        let places = batch.places_in(&[self.domain]);
        let class = |&place: &usize| {
            let label = batch.labels.get(place)?;
            self.classes.binary_search(label).ok()
        };
        let (places, right): (Vec<usize>, Vec<usize>) =
            places.iter().filter_map(|place| Some((*place, class(place)?))).unzip();
        if !places.is_empty() {
            let streams = [student, target(&self.name, teacher)?];
            for (place, knowledge) in RIGHT.into_iter().zip(streams) {
                let scores = self.of_subset(logits(&self.name, knowledge)?, &places);
                state[place] += count(&self.name, &scores, &right)?;
            }
            state[ASKED] += places.len() as f32;
        }
        self.state.set("pace", state)?;
        Ok(())
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        vec![&mut self.state]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::Domain;
    use crate::testing::{context, device, scalar, shapes};

    fn scored(rows: [[f32; 5]; 2]) -> Knowledge {
        let logits = Some(Tensor::<2>::from_floats(rows, &device()));
        Knowledge { logits, ..Knowledge::from_embedding(Tensor::zeros([2, 1], &device())) }
    }

    fn term(settings: &str) -> Result<Box<dyn Term>, DistilError> {
        let domains = [
            Domain { name: "many".into(), classes: vec![0, 2] },
            Domain { name: "few".into(), classes: vec![4] },
        ];
        let shapes = shapes();
        let context = Context { domains: &domains, ..context(&shapes, Some(&shapes)) };
        SubsetKdSpec.build(&settings.parse().unwrap(), &context)
    }

    #[test]
    fn only_the_subset_is_compared() {
        let mut term = term("temperature = 1.0").unwrap();
        let student = scored([[0.0, 9.0, 0.0, 9.0, 9.0], [1.0; 5]]);
        let teacher = scored([[0.0, -9.0, 3f32.ln(), 5.0, 0.0], [3.0; 5]]);
        let mut batch = Batch::first(vec![2, 4], vec![0, 1], &device());
        batch.domains = vec![0, 1];
        // The teacher says (1/4, 3/4), the student (1/2, 1/2); one picture of two.
        let expected = 0.5 * (0.25 * 0.5f64.ln() + 0.75 * 1.5f64.ln());
        let found = scalar(&term.loss(&student, Some(&teacher), &batch).unwrap());
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }

    #[test]
    fn a_teacher_that_is_no_better_is_not_followed() {
        let mut batch = Batch::first(vec![2, 0], vec![0, 1], &device());
        batch.domains = vec![0, 0];
        let wrong = scored([[1.0, 0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0]]);
        let right = scored([[0.0, 0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0]]);
        let loss_after = |settings: &str, student: &Knowledge, teacher: &Knowledge| {
            let mut term = term(settings).unwrap();
            let mut batch = batch.clone();
            term.after_step(student, Some(teacher), &batch).unwrap();
            batch.epoch = 1;
            term.after_step(student, Some(teacher), &batch).unwrap();
            scalar(&term.loss(&wrong, Some(&right), &batch).unwrap())
        };
        let full = loss_after("weighting = 'fixed'", &wrong, &right);
        assert!(full > 0.0);
        let half = loss_after("", &wrong, &right);
        assert!((half - 0.5 * full).abs() < 1e-6, "one of two against two of two");
        assert_eq!(loss_after("", &right, &right), 0.0);
        assert_eq!(loss_after("", &right, &wrong), 0.0);
    }

    #[test]
    fn a_subset_of_one_class_is_refused() {
        let message = term("domain = 'few'").err().unwrap().to_string();
        assert!(message.contains("two classes"), "{message}");
        assert!(term("domain = 'rare'").err().unwrap().to_string().contains("many, few"));
    }
}
