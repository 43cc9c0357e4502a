//! The portable inner loops: what every other table must compute.

use super::{ConvTile, Kernels, LANES, MAX_ROWS, OuterTile, Pack, Product, Unpack, winograd};

pub(super) static KERNELS: Kernels = Kernels {
    conv: [conv::<1>, conv::<2>, conv::<3>, conv::<4>, conv::<5>, conv::<6>],
    outer: [outer::<1>, outer::<2>, outer::<3>, outer::<4>, outer::<5>, outer::<6>],
    product: [product::<1>, product::<2>, product::<3>, product::<4>, product::<5>, product::<6>],
    pack,
    unpack,
    transform: [
        winograd::run::<[f32; 8], winograd::Input, 6, 6>,
        winograd::run::<[f32; 8], winograd::Output, 6, 4>,
        winograd::run::<[f32; 8], winograd::OutputGradient, 4, 6>,
        winograd::run::<[f32; 8], winograd::Weight, 3, 6>,
        winograd::run::<[f32; 8], winograd::WeightGradient, 6, 3>,
    ],
};

const _: () = assert!(MAX_ROWS == 6);

/// `sum[m] += rows[m] * lanes`
///
/// # Safety
/// M elements must lie behind `rows` and LANES behind `lanes`.
#[inline(always)]
unsafe fn rank_one<const M: usize>(
    sum: &mut [[f32; LANES]; M],
    rows: *const f32,
    lanes: *const f32,
) {
    // SAFETY: the caller vouches for the elements.
    let (rows, lanes) = unsafe { (&*rows.cast::<[f32; M]>(), &*lanes.cast::<[f32; LANES]>()) };
    for (sum, factor) in sum.iter_mut().zip(rows) {
        for (sum, lane) in sum.iter_mut().zip(lanes) {
            *sum += factor * lane;
        }
    }
}

/// [`rank_one`] for `count` steps, packed one behind the other.
///
/// # Safety
/// The steps must lie behind both pointers.
#[inline(always)]
unsafe fn accumulate<const M: usize>(
    sum: &mut [[f32; LANES]; M],
    rows: *const f32,
    lanes: *const f32,
    count: usize,
) {
    for i in 0..count {
        // SAFETY: the caller vouches for `count` steps.
        unsafe { rank_one(sum, rows.add(i * M), lanes.add(i * LANES)) };
    }
}

unsafe fn conv<const M: usize>(t: &ConvTile<'_>) {
    let mut sum: [[f32; LANES]; M] = core::array::from_fn(|m| [t.bias[m]; LANES]);
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
    for (m, sum) in sum.iter().enumerate() {
        // SAFETY: the caller vouches for M rows of LANES elements, `out_pitch` apart.
        unsafe { t.out.add(m * t.out_pitch).cast::<[f32; LANES]>().write(*sum) };
    }
}

unsafe fn outer<const M: usize>(t: &OuterTile<'_>) {
    let mut sum = [[0.0; LANES]; M];
    for pair in t.pairs {
        // SAFETY: the caller vouches that both panels hold the pair's pixels.
        unsafe {
            let source = t.source.add(pair.source * LANES);
            rank_one(&mut sum, source, t.destination.add(pair.destination * LANES));
        }
    }
    for (m, sum) in sum.iter().enumerate() {
        // SAFETY: the tile holds M rows of LANES elements.
        let total = unsafe { &mut *t.sum.add(m * LANES).cast::<[f32; LANES]>() };
        for (total, sum) in total.iter_mut().zip(sum) {
            *total += sum;
        }
    }
}

unsafe fn product<const M: usize>(p: &Product) {
    for column in 0..p.count {
        let mut sum = [[0.0; LANES]; M];
        // SAFETY: the caller vouches for `count` columns of `depth` vectors and for their places.
        unsafe {
            let lanes = p.columns.add(column * p.depth * LANES);
            accumulate(&mut sum, p.weight, lanes, p.depth);
            for (m, sum) in sum.iter().enumerate() {
                p.out.add(m * p.out_pitch + column * LANES).cast::<[f32; LANES]>().write(*sum);
            }
        }
    }
}

pub(super) unsafe fn pack(p: &Pack) {
    // SAFETY: the caller vouches for all of `0..len`.
    unsafe { pack_from(p, 0) }
}

/// Packs elements `start..len`.
///
/// # Safety
/// The extents of `p` must be those of its buffers.
pub(super) unsafe fn pack_from(p: &Pack, start: usize) {
    for i in start..p.len {
        let at = (i % p.run) * p.steps[0] + (i / p.run) * p.steps[1];
        for n in 0..LANES {
            // SAFETY: `i < len` and `n < count` lie in the source, and the caller vouches for
            // the destination.
            unsafe {
                let value = if n < p.count { *p.from.add(n * p.pitch + i) } else { 0.0 };
                *p.into.add(at + n) = value;
            }
        }
    }
}

pub(super) unsafe fn unpack(p: &Unpack) {
    // SAFETY: the caller vouches for all of `0..len`.
    unsafe { unpack_from(p, 0) }
}

/// Unpacks elements `start..len`.
///
/// # Safety
/// The extents of `p` must be those of its buffers.
pub(super) unsafe fn unpack_from(p: &Unpack, start: usize) {
    for n in 0..p.count {
        for i in start..p.len {
            // SAFETY: `i < len` and `n < count <= LANES` lie in both buffers.
            unsafe { *p.into.add(n * p.pitch + i) = *p.from.add(i * LANES + n) };
        }
    }
}
