//! The products in plain Rust: the specification.

use super::{Correlated, DEPTH, Gathered, HALVES, SIDE, SUMS, Tiles};

pub(super) static TILES: Tiles = Tiles { gather, correlate };

fn value(half: u16) -> f32 {
    f32::from_bits(u32::from(half) << 16)
}

/// The value at the lower address, and the other.
fn values(pair: u32) -> [f32; 2] {
    [f32::from_bits(pair << 16), f32::from_bits(pair & 0xffff_0000)]
}

unsafe fn gather(g: &Gathered<'_>) {
    for position in 0..g.positions {
        for row in 0..g.row_tiles * SIDE {
            let mut sum = 0.0;
            for (t, tap) in g.taps.iter().enumerate() {
                for block in 0..g.blocks {
                    for k in 0..DEPTH / 2 {
                        // SAFETY: the caller vouches for the tiles of weights of every tap and
                        // block, and for a source at every position that the taps meet.
                        unsafe {
                            let weight = g.weights.add(
                                row / SIDE * g.row_tiles_apart
                                    + (t * g.blocks + block) * HALVES
                                    + row % SIDE * DEPTH
                                    + 2 * k,
                            );
                            let source = (block * SIDE + k) * g.pitch + tap + position;
                            let [low, high] = values(*g.source.add(source));
                            sum += value(*weight) * low + value(*weight.add(1)) * high;
                        }
                    }
                }
            }
            // SAFETY: the caller vouches for all rows of `positions` sums.
            unsafe { *g.out.add(row * g.positions + position) = sum };
        }
    }
}

unsafe fn correlate(c: &Correlated) {
    for input in 0..c.input_tiles * SIDE {
        for output in 0..c.gradient_tiles * SIDE {
            let mut sum = 0.0;
            for k in 0..c.steps * DEPTH / 2 {
                // SAFETY: the caller vouches for `steps` tiles of both factors.
                unsafe {
                    let x = c.input.add(input * c.pitch + 2 * k);
                    let dy = output / SIDE * c.gradient_tiles_apart + k * SIDE + output % SIDE;
                    let [low, high] = values(*c.gradient.add(dy));
                    sum += value(*x) * low + value(*x.add(1)) * high;
                }
            }
            let tile = input / SIDE * 2 + output / SIDE;
            // SAFETY: the caller vouches for four tiles of sums.
            unsafe { *c.sums.add(tile * SUMS + input % SIDE * SIDE + output % SIDE) += sum };
        }
    }
}
