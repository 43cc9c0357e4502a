//! A closed set of identities, each known by the mean of many pictures.

use std::collections::BTreeMap;

use facette_data::{Dataset, Report, Split};
use facette_random::stream;
use rand::seq::SliceRandom;

use super::{ClosedSet, ProtocolSpec, Request, Subject};
use crate::embedding::{Job, embed};
use crate::judgement::{Evidence, Identification};
use crate::metrics::cmc::{match_probes, rank_k};
use crate::sizes::Preparation;
use crate::{EvalError, Judged, Judgement, LeftOut, NamedValues, Outcome, Outputs};

/// Nearest class mean.
pub(super) struct Closed;

impl ProtocolSpec for Closed {
    fn name(&self) -> &'static str {
        "closed-set"
    }

    fn about(&self) -> &'static str {
        "who of a closed set is this? A seed draws 180 identities of at least 27 pictures and splits \
         4,825 of their pictures into 3,918 to know them by and 907 to be asked about, as the \
         protocol of UCCS does; an identity is the mean of its pictures' unit embeddings, cosine, no \
         fine-tuning. A training set with `split = { drawn = 180, least = 27 }` holds out the same \
         identities"
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
        let (set, parts) = drawn(&*request.images.labelled()?, &options.closed_set, options.seed)?;
        let preparation =
            Preparation::new(embedder.input(), options.size.map(|sizes| sizes.second))?;
        let load = |i: usize| set.picture(parts.all[i]).map_err(|e| e.to_string());
        let embedded = embed(
            embedder,
            &Job {
                pictures: parts.all.len(),
                load: &load,
                preparation: &preparation,
                mirror: options.flip.mirrors(),
                batch: options.batch,
                allow_bad: options.allow_bad,
            },
            report,
        )?;
        let rows = embedded.combined(options.flip).normalised();
        let Parts { all, probe } = &parts;
        let of = |asked: bool| {
            let places = (0..all.len()).filter(move |&i| probe[i] == asked);
            places.filter_map(|i| Some((embedded.row_of(i)?, set.label(all[i]))))
        };
        let (gallery, gallery_ids) = means(&rows, of(false))?;
        let (probe_rows, probe_ids): (Vec<usize>, Vec<usize>) = of(true).unzip();
        let matches = match_probes(&gallery, &gallery_ids, &rows.select(probe_rows), &probe_ids)?;
        let mated = matches.iter().filter(|found| found.own.is_some()).count();
        let side = preparation.side();
        let identification = Identification {
            gallery: gallery.len(),
            identities: gallery.len(),
            probes: mated,
            strangers: matches.len() - mated,
            size: side,
            sizes: [side, side],
            flip: options.flip.mirrors(),
            flip_rule: options.flip.name().into(),
            seed: options.seed,
            rank: NamedValues::by_rank(&options.ranks, |k| rank_k(&matches, k)),
            tpir_at_fpir: None,
            left_out: LeftOut {
                pictures: embedded.bad(),
                samples: probe.iter().filter(|&&asked| asked).count() - matches.len(),
            },
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

/// Pictures of the closed set.
struct Parts {
    /// Their places in the data set.
    all: Vec<usize>,
    /// Which of them are asked about.
    probe: Vec<bool>,
}

/// Draws the identities and splits their pictures, each identity's in proportion.
fn drawn(set: &Dataset, wanted: &ClosedSet, seed: u64) -> Result<(Dataset, Parts), EvalError> {
    let ClosedSet { identities, least, pictures, probes } = *wanted;
    let held = set.held_out(&Split::Drawn { drawn: identities, least, seed }, seed)?;
    let classes = held.by_class();
    let sizes: Vec<usize> = classes.iter().map(Vec::len).collect();
    let kept = shared(&sizes, pictures);
    let asked = shared(&kept, probes);
    let fits = kept.iter().zip(&asked).all(|(&kept, &asked)| asked > 0 && asked < kept);
    if !fits || kept.iter().sum::<usize>() != pictures || asked.iter().sum::<usize>() != probes {
        return Err(EvalError::TooLittle {
            measure: "closed-set".into(),
            needs: format!(
                "{pictures} pictures of {identities} identities, {probes} of them to be asked about: \
                 one or more, and not all, of each"
            ),
            found: format!("{} pictures", held.len()),
        });
    }
    let mut parts = Parts { all: Vec::new(), probe: Vec::new() };
    for (class, mut places) in classes.into_iter().enumerate() {
        places.shuffle(&mut stream(seed, "closed-set/pictures", class as u64));
        places.truncate(kept[class]);
        parts.probe.extend((0..places.len()).map(|i| i < asked[class]));
        parts.all.extend(places);
    }
    Ok((held, parts))
}

/// `total` shared out in proportion to `sizes` by largest remainders, never more than a size.
fn shared(sizes: &[usize], total: usize) -> Vec<usize> {
    let all = sizes.iter().sum::<usize>().max(1);
    let mut shares: Vec<usize> = sizes.iter().map(|&size| (size * total / all).min(size)).collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(sizes[i] * total % all));
    let mut left = total.saturating_sub(shares.iter().sum());
    for i in order {
        if left > 0 && shares[i] < sizes[i] {
            shares[i] += 1;
            left -= 1;
        }
    }
    shares
}

/// Unit mean of the rows of each label, in the order of the labels.
fn means(
    rows: &Outputs,
    of: impl Iterator<Item = (usize, usize)>,
) -> Result<(Outputs, Vec<usize>), EvalError> {
    let mut sums: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
    for (row, label) in of {
        let sum = sums.entry(label).or_insert_with(|| vec![0.0; rows.width()]);
        sum.iter_mut().zip(rows.row(row)).for_each(|(sum, value)| *sum += value);
    }
    let labels = sums.keys().copied().collect();
    let values: Vec<f32> = sums.into_values().flatten().collect();
    Ok((Outputs::new(values, rows.width())?.normalised(), labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_proportional_and_add_up() {
        assert_eq!(shared(&[30, 30, 30], 10), [4, 3, 3]);
        assert_eq!(shared(&[10, 20, 30], 6), [1, 2, 3]);
        assert_eq!(shared(&[2, 2], 9), [2, 2], "no more than there is");
        assert_eq!(shared(&[27; 180], 4825).iter().sum::<usize>(), 4825);
    }

    #[test]
    fn an_identity_is_the_direction_of_its_mean() {
        let rows = Outputs::new(vec![1.0, 0.0, 0.0, 1.0, -1.0, 0.0], 2).unwrap();
        let (means, labels) = means(&rows, [(0, 4), (1, 4), (2, 1)].into_iter()).unwrap();
        assert_eq!(labels, [1, 4]);
        assert_eq!(means.row(0), [-1.0, 0.0]);
        assert!((means.row(1)[0] - 0.5f32.sqrt()).abs() < 1e-6);
    }
}
