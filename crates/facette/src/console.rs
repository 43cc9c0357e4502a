//! What is said while a command works: notes and progress, on standard error.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work shorter than this passes without a bar.
const SILENT: Duration = Duration::from_millis(700);
/// Time between two progress lines where standard error is a file or a pipe.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Where notes and progress go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    quiet: bool,
    terminal: bool,
}

impl Console {
    /// Standard error; nothing but errors where `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet, terminal: stderr().is_terminal() }
    }

    /// Says one thing.
    pub(crate) fn note(self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// Progress of `total` things called `unit` (plural).
    pub(crate) fn progress(self, what: &str, unit: &'static str, total: u64) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        let template = "{prefix} {bar:30} {human_pos}/{human_len} {per_sec}, {eta} left {msg}";
        let style = ProgressStyle::with_template(template)
            .expect("the template is a constant that the tests render");
        bar.set_style(style.with_key(
            "per_sec",
            move |state: &indicatif::ProgressState, w: &mut dyn std::fmt::Write| {
                let _ = write!(w, "{} {unit}/s", rate(state.per_sec()));
            },
        ));
        bar.set_prefix(what.to_owned());
        let now = Instant::now();
        Progress {
            console: self,
            bar,
            what: what.to_owned(),
            unit,
            total,
            first: None,
            started: now,
            said: now,
        }
    }
}

/// Progress of one piece of work: a bar on a terminal, now and then a line elsewhere.
pub(crate) struct Progress {
    console: Console,
    bar: ProgressBar,
    what: String,
    unit: &'static str,
    total: u64,
    /// What was done already when the work was taken up.
    first: Option<u64>,
    started: Instant,
    said: Instant,
}

impl Progress {
    /// `done` of the things are done; `message` says how it goes, e.g. the loss.
    pub(crate) fn at(&mut self, done: u64, message: &str) {
        if self.first.is_none() {
            self.first = Some(done);
            self.bar.set_position(done);
            self.bar.reset_eta();
        }
        if self.console.quiet || self.started.elapsed() < SILENT {
            return;
        }
        if self.console.terminal {
            if self.bar.is_hidden() {
                self.bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            if message != self.bar.message() {
                self.bar.set_message(message.to_owned());
            }
            self.bar.set_position(done);
        } else if self.said.elapsed() >= LINE_EVERY {
            self.said = Instant::now();
            eprintln!("{}", self.line(done, self.started.elapsed(), message));
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }

    /// Says one thing above the bar.
    pub(crate) fn note(&self, text: &str) {
        if !self.console.quiet {
            self.bar.suspend(|| eprintln!("{text}"));
        }
    }

    fn line(&self, done: u64, elapsed: Duration, message: &str) -> String {
        let seconds = elapsed.as_secs_f64();
        let news = done.saturating_sub(self.first.unwrap_or(0));
        let per_second = news as f64 / seconds.max(1e-9);
        let left = self.total.saturating_sub(done) as f64 / per_second.max(1e-9);
        let (what, total, unit) = (&self.what, self.total, self.unit);
        let line = format!(
            "{what} {done}/{total} {} {unit}/s, {} left {message}",
            rate(per_second),
            duration(left)
        );
        line.trim_end().to_owned()
    }
}

/// Progress of one thing after the other, told by name.
pub(crate) struct Passes {
    console: Console,
    shown: Option<(String, Progress)>,
}

impl Passes {
    /// Shows nothing yet.
    pub(crate) fn new(console: Console) -> Self {
        Self { console, shown: None }
    }

    /// `done` of `total` things called `unit` are done of `what`; another `what` than last time
    /// takes the place of the one before.
    pub(crate) fn at(
        &mut self,
        what: &str,
        unit: &'static str,
        (done, total): (u64, u64),
        message: &str,
    ) {
        if self.shown.as_ref().is_none_or(|(shown, _)| shown != what) {
            self.close();
            self.shown = Some((what.to_owned(), self.console.progress(what, unit, total)));
        }
        if let Some((_, progress)) = &mut self.shown {
            progress.at(done, message);
        }
    }

    /// Says one thing, above the bar where there is one.
    pub(crate) fn note(&self, text: &str) {
        match &self.shown {
            Some((_, progress)) => progress.note(text),
            None => self.console.note(text),
        }
    }

    /// Takes the bar away.
    pub(crate) fn close(&mut self) {
        if let Some((_, progress)) = self.shown.take() {
            progress.finish();
        }
    }
}

impl Drop for Passes {
    fn drop(&mut self) {
        self.close();
    }
}

/// A rate with three digits or so.
fn rate(per_second: f64) -> String {
    match per_second {
        r if r >= 100.0 => format!("{r:.0}"),
        r if r >= 10.0 => format!("{r:.1}"),
        r => format!("{r:.2}"),
    }
}

/// Seconds as a person says them.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        s if !s.is_finite() => "unknown time".to_owned(),
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_how_fast_and_how_long() {
        let console = Console { quiet: false, terminal: false };
        let progress = console.progress("train", "steps", 300);
        assert_eq!(
            progress.line(100, Duration::from_secs(10), "loss 0.5"),
            "train 100/300 10.0 steps/s, 20 s left loss 0.5"
        );
    }

    #[test]
    fn work_that_goes_on_is_not_credited_with_what_was_done_before() {
        let console = Console { quiet: true, terminal: false };
        let mut progress = console.progress("train", "steps", 300);
        progress.at(200, "");
        let line = progress.line(250, Duration::from_secs(10), "");
        assert_eq!(line, "train 250/300 5.00 steps/s, 10 s left");
    }

    #[test]
    fn times_are_readable() {
        let said = [1.0, 89.0, 600.0, 7200.0, f64::INFINITY].map(duration);
        assert_eq!(said, ["1 s", "89 s", "10 min", "2.0 h", "unknown time"]);
    }
}
