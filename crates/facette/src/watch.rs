//! Shows a training on the console.

use facette_train::{Event, Observer, ValidationRow};

use crate::console::{Console, Passes};

/// A progress bar for each stage (and for long preparations), a line for each judgement.
pub(crate) struct Watch {
    passes: Passes,
}

impl Watch {
    /// Shows nothing yet.
    pub(crate) fn new(console: Console) -> Self {
        Self { passes: Passes::new(console) }
    }
}

impl Observer for Watch {
    fn on(&mut self, event: &Event) {
        match event {
            Event::Preparing { what, done, total } => {
                self.passes.at(what, "pictures", (*done as u64, *total as u64), "");
            }
            Event::StageStarted { name, index, stages, pictures, parameters, steps, done } => {
                self.passes.close();
                let resumed = match done {
                    0 => String::new(),
                    done => format!(", going on after step {done}"),
                };
                self.passes.note(&format!(
                    "stage {}/{stages} {name}: {parameters} parameters, {pictures} pictures, \
                     {steps} steps{resumed}",
                    index + 1
                ));
            }
            Event::Step { step, steps, epoch, epochs, loss, lr, .. } => {
                let message = format!("loss {loss:.4} lr {lr:.1e} epoch {}/{epochs}", epoch + 1);
                self.passes.at("train", "steps", (*step, *steps), &message);
            }
            Event::Validated(row) => self.passes.note(&judgement(row)),
            Event::StageFinished { name, early } => {
                self.passes.close();
                if *early {
                    self.passes.note(&format!("{name} ended early: the score no longer rose"));
                }
            }
            Event::Message(text) => self.passes.note(text),
            _ => {}
        }
    }
}

fn judgement(row: &ValidationRow) -> String {
    let figures: Vec<String> =
        row.figures.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
    let best = if row.best { " (best so far)" } else { "" };
    format!("{} epoch {}: {}{best}", row.stage, row.epoch, figures.join(", "))
}
