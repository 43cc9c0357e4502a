//! Distances and similarities of two embeddings, accumulated in `f64`.

/// `sum (a_i - b_i)^2`. For unit vectors this is `2 - 2 cos`, between 0 and 4.
pub fn squared_euclidean(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum()
}

/// `sum a_i b_i`.
pub fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
}

/// Euclidean length.
pub fn norm(a: &[f32]) -> f64 {
    dot(a, a).sqrt()
}

/// Cosine of the angle between `a` and `b`, within [-1, 1]; 0 where either of them is zero.
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let scale = norm(a) * norm(b);
    if scale > 0.0 { (dot(a, b) / scale).clamp(-1.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let (a, b) = ([1.0, 0.0], [0.6, 0.8]);
        assert!((squared_euclidean(&a, &b) - 0.8).abs() < 1e-6);
        assert!((cosine(&a, &b) - 0.6).abs() < 1e-6);
        assert_eq!(cosine(&a, &[0.0, 0.0]), 0.0);
    }
}
