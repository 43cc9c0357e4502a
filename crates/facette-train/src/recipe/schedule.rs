//! How the learning rate moves.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// The shape of the learning rate over a stage. Closed forms, so that any step can be asked for
/// and nothing needs to be stored in a checkpoint.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Schedule {
    /// The same throughout.
    #[default]
    Constant,
    /// Multiplied by `gamma` after every `every` epochs (PyTorch `StepLR`).
    Step {
        /// Epochs between two steps.
        every: usize,
        /// Factor of each step.
        #[serde(default = "tenth")]
        gamma: f64,
    },
    /// Multiplied by `gamma` at each milestone (PyTorch `MultiStepLR`).
    MultiStep {
        /// Epochs of the stage, ascending.
        milestones: Vec<usize>,
        /// Factor of each step.
        #[serde(default = "tenth")]
        gamma: f64,
    },
    /// Half a cosine from the learning rate to `floor` (PyTorch `CosineAnnealingLR`).
    Cosine {
        /// Learning rate at the end.
        #[serde(default)]
        floor: f64,
        /// Whether the rate moves at every step or stays the same within an epoch.
        #[serde(default)]
        per: Per,
    },
    /// Up to the learning rate and down again (PyTorch `OneCycleLR` with cosine annealing).
    OneCycle {
        /// Share of the steps in which the rate rises.
        #[serde(default = "pct_start")]
        pct_start: f64,
        /// The rate starts at the learning rate over this.
        #[serde(default = "div_factor")]
        div_factor: f64,
        /// The rate ends at its start over this.
        #[serde(default = "final_div_factor")]
        final_div_factor: f64,
        /// Whether momentum (of AdamW: beta 1) moves against the rate.
        #[serde(default = "yes")]
        cycle_momentum: bool,
        /// Momentum at the highest rate.
        #[serde(default = "base_momentum")]
        base_momentum: f64,
        /// Momentum at the start and at the end.
        #[serde(default = "max_momentum")]
        max_momentum: f64,
    },
}

/// What a schedule counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// Optimiser steps.
    #[default]
    Step,
    /// Passes over the data.
    Epoch,
}

/// A linear rise before the schedule starts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WarmUp {
    /// Length in epochs; fractions are allowed.
    pub epochs: f64,
    /// Share of the schedule's first rate at step 0.
    pub from: f64,
}

impl Default for WarmUp {
    fn default() -> Self {
        Self { epochs: 1.0, from: 0.0 }
    }
}

fn tenth() -> f64 {
    0.1
}
fn pct_start() -> f64 {
    0.3
}
fn div_factor() -> f64 {
    25.0
}
fn final_div_factor() -> f64 {
    1e4
}
fn yes() -> bool {
    true
}
fn base_momentum() -> f64 {
    0.85
}
fn max_momentum() -> f64 {
    0.95
}

/// Rate and momentum of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Learning rate.
    pub lr: f64,
    /// Momentum (of AdamW: beta 1), where the schedule says so.
    pub momentum: Option<f64>,
}

/// A schedule fitted to a stage of known length.
#[derive(Debug, Clone)]
pub struct Course {
    schedule: Schedule,
    lr: f64,
    steps: u64,
    steps_per_epoch: u64,
    warm_up: Option<(u64, f64)>,
}

impl Course {
    /// The course of a stage of `steps` steps with the top rate `lr`. The warm-up is taken from
    /// the start: what is counted in steps runs over the rest, what is counted in epochs keeps its
    /// epochs of the stage.
    pub fn new(
        schedule: &Schedule,
        lr: f64,
        warm_up: Option<WarmUp>,
        steps: u64,
        steps_per_epoch: u64,
    ) -> Self {
        let warm_up = warm_up
            .map(|w| ((w.epochs * steps_per_epoch as f64).round() as u64, w.from))
            .filter(|(length, _)| *length > 0)
            .map(|(length, from)| (length.min(steps), from));
        Self {
            schedule: schedule.clone(),
            lr,
            steps: steps.max(1),
            steps_per_epoch: steps_per_epoch.max(1),
            warm_up,
        }
    }

    /// Rate and momentum of step `step`, counted from 0.
    pub fn at(&self, step: u64) -> Pace {
        let (length, from) = self.warm_up.unwrap_or((0, 1.0));
        if step < length {
            let start = self.after(0, length);
            let share = from + (1.0 - from) * step as f64 / length as f64;
            return Pace { lr: start.lr * share, ..start };
        }
        self.after(step, length)
    }

    /// The schedule proper at step `step` of the stage, with `skipped` steps of warm-up.
    fn after(&self, step: u64, skipped: u64) -> Pace {
        let epoch = step / self.steps_per_epoch;
        let (step, total) = (step.saturating_sub(skipped), self.steps - skipped.min(self.steps));
        let fixed = |lr| Pace { lr, momentum: None };
        match &self.schedule {
            Schedule::Constant => fixed(self.lr),
            Schedule::Step { every, gamma } => {
                fixed(self.lr * gamma.powf((epoch / (*every).max(1) as u64) as f64))
            }
            Schedule::MultiStep { milestones, gamma } => {
                let passed = milestones.iter().filter(|&&m| m as u64 <= epoch).count();
                fixed(self.lr * gamma.powf(passed as f64))
            }
            Schedule::Cosine { floor, per } => {
                let (at, end) = match per {
                    Per::Step => (step, total),
                    Per::Epoch => {
                        (step / self.steps_per_epoch, total.div_ceil(self.steps_per_epoch))
                    }
                };
                let share = at as f64 / end.max(1) as f64;
                fixed(floor + (self.lr - floor) * (1.0 + (PI * share).cos()) / 2.0)
            }
            Schedule::OneCycle {
                pct_start,
                div_factor,
                final_div_factor,
                cycle_momentum,
                base_momentum,
                max_momentum,
            } => {
                let first = self.lr / div_factor;
                let last = first / final_div_factor;
                let rise = pct_start * total as f64 - 1.0;
                let end = total as f64 - 1.0;
                let at = step as f64;
                let (share, rates, momenta) = if at <= rise {
                    let share = if rise > 0.0 { at / rise } else { 1.0 };
                    (share, (first, self.lr), (max_momentum, base_momentum))
                } else {
                    let share = if end > rise { (at - rise) / (end - rise) } else { 1.0 };
                    (share, (self.lr, last), (base_momentum, max_momentum))
                };
                let anneal =
                    |from: f64, to: f64| to + (from - to) / 2.0 * (1.0 + (PI * share).cos());
                Pace {
                    lr: anneal(rates.0, rates.1),
                    momentum: cycle_momentum.then(|| anneal(*momenta.0, *momenta.1)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    //! Expected values: PyTorch 2.15.0, CPU, `torch.optim.lr_scheduler`; the rate and momentum
    //! read from the optimiser before each step.

    use super::*;

    fn rates(schedule: Schedule, lr: f64, steps: u64, per_epoch: u64) -> Vec<f64> {
        let course = Course::new(&schedule, lr, None, steps, per_epoch);
        (0..steps).map(|step| course.at(step).lr).collect()
    }

    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (index, (f, e)) in found.iter().zip(expected).enumerate() {
            assert!((f - e).abs() <= 1e-12 * e.abs().max(1e-3), "step {index}: {f}, not {e}");
        }
    }

    /// `OneCycleLR(AdamW(lr=4e-3), 4e-3, total_steps=20, pct_start=0.15)`
    #[test]
    fn one_cycle_of_adamw() {
        let schedule = Schedule::OneCycle {
            pct_start: 0.15,
            div_factor: 25.0,
            final_div_factor: 1e4,
            cycle_momentum: true,
            base_momentum: 0.85,
            max_momentum: 0.95,
        };
        let course = Course::new(&schedule, 4e-3, None, 20, 5);
        let paces: Vec<Pace> = (0..20).map(|step| course.at(step)).collect();
        let rates: Vec<f64> = paces.iter().map(|pace| pace.lr).collect();
        close(
            &rates,
            &[
                0.00015999999999999999,
                0.0020800000000000003,
                0.004,
                0.003965946335583006,
                0.0038649449990308758,
                0.0037004354697221424,
                0.00347801992236998,
                0.0032052724516814218,
                0.0028914811456462303,
                0.002547331790840245,
                0.002184543980779728,
                0.001815472019220272,
                0.001452684209159755,
                0.0011085348543537698,
                0.0007947435483185785,
                0.0005219960776300199,
                0.00029958053027785784,
                0.00013507100096912382,
                3.40696644169939e-05,
                1.6e-08,
            ],
        );
        let momenta: Vec<f64> = paces.iter().filter_map(|pace| pace.momentum).collect();
        close(
            &momenta[..5],
            &[0.95, 0.8999999999999999, 0.85, 0.8508513450158048, 0.8533763885297821],
        );
        close(&momenta[18..], &[0.9491486549841951, 0.95]);
    }

    /// `OneCycleLR(SGD(lr=0.1, momentum=0.9), 0.1, total_steps=11, pct_start=0.3, div_factor=10,
    /// final_div_factor=100, base_momentum=0.8, max_momentum=0.9)`: the peak falls between steps.
    #[test]
    fn one_cycle_of_sgd() {
        let schedule = Schedule::OneCycle {
            pct_start: 0.3,
            div_factor: 10.0,
            final_div_factor: 100.0,
            cycle_momentum: true,
            base_momentum: 0.8,
            max_momentum: 0.9,
        };
        let course = Course::new(&schedule, 0.1, None, 11, 11);
        let paces: Vec<Pace> = (0..11).map(|step| course.at(step)).collect();
        close(
            &paces.iter().map(|pace| pace.lr).collect::<Vec<_>>(),
            &[
                0.009999999999999995,
                0.045844479412631485,
                0.09627450856774539,
                0.09797667403204416,
                0.08845907874070114,
                0.07263598676877016,
                0.053105024958051056,
                0.033072529385948304,
                0.015827171337356186,
                0.0042000665665747235,
                0.0001,
            ],
        );
        close(
            &paces.iter().filter_map(|pace| pace.momentum).collect::<Vec<_>>(),
            &[
                0.9,
                0.8601728006526317,
                0.8041394349247274,
                0.8020253513192752,
                0.811552473733032,
                0.8273914046358657,
                0.8469419169589079,
                0.8669944650791308,
                0.8842570857483922,
                0.895895829262688,
                0.9,
            ],
        );
    }

    /// `CosineAnnealingLR(T_max=6, eta_min=0.01)`, stepped once a step and once an epoch.
    #[test]
    fn cosine() {
        let expected = [
            0.1,
            0.09397114317029975,
            0.07750000000000001,
            0.055000000000000014,
            0.032500000000000015,
            0.01602885682970026,
        ];
        let schedule = |per| Schedule::Cosine { floor: 0.01, per };
        close(&rates(schedule(Per::Step), 0.1, 6, 2), &expected);
        let by_epoch = rates(schedule(Per::Epoch), 0.1, 18, 3);
        close(&by_epoch.iter().copied().step_by(3).collect::<Vec<_>>(), &expected);
        assert_eq!(by_epoch[3], by_epoch[5]);
    }

    /// `MultiStepLR([2, 5], gamma=0.2)` and `StepLR(2, gamma=0.5)`, stepped once an epoch.
    #[test]
    fn steps() {
        let schedule = Schedule::MultiStep { milestones: vec![2, 5], gamma: 0.2 };
        let found = rates(schedule, 0.1, 21, 3);
        close(&found[5..7], &[0.1, 0.02]);
        close(&found[14..16], &[0.02, 0.004]);
        let found = rates(Schedule::Step { every: 2, gamma: 0.5 }, 0.1, 12, 2);
        close(&found, &[0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.025]);
        close(&rates(Schedule::Constant, 0.1, 2, 2), &[0.1, 0.1]);
    }

    #[test]
    fn warm_up_rises_to_the_schedule_and_shifts_it() {
        let warm_up = Some(WarmUp { epochs: 0.5, from: 0.2 });
        let schedule = Schedule::Cosine { floor: 0.0, per: Per::Step };
        let course = Course::new(&schedule, 1.0, warm_up, 12, 8);
        let found: Vec<f64> = (0..5).map(|step| course.at(step).lr).collect();
        close(&found, &[0.2, 0.4, 0.6, 0.8, 1.0]);
        close(&[course.at(8).lr], &[0.5]);
    }

    #[test]
    fn degenerate_lengths_give_finite_rates() {
        let schedule: Schedule = toml::from_str("kind = 'one-cycle'\npct_start = 0.25").unwrap();
        for steps in 1..6 {
            for rate in rates(schedule.clone(), 0.1, steps, 1) {
                assert!(rate.is_finite() && rate > 0.0, "{steps} steps: {rate}");
            }
        }
    }
}
