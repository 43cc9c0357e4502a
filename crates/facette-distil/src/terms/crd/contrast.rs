//! The noise-contrastive loss against a memory, and how the memory moves.
//!
//! Numerics: all `n x N` inner products are taken and the drawn ones picked, which moves less memory than
//! gathering `n K` rows. What stands between the products and the loss is differentiated by hand in one pass
//! over the draws; logarithms of the negatives are taken of products of many, in f64.

use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorData};
use facette_nets::read;

use crate::error::DistilError;
use crate::normalise::{EPS, rows};

/// Keeps logarithms finite, as in the reference.
const SMALL: f64 = 1e-7;

/// Products of more than this are taken to the logarithm.
const LARGE: f64 = 1e100;

/// Noise-contrastive loss of `anchors` `[n, d]` against drawn rows of `memory` `[pictures, d]`,
/// `[1]`, and the `Z` it was taken with.
///
/// `drawn` holds `K + 1` rows for each anchor, its own picture's first. `z` is that of the batch
/// where not given. The gradient reaches `anchors` alone.
///
/// # Errors
/// If the device cannot be read.
pub fn contrast(
    anchors: Tensor<2>,
    memory: Tensor<2>,
    drawn: &[u32],
    temperature: f64,
    z: Option<f32>,
) -> Result<(Tensor<1>, f32), DistilError> {
    let memory = memory.detach();
    let [pictures, _] = memory.dims();
    let n = anchors.dims()[0];
    let columns = (drawn.len() / n.max(1)).max(1);
    let products = anchors.clone().detach().matmul(memory.clone().transpose());
    let products = read("products", &products)?;
    let scale = temperature.recip() as f32;
    let mut likeness = Vec::with_capacity(drawn.len());
    for (picks, row) in drawn.chunks(columns).zip(products.chunks(pictures)) {
        likeness.extend(picks.iter().map(|&pick| (row[pick as usize] * scale).exp()));
    }
    let z = z.unwrap_or_else(|| {
        let sum: f64 = likeness.iter().map(|&value| f64::from(value)).sum();
        (sum / drawn.len() as f64 * pictures as f64) as f32
    });

    let noise = (columns - 1) as f64 / pictures as f64;
    let share = (n as f64 * temperature).recip();
    let (inverse_z, inverse_noise) = (f64::from(z).recip(), noise.recip());
    let mut pull = vec![0.0; n * pictures];
    let mut sum = 0.0;
    let anchored = drawn.chunks(columns).zip(likeness.chunks(columns));
    for ((picks, likeness), pull) in anchored.zip(pull.chunks_mut(pictures)) {
        let own = f64::from(likeness[0]) * inverse_z;
        let all = own + noise + SMALL;
        sum -= (own / all).ln();
        pull[picks[0] as usize] -= ((all - own) / all * share) as f32;
        let mut missed = 1.0;
        for (&pick, &value) in picks[1..].iter().zip(&likeness[1..]) {
            let p = f64::from(value) * inverse_z;
            let all = p + noise + SMALL;
            missed *= all * inverse_noise;
            if missed > LARGE {
                sum += missed.ln();
                missed = 1.0;
            }
            pull[pick as usize] += (p / all * share) as f32;
        }
        sum += missed.ln();
    }
    let pull = Tensor::<2>::from_data(TensorData::new(pull, [n, pictures]), &memory.device());
    let product = (anchors * pull.matmul(memory)).sum();
    let rest = product.clone().detach().neg().add_scalar(sum / n as f64);
    Ok((product + rest, z))
}

/// `memory` `[pictures, d]` after a step that showed unit vectors `x` `[n, d]` of the pictures
/// `indices` `[n]`.
pub fn remembered(
    memory: Tensor<2>,
    x: Tensor<2>,
    indices: Tensor<1, Int>,
    momentum: f64,
) -> Tensor<2> {
    let old = memory.clone().select(0, indices.clone());
    let mixed = old.clone().mul_scalar(momentum) + x.mul_scalar(1.0 - momentum);
    memory.select_assign(0, indices, rows(mixed, EPS) - old, IndexingUpdateOp::Add)
}

#[cfg(test)]
mod tests {
    use facette_random::stream;
    use rand::RngExt;

    use super::*;
    use crate::testing::{device, scalar, values};

    #[test]
    fn contrast_by_hand() {
        // Two negatives of ten pictures: noise 0.2.
        let mut rows = [[0.0; 2]; 10];
        for (row, p) in rows.iter_mut().zip([0.5f32, 0.1, 0.2]) {
            row[0] = p.ln();
        }
        let anchors = Tensor::<2>::from_floats([[1.0, 0.0]], &device());
        let memory = Tensor::<2>::from_floats(rows, &device());
        let expected = -((0.5f64 / 0.7).ln() + (0.2f64 / 0.3).ln() + (0.2f64 / 0.4).ln());
        let (loss, _) = contrast(anchors, memory, &[0, 1, 2], 1.0, Some(1.0)).unwrap();
        let found = scalar(&loss);
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }

    /// The same, composed of the framework's operations and differentiated by it.
    fn composed(a: Tensor<2>, memory: Tensor<2>, drawn: &[u32], z: Option<f32>) -> Tensor<1> {
        let ([n, _], [pictures, _]) = (a.dims(), memory.dims());
        let columns = drawn.len() / n;
        let drawn: Vec<i64> = drawn.iter().map(|&pick| i64::from(pick)).collect();
        let drawn = Tensor::<2, Int>::from_data(TensorData::new(drawn, [n, columns]), &a.device());
        let p = a.matmul(memory.transpose()).gather(1, drawn).div_scalar(0.07).exp();
        let z = z.unwrap_or_else(|| scalar(&p.clone().mean()) as f32 * pictures as f32);
        let p = p.div_scalar(z);
        let noise = (columns - 1) as f64 / pictures as f64;
        let own = p.clone().narrow(1, 0, 1);
        let hit = (own.clone() / own.add_scalar(noise + SMALL)).log().sum();
        let others = p.narrow(1, 1, columns - 1).add_scalar(noise + SMALL);
        (hit + others.recip().mul_scalar(noise).log().sum()).div_scalar(-(n as f64))
    }

    #[test]
    fn gradient_is_that_of_the_formula() {
        let (n, pictures, dim, columns) = (4, 30, 5, 600);
        let mut rng = stream(3, "crd", 0);
        let mut unit = |count: usize| {
            let values: Vec<f32> = (0..count * dim).map(|_| rng.random_range(-1.0..1.0)).collect();
            rows(Tensor::from_data(TensorData::new(values, [count, dim]), &device()), EPS)
        };
        let (anchors, memory) = (unit(n), unit(pictures));
        let mut rng = stream(3, "draws", 0);
        let drawn: Vec<u32> =
            (0..n * columns).map(|_| rng.random_range(0..pictures as u32)).collect();
        for z in [None, Some(250.0)] {
            let leaves = [(); 2].map(|()| anchors.clone().detach().require_grad());
            let [a, b] = leaves.clone();
            let (loss, _) = contrast(a, memory.clone(), &drawn, 0.07, z).unwrap();
            let expected = composed(b, memory.clone(), &drawn, z);
            let (found, wanted) = (scalar(&loss), scalar(&expected));
            assert!((found - wanted).abs() < 1e-5 * wanted, "{found} {wanted}");
            let gradients = [(loss, &leaves[0]), (expected, &leaves[1])]
                .map(|(loss, leaf)| values(&leaf.grad(&loss.backward()).unwrap()));
            for (found, expected) in gradients[0].iter().zip(&gradients[1]) {
                assert!((found - expected).abs() < 1e-4 * wanted, "{found} {expected}");
            }
        }
    }

    #[test]
    fn memory_moves_only_where_pictures_were_shown() {
        let memory = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 1.0]], &device());
        let x = Tensor::<2>::from_floats([[1.0, 0.0]], &device());
        let indices = Tensor::<1, Int>::from_ints([1], &device());
        let found = values(&remembered(memory, x, indices, 0.5));
        let half = 0.5f64.sqrt();
        for (found, expected) in found.iter().zip([1.0, 0.0, half, half]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }
}
