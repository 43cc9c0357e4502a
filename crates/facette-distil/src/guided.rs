//! Guided modules: classifiers hung on the stages of a network while it learns.
//!
//! ```text
//! conv 1x1 C_b -> D/4, BN, ReLU;  conv k x k stride k D/4 -> D/4, BN, ReLU;  conv 1x1 D/4 -> D, BN, ReLU
//! global average -> feature [D];  linear D -> classes                     k = H_b / H_last
//! ```
//!
//! All convolutions have a bias. Source: EKD (arXiv 2103.13811) names an "improved bottleneck" without
//! a layer table; this is the branch of luanyunteng/pytorch-be-your-own-teacher
//! (`branchBottleNeck`), whose schedule EKD shares.

use burn::tensor::Tensor;
use facette_graph::{Builder, Conv, Input, Shape, StateDict};
use facette_nets::{Init, Knowledge, Mode, NetsError, Network, Parameters};

use crate::error::DistilError;
use crate::knowledge;
use crate::settings;
use crate::term::Context;

/// The modules of one stream, after every stage but the last, or after those of them nearest to the output.
pub(crate) struct GuidedModules {
    modules: Vec<Network>,
    /// Place of the stage the first of them hangs on.
    first: usize,
    /// Height of the stage each module hangs on.
    pub(crate) heights: Vec<usize>,
}

impl GuidedModules {
    /// At most `most` modules that yield features of length `dim` and scores of `classes`.
    ///
    /// # Errors
    /// If the stream has fewer than two stages, though modules are wanted.
    pub(crate) fn new(
        owner: &str,
        most: usize,
        dim: usize,
        classes: usize,
        context: &Context<'_>,
    ) -> Result<Self, DistilError> {
        let stages = &context.student.stages;
        if most == 0 {
            return Ok(Self { modules: Vec::new(), first: 0, heights: Vec::new() });
        }
        let Some((last, earlier)) = stages.split_last().filter(|(_, rest)| !rest.is_empty()) else {
            return Err(DistilError::Need {
                owner: owner.to_owned(),
                need: "two stages or more".into(),
                found: format!("{} of {:?}", stages.len(), context.stream),
                remedy: "choose an architecture that marks its stages".into(),
            });
        };
        settings::check(owner, "dim", (4..=settings::LONGEST).contains(&dim), || {
            format!("expected 4 to {}, found {dim}", settings::LONGEST)
        })?;
        let module = |(index, from): (usize, &Shape)| -> Result<Network, DistilError> {
            let reduce = [from.height / last.height, from.width / last.width].map(|k| k.max(1));
            let input = Input { channels: from.channels, height: from.height, width: from.width };
            let mut b = Builder::new(owner, input);
            let path = |layer: usize| format!("guided{}.{layer}", index + 1);
            let narrow = dim / 4;
            let mut x = b.conv(path(0), 0, Conv::square(from.channels, narrow, 1, 1).biased());
            x = b.norm(path(1), x);
            x = b.relu(x);
            let down = Conv::square(narrow, narrow, 1, 1).biased();
            x = b.conv(path(3), x, Conv { kernel: reduce, stride: reduce, ..down });
            x = b.norm(path(4), x);
            x = b.relu(x);
            x = b.conv(path(6), x, Conv::square(narrow, dim, 1, 1).biased());
            x = b.norm(path(7), x);
            x = b.relu(x);
            let feature = b.global_average(x);
            let scores = b.linear(format!("guided{}.fc", index + 1), feature, dim, classes, true);
            let graph = b.finish(feature, Some(scores)).map_err(NetsError::from)?;
            let name = format!("term/{}/{owner}", context.stream);
            Ok(Network::new(graph, Init::Torch, context.seed, &name, context.device)?)
        };
        let first = earlier.len().saturating_sub(most);
        let kept = earlier.iter().enumerate().skip(first);
        let modules = kept.map(module).collect::<Result<_, _>>()?;
        let heights = earlier[first..].iter().map(|stage| stage.height).collect();
        Ok(Self { modules, first, heights })
    }

    /// Features and scores of every module, shallow to deep.
    ///
    /// # Errors
    /// If a stage's map was not kept.
    pub(crate) fn forward(
        &mut self,
        owner: &str,
        stages: &[Tensor<4>],
    ) -> Result<Vec<Knowledge>, DistilError> {
        let first = self.first;
        let run = |(index, module): (usize, &mut Network)| {
            let map = knowledge::stage(owner, stages, first + index)?.clone();
            Ok(module.forward(map, Mode::Train))
        };
        self.modules.iter_mut().enumerate().map(run).collect()
    }

    /// The same modules with what an earlier stage learned, finished.
    ///
    /// # Errors
    /// If a tensor is missing or of another shape.
    pub(crate) fn finished(mut self, owner: &str, left: &StateDict) -> Result<Self, DistilError> {
        for module in &mut self.modules {
            let arrays = left.clone().fit(module.graph()).map_err(NetsError::from)?;
            if let Some(missing) = arrays.missing.first() {
                return Err(DistilError::Need {
                    owner: owner.to_owned(),
                    need: format!("the tensor {missing:?} of a guided module"),
                    found: "a teacher whose modules have none of that name and shape".into(),
                    remedy: "train the teacher with as many modules, and the same `dim`".into(),
                });
            }
            module.set_imported(&arrays)?;
            *module = module.frozen();
        }
        Ok(self)
    }

    /// Features and scores of finished modules, shallow to deep.
    ///
    /// # Errors
    /// If a stage's map was not kept.
    pub(crate) fn infer(
        &self,
        owner: &str,
        stages: &[Tensor<4>],
    ) -> Result<Vec<Knowledge>, DistilError> {
        let run = |(index, module): (usize, &Network)| {
            let map = knowledge::stage(owner, stages, self.first + index)?.clone();
            Ok(module.infer(if map.is_autodiff() { map.inner() } else { map }))
        };
        self.modules.iter().enumerate().map(run).collect()
    }

    pub(crate) fn parameters_mut(&mut self) -> impl Iterator<Item = &mut Parameters> {
        self.modules.iter_mut().map(Network::parameters_mut)
    }
}
