//! Domains: parts of the identities whose pictures come from cameras of their own.

use std::collections::BTreeSet;
use std::sync::Arc;

use facette_image::degrade::Chain;
use facette_image::{ImageError, Picture};
use facette_random::stream;
use rand::RngExt;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::{DataError, Dataset};

/// A part of the identities whose pictures come from a camera of its own: what a recipe says under
/// `[[data.domain]]`. Domains take their identities in order, from those that the ones before them
/// left; one without `identities`, `least` and `share` takes all that remain. An identity that no domain
/// takes is left out.
///
/// ```
/// let web: facette_data::Domain = toml::from_str(
///     r#"
///     name = "web"
///     share = 0.25
///     capture = [{ kind = "resize", size = 16 }, { kind = "jpeg", quality = [30, 70] }]
///     "#,
/// )
/// .unwrap();
/// assert_eq!(web.seed, 1);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// These identities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<String>,
    /// Those with at least so many pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least: Option<usize>,
    /// This share of all identities, drawn at random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Fewest and most pictures of an identity that are used, a number drawn for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures: Option<[usize; 2]>,
    /// What its camera does to every picture, the same at every step, before either network sees it.
    #[serde(default, skip_serializing_if = "Chain::is_empty")]
    pub capture: Chain,
    /// Seed of what is random about it, whatever the seed of the run.
    #[serde(default = "first_seed")]
    pub seed: u64,
}

fn first_seed() -> u64 {
    1
}

/// What a domain's camera does to pictures.
#[derive(Debug)]
pub(crate) struct Capture {
    chain: Chain,
    seed: u64,
}

impl Capture {
    /// The picture called `name` as the camera takes it.
    pub(crate) fn take(&self, picture: Picture, name: &str) -> Result<Picture, ImageError> {
        let mut stream = stream(self.seed, &format!("domain/capture/{name}"), 0);
        Ok(self.chain.apply(picture, &mut stream)?.0)
    }

    /// Everything that decides what becomes of the picture called `name`.
    pub(crate) fn described(&self, name: &str) -> String {
        let chain = serde_json::to_string(&self.chain).expect("chains are plain values");
        let name = if self.chain.is_fixed() { "" } else { name };
        format!("{chain}\n{}\n{name}", self.seed)
    }
}

impl Dataset {
    /// The pictures whose identities belong to one of `domains`, each in its own, with only their
    /// classes. What is random is drawn from the streams `domain/...` of a domain's own seed.
    ///
    /// # Errors
    /// [`DataError::Setting`] for impossible settings, [`DataError::Selection`] for identities that
    /// are not there and for a domain that no identity is left for.
    pub fn in_domains(&self, domains: &[Domain]) -> Result<Self, DataError> {
        if domains.is_empty() {
            return Ok(self.clone());
        }
        let sizes: Vec<usize> = self.by_class().iter().map(Vec::len).collect();
        let mut of_class: Vec<Option<usize>> = vec![None; sizes.len()];
        let mut names = BTreeSet::new();
        for (place, domain) in domains.iter().enumerate() {
            domain.check(place)?;
            if !names.insert(&domain.name) {
                let remedy = "give each domain its own name";
                let name = domain.name.clone();
                return Err(DataError::Duplicate { what: "domain", name, remedy });
            }
            let free = |class: &usize| sizes[*class] > 0 && of_class[*class].is_none();
            let free: Vec<usize> = (0..sizes.len()).filter(free).collect();
            let taken = domain.identities_of(self, &sizes, free)?;
            if taken.is_empty() {
                let problem = format!("no identity is left for domain {:?}", domain.name);
                return Err(DataError::selection(problem));
            }
            taken.into_iter().for_each(|class| of_class[class] = Some(place));
        }
        let captures: Vec<Option<Arc<Capture>>> = domains
            .iter()
            .map(|Domain { capture, seed, .. }| {
                let capture = Capture { chain: capture.clone(), seed: *seed };
                (!capture.chain.is_empty()).then(|| Arc::new(capture))
            })
            .collect();
        let mut kept = Vec::new();
        for (class, mut pictures) in self.by_class().into_iter().enumerate() {
            let Some(domain) = of_class[class].map(|place| &domains[place]) else { continue };
            if let Some([fewest, most]) = domain.pictures {
                let mut stream = stream(domain.seed, "domain/pictures", class as u64);
                let count = stream.random_range(fewest..=most);
                pictures.shuffle(&mut stream);
                pictures.truncate(count);
            }
            kept.append(&mut pictures);
        }
        kept.sort_unstable();
        let part = self.subset(&kept)?;
        let placed = |item: &crate::Item| {
            let place = of_class[item.label].unwrap_or_default();
            item.clone().taken_in(place, captures[place].clone())
        };
        let items = part.items().iter().map(placed).collect();
        let names = domains.iter().map(|domain| domain.name.clone()).collect();
        Ok(part.with_domains(names, items).compacted())
    }

    /// The classes of every domain, in the order of [`domains`](Self::domains).
    pub fn classes_of_domains(&self) -> Vec<Vec<usize>> {
        let mut classes = vec![BTreeSet::new(); self.domains().len()];
        for i in 0..self.len() {
            if let Some(classes) = classes.get_mut(self.domain(i)) {
                classes.insert(self.label(i));
            }
        }
        classes.into_iter().map(|classes| classes.into_iter().collect()).collect()
    }
}

impl Domain {
    fn check(&self, place: usize) -> Result<(), DataError> {
        let refuse = |key: &str, problem: String| {
            Err(DataError::setting(format!("data.domain[{place}]"), key, problem))
        };
        let rules = [!self.identities.is_empty(), self.least.is_some(), self.share.is_some()];
        if rules.iter().filter(|&&rule| rule).count() > 1 {
            return refuse("share", "give one of identities, least and share".into());
        }
        if self.name.is_empty() {
            return refuse("name", "expected a name, found nothing".into());
        }
        if let Some(share) = self.share.filter(|share| !(*share > 0.0 && *share < 1.0)) {
            return refuse("share", format!("expected above 0 and below 1, found {share}"));
        }
        match self.pictures {
            Some([fewest, most]) if fewest == 0 || fewest > most => refuse(
                "pictures",
                format!("expected [fewest, most] from 1, found [{fewest}, {most}]"),
            ),
            _ => Ok(()),
        }
    }

    /// Which of the `free` classes of `dataset`, of these sizes, belong to the domain.
    fn identities_of(
        &self,
        dataset: &Dataset,
        sizes: &[usize],
        mut free: Vec<usize>,
    ) -> Result<Vec<usize>, DataError> {
        if !self.identities.is_empty() {
            let listed = dataset.listed(&self.identities)?;
            free.retain(|&class| listed[class]);
        } else if let Some(least) = self.least {
            free.retain(|&class| sizes[class] >= least);
        } else if let Some(share) = self.share {
            let all = sizes.iter().filter(|&&size| size > 0).count();
            free.shuffle(&mut stream(self.seed, "domain/share", 0));
            free.truncate((all as f64 * share).round() as usize);
        }
        Ok(free)
    }
}
