//! From a label column to class numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::table::{LabelValue, Table};
use crate::DataError;

/// Label values of all files in turn, and the class names that a file itself gives.
#[derive(Default)]
pub(super) struct Labels {
    values: Vec<LabelValue>,
    names: Option<Vec<String>>,
    /// File of the label column, for messages.
    path: PathBuf,
    column: String,
}

impl Labels {
    pub(super) fn add(
        &mut self,
        path: &Path,
        table: &Table,
        column: usize,
    ) -> Result<(), DataError> {
        self.column = table.column_name(column);
        self.path = path.to_owned();
        if self.names.is_none() {
            self.names = table.class_names(&self.column);
        }
        for (row, value) in table.labels(column)?.into_iter().enumerate() {
            let value = value.ok_or_else(|| {
                let place = format!("row {row}, column {:?}", self.column);
                DataError::record(path, place, "null where a label was expected")
            })?;
            self.values.push(value);
        }
        Ok(())
    }

    /// Class names and the label of every row.
    ///
    /// Where the file names its classes (the hub's `ClassLabel`), numbers count in those names, so
    /// that training and test files agree; all other values become classes in their order.
    pub(super) fn numbered(&self) -> Result<(Vec<String>, Vec<usize>), DataError> {
        if let Some(names) = &self.names {
            let number = |(row, value): (usize, &LabelValue)| match value {
                LabelValue::Number(n) if usize::try_from(*n).is_ok_and(|n| n < names.len()) => {
                    Ok(*n as usize)
                }
                other => Err(DataError::record(
                    &self.path,
                    format!("row {row}, column {:?}", self.column),
                    format!("label {other}; the file names {} classes", names.len()),
                )),
            };
            let labels = self.values.iter().enumerate().map(number);
            return Ok((names.clone(), labels.collect::<Result<_, _>>()?));
        }
        let mut numbers: BTreeMap<&LabelValue, usize> =
            self.values.iter().map(|value| (value, 0)).collect();
        numbers.values_mut().enumerate().for_each(|(place, number)| *number = place);
        let names = numbers.keys().map(ToString::to_string).collect();
        Ok((names, self.values.iter().map(|value| numbers[value]).collect()))
    }
}
