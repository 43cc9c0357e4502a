//! Stochastic gradient descent, `torch.optim.SGD` with dampening 0.

use super::{Memory, Update};

pub(super) struct Rule {
    pub(super) momentum: f64,
    pub(super) nesterov: bool,
    pub(super) decay: f64,
    pub(super) update: Update,
}

/// `g += decay * w; v = momentum * v + g; w -= lr * v` (Nesterov: `w -= lr * (g + momentum * v)`).
pub(super) fn step(values: &mut [f32], gradient: &[f32], memory: &mut Memory, rule: Rule) {
    let (lr, momentum, decay) =
        (rule.update.pace.lr as f32, rule.momentum as f32, rule.decay as f32);
    let scale = rule.update.scale;
    if rule.momentum == 0.0 {
        for (w, &g) in values.iter_mut().zip(gradient) {
            *w -= lr * (g * scale + decay * *w);
        }
        return;
    }
    memory.first.resize(values.len(), 0.0);
    for ((w, &g), v) in values.iter_mut().zip(gradient).zip(&mut memory.first) {
        let g = g * scale + decay * *w;
        *v = momentum * *v + g;
        *w -= lr * if rule.nesterov { g + momentum * *v } else { *v };
    }
}
