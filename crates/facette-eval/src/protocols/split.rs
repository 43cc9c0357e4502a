//! Which pictures are gallery, which are probes.

use facette_random::stream;
use rand::seq::SliceRandom;

use super::ProtocolOptions;
use crate::EvalError;

/// Places of pictures in a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Split {
    pub(super) gallery: Vec<usize>,
    /// Probes of known and unknown identities.
    pub(super) probes: Vec<usize>,
}

/// Draws `options.gallery` pictures of every identity into the gallery; its other pictures are
/// probes. Identities without a picture left to probe with stand in the gallery all the same, as
/// distractors. Of the identities a share `options.strangers` (rounded) is kept out of the gallery
/// and all its pictures are probes.
///
/// The draw for an identity depends on the seed and its place alone.
pub(super) fn split(
    by_class: &[Vec<usize>],
    options: &ProtocolOptions,
) -> Result<Split, EvalError> {
    let mut classes: Vec<usize> =
        (0..by_class.len()).filter(|&c| !by_class[c].is_empty()).collect();
    let present = classes.len();
    classes.shuffle(&mut stream(options.seed, "identification/strangers", 0));
    let strangers = (present as f64 * options.strangers).round() as usize;
    let mut is_stranger = vec![false; by_class.len()];
    classes.iter().take(strangers).for_each(|&class| is_stranger[class] = true);

    let (mut gallery, mut probes, mut known) = (Vec::new(), Vec::new(), 0);
    for (class, pictures) in by_class.iter().enumerate() {
        if is_stranger[class] {
            probes.extend(pictures);
            continue;
        }
        let mut drawn = pictures.clone();
        drawn.shuffle(&mut stream(options.seed, "identification/gallery", class as u64));
        let enrolled = options.gallery.min(drawn.len());
        known += drawn.len() - enrolled;
        probes.extend(&drawn[enrolled..]);
        gallery.extend(&drawn[..enrolled]);
    }
    if known == 0 || gallery.is_empty() {
        return Err(EvalError::TooLittle {
            measure: "identification".into(),
            needs: format!(
                "an identity with more than {} pictures (one of them to probe with)",
                options.gallery
            ),
            found: format!("none among {present} identities"),
        });
    }
    gallery.sort_unstable();
    probes.sort_unstable();
    Ok(Split { gallery, probes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes() -> Vec<Vec<usize>> {
        vec![vec![0, 1, 2], vec![3, 4], vec![], vec![5], vec![6, 7, 8, 9]]
    }

    #[test]
    fn every_picture_has_one_role_and_the_seed_decides() {
        let options = ProtocolOptions::default();
        let drawn = split(&classes(), &options).unwrap();
        assert_eq!((drawn.gallery.len(), drawn.probes.len()), (4, 6));
        let mut all = [drawn.gallery.clone(), drawn.probes.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
        assert!(drawn.gallery.contains(&5));
        assert_eq!(drawn, split(&classes(), &options).unwrap());
        let others: Vec<_> = (2..8)
            .map(|seed| split(&classes(), &ProtocolOptions { seed, ..options.clone() }).unwrap())
            .collect();
        assert!(others.iter().any(|other| *other != drawn));
    }

    #[test]
    fn strangers_have_no_entry() {
        let options = ProtocolOptions { strangers: 0.5, ..Default::default() };
        let drawn = split(&classes(), &options).unwrap();
        assert_eq!(drawn.gallery.len(), 2);
    }

    #[test]
    fn a_gallery_without_probes_is_refused() {
        let options = ProtocolOptions { gallery: 4, ..Default::default() };
        let message = split(&classes(), &options).unwrap_err().to_string();
        assert!(message.contains("more than 4 pictures"), "{message}");
    }
}
