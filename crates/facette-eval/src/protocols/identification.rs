//! Identification in a folder of pictures: who of the gallery is this?

use std::collections::BTreeSet;

use facette_data::Report;

use super::split::split;
use super::{ProtocolSpec, Request, Subject};
use crate::embedding::{Job, embed};
use crate::judgement::{Evidence, Identification, Tpir};
use crate::metrics::cmc::{match_probes, rank_k};
use crate::metrics::open_set;
use crate::sizes::Preparation;
use crate::{EvalError, Judged, Judgement, LeftOut, NamedValues, Outcome};

/// Closed-set rank-k and, with strangers, open-set identification.
pub(super) struct Identify;

impl ProtocolSpec for Identify {
    fn name(&self) -> &'static str {
        "identification"
    }

    fn about(&self) -> &'static str {
        "identification in a folder of pictures: a seed draws each identity's gallery pictures, \
         the others are probes; cosine, a probe is right at rank k if one of the k nearest gallery \
         entries is of its identity. With strangers also TPIR at FPIR"
    }

    fn judge(
        &self,
        subject: Subject<'_>,
        request: &Request,
        report: Report<'_>,
    ) -> Result<Judged, EvalError> {
        let options = &request.options;
        options.check()?;
        let Subject { embedder, info } = subject;
        let set = request.images.labelled()?;
        let split = split(&set.by_class(), options)?;
        let sides = options.size.map(|sizes| [sizes.first, sizes.second]);
        let prepare = |k: usize| Preparation::new(embedder.input(), sides.map(|s| s[k]));
        let (for_gallery, for_probes) = (prepare(0)?, prepare(1)?);

        let mut allow_bad = options.allow_bad;
        let mut embedded = |places: &[usize], preparation: &Preparation| {
            let load = |i: usize| set.picture(places[i]).map_err(|e| e.to_string());
            let embedded = embed(
                embedder,
                &Job {
                    pictures: places.len(),
                    load: &load,
                    preparation,
                    mirror: options.flip.mirrors(),
                    batch: options.batch,
                    allow_bad,
                },
                &mut *report,
            )?;
            allow_bad -= embedded.bad();
            let read = |i: &usize| embedded.row_of(*i).is_some();
            let labels: Vec<usize> =
                (0..places.len()).filter(read).map(|i| set.label(places[i])).collect();
            Ok::<_, EvalError>((embedded.combined(options.flip).normalised(), labels))
        };
        let (gallery, gallery_ids) = embedded(&split.gallery, &for_gallery)?;
        let (probes, probe_ids) = embedded(&split.probes, &for_probes)?;
        let matches = match_probes(&gallery, &gallery_ids, &probes, &probe_ids)?;

        let strangers = matches.iter().filter(|m| m.own.is_none()).count();
        let tpir_at_fpir = (strangers > 0).then(|| {
            NamedValues::by_rate(&options.fpir, |rate| {
                let threshold = open_set::threshold_at_fpir(&matches, rate);
                Tpir {
                    threshold,
                    fpir: open_set::fpir(&matches, threshold),
                    rank: NamedValues::by_rank(&options.ranks, |k| {
                        open_set::tpir(&matches, threshold, k)
                    }),
                }
            })
        });
        let bad = split.gallery.len() + split.probes.len() - gallery.len() - probes.len();
        let identification = Identification {
            gallery: gallery.len(),
            identities: gallery_ids.iter().collect::<BTreeSet<_>>().len(),
            probes: matches.len() - strangers,
            strangers,
            size: for_probes.side(),
            sizes: [for_gallery.side(), for_probes.side()],
            flip: options.flip.mirrors(),
            flip_rule: options.flip.name().into(),
            seed: options.seed,
            rank: NamedValues::by_rank(&options.ranks, |k| rank_k(&matches, k)),
            tpir_at_fpir,
            left_out: LeftOut { pictures: bad, samples: split.probes.len() - probes.len() },
        };
        Ok(Judged {
            judgement: Judgement {
                protocol: ProtocolSpec::name(self).into(),
                outcome: Outcome::Identification(identification),
                model: info,
            },
            evidence: Evidence::Probes(matches),
        })
    }
}
