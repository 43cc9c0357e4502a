//! FitNet hints: the student's map of one stage, regressed to the teacher's.
//!
//! ```text
//! L = mean ( r(A^s) - A^t )^2
//! ```
//!
//! `conv_reg` is RepDistiller's regressor: convolution with bias to the teacher's shape, batch normalisation,
//! ReLU; stage 2, weight 100 there. `conv1x1` is lenscloth/RKD's: a 1x1 convolution without bias, for
//! maps of equal size. Source: Romero et al. 2015 (arXiv 1412.6550), whose separate
//! warm-up of the lower half is a training stage of its own.

use burn::tensor::Tensor;
use facette_graph::Conv;
use facette_nets::{Knowledge, Parameters, Wanted};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::{stage, target};
use crate::map_network::{MapNetwork, Regressor};
use crate::pairing;
use crate::settings;
use crate::term::{Context, Needs, Term, TermSpec};

/// Mean squared difference of two maps of equal shape; `[1]`.
pub fn hint(student: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
    (student - target).square().mean()
}

/// What leads from the student's map to the teacher's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Connector {
    ConvReg,
    Conv1x1,
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Stage compared, from 1.
    stage: usize,
    connector: Connector,
}

impl Default for Settings {
    fn default() -> Self {
        Self { stage: 2, connector: Connector::ConvReg }
    }
}

/// The entry `fitnet`.
pub struct FitNetSpec;

enum Either {
    Regressor(Regressor),
    Conv(MapNetwork),
}

struct FitNet {
    place: usize,
    regressor: Either,
}

impl TermSpec for FitNetSpec {
    fn id(&self) -> &'static str {
        "fitnet"
    }

    fn about(&self) -> &'static str {
        "the student's map of one stage, regressed to the teacher's"
    }

    fn source(&self) -> &'static str {
        "arXiv 1412.6550; HobbitLong/RepDistiller distiller_zoo/FitNet.py, models/util.py ConvReg"
    }

    fn needs(&self) -> Needs {
        Needs { stages: true, teacher: true, ..Needs::default() }
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults::<Settings>()
    }

    fn build(
        &self,
        settings: &toml::Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Term>, DistilError> {
        let settings: Settings = settings::read(self.id(), settings)?;
        let (place, from, to) = pairing::stage(self.id(), settings.stage, context)?;
        let regressor = match settings.connector {
            Connector::ConvReg => {
                Either::Regressor(Regressor::new(self.id(), "", [from, to], true, context)?)
            }
            Connector::Conv1x1 if (from.height, from.width) == (to.height, to.width) => {
                let conv = Conv::square(from.channels, to.channels, 1, 1);
                Either::Conv(MapNetwork::new(self.id(), from, context, |b, x| {
                    b.conv("transform", x, conv)
                })?)
            }
            Connector::Conv1x1 => {
                let problem = format!("needs maps of equal size, found {from:?} and {to:?}");
                return Err(settings::refuse(self.id(), "connector", problem));
            }
        };
        Ok(Box::new(FitNet { place, regressor }))
    }
}

impl Term for FitNet {
    fn name(&self) -> &str {
        FitNetSpec.id()
    }

    fn wanted(&self) -> Wanted {
        Wanted { stages: true, ..Wanted::default() }
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        _batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let teacher = target(self.name(), teacher)?;
        let s = stage(self.name(), &student.stages, self.place)?.clone();
        let t = stage(self.name(), &teacher.stages, self.place)?.clone();
        let s = match &mut self.regressor {
            Either::Regressor(regressor) => regressor.forward(s),
            Either::Conv(conv) => conv.forward(s),
        };
        Ok(hint(s, t))
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        match &mut self.regressor {
            Either::Regressor(regressor) => regressor.parameters_mut(),
            Either::Conv(conv) => vec![conv.parameters_mut()],
        }
    }
}

#[cfg(test)]
mod tests {
    use facette_graph::Shape;

    use super::*;
    use crate::shapes::StreamShapes;
    use crate::testing::{context, shapes};

    fn stream(channels: usize, size: usize) -> StreamShapes {
        let stage = Shape { channels, height: size, width: size };
        StreamShapes { stages: vec![stage; 2], ..shapes() }
    }

    fn refusal(settings: &str, student: &StreamShapes, teacher: &StreamShapes) -> Option<String> {
        let built = FitNetSpec.build(&settings.parse().unwrap(), &context(student, Some(teacher)));
        built.err().map(|e| e.to_string())
    }

    #[test]
    fn sizes_that_no_regressor_bridges_are_refused() {
        let student = stream(3, 8);
        for size in [4, 5, 8, 16] {
            assert_eq!(refusal("", &student, &stream(4, size)), None, "{size}");
        }
        assert!(refusal("", &student, &stream(4, 12)).unwrap().contains("8x8 against 12x12"));
        assert!(refusal("stage = 3", &student, &student).unwrap().contains("1 to 2"));
        let unequal = refusal("connector = 'conv1x1'", &student, &stream(4, 4));
        assert!(unequal.unwrap().contains("equal size"));
        let plain = StreamShapes::embedding_only(4);
        assert!(refusal("", &student, &plain).unwrap().contains("ONNX"));
    }
}
