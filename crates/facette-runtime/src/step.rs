//! One step of a plan: a layer, where it reads and where it writes.

use alloc::string::String;
use alloc::vec::Vec;

use facette_graph::NodeId;
use facette_kernels::Level;
use facette_kernels::infer::{
    Arithmetic, Conv, Exact, Finish, Fixed, Fused, Source, Target, Value, Whole, Window, Work,
    average, maximum, pitch, pointwise,
};

use crate::rearrange::Rearrange;
use crate::slots::{Place, Slots, Stored};

/// Part of the activations: where it lies, and how many values it has for one face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) place: Place,
    pub(crate) len: usize,
}

/// A layer with its weights, and the tensors it reads and writes.
#[derive(Debug)]
pub(crate) struct Step {
    /// Path and kind of the node that does the work, for people.
    pub(crate) name: String,
    pub(crate) op: &'static str,
    /// The node whose value is written.
    pub(crate) tail: NodeId,
    pub(crate) from: Vec<Tensor>,
    pub(crate) residual: Option<Tensor>,
    pub(crate) to: Tensor,
    pub(crate) layer: Layer,
}

/// What a step computes.
#[derive(Debug)]
pub(crate) enum Layer {
    Fused(Conv<Fused>),
    Exact(Conv<Exact>),
    Fixed(Conv<Fixed>),
    Whole(Conv<Whole>),
    Pointwise(Finish),
    Maximum(Window),
    Average(Window),
    Rearrange(Rearrange),
    Sigmoid,
    /// Division by the length of the vector, of this many channels.
    Normalise(usize),
}

/// Reads a tensor of either type as `$x` in `$body`.
macro_rules! reading {
    ($slots:expr, $tensor:expr, $batch:expr, $x:ident => $body:expr) => {
        match $tensor.place {
            Place::Float(slot) => {
                let $x = $slots.read::<f32>(slot, (), $batch * $tensor.len);
                $body
            }
            Place::Byte(slot, code) => {
                let $x = $slots.read::<u8>(slot, code, $batch * $tensor.len);
                $body
            }
        }
    };
}

impl Step {
    /// How a convolution is computed, or what else is done.
    pub(crate) fn method(&self) -> &'static str {
        match &self.layer {
            Layer::Fused(conv) => conv.method(),
            Layer::Exact(conv) => conv.method(),
            Layer::Fixed(conv) => conv.method(),
            Layer::Whole(conv) => conv.method(),
            _ => "plain",
        }
    }

    /// Computes it for the first `batch` faces of the slots.
    pub(crate) fn run(&self, level: Level, batch: usize, slots: &mut Slots, work: &mut Work) {
        match self.to.place {
            Place::Float(slot) => self.run_to::<f32>(slot, (), level, batch, slots, work),
            Place::Byte(slot, code) => self.run_to::<u8>(slot, code, level, batch, slots, work),
        }
    }

    fn run_to<Y: Stored>(
        &self,
        slot: usize,
        code: Y::Code,
        level: Level,
        batch: usize,
        slots: &mut Slots,
        work: &mut Work,
    ) {
        let mut buffer = slots.lend::<Y>(slot);
        let mut y = Target { values: &mut buffer[..batch * self.to.len], code };
        let first = self.from[0];
        match (&self.layer, first.place) {
            (Layer::Fused(conv), Place::Float(from)) => {
                let x = slots.read(from, (), batch * first.len);
                self.convolve(conv, level, batch, x, slots, y, work);
            }
            (Layer::Exact(conv), Place::Float(from)) => {
                let x = slots.read(from, (), batch * first.len);
                self.convolve(conv, level, batch, x, slots, y, work);
            }
            (Layer::Fixed(conv), Place::Float(from)) => {
                let x = slots.read(from, (), batch * first.len);
                self.convolve(conv, level, batch, x, slots, y, work);
            }
            (Layer::Whole(conv), Place::Byte(from, code)) => {
                let x = slots.read(from, code, batch * first.len);
                self.convolve(conv, level, batch, x, slots, y, work);
            }
            (Layer::Fused(_) | Layer::Exact(_) | Layer::Fixed(_), Place::Byte(..))
            | (Layer::Whole(_), Place::Float(_)) => {
                unreachable!("the plan chooses the arithmetic by what is read")
            }
            (Layer::Pointwise(finish), _) => reading!(slots, first, batch, x => {
                match self.residual {
                    None => pointwise::<_, f32, _>(level, finish, x, None, y),
                    Some(residual) => reading!(slots, residual, batch, residual => {
                        pointwise(level, finish, x, Some(residual), y);
                    }),
                }
            }),
            (Layer::Maximum(window), _) => {
                reading!(slots, first, batch, x => maximum(level, window, batch, x, y));
            }
            (Layer::Average(window), _) => {
                reading!(slots, first, batch, x => average(level, window, batch, x, y));
            }
            (Layer::Rearrange(rearrange), _) => {
                for (i, tensor) in self.from.iter().enumerate() {
                    reading!(slots, tensor, batch, x => rearrange.run(i, batch, x, &mut y));
                }
            }
            (Layer::Sigmoid, _) => reading!(slots, first, batch, x => sigmoid(x, y)),
            (Layer::Normalise(channels), _) => reading!(slots, first, batch, x => {
                normalise(*channels, x, y);
            }),
        }
        slots.put_back(slot, buffer);
    }

    #[expect(clippy::too_many_arguments, reason = "what a layer reads, writes and works in")]
    fn convolve<A: Arithmetic, Y: Value>(
        &self,
        conv: &Conv<A>,
        level: Level,
        batch: usize,
        x: Source<'_, A::Source>,
        slots: &Slots,
        y: Target<'_, Y>,
        work: &mut Work,
    ) {
        match self.residual {
            None => conv.run::<f32, Y>(level, batch, x, None, y, work),
            Some(residual) => reading!(slots, residual, batch, residual => {
                conv.run(level, batch, x, Some(residual), y, work);
            }),
        }
    }
}

fn sigmoid<X: Value, Y: Value>(x: Source<'_, X>, y: Target<'_, Y>) {
    for (to, &value) in y.values.iter_mut().zip(x.values) {
        *to = Y::write(1.0 / (1.0 + libm::expf(-value.read(x.code))), y.code);
    }
}

/// Divides each face's vector by its Euclidean length, at least 1e-12.
fn normalise<X: Value, Y: Value>(channels: usize, x: Source<'_, X>, y: Target<'_, Y>) {
    let faces = x.values.chunks_exact(pitch(channels));
    for (x_face, y_face) in faces.zip(y.values.chunks_exact_mut(pitch(channels))) {
        let values = x_face[..channels].iter().map(|v| f64::from(v.read(x.code)));
        let length = libm::sqrt(values.map(|v| v * v).sum::<f64>()).max(1e-12);
        for (y_value, value) in y_face.iter_mut().zip(&x_face[..channels]) {
            *y_value = Y::write((f64::from(value.read(x.code)) / length) as f32, y.code);
        }
    }
}
