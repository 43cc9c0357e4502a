//! A data set in numbers.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::progress::Report;
use crate::{BadPictures, DataError, Dataset};

/// Smallest, middle and largest of some counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// The smallest.
    pub min: usize,
    /// The middle one; of an even number, the lower of the two in the middle.
    pub median: usize,
    /// The largest.
    pub max: usize,
}

impl Spread {
    fn of(mut counts: Vec<usize>) -> Option<Self> {
        counts.sort_unstable();
        let (min, max) = (*counts.first()?, *counts.last()?);
        Some(Self { min, median: counts[(counts.len() - 1) / 2], max })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {} / {}", self.min, self.median, self.max)
    }
}

/// What a data set holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overview {
    /// Number of pictures, bad ones included.
    pub pictures: usize,
    /// Number of classes that have a picture.
    pub identities: usize,
    /// Number of classes without one.
    pub empty_identities: usize,
    /// Pictures of an identity.
    pub per_identity: Spread,
    /// Encoded size of all pictures, in bytes.
    pub bytes: u64,
    /// Width and height in pixels, and how many pictures have them; most frequent first.
    pub sizes: Vec<(usize, usize, usize)>,
    /// Pictures that cannot be read, and why.
    pub bad: Vec<(usize, String)>,
    /// Length of the teacher's vectors beside the pictures, if there are some.
    pub feature_width: Option<usize>,
    /// Number of pictures with such a vector.
    pub with_feature: usize,
}

impl Dataset {
    /// Decodes every picture and counts. Uses all cores.
    ///
    /// # Errors
    /// If something else than a single picture is at fault.
    pub fn overview(&self, report: Report<'_>) -> Result<Overview, DataError> {
        let counts: Vec<_> =
            self.by_class().iter().map(Vec::len).filter(|&count| count > 0).collect();
        let identities = counts.len();
        let mut sizes: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut bad = Vec::new();
        self.for_each_picture("looking at pictures", None, report, |i, picture| {
            match picture {
                Ok(picture) => *sizes.entry((picture.width(), picture.height())).or_default() += 1,
                Err(problem) => bad.push((i, problem)),
            }
            Ok(())
        })?;
        let mut sizes: Vec<_> =
            sizes.into_iter().map(|((width, height), count)| (width, height, count)).collect();
        sizes.sort_by_key(|&(.., count)| std::cmp::Reverse(count));
        Ok(Overview {
            pictures: self.len(),
            identities,
            empty_identities: self.classes().len() - identities,
            per_identity: Spread::of(counts).expect("a data set is never empty"),
            bytes: (0..self.len()).filter_map(|i| self.length(i).ok()).sum(),
            sizes,
            bad,
            feature_width: self.feature_width(),
            with_feature: self.len() - self.without_features().len(),
        })
    }
}

impl fmt::Display for Overview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "pictures      {} ({:.1} MB encoded)", self.pictures, self.bytes as f64 / 1e6)?;
        write!(f, "identities    {}", self.identities)?;
        if self.empty_identities > 0 {
            write!(f, ", and {} without a picture", self.empty_identities)?;
        }
        writeln!(f, "\nper identity  {} (min / median / max)", self.per_identity)?;
        for (place, (width, height, count)) in self.sizes.iter().take(5).enumerate() {
            let title = if place == 0 { "sizes" } else { "" };
            writeln!(f, "{title:<14}{width}x{height}: {count}")?;
        }
        if self.sizes.len() > 5 {
            let rest: usize = self.sizes[5..].iter().map(|(.., count)| count).sum();
            writeln!(f, "{:<14}{} other sizes: {rest}", "", self.sizes.len() - 5)?;
        }
        if let Some(width) = self.feature_width {
            writeln!(f, "features      {} of {width} values", self.with_feature)?;
        }
        if self.bad.is_empty() {
            return write!(f, "unreadable    none");
        }
        let bad = |(index, problem): &(usize, String)| crate::BadPicture {
            index: *index,
            problem: problem.clone(),
        };
        let pictures = self.bad.iter().map(bad).collect();
        write!(f, "unreadable    {}", BadPictures { total: self.pictures, pictures })
    }
}
