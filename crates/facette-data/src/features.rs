//! Teacher features beside the pictures: one vector per picture, computed elsewhere.

use std::collections::HashMap;
use std::sync::Arc;

use crate::{DataError, Dataset};

/// Vectors of one width.
#[derive(Debug, PartialEq)]
pub(crate) struct FeatureTable {
    width: usize,
    values: Vec<f32>,
}

impl FeatureTable {
    /// Takes over rows of `width` values each; every value must be a finite number.
    pub(crate) fn new(owner: &str, width: usize, values: Vec<f32>) -> Result<Self, DataError> {
        let refuse = |problem| DataError::Features { owner: owner.to_owned(), problem };
        if width == 0 || values.is_empty() || !values.len().is_multiple_of(width) {
            return Err(refuse(format!(
                "expected rows of one width above 0, found {} values and a width of {width}",
                values.len()
            )));
        }
        if let Some(bad) = values.iter().position(|value| !value.is_finite()) {
            return Err(refuse(format!(
                "row {}, value {} is {}; expected finite numbers",
                bad / width,
                bad % width,
                values[bad]
            )));
        }
        Ok(Self { width, values })
    }

    pub(crate) fn rows(&self) -> usize {
        self.values.len() / self.width
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.width..(row + 1) * self.width]
    }
}

impl Dataset {
    /// The teacher's vector for picture `i`, where one is known.
    pub fn feature(&self, i: usize) -> Option<&[f32]> {
        self.items()[i].feature.as_ref().map(|(table, row)| table.row(*row))
    }

    /// Length of the teacher's vectors, where at least one is known.
    pub fn feature_width(&self) -> Option<usize> {
        self.items().iter().find_map(|item| item.feature.as_ref()).map(|(table, _)| table.width)
    }

    /// Pictures without a teacher's vector.
    pub fn without_features(&self) -> Vec<usize> {
        (0..self.len()).filter(|&i| self.items()[i].feature.is_none()).collect()
    }

    /// Gives the pictures `indices` the vectors in `values`, row by row; other pictures keep
    /// what they have. `owner` is what messages call the vectors.
    ///
    /// # Errors
    /// [`DataError::Features`] if there is not one row of finite numbers for every index, or if
    /// the width differs from that of the vectors that are already there.
    ///
    /// # Panics
    /// If an index is not below [`len`](Dataset::len).
    pub fn set_features(
        &mut self,
        owner: &str,
        indices: &[usize],
        width: usize,
        values: Vec<f32>,
    ) -> Result<(), DataError> {
        let table = FeatureTable::new(owner, width, values)?;
        if table.rows() != indices.len() {
            let problem = format!("{} rows for {} pictures", table.rows(), indices.len());
            return Err(DataError::Features { owner: owner.to_owned(), problem });
        }
        self.attach(owner, table, indices.iter().copied().zip(0..))
    }

    /// Gives every picture the row of its name in a table of named rows.
    ///
    /// # Errors
    /// [`DataError::Features`] if a picture has no row, naming it; rows that no picture asks for
    /// are passed over, so that one file may serve a subset.
    pub(crate) fn match_features(
        &mut self,
        owner: &str,
        names: &[String],
        table: FeatureTable,
    ) -> Result<(), DataError> {
        let refuse = |problem| DataError::Features { owner: owner.to_owned(), problem };
        if names.len() != table.rows() {
            return Err(refuse(format!("{} names for {} rows", names.len(), table.rows())));
        }
        let rows: HashMap<&str, usize> =
            names.iter().enumerate().map(|(row, name)| (name.as_str(), row)).collect();
        if rows.len() != names.len() {
            return Err(refuse("a name stands twice; every picture needs its own row".to_owned()));
        }
        let lacking: Vec<_> =
            self.items().iter().filter(|item| !rows.contains_key(item.name.as_str())).collect();
        if let Some(first) = lacking.first() {
            return Err(refuse(format!(
                "no row for `{}`{}; rows are matched by picture name, the first row is `{}`",
                first.name,
                match lacking.len() {
                    1 => String::new(),
                    more => format!(" and {} other pictures", more - 1),
                },
                names[0]
            )));
        }
        let matched = self.items().iter().map(|item| rows[item.name.as_str()]);
        let matched: Vec<_> = matched.enumerate().collect();
        self.attach(owner, table, matched.into_iter())
    }

    /// Gives pictures the rows of a table, or changes nothing if widths would differ.
    fn attach(
        &mut self,
        owner: &str,
        table: FeatureTable,
        rows: impl Iterator<Item = (usize, usize)>,
    ) -> Result<(), DataError> {
        let table = Arc::new(table);
        let mut features: Vec<_> = self.items().iter().map(|item| item.feature.clone()).collect();
        rows.for_each(|(i, row)| features[i] = Some((Arc::clone(&table), row)));
        let names = self.items().iter().map(|item| item.name.as_str());
        check_widths(owner, names.zip(&features))?;
        for (item, feature) in self.items_mut().iter_mut().zip(features) {
            item.feature = feature;
        }
        Ok(())
    }
}

/// A row of a table of vectors.
pub(crate) type Feature = (Arc<FeatureTable>, usize);

/// That all vectors have one width; pictures come with their names.
pub(crate) fn check_widths<'a>(
    owner: &str,
    pictures: impl Iterator<Item = (&'a str, &'a Option<Feature>)>,
) -> Result<(), DataError> {
    let widths = pictures.filter_map(|(name, feature)| Some((name, feature.as_ref()?.0.width)));
    let mut expected: Option<(&str, usize)> = None;
    for (name, found) in widths {
        let &mut (other, width) = expected.get_or_insert((name, found));
        if found != width {
            return Err(DataError::Features {
                owner: owner.to_owned(),
                problem: format!(
                    "`{name}` has {found} values, `{other}` has {width}; all must come from one \
                     teacher"
                ),
            });
        }
    }
    Ok(())
}
