//! Memory of activations: which tensor lies where, and for how long.

use alloc::vec::Vec;

use facette_kernels::infer::{Aligned, Code, Plain, Source, Value};

/// Where a tensor lies, and what its values stand for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Place {
    /// A buffer of floats.
    Float(usize),
    /// A buffer of bytes.
    Byte(usize, Code),
}

/// Values for one face in each buffer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Layout {
    floats: Vec<usize>,
    bytes: Vec<usize>,
}

/// Hands out buffers to tensors, and again once their readers are done.
#[derive(Debug, Default)]
pub(crate) struct Planner {
    layout: Layout,
    free_floats: Vec<usize>,
    free_bytes: Vec<usize>,
}

impl Planner {
    /// A buffer of at least `len` values.
    pub(crate) fn take(&mut self, len: usize, code: Option<Code>) -> Place {
        match code {
            None => Place::Float(fit(&mut self.layout.floats, &mut self.free_floats, len)),
            Some(code) => Place::Byte(fit(&mut self.layout.bytes, &mut self.free_bytes, len), code),
        }
    }

    /// Its tensor is needed no more.
    pub(crate) fn release(&mut self, place: Place) {
        match place {
            Place::Float(slot) => self.free_floats.push(slot),
            Place::Byte(slot, _) => self.free_bytes.push(slot),
        }
    }

    pub(crate) fn finish(self) -> Layout {
        self.layout
    }
}

/// The smallest free buffer that is large enough, else the largest free one, made larger, else a
/// new one.
fn fit(sizes: &mut Vec<usize>, free: &mut Vec<usize>, len: usize) -> usize {
    let enough = (0..free.len()).filter(|&i| sizes[free[i]] >= len).min_by_key(|&i| sizes[free[i]]);
    let found = enough.or_else(|| (0..free.len()).max_by_key(|&i| sizes[free[i]]));
    let slot = match found {
        Some(i) => free.swap_remove(i),
        None => {
            sizes.push(0);
            sizes.len() - 1
        }
    };
    sizes[slot] = sizes[slot].max(len);
    slot
}

impl Layout {
    /// Bytes for one face.
    pub(crate) fn bytes(&self) -> usize {
        let floats: usize = self.floats.iter().sum();
        size_of::<f32>() * floats + self.bytes.iter().sum::<usize>()
    }
}

/// The buffers themselves, for a number of faces.
#[derive(Debug)]
pub(crate) struct Slots {
    floats: Vec<Aligned<f32>>,
    bytes: Vec<Aligned<u8>>,
}

impl Slots {
    pub(crate) fn new(layout: &Layout, faces: usize) -> Self {
        Self {
            floats: layout.floats.iter().map(|len| Aligned::new(len * faces)).collect(),
            bytes: layout.bytes.iter().map(|len| Aligned::new(len * faces)).collect(),
        }
    }
}

/// Which buffers hold a type of values.
pub(crate) trait Stored: Value + Plain {
    fn buffers(slots: &Slots) -> &[Aligned<Self>];
    fn buffers_mut(slots: &mut Slots) -> &mut [Aligned<Self>];
}

impl Stored for f32 {
    fn buffers(slots: &Slots) -> &[Aligned<f32>] {
        &slots.floats
    }

    fn buffers_mut(slots: &mut Slots) -> &mut [Aligned<f32>] {
        &mut slots.floats
    }
}

impl Stored for u8 {
    fn buffers(slots: &Slots) -> &[Aligned<u8>] {
        &slots.bytes
    }

    fn buffers_mut(slots: &mut Slots) -> &mut [Aligned<u8>] {
        &mut slots.bytes
    }
}

impl Slots {
    /// The first `len` values of a buffer.
    pub(crate) fn read<T: Stored>(&self, slot: usize, code: T::Code, len: usize) -> Source<'_, T> {
        Source { values: &T::buffers(self)[slot][..len], code }
    }

    /// Lends a buffer out while the others are read.
    pub(crate) fn lend<T: Stored>(&mut self, slot: usize) -> Aligned<T> {
        core::mem::take(&mut T::buffers_mut(self)[slot])
    }

    /// Takes a lent buffer back.
    pub(crate) fn put_back<T: Stored>(&mut self, slot: usize, buffer: Aligned<T>) {
        T::buffers_mut(self)[slot] = buffer;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_used_again_and_grow_where_they_must() {
        let mut planner = Planner::default();
        let (a, b) = (planner.take(10, None), planner.take(20, None));
        assert_eq!((a, b), (Place::Float(0), Place::Float(1)));
        planner.release(a);
        assert_eq!(planner.take(15, None), a, "the free one grows");
        planner.release(b);
        planner.release(a);
        assert_eq!(planner.take(16, None), b, "the smallest that is large enough");
        let code = Code::new(1.0, 0).unwrap();
        assert_eq!(planner.take(7, Some(code)), Place::Byte(0, code));
        assert_eq!(planner.finish().bytes(), 4 * (15 + 20) + 7);
    }
}
