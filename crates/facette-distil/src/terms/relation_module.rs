//! Relation module: a small network tells whether a face and the examples of an identity belong together.
//!
//! ```text
//! r = sigmoid( FC 8->1 ReLU FC 64->8 mean conv3-64 pool conv3-64 [ sum of an identity's examples, query ] )
//! L = mean ( r - [same identity] )^2                          over all queries and identities of the batch
//! ```
//!
//! Every convolution is normalised and rectified; maps are those of the student's last stage. An episode is
//! a batch: of each identity the first `shots` pictures are examples and the rest queries, so batches should
//! hold several pictures of few identities (`sampler = { kind = "balanced" }`). Source: Ge et al. 2019 (ACM MM,
//! "Fewer-Shots and Lower-Resolutions"), of which the abstract was at hand, with the module of Sung et al. 2018 (CVPR,
//! RelationNet, arXiv 1711.06025) at half width after the first layers (reconstructed).

use std::collections::BTreeMap;

use burn::tensor::{Int, Tensor, TensorData};
use facette_graph::{Builder, Conv, Op, Pool, Shape};
use facette_nets::{Knowledge, Parameters, Wanted};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::stage;
use crate::map_network::MapNetwork;
use crate::settings::{self, check};
use crate::term::{Context, Needs, Term, TermSpec};

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Examples of each identity.
    shots: usize,
    /// Channels of the module.
    width: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { shots: 1, width: 64 }
    }
}

/// Examples and queries of a batch, by their places in it.
struct Episode {
    /// Of each identity, its examples.
    examples: Vec<Vec<usize>>,
    /// Each with the place of its identity among the examples.
    queries: Vec<(usize, usize)>,
}

/// Splits a batch; identities without a query are left out.
fn episode(labels: &[usize], shots: usize) -> Episode {
    let mut by_label: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (place, &label) in labels.iter().enumerate() {
        by_label.entry(label).or_default().push(place);
    }
    let (mut examples, mut queries) = (Vec::new(), Vec::new());
    for places in by_label.into_values().filter(|places| places.len() > shots) {
        queries.extend(places[shots..].iter().map(|&place| (place, examples.len())));
        examples.push(places[..shots].to_vec());
    }
    Episode { examples, queries }
}

/// The entry `relation_module`.
pub struct RelationModuleSpec;

struct RelationModule {
    shots: usize,
    classes: usize,
    last: usize,
    module: MapNetwork,
}

impl TermSpec for RelationModuleSpec {
    fn id(&self) -> &'static str {
        "relation_module"
    }

    fn about(&self) -> &'static str {
        "a module tells whether a face and the examples of an identity belong together"
    }

    fn source(&self) -> &'static str {
        "Ge et al., ACM MM 2019 (reconstructed); arXiv 1711.06025"
    }

    fn needs(&self) -> Needs {
        Needs { stages: true, labels: true, ..Needs::default() }
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults::<Settings>()
    }

    fn build(
        &self,
        given: &toml::Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Term>, DistilError> {
        let Settings { shots, width } = settings::read(self.id(), given)?;
        check(self.id(), "shots", (1..=1000).contains(&shots), || {
            format!("expected 1 to 1000, found {shots}")
        })?;
        check(self.id(), "width", (1..=4096).contains(&width), || {
            format!("expected 1 to 4096, found {width}")
        })?;
        let classes = context.classes(self.id())?;
        let Some((last, map)) = context.student.stages.iter().enumerate().next_back() else {
            return Err(DistilError::Need {
                owner: self.id().into(),
                need: "the map of a stage".into(),
                found: format!("{:?} marks none", context.stream),
                remedy: "choose an architecture that marks its stages".into(),
            });
        };
        let both = Shape { channels: 2 * map.channels, ..*map };
        let narrow = width.div_ceil(8);
        let module = MapNetwork::new(self.id(), both, context, |b: &mut Builder, x| {
            let mut y = b.conv("conv1", x, Conv::square(both.channels, width, 3, 1).biased());
            y = b.norm("bn1", y);
            y = b.relu(y);
            if b.side(y) > 1 {
                y = b.max_pool(y, Pool::square(2, 2));
            }
            y = b.conv("conv2", y, Conv::square(width, width, 3, 1).biased());
            y = b.norm("bn2", y);
            y = b.relu(y);
            y = b.global_average(y);
            y = b.linear("fc1", y, width, narrow, true);
            y = b.relu(y);
            y = b.linear("fc2", y, narrow, 1, true);
            b.push("", Op::Sigmoid, &[y])
        })?;
        Ok(Box::new(RelationModule { shots, classes, last, module }))
    }
}

impl Term for RelationModule {
    fn name(&self) -> &str {
        RelationModuleSpec.id()
    }

    fn wanted(&self) -> Wanted {
        Wanted { stages: true, ..Wanted::default() }
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        _target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let map = stage(self.name(), &student.stages, self.last)?.clone();
        batch.labels(self.name(), map.dims()[0], self.classes)?;
        let Episode { examples, queries } = episode(&batch.labels, self.shots);
        if queries.is_empty() {
            return Err(DistilError::Need {
                owner: self.name().into(),
                need: format!("identities with more than {} pictures in a batch", self.shots),
                found: "none".into(),
                remedy: "use sampler = { kind = \"balanced\" }, or fewer shots".into(),
            });
        }
        let device = map.device();
        let pick = |places: Vec<usize>| {
            let places: Vec<i64> = places.into_iter().map(|place| place as i64).collect();
            let count = places.len();
            let places = Tensor::<1, Int>::from_data(TensorData::new(places, [count]), &device);
            map.clone().select(0, places)
        };
        let shot = |shot: usize| pick(examples.iter().map(|places| places[shot]).collect());
        let sums = (0..self.shots).map(shot).reduce(|a, b| a + b);
        let sums = sums.expect("an identity has an example at least");
        let asked = pick(queries.iter().map(|(place, _)| *place).collect());
        let ([n, c, h, w], q) = (sums.dims(), asked.dims()[0]);
        let sums = sums.reshape([1, n, c, h * w]).expand([q, n, c, h * w]);
        let asked = asked.reshape([q, 1, c, h * w]).expand([q, n, c, h * w]);
        let pairs = Tensor::cat(vec![sums, asked], 2).reshape([q * n, 2 * c, h, w]);
        let found = self.module.forward(pairs).reshape([q * n]);
        let same: Vec<f32> = queries
            .iter()
            .flat_map(|(_, own)| (0..n).map(move |other| f32::from(u8::from(other == *own))))
            .collect();
        let same = Tensor::<1>::from_data(TensorData::new(same, [q * n]), &device);
        Ok((found - same).square().mean())
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        vec![self.module.parameters_mut()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pictures_are_examples() {
        let Episode { examples, queries } = episode(&[7, 3, 7, 5, 3, 7], 1);
        // Identity 5 has no query.
        assert_eq!(examples, [vec![1], vec![0]]);
        assert_eq!(queries, [(4, 0), (2, 1), (5, 1)]);
        assert!(episode(&[1, 2, 3], 1).queries.is_empty());
    }
}
