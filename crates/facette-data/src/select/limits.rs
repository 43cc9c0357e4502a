//! Identities by name or by number of pictures, and the first pictures.

use crate::source::nearest;
use crate::{DataError, Dataset};

impl Dataset {
    /// Only the identities `names`.
    ///
    /// # Errors
    /// [`DataError::Selection`] if one is not there.
    pub fn only_identities(&self, names: &[String]) -> Result<Self, DataError> {
        let listed = self.listed(names)?;
        self.identities(|label| listed[label])
    }

    /// All identities but `names`.
    ///
    /// # Errors
    /// [`DataError::Selection`] if one is not there, or no other is.
    pub fn without_identities(&self, names: &[String]) -> Result<Self, DataError> {
        let listed = self.listed(names)?;
        self.identities(|label| !listed[label])
    }

    /// Only identities with at least `least` pictures.
    ///
    /// # Errors
    /// [`DataError::Selection`] if there is none.
    pub fn at_least_per_identity(&self, least: usize) -> Result<Self, DataError> {
        let sizes: Vec<_> = self.by_class().iter().map(Vec::len).collect();
        let most = sizes.iter().max().copied().unwrap_or(0);
        if least > most {
            let problem = format!("no identity has {least} pictures; the largest has {most}");
            return Err(DataError::selection(problem));
        }
        self.identities(|label| sizes[label] >= least)
    }

    /// The first `count` pictures, or all if there are fewer.
    ///
    /// # Errors
    /// [`DataError::Selection`] if `count` is 0.
    pub fn first(&self, count: usize) -> Result<Self, DataError> {
        self.subset(&(0..count.min(self.len())).collect::<Vec<_>>())
    }

    /// For every class, whether it stands in `names`.
    pub(crate) fn listed(&self, names: &[String]) -> Result<Vec<bool>, DataError> {
        let mut listed = vec![false; self.classes().len()];
        for name in names {
            let place = self.classes().iter().position(|class| class == name);
            let place = place.ok_or_else(|| {
                let near = nearest(name, self.classes().iter().map(String::as_str));
                let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                DataError::selection(format!("no identity is called `{name}`{near}"))
            })?;
            listed[place] = true;
        }
        Ok(listed)
    }
}
