//! Smooth noise on a lattice, a function of place and seed alone.

/// Value noise with unit lattice, between -1 and 1.
pub(super) fn noise(x: f32, y: f32, seed: u32) -> f32 {
    let (x0, y0) = (floor(x), floor(y));
    let (u, v) = (smooth(x - x0 as f32), smooth(y - y0 as f32));
    let corner = |dx: i32, dy: i32| lattice(x0.wrapping_add(dx), y0.wrapping_add(dy), seed);
    let top = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * u;
    let bottom = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * u;
    top + (bottom - top) * v
}

/// 3t^2 - 2t^3 with `t` held inside 0..1.
pub(super) fn smooth(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Rises smoothly from 0 at `from` to 1 at `to`; falls if `to` is the smaller.
pub(super) fn ramp(from: f32, to: f32, x: f32) -> f32 {
    smooth((x - from) / (to - from))
}

/// Faster than the library's where the processor has no instruction for it.
fn floor(x: f32) -> i32 {
    let towards_zero = x as i32;
    towards_zero - i32::from(x < towards_zero as f32)
}

/// Length of the hypotenuse; coordinates of faces neither overflow nor vanish.
pub(super) fn length(x: f32, y: f32) -> f32 {
    (x * x + y * y).sqrt()
}

fn lattice(x: i32, y: i32, seed: u32) -> f32 {
    let mut h = seed ^ (x as u32).wrapping_mul(0x9E37_79B1) ^ (y as u32).wrapping_mul(0x85EB_CA77);
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
    h ^= h >> 15;
    (h as i32) as f32 * (1.0 / 2_147_483_648.0)
}
