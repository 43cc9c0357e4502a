//! Classification of a labelled set of pictures from logits.

use std::sync::Arc;

use facette_data::Report;

use super::{ProtocolSpec, Request, Subject};
use crate::embedding::{Flip, Job, embed};
use crate::judgement::{Classification, Evidence};
use crate::metrics::top_k::{label_ranks, mean_class_accuracy, top_k};
use crate::metrics::{brier, expected_calibration, softmax};
use crate::sizes::Preparation;
use crate::{EvalError, Judged, Judgement, LeftOut, Outcome, Outputs};

/// Top-1 and top-5.
pub(super) struct Classify;

/// Bins of the calibration error.
const BINS: usize = 15;

impl ProtocolSpec for Classify {
    fn name(&self) -> &'static str {
        "classification"
    }

    fn about(&self) -> &'static str {
        "top-1 and top-5 accuracy of a classifier on labelled pictures (class numbers in byte order \
         of the folder names), with calibration. Logits are averaged with the mirror image's unless \
         flip is none"
    }

    fn needs_logits(&self) -> bool {
        true
    }

    fn judge(
        &self,
        subject: Subject<'_>,
        request: &Request,
        report: Report<'_>,
    ) -> Result<Judged, EvalError> {
        let options = &request.options;
        options.check()?;
        if options.flip == Flip::Concat {
            return Err(EvalError::Option {
                option: "flip".into(),
                value: options.flip.name().into(),
                expected: "sum or none: logits cannot be put side by side".into(),
            });
        }
        let Subject { embedder, info } = subject;
        let mut set = request.images.labelled()?;
        if let Some(split) = &options.held_out {
            set = Arc::new(set.held_out(split, options.seed)?);
        }
        let preparation =
            Preparation::new(embedder.input(), options.size.map(|sizes| sizes.second))?;
        let load = |i: usize| set.picture(i).map_err(|e| e.to_string());
        let embedded = embed(
            embedder,
            &Job {
                pictures: set.len(),
                load: &load,
                preparation: &preparation,
                mirror: options.flip.mirrors(),
                batch: options.batch,
                allow_bad: options.allow_bad,
            },
            report,
        )?;
        let labels: Vec<usize> = (0..set.len())
            .filter(|&i| embedded.row_of(i).is_some())
            .map(|i| set.label(i))
            .collect();
        let mut logits = embedded.combined(options.flip);
        if options.flip.mirrors() {
            let halves = logits.rows().flatten().map(|z| z / 2.0).collect();
            logits = Outputs::new(halves, logits.width())?;
        }
        if logits.is_empty() {
            return Err(EvalError::TooLittle {
                measure: "classification".into(),
                needs: "a picture that can be read".into(),
                found: "none".into(),
            });
        }
        let ranks = label_ranks(&logits, &labels)?;
        let classification = Classification {
            pictures: labels.len(),
            classes: logits.width(),
            size: preparation.side(),
            flip: options.flip.mirrors(),
            top1: top_k(&ranks, 1),
            top5: top_k(&ranks, 5),
            mean_class_accuracy: mean_class_accuracy(&ranks, &labels),
            nll: softmax::negative_log_likelihood(&logits, &labels)?,
            ece: expected_calibration::expected_calibration_error(&logits, &labels, BINS)?,
            brier: brier::brier(&logits, &labels)?,
            left_out: LeftOut { pictures: embedded.bad(), samples: embedded.bad() },
        };
        Ok(Judged {
            judgement: Judgement {
                protocol: ProtocolSpec::name(self).into(),
                outcome: Outcome::Classification(classification),
                model: info,
            },
            evidence: Evidence::Classes(ranks),
        })
    }
}
