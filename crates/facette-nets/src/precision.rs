//! What layers compute in while a network learns.

use serde::{Deserialize, Serialize};

/// What the operands of products are in training; sums and everything that is kept from step to step,
/// weights among it, are `f32` in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 24 significant bits.
    #[default]
    F32,
    /// bfloat16, 8 significant bits: operands of convolutions and linear layers are rounded to it,
    /// forwards and backwards, see [`facette_kernels::conv::bf16`]. Needs facette's kernels, on the
    /// CPU; fast on processors with AMX.
    Bf16,
}

impl Precision {
    /// Whether it is the usual one.
    pub fn is_f32(&self) -> bool {
        *self == Precision::F32
    }
}
