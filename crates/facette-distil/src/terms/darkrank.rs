//! DarkRank, hard form: the teacher's order of each picture's nearest neighbours.
//!
//! ```text
//! S_ij = -alpha |x_i - x_j|^beta
//! L    = mean_i -log P( pi_i )      P(pi) = prod_{a = 1..k} exp S^s_pi(a) / sum_{b >= a} exp S^s_pi(b)
//! ```
//!
//! `pi_i` are the teacher's k nearest neighbours of picture i, nearest first. Source: Chen et al. 2018
//! (arXiv 1707.01220), in the form of lenscloth/RKD `HardDarkRank`: alpha 3, beta 3, k = 4 (its command line
//! takes alpha 2). The original code ranks by powers of squared distances.

use burn::tensor::{Bool, Tensor};
use facette_nets::Knowledge;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::target;
use crate::pairs::distances;
use crate::settings::{self, check, positive, within};
use crate::term::{Context, Needs, Term, TermSpec};

/// Negative log-likelihood under `student` `[n, d_s]` of the order of the `nearest` neighbours in
/// `target` `[n, d_t]`; `[1]`. 0 for a single picture.
pub fn darkrank(
    student: Tensor<2>,
    target: Tensor<2>,
    alpha: f64,
    beta: f64,
    nearest: usize,
) -> Tensor<1> {
    let n = student.dims()[0];
    let nearest = nearest.min(n.saturating_sub(1));
    if nearest == 0 {
        return student.sum().mul_scalar(0.0);
    }
    let itself = Tensor::<2, Bool>::diag_mask([n, n], 0, &student.device()).bool_not();
    let far = distances(target.detach()).mask_fill(itself, f32::MAX);
    let order = far.neg().topk_with_indices(nearest, 1).1;
    let scores = distances(student).powf_scalar(beta).mul_scalar(-alpha).gather(1, order);
    let mut loss = Tensor::zeros([n, 1], &scores.device());
    for place in 0..nearest {
        let rest = scores.clone().narrow(1, place, nearest - place);
        loss = loss + log_sum_exp(rest.clone()) - rest.narrow(1, 0, 1);
    }
    loss.mean()
}

/// `log sum_j exp x_ij`, `[n, 1]`.
fn log_sum_exp(x: Tensor<2>) -> Tensor<2> {
    let largest = x.clone().detach().max_dim(1);
    (x - largest.clone()).exp().sum_dim(1).log() + largest
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    alpha: f64,
    beta: f64,
    /// How many neighbours are ranked.
    nearest: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { alpha: 3.0, beta: 3.0, nearest: 4 }
    }
}

/// The entry `darkrank`.
pub struct DarkRankSpec;

struct DarkRank {
    settings: Settings,
}

impl TermSpec for DarkRankSpec {
    fn id(&self) -> &'static str {
        "darkrank"
    }

    fn about(&self) -> &'static str {
        "the teacher's order of each picture's nearest neighbours"
    }

    fn source(&self) -> &'static str {
        "arXiv 1707.01220; lenscloth/RKD metric/loss.py HardDarkRank"
    }

    fn needs(&self) -> Needs {
        Needs { embedding: true, teacher: true, ..Needs::default() }
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults::<Settings>()
    }

    fn build(
        &self,
        settings: &toml::Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Term>, DistilError> {
        let settings: Settings = settings::read(self.id(), settings)?;
        positive(self.id(), "alpha", settings.alpha)?;
        within(self.id(), "beta", settings.beta, 1.0, f64::INFINITY)?;
        check(self.id(), "nearest", settings.nearest > 0, || "expected 1 or more".into())?;
        context.target(self.id())?;
        Ok(Box::new(DarkRank { settings }))
    }
}

impl Term for DarkRank {
    fn name(&self) -> &str {
        DarkRankSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        _batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let t = target(self.name(), teacher)?.embedding.clone();
        let Settings { alpha, beta, nearest } = self.settings;
        Ok(darkrank(student.embedding.clone(), t, alpha, beta, nearest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar};

    #[test]
    fn three_pictures_on_a_line_by_hand() {
        let s = Tensor::<2>::from_floats([[0.0], [1.0], [3.0]], &device());
        // Student scores -d: neighbours of 0 at 1 and 3, of 1 at 1 and 2, of 2 at 2 and 3.
        let pair = |near: f64, far: f64| ((-near).exp() + (-far).exp()).ln() + near;
        let agreeing = (pair(1.0, 3.0) + pair(1.0, 2.0) + pair(2.0, 3.0)) / 3.0;
        let found = scalar(&darkrank(s.clone(), s.clone(), 1.0, 1.0, 4));
        assert!((found - agreeing).abs() < 1e-6, "{found} {agreeing}");
        let t = Tensor::<2>::from_floats([[0.0], [3.0], [1.0]], &device());
        let opposed = (pair(3.0, 1.0) + pair(2.0, 1.0) + pair(3.0, 2.0)) / 3.0;
        let found = scalar(&darkrank(s.clone(), t.clone(), 1.0, 1.0, 2));
        assert!((found - opposed).abs() < 1e-6, "{found} {opposed}");
        assert_eq!(scalar(&darkrank(s.narrow(0, 0, 1), t.narrow(0, 0, 1), 1.0, 1.0, 2)), 0.0);
    }
}
