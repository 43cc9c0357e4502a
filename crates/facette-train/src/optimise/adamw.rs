//! Adam with decoupled weight decay, `torch.optim.AdamW`.

use super::{Memory, Update};

pub(super) struct Rule {
    pub(super) betas: [f64; 2],
    pub(super) eps: f64,
    pub(super) decay: f64,
    pub(super) update: Update,
}

/// `w -= lr * decay * w; m = b1 m + (1-b1) g; s = b2 s + (1-b2) g^2;
/// w -= lr / (1-b1^t) * m / (sqrt(s) / sqrt(1-b2^t) + eps)`.
///
/// Corrections are taken in f64, values in f32. Where a schedule moves beta 1, the newest one
/// stands in the correction, as in PyTorch.
pub(super) fn step(values: &mut [f32], gradient: &[f32], memory: &mut Memory, rule: Rule) {
    let lr = rule.update.pace.lr;
    let [beta1, beta2] = rule.betas;
    let updates = memory.updates as f64;
    let step_size = (lr / (1.0 - beta1.powf(updates))) as f32;
    let root = (1.0 - beta2.powf(updates)).sqrt() as f32;
    let keep = (1.0 - lr * rule.decay) as f32;
    let (fresh1, keep2, fresh2) = ((1.0 - beta1) as f32, beta2 as f32, (1.0 - beta2) as f32);
    let (eps, scale) = (rule.eps as f32, rule.update.scale);
    memory.first.resize(values.len(), 0.0);
    memory.second.resize(values.len(), 0.0);
    let memories = memory.first.iter_mut().zip(&mut memory.second);
    for ((w, &g), (m, s)) in values.iter_mut().zip(gradient).zip(memories) {
        let g = g * scale;
        *m += fresh1 * (g - *m);
        *s = keep2 * *s + fresh2 * g * g;
        *w = keep * *w - step_size * *m / (s.sqrt() / root + eps);
    }
}
