//! Correlation alignment: the embeddings of two domains vary alike.
//!
//! ```text
//! L = | C_a - C_b |_F^2 / (4 d^2)             C: covariance of the embeddings of a domain, over n - 1
//! ```
//!
//! Neither domain needs labels or a teacher. Source: Sun and Saenko 2016 (arXiv 1607.01719), Eq. 1 to 3. A batch in which a
//! domain has fewer than two pictures costs nothing.

use burn::tensor::Tensor;
use facette_nets::Knowledge;
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::batch::Batch;
use crate::domain_term::{nothing, places_tensor};
use crate::error::DistilError;
use crate::settings;
use crate::term::{Context, Needs, Term, TermSpec};

/// Distance of the covariances of `a` `[n, d]` and `b` `[m, d]`, n and m above 1; `[1]`.
pub fn coral(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
    let covariance = |x: Tensor<2>| {
        let n = x.dims()[0] as f64;
        let centred = x.clone() - x.mean_dim(0);
        centred.clone().transpose().matmul(centred).div_scalar(n - 1.0)
    };
    let d = a.dims()[1] as f64;
    (covariance(a) - covariance(b)).square().sum().div_scalar(4.0 * d * d)
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Names of the two domains.
    domains: [String; 2],
}

impl Default for Settings {
    fn default() -> Self {
        Self { domains: ["public", "wild"].map(str::to_owned) }
    }
}

/// The entry `coral`.
pub struct CoralSpec;

struct Coral {
    domains: Vec<usize>,
}

impl TermSpec for CoralSpec {
    fn id(&self) -> &'static str {
        "coral"
    }

    fn about(&self) -> &'static str {
        "covariances of the embeddings of two domains"
    }

    fn source(&self) -> &'static str {
        "arXiv 1607.01719, Eq. 1 to 3"
    }

    fn needs(&self) -> Needs {
        Needs { embedding: true, domains: true, ..Needs::default() }
    }

    fn defaults(&self) -> Table {
        settings::defaults::<Settings>()
    }

    fn build(&self, given: &Table, context: &Context<'_>) -> Result<Box<dyn Term>, DistilError> {
        let Settings { domains } = settings::read(self.id(), given)?;
        Ok(Box::new(Coral { domains: context.domains(self.id(), &domains)? }))
    }
}

impl Term for Coral {
    fn name(&self) -> &str {
        CoralSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        _target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let x = &student.embedding;
        let places = |domain: usize| batch.places_in(&[domain]);
        let (a, b) = (places(self.domains[0]), places(self.domains[1]));
        if a.len() < 2 || b.len() < 2 {
            return Ok(nothing(student));
        }
        let rows = |places: &[usize]| x.clone().select(0, places_tensor(places, x));
        Ok(coral(rows(&a), rows(&b)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{context, device, scalar, shapes};

    #[test]
    fn covariances_by_hand() {
        let a = Tensor::<2>::from_floats([[0.0, 0.0], [2.0, 0.0]], &device());
        let b = Tensor::<2>::from_floats([[1.0, 1.0], [1.0, 3.0], [1.0, 5.0]], &device());
        // Variances 2 and 0 against 0 and 4, no covariance.
        let found = scalar(&coral(a, b));
        assert!((found - (4.0 + 16.0) / 16.0).abs() < 1e-6, "{found}");
    }

    #[test]
    fn a_domain_that_is_not_there_is_named() {
        let refused = CoralSpec.build(&Table::new(), &context(&shapes(), None)).err().unwrap();
        let message = refused.to_string();
        assert!(message.contains("\"public\"") && message.contains("data.domain"), "{message}");
    }
}
