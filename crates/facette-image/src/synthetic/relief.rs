//! The face as a height field: where it catches the light, where it lies in its own shade.

use super::head::Head;
use super::texture::length;

/// A soft hill (or hollow) of the relief.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bump {
    pub(super) x: f32,
    pub(super) y: f32,
    /// Standard deviation across.
    pub(super) wide: f32,
    /// Standard deviation downwards.
    pub(super) high: f32,
    pub(super) height: f32,
}

const STEP: f32 = 2.0;
const LEFT: f32 = -72.0;
const TOP: f32 = -84.0;
const COLUMNS: usize = 73;
const ROWS: usize = 85;

/// Heights, slopes and openness on a grid of two units.
pub(super) struct Relief {
    nodes: Vec<Node>,
}

/// The relief at one place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Node {
    height: f32,
    /// Distance from the outline of the head, positive inside.
    pub(super) edge: f32,
    /// A gentler height, by which places shift when the head turns: steep flanks would fold over.
    depth: f32,
    pub(super) slope_x: f32,
    pub(super) slope_y: f32,
    /// Part of the sky that is seen: 1 on hills, less in hollows.
    pub(super) open: f32,
    /// Part of the lamp that is seen.
    pub(super) lit: f32,
}

impl Relief {
    /// The relief of `head` with the bumps that `fill` adds to it.
    pub(super) fn new(head: &Head, fill: impl FnOnce(&mut dyn FnMut(Bump))) -> Self {
        let mut bumps = vec![0.0f32; COLUMNS * ROWS];
        fill(&mut |bump| add(&mut bumps, &bump));
        let place = |i: usize| (position(LEFT, i % COLUMNS), position(TOP, i / COLUMNS));
        let height = |(i, bump): (usize, &f32)| head.height(place(i).0, place(i).1) + bump;
        let heights: Vec<f32> = bumps.iter().enumerate().map(height).collect();
        let columns: [[f32; 2]; COLUMNS] = std::array::from_fn(|k| head.column(position(LEFT, k)));
        let rows: [[f32; 2]; ROWS] = std::array::from_fn(|k| head.row(position(TOP, k)));
        let edge = |column: [f32; 2], row: [f32; 2]| {
            // The outline is where the two values sum to 1; the root makes far distances even.
            2.0 * (1.0 - (column[0] + row[0]).sqrt()) / length(column[1], row[1]).max(0.02)
        };
        let blurred = blurred(&heights);
        let at = |x: usize, y: usize| heights[y * COLUMNS + x];
        let node = |i: usize| {
            let (x, y) = (i % COLUMNS, i / COLUMNS);
            let (left, right) = (x.saturating_sub(1), (x + 1).min(COLUMNS - 1));
            let (above, below) = (y.saturating_sub(1), (y + 1).min(ROWS - 1));
            Node {
                height: heights[i],
                edge: edge(columns[x], rows[y]),
                depth: head.depth(place(i).0, place(i).1) + 0.8 * bumps[i],
                slope_x: (at(right, y) - at(left, y)) / ((right - left) as f32 * STEP),
                slope_y: (at(x, below) - at(x, above)) / ((below - above) as f32 * STEP),
                open: (1.0 - 0.11 * (blurred[i] - heights[i])).clamp(0.35, 1.08),
                lit: 1.0,
            }
        };
        Self { nodes: (0..COLUMNS * ROWS).map(node).collect() }
    }

    /// Works out which nodes the lamp in direction `towards` (of the head) does not reach.
    pub(super) fn cast_shadows(&mut self, towards: [f32; 3]) {
        let [x, y, z] = towards;
        for i in 0..self.nodes.len() {
            let (from_x, from_y) = (position(LEFT, i % COLUMNS), position(TOP, i / COLUMNS));
            if self.nodes[i].height < 2.0 {
                continue;
            }
            let start = self.nodes[i].height + 0.6;
            let hidden = [3.0f32, 6.0, 10.0, 15.0, 23.0].map(|way| {
                let ray = start + way * z;
                // A lamp is not a point: what is far away hides it only in part.
                let there =
                    self.interpolated(from_x + way * x, from_y + way * y, |node| node.height);
                (there - ray) / (1.0 + 0.12 * way)
            });
            let deepest = hidden.into_iter().fold(0.0, f32::max);
            self.nodes[i].lit = (1.0 - 0.55 * deepest).clamp(0.0, 1.0);
        }
    }

    /// The height that counts for where a place appears.
    pub(super) fn depth(&self, x: f32, y: f32) -> f32 {
        self.interpolated(x, y, |node| node.depth)
    }

    fn interpolated(&self, x: f32, y: f32, value: impl Fn(&Node) -> f32) -> f32 {
        let (i, u, v) = cell(x, y);
        let at = |k: usize| value(&self.nodes[i + k]);
        let top = at(0) + (at(1) - at(0)) * u;
        let bottom = at(COLUMNS) + (at(COLUMNS + 1) - at(COLUMNS)) * u;
        top + (bottom - top) * v
    }

    pub(super) fn at(&self, x: f32, y: f32) -> Node {
        let (i, u, v) = cell(x, y);
        let parts = [(1.0 - u) * (1.0 - v), u * (1.0 - v), (1.0 - u) * v, u * v];
        let corners = [i, i + 1, i + COLUMNS, i + COLUMNS + 1];
        let mut sum = Node::default();
        for (part, corner) in parts.into_iter().zip(corners) {
            let node = &self.nodes[corner];
            sum.edge += part * node.edge;
            sum.slope_x += part * node.slope_x;
            sum.slope_y += part * node.slope_y;
            sum.open += part * node.open;
            sum.lit += part * node.lit;
        }
        sum
    }
}

fn position(from: f32, k: usize) -> f32 {
    from + STEP * k as f32
}

fn cell(x: f32, y: f32) -> (usize, f32, f32) {
    let u = ((x - LEFT) / STEP).clamp(0.0, (COLUMNS - 1) as f32 - 1e-3);
    let v = ((y - TOP) / STEP).clamp(0.0, (ROWS - 1) as f32 - 1e-3);
    let (i, j) = (u as usize, v as usize);
    (j * COLUMNS + i, u - i as f32, v - j as f32)
}

/// A Gaussian is the product of two: only a row and a column of exponentials are needed.
fn add(heights: &mut [f32], bump: &Bump) {
    let bell = |distance: f32, deviation: f32| (-0.5 * (distance / deviation).powi(2)).exp();
    let across: [f32; COLUMNS] =
        std::array::from_fn(|k| bump.height * bell(position(LEFT, k) - bump.x, bump.wide));
    for (k, row) in heights.chunks_exact_mut(COLUMNS).enumerate() {
        let down = bell(position(TOP, k) - bump.y, bump.high);
        if down > 1e-3 {
            row.iter_mut().zip(across).for_each(|(height, part)| *height += down * part);
        }
    }
}

/// Mean over a window of seven nodes a side, by two passes.
fn blurred(heights: &[f32]) -> Vec<f32> {
    const REACH: usize = 3;
    let pass = |source: &[f32], step: usize, length: usize| -> Vec<f32> {
        let mean = |i: usize| {
            let k = i / step % length;
            let (first, last) = (k.saturating_sub(REACH), (k + REACH).min(length - 1));
            let start = i - k * step;
            (first..=last).map(|k| source[start + k * step]).sum::<f32>()
                / (last - first + 1) as f32
        };
        (0..source.len()).map(mean).collect()
    };
    pass(&pass(heights, 1, COLUMNS), COLUMNS, ROWS)
}
