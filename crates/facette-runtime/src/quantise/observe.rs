//! What values a network's maps take on faces.

use std::collections::BTreeMap;

use facette_graph::{Graph, NodeId};
use facette_kernels::Level;
use facette_kernels::infer::{Work, pitch};

use super::histogram::Histogram;
use crate::error::RuntimeError;
use crate::input::{Canvas, Face, Input};
use crate::plan::Plan;
use crate::slots::{Place, Slots};
use crate::step::Step;

/// What was seen of a node's values.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) histogram: Histogram,
    /// The largest magnitude in each channel.
    pub(super) largest: Vec<f32>,
    sums: Vec<f64>,
    count: usize,
}

impl Seen {
    /// The mean of each channel.
    pub(super) fn means(&self) -> Vec<f64> {
        self.sums.iter().map(|sum| sum / self.count.max(1) as f64).collect()
    }
}

/// Runs the faces through the float network and looks at all values of all groups, twice: for
/// their bounds, and for their distribution within them.
pub(super) fn observe(
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
            seen.largest.resize(channels, 0.0);
            seen.count += step.to.len / pitch(channels);
            values(step, slots, &mut |c, value| {
                seen.sums[c] += f64::from(value);
                seen.largest[c] = seen.largest[c].max(value.abs());
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
