//! From floats to bytes after training.
//!
//! Weights become int8 with one step a channel, symmetric; activations become bytes with a zero of
//! their own, over a range found on faces (Jacob et al., CVPR 2018; Krishnamoorthi, arXiv
//! 1806.08342). What is gained little by and loses most stays `f32`: the picture and thus the first
//! layer's arithmetic, and all vectors, which is to say everything behind the last map. The
//! mean error that the rounded weights make is taken off the bias (Nagel et al., ICCV 2019, equation
//! 17, with the mean of each input measured on the faces instead of derived from the normalisation
//! before it).
//!
//! Equalisation across layers is left out: with a step for each channel of the weights there is
//! nothing left for it to equalise in them.

mod drift;
mod histogram;
mod range;
mod weights;

use std::collections::BTreeMap;

use facette_graph::{ByteCode, Graph, NodeId, Op, Quantisation, StudentFile};
use facette_kernels::Level;
use facette_kernels::infer::{Work, pitch};

pub use drift::{Drift, drift};
pub use range::Range;

use crate::error::RuntimeError;
use crate::fold::fold;
use crate::fuse::{Fused, fuse};
use crate::input::{Canvas, Face, Input};
use crate::plan::Plan;
use crate::slots::{Place, Slots};
use crate::step::Step;
use histogram::Histogram;

/// How a student is quantised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuantiseOptions {
    /// How the range of each activation is found.
    pub range: Range,
    /// Whether the mean error of the rounded weights is taken off the biases.
    pub correct_bias: bool,
}

impl Default for QuantiseOptions {
    /// All but one value in 100,000 on either side, and corrected biases.
    fn default() -> Self {
        Self { range: Range::Percentile(99.999), correct_bias: true }
    }
}

/// The int8 form of a student, its ranges found on `faces`; some hundred are enough. The same
/// student, faces and options give the same file on every machine with the same kernels.
///
/// The card keeps its thresholds and loses its accuracies, which were not measured on this file.
///
/// # Errors
/// If the student is int8 already or cannot be run, or if there is no face.
pub fn quantise(
    file: &StudentFile,
    faces: &[Face<'_>],
    options: QuantiseOptions,
) -> Result<StudentFile, RuntimeError> {
    let card = file.card();
    if card.quantisation.is_some() {
        return Err(RuntimeError::Quantised);
    }
    if faces.is_empty() {
        return Err(RuntimeError::Empty { what: "faces to calibrate on" });
    }
    let input = Input::new(card)?;
    let (graph, mut arrays) = fold(&card.graph, file.arrays())?;
    let plan = Plan::new(&graph, &arrays, None)?;
    let seen = observe(&graph, &plan, &input, faces)?;

    let groups = fuse(&graph);
    let mut codes: BTreeMap<NodeId, ByteCode> = BTreeMap::new();
    for group in groups.iter().filter(|group| becomes_bytes(&graph, group)) {
        let code = match (inherits(&graph, group), seen.get(&group.tail)) {
            (Some(from), _) if codes.contains_key(&from) => {
                Some(ByteCode { node: group.tail, ..codes[&from] })
            }
            (_, Some(seen)) => options.range.code(&seen.histogram).map(|(scale, zero)| ByteCode {
                node: group.tail,
                scale,
                zero,
            }),
            (_, None) => None,
        };
        codes.extend(code.map(|code| (group.tail, code)));
    }
    let mut steps = BTreeMap::new();
    for group in &groups {
        let node = &graph.nodes[group.head];
        let read = node.inputs.first().copied().unwrap_or_default();
        if !matches!(node.op, Op::Conv(_) | Op::Linear { .. }) || !codes.contains_key(&read) {
            continue;
        }
        let means = seen.get(&read).filter(|_| options.correct_bias).map(Seen::means);
        steps.extend(weights::round(&graph, group.head, &mut arrays, means.as_deref()));
    }
    let mut card = card.clone();
    card.graph = graph;
    card.accuracy = Vec::new();
    card.quantisation = Some(Quantisation {
        calibration: format!(
            "{} on {} faces{}",
            options.range,
            faces.len(),
            if options.correct_bias { ", biases corrected" } else { "" }
        ),
        activations: codes.into_values().collect(),
        weights: steps,
    });
    card.version = facette_graph::Card::current_version();
    Ok(StudentFile::new(card, arrays)?)
}

/// Whether a group's result is stored in bytes: maps are, vectors and what is not linear between
/// bytes are not.
fn becomes_bytes(graph: &Graph, group: &Fused) -> bool {
    let shapes = graph.shapes().unwrap_or_default();
    let shape = shapes.get(group.tail);
    let soft = matches!(graph.nodes[group.head].op, Op::Sigmoid | Op::L2Normalise | Op::Flatten);
    shape.is_some_and(|shape| shape.height * shape.width > 1) && !soft
}

/// The node whose code a group's result has as well, since its values are among that node's.
fn inherits(graph: &Graph, group: &Fused) -> Option<NodeId> {
    let node = &graph.nodes[group.head];
    let moves = matches!(
        node.op,
        Op::Channels { .. } | Op::Crop { .. } | Op::ChannelShuffle { .. } | Op::MaxPool(_)
    );
    node.inputs.first().copied().filter(|_| moves)
}

/// What was seen of a node's values.
#[derive(Debug, Default)]
struct Seen {
    histogram: Histogram,
    sums: Vec<f64>,
    count: usize,
}

impl Seen {
    /// The mean of each channel.
    fn means(&self) -> Vec<f64> {
        self.sums.iter().map(|sum| sum / self.count.max(1) as f64).collect()
    }
}

/// Runs the faces through the float network and looks at all values of all groups, twice: for
/// their bounds, and for their distribution within them.
fn observe(
    graph: &Graph,
    plan: &Plan,
    input: &Input,
    faces: &[Face<'_>],
) -> Result<BTreeMap<NodeId, Seen>, RuntimeError> {
    let shapes = graph.shapes()?;
    let (mut slots, mut work) = plan.reserve(1);
    let mut seen: BTreeMap<NodeId, Seen> = BTreeMap::new();
    let mut canvas = Canvas::default();
    let values = |step: &Step, slots: &Slots, see: &mut dyn FnMut(usize, f32)| {
        if let Place::Float(slot) = step.to.place {
            let channels = shapes[step.tail].channels;
            let all = slots.read::<f32>(slot, (), step.to.len);
            for pixel in all.values.chunks_exact(pitch(channels)) {
                pixel[..channels].iter().enumerate().for_each(|(c, &value)| see(c, value));
            }
        }
    };
    let mut pass = |face: Face<'_>,
                    slots: &mut Slots,
                    work: &mut Work,
                    look: &mut dyn FnMut(&Step, &Slots)| {
        if let Place::Float(slot) = plan.input.place {
            let mut into = slots.lend::<f32>(slot);
            input.write(face, &mut canvas, &mut into);
            slots.put_back(slot, into);
        }
        plan.run(Level::current(), 1, slots, work, look);
    };
    for &face in faces {
        pass(face, &mut slots, &mut work, &mut |step, slots| {
            let channels = shapes[step.tail].channels;
            let seen = seen.entry(step.tail).or_default();
            seen.sums.resize(channels, 0.0);
            seen.count += step.to.len / pitch(channels);
            values(step, slots, &mut |c, value| {
                seen.sums[c] += f64::from(value);
                seen.histogram.widen(value);
            });
        });
    }
    for &face in faces {
        pass(face, &mut slots, &mut work, &mut |step, slots| {
            if let Some(seen) = seen.get_mut(&step.tail) {
                values(step, slots, &mut |_, value| seen.histogram.count(value));
            }
        });
    }
    Ok(seen)
}
