//! How far an int8 student is from the float one it was made from, layer by layer.

use facette_graph::{NodeId, StudentFile};
use facette_kernels::Level;
use facette_kernels::infer::{Value, Work, pitch};

use crate::bytes::Bytes;
use crate::error::RuntimeError;
use crate::fold::fold;
use crate::input::{Canvas, Face, Input};
use crate::plan::Plan;
use crate::slots::{Place, Slots};
use crate::step::Step;

/// Drift of one layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// Path of the node that does the work, and its kind.
    pub layer: String,
    /// Mean over the faces of the cosine between what both students compute there.
    pub cosine: f64,
}

/// The drift of every layer of `int8`, which was made of `float`, in the order of execution; the
/// last is the embedding's.
///
/// # Errors
/// If one cannot be run, if they are not of one network, or if there is no face.
pub fn drift(
    float: &StudentFile,
    int8: &StudentFile,
    faces: &[Face<'_>],
) -> Result<Vec<Drift>, RuntimeError> {
    if faces.is_empty() {
        return Err(RuntimeError::Empty { what: "faces to compare on" });
    }
    let (one, other) = (Student::new(float)?, Student::new(int8)?);
    let tails = |student: &Student| -> Vec<NodeId> {
        student.plan.steps.iter().map(|step| step.tail).collect()
    };
    if tails(&one) != tails(&other) {
        return Err(RuntimeError::Length {
            what: "layers of the int8 student",
            expected: one.plan.steps.len(),
            found: other.plan.steps.len(),
        });
    }
    let mut drifts: Vec<Drift> = one
        .plan
        .steps
        .iter()
        .map(|step| Drift { layer: format!("{} {}", step.name, step.op), cosine: 0.0 })
        .collect();
    for &face in faces {
        let (a, b) = (one.values(face)?, other.values(face)?);
        for ((drift, a), b) in drifts.iter_mut().zip(&a).zip(&b) {
            drift.cosine += cosine(a, b) / faces.len() as f64;
        }
    }
    Ok(drifts)
}

pub(super) fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    };
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { dot(a, b) / lengths } else { f64::from(u8::from(a == b)) }
}

/// A plan and what it reads.
struct Student {
    plan: Plan,
    input: Input,
    channels: Vec<usize>,
}

impl Student {
    fn new(file: &StudentFile) -> Result<Self, RuntimeError> {
        let input = Input::new(file.card())?;
        let (graph, arrays) = fold(&file.card().graph, file.arrays())?;
        let bytes = match &file.card().quantisation {
            Some(quantisation) => Some(Bytes::new(file.card(), quantisation, &graph, &arrays)?),
            None => None,
        };
        let plan = Plan::new(&graph, &arrays, &input, bytes.as_ref())?;
        let channels = graph.shapes()?.iter().map(|shape| shape.channels).collect();
        Ok(Self { plan, input, channels })
    }

    /// What every step yields for a face, as floats, without the padding of the channels.
    fn values(&self, face: Face<'_>) -> Result<Vec<Vec<f32>>, RuntimeError> {
        let (mut slots, mut work): (Slots, Work) = self.plan.reserve(1);
        if let Place::Float(slot) = self.plan.input.place {
            let mut into = slots.lend::<f32>(slot);
            self.input.write(face, &mut Canvas::default(), &mut into);
            slots.put_back(slot, into);
        }
        let mut all = Vec::with_capacity(self.plan.steps.len());
        self.plan.run(Level::current(), 1, &mut slots, &mut work, |step, slots| {
            all.push(self.read(step, slots));
        });
        Ok(all)
    }

    fn read(&self, step: &Step, slots: &Slots) -> Vec<f32> {
        let channels = self.channels[step.tail];
        let floats: Vec<f32> = match step.to.place {
            Place::Float(slot) => slots.read::<f32>(slot, (), step.to.len).values.to_vec(),
            Place::Byte(slot, code) => {
                let bytes = slots.read::<u8>(slot, code, step.to.len).values;
                bytes.iter().map(|byte| byte.read(code)).collect()
            }
        };
        let pixels = floats.chunks_exact(pitch(channels));
        pixels.flat_map(|pixel| pixel[..channels].to_vec()).collect()
    }
}
