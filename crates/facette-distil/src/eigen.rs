//! Eigenvectors of small symmetric matrices, on the host.

/// Sweeps after which rotations have long stopped to matter.
const SWEEPS: usize = 60;

/// Eigenvalues of the symmetric matrix `a` (`n x n`, row by row), largest first, and the
/// eigenvectors as columns of an `n x n` matrix. The largest component of each is positive.
///
/// Cyclic Jacobi rotations (Golub & Van Loan, "Matrix Computations", section 8.5).
pub(crate) fn symmetric(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut v = vec![0.0; n * n];
    (0..n).for_each(|i| v[i * n + i] = 1.0);
    let size: f64 = a.iter().map(|x| x * x).sum();
    for _ in 0..SWEEPS {
        let pairs = (0..n).flat_map(|p| (p + 1..n).map(move |q| (p, q)));
        let off: f64 = pairs.clone().map(|(p, q)| a[p * n + q].powi(2)).sum();
        if off <= 1e-26 * size {
            break;
        }
        for (p, q) in pairs {
            if a[p * n + q] == 0.0 {
                continue;
            }
            let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * a[p * n + q]);
            let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
            let c = 1.0 / (t * t + 1.0).sqrt();
            let s = t * c;
            for k in 0..n {
                let (x, y) = (a[k * n + p], a[k * n + q]);
                (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y);
            }
            for k in 0..n {
                let (x, y) = (a[p * n + k], a[q * n + k]);
                (a[p * n + k], a[q * n + k]) = (c * x - s * y, s * x + c * y);
                let (x, y) = (v[k * n + p], v[k * n + q]);
                (v[k * n + p], v[k * n + q]) = (c * x - s * y, s * x + c * y);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[j * n + j].total_cmp(&a[i * n + i]));
    let mut vectors = vec![0.0; n * n];
    for (place, &from) in order.iter().enumerate() {
        let column = (0..n).map(|k| v[k * n + from]);
        let largest = column.clone().fold(0.0, |m: f64, x| if x.abs() > m.abs() { x } else { m });
        let sign = if largest < 0.0 { -1.0 } else { 1.0 };
        column.enumerate().for_each(|(k, x)| vectors[k * n + place] = sign * x);
    }
    (order.iter().map(|&i| a[i * n + i]).collect(), vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_rebuild_the_matrix() {
        let n = 6;
        let mut a = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let x = ((i * 7 + j * 3) as f64).sin();
                (a[i * n + j], a[j * n + i]) = (x, x);
            }
        }
        let (values, v) = symmetric(a.clone(), n);
        assert!(values.windows(2).all(|pair| pair[0] >= pair[1]));
        for i in 0..n {
            for j in 0..n {
                let rebuilt: f64 = (0..n).map(|k| values[k] * v[i * n + k] * v[j * n + k]).sum();
                assert!((rebuilt - a[i * n + j]).abs() < 1e-12, "{rebuilt}");
            }
        }
    }

    #[test]
    fn a_zero_matrix_has_vectors_too() {
        let (values, v) = symmetric(vec![0.0; 9], 3);
        assert_eq!(values, [0.0; 3]);
        assert_eq!(v.iter().map(|x| x * x).sum::<f64>(), 3.0);
    }
}
