//! The inner loops over [`Native`] lanes, for targets of which every processor has the registers.
//!
//! A tile of 6 rows by 16 lanes is 24 accumulators of four: AArch64 has 32 such registers, and
//! engines of WebAssembly spill what they lack.

use super::winograd::{self, Transform};
use super::{ConvTile, Kernels, LANES, MAX_ROWS, Native, OuterTile, Product, Vector, scalar};

pub(super) static KERNELS: Kernels = Kernels {
    conv: [conv::<1>, conv::<2>, conv::<3>, conv::<4>, conv::<5>, conv::<6>],
    outer: [outer::<1>, outer::<2>, outer::<3>, outer::<4>, outer::<5>, outer::<6>],
    product: [product::<1>, product::<2>, product::<3>, product::<4>, product::<5>, product::<6>],
    pack: scalar::pack,
    unpack: scalar::unpack,
    transform: [
        transform::<winograd::Input, 6, 6>,
        transform::<winograd::Output, 6, 4>,
        transform::<winograd::OutputGradient, 4, 6>,
        transform::<winograd::Weight, 3, 6>,
        transform::<winograd::WeightGradient, 6, 3>,
    ],
};

const _: () = assert!(MAX_ROWS == 6 && LANES == 16);

/// The sums of one row.
type Row = [Native; 2];

/// `sum[m] += rows[m] * lanes` for `count` steps, packed one behind the other.
///
/// # Safety
/// M elements a step must lie behind `rows` and LANES behind `lanes`.
#[inline(always)]
unsafe fn accumulate<const M: usize>(
    sum: &mut [Row; M],
    rows: *const f32,
    lanes: *const f32,
    count: usize,
) {
    for i in 0..count {
        // SAFETY: the caller vouches for `count` steps.
        unsafe {
            let (rows, lanes) = (rows.add(i * M), lanes.add(i * LANES));
            let lanes = [Native::load(lanes), Native::load(lanes.add(8))];
            for m in 0..M {
                let factor = Native::splat(*rows.add(m));
                sum[m] = [lanes[0].mul_add(factor, sum[m][0]), lanes[1].mul_add(factor, sum[m][1])];
            }
        }
    }
}

/// # Safety
/// 16 elements must be writable.
#[inline(always)]
unsafe fn store(row: Row, into: *mut f32) {
    // SAFETY: the caller vouches for 16 elements.
    unsafe {
        row[0].store(into);
        row[1].store(into.add(8));
    }
}

unsafe fn conv<const M: usize>(t: &ConvTile<'_>) {
    let mut sum: [Row; M] = core::array::from_fn(|m| [Native::splat(t.bias[m]); 2]);
    for row in t.rows {
        let (columns, count) = match t.columns {
            [first, rest @ ..] if t.adjacent => (core::slice::from_ref(first), rest.len() + 1),
            columns => (columns, 1),
        };
        for column in columns {
            // SAFETY: the caller vouches that each tap's source lies in the packed band and its
            // weights in the packed block, those of adjacent columns one behind the other.
            unsafe {
                let at = (row.source - t.first_row) * t.row_pitch + column.source * t.column_pitch;
                let tap = row.tap * t.kernel_width + column.tap;
                let weight = t.weight.add(tap * t.depth * M);
                accumulate(&mut sum, weight, t.source.add(at), count * t.depth);
            }
        }
    }
    for (m, sum) in sum.into_iter().enumerate() {
        // SAFETY: the caller vouches for M rows of 16 elements, `out_pitch` apart.
        unsafe { store(sum, t.out.add(m * t.out_pitch)) };
    }
}

unsafe fn outer<const M: usize>(t: &OuterTile<'_>) {
    let mut sum = [[Native::splat(0.0); 2]; M];
    for pair in t.pairs {
        // SAFETY: the caller vouches that both panels hold the pair's pixels.
        unsafe {
            let source = t.source.add(pair.source * LANES);
            accumulate(&mut sum, source, t.destination.add(pair.destination * LANES), 1);
        }
    }
    for (m, sum) in sum.into_iter().enumerate() {
        // SAFETY: the tile holds M rows of 16 elements.
        unsafe {
            let into = t.sum.add(m * LANES);
            let before = [Native::load(into), Native::load(into.add(8))];
            store([before[0].add(sum[0]), before[1].add(sum[1])], into);
        }
    }
}

unsafe fn product<const M: usize>(p: &Product) {
    for column in 0..p.count {
        let mut sum = [[Native::splat(0.0); 2]; M];
        // SAFETY: the caller vouches for `count` columns of `depth` vectors and for their places.
        unsafe {
            let lanes = p.columns.add(column * p.depth * LANES);
            accumulate(&mut sum, p.weight, lanes, p.depth);
            for (m, sum) in sum.into_iter().enumerate() {
                store(sum, p.out.add(m * p.out_pitch + column * LANES));
            }
        }
    }
}

unsafe fn transform<T: winograd::Line<I, O>, const I: usize, const O: usize>(t: &Transform) {
    // SAFETY: the caller vouches for the extents, and the target has the registers.
    unsafe { winograd::run::<Native, T, I, O>(t) }
}
