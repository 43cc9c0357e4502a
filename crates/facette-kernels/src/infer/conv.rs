//! A convolution and all that follows it up to the next.

use super::arithmetic::{Arithmetic, Fixed};
use super::bytes::Bytes;
use super::depthwise::{self, Depthwise};
use super::direct::Direct;
use super::dot::ByteProducts;
use super::finish::Finish;
use super::fixed;
use super::level_task::run_at;
use super::pitch;
use super::value::{Source, Target, Value};
use super::winograd::Shortcut;
use super::work::{Needs, Work};
use crate::conv::ConvShape;
use crate::{Level, check_len};

/// A convolution with its weights packed, and what follows it.
#[derive(Debug)]
pub struct Conv<A: Arithmetic> {
    input: usize,
    output: usize,
    finish: Finish,
    /// Steps of an activation in 1, in fixed point.
    unit: f32,
    method: Method<A>,
    /// The same in bytes, for levels with instructions for them.
    bytes: Option<Bytes>,
}

#[derive(Debug)]
enum Method<A: Arithmetic> {
    Direct(Direct<A>),
    Depthwise(Depthwise<A>),
    Winograd(A::Shortcut),
}

impl Conv<Fixed> {
    /// The same for activations of another reach than the usual, with weights made for it.
    #[must_use]
    pub fn reaching(mut self, reach: f32) -> Self {
        self.unit = fixed::unit(reach);
        self
    }
}

impl<A: Arithmetic> Conv<A> {
    /// Packs `weight`, `[out, in / groups, rows, columns]`; the batch of `shape` is of no account.
    ///
    /// # Panics
    /// Where `weight` or `finish` are not as long as the shape says.
    pub fn new(shape: &ConvShape, weight: &[A::Weight], finish: Finish) -> Self {
        check_len("weight", weight.len(), shape.weight_len());
        check_len("finish", finish.channels(), shape.out_channels);
        let method = if shape.is_depthwise() {
            Method::Depthwise(Depthwise::new(shape, weight))
        } else if let Some(shortcut) = A::Shortcut::new(shape, weight) {
            Method::Winograd(shortcut)
        } else {
            Method::Direct(Direct::new(shape, weight))
        };
        Self {
            input: shape.height * shape.width * pitch(shape.in_channels),
            output: shape.out_height * shape.out_width * pitch(shape.out_channels),
            finish,
            unit: Fixed::STEPS,
            method,
            bytes: A::byte_weights(weight).and_then(|weight| Bytes::new(shape, weight)),
        }
    }

    /// How it is computed: `direct`, `depthwise` or `winograd`.
    pub fn method(&self) -> &'static str {
        match &self.method {
            Method::Direct(_) => "direct",
            Method::Depthwise(_) => "depthwise",
            Method::Winograd(_) => "winograd",
        }
    }

    /// Makes room in `work` for a batch of this many pictures.
    pub fn reserve(&self, work: &mut Work, batch: usize) {
        A::buffers(work).reserve(self.needs(batch));
        if let Some(bytes) = &self.bytes {
            bytes.reserve(work);
        }
    }

    /// Bytes of working memory for one picture, without the rows of bytes that some levels add.
    pub fn work_bytes(&self) -> usize {
        let Needs { pictures, tiles, sums } = self.needs(1);
        let factors = pictures.saturating_add(tiles).saturating_mul(size_of::<A::Operand>());
        factors.saturating_add(sums.saturating_mul(size_of::<A::Sum>()))
    }

    fn needs(&self, batch: usize) -> Needs {
        match &self.method {
            Method::Direct(layer) => layer.needs(batch),
            Method::Depthwise(_) => Needs::default(),
            Method::Winograd(layer) => layer.needs(batch),
        }
    }

    /// Computes `y` from `x` and, where there is one, the residual, which is shaped as `y`.
    ///
    /// # Panics
    /// Where a slice is not as long as batch and shape say, or `work` has too little room.
    pub fn run<R: Value, Y: Value>(
        &self,
        level: Level,
        batch: usize,
        x: Source<'_, A::Source>,
        residual: Option<Source<'_, R>>,
        y: Target<'_, Y>,
        work: &mut Work,
    ) {
        check_len("x", x.values.len(), batch * self.input);
        check_len("y", y.values.len(), batch * self.output);
        if let Some(residual) = residual {
            check_len("residual", residual.values.len(), batch * self.output);
        }
        let finish = &self.finish;
        if let (Some(bytes), Some(x), Some(products)) =
            (&self.bytes, A::bytes(x), self.byte_products(level, batch))
        {
            return bytes.run(level, products, batch, x, residual, finish, y, work);
        }
        let buffers = A::buffers(work);
        match &self.method {
            Method::Direct(layer) => {
                layer.run(level, batch, self.unit, x, residual, finish, y, buffers)
            }
            Method::Winograd(layer) => layer.run(level, batch, x, residual, finish, y, buffers),
            Method::Depthwise(layer) => {
                let unit = self.unit;
                run_at(level, depthwise::Run { layer, batch, unit, x, residual, finish, y });
            }
        }
    }

    /// The loop over bytes where it is the fastest.
    fn byte_products(&self, level: Level, batch: usize) -> Option<ByteProducts> {
        ByteProducts::of(level).filter(|products| match &self.method {
            Method::Winograd(layer) => !layer.pays(batch, products.shortcut_from),
            _ => true,
        })
    }
}
