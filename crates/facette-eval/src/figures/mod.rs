//! Figures, as SVG text. Each is one file with one function that takes plain data; the registry
//! draws from judgements and training records.

mod accuracy;
mod canvas;
mod histogram;
mod roc;
mod size;
mod training;

pub use accuracy::{AccuracyBar, accuracy_bars};
pub use histogram::{PairScores, score_histogram};
pub use roc::{FarAxis, RocCurve, roc_curves};
pub use size::{SizePoint, SizeSeries, accuracy_by_size};
pub use training::{Series, TrainingCurves, training_curves};

use crate::registry::{Named, find};
use crate::{EvalError, Evidence, Judged};

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Name for a file: the registry's, with a number where one entry draws several.
    pub name: String,
    /// What a reader should see in it, in a sentence.
    pub caption: String,
    /// The picture: a complete SVG element.
    pub svg: String,
}

/// What there is to draw.
#[derive(Debug, Default)]
pub struct Exhibit<'a> {
    /// Judged models, in the order of their colours.
    pub judged: &'a [Judged],
    /// Training runs.
    pub training: &'a [TrainingCurves],
}

/// A figure of the registry.
pub trait FigureSpec: Sync {
    /// Its name in flags and files.
    fn name(&self) -> &'static str;
    /// What it shows, in a sentence.
    fn about(&self) -> &'static str;
    /// Draws what the exhibit gives cause for; nothing where it has nothing to show.
    ///
    /// # Errors
    /// [`EvalError::Figure`] if the drawing fails, or a measure's error.
    fn draw(&self, exhibit: &Exhibit<'_>) -> Result<Vec<Figure>, EvalError>;
}

/// All figures, in the order of a report.
pub const FIGURES: &[&dyn FigureSpec] = &[
    &accuracy::Bars,
    &roc::Logarithmic,
    &roc::Linear,
    &histogram::Scores,
    &size::BySize,
    &training::Training,
];

impl Named for dyn FigureSpec {
    fn name(&self) -> &'static str {
        FigureSpec::name(self)
    }
}

/// The figure called `name`; fails with the known names and the nearest of them.
pub fn figure(name: &str) -> Result<&'static dyn FigureSpec, EvalError> {
    find("figure", FIGURES, name)
}

/// The label of each judged model: its name, with the sizes of the pictures where they differ.
fn labels(judged: &[Judged]) -> Vec<String> {
    let sizes = |j: &Judged| j.judgement.verification().map(|v| v.sizes);
    let differ = judged.windows(2).any(|pair| sizes(&pair[0]) != sizes(&pair[1]));
    let label = |j: &Judged| match sizes(j).filter(|_| differ) {
        None => j.judgement.model.name.clone(),
        Some([a, b]) if a == b => format!("{}, {a} px", j.judgement.model.name),
        Some([a, b]) => format!("{}, {a}-{b} px", j.judgement.model.name),
    };
    judged.iter().map(label).collect()
}

/// Model labels and pair distances of all verifications.
fn verifications<'a>(
    exhibit: &Exhibit<'a>,
) -> impl Iterator<Item = (String, &'a Judged, &'a crate::PairEvidence)> {
    let judged = exhibit.judged;
    labels(judged).into_iter().zip(judged).filter_map(|(label, judged)| match &judged.evidence {
        Evidence::Pairs(pairs) => Some((label, judged, pairs)),
        _ => None,
    })
}
