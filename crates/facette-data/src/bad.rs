//! Pictures that are missing or unreadable: counted, named, and refused by default.

use std::fmt;

use crate::{DataError, Dataset};

/// How many bad pictures a message names before it only counts.
const NAMED: usize = 10;

/// One missing or unreadable picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPicture {
    /// Its place in the data set, from 0.
    pub index: usize,
    /// What is wrong, naming the file or the file and row.
    pub problem: String,
}

/// What a pass over all pictures found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadPictures {
    /// How many pictures were looked at.
    pub total: usize,
    /// The bad ones, by their place in the data set.
    pub pictures: Vec<BadPicture>,
}

impl fmt::Display for BadPictures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.pictures.len();
        write!(f, "{count} of {} pictures cannot be read", self.total)?;
        for picture in self.pictures.iter().take(NAMED) {
            write!(f, "\n  {}", picture.problem)?;
        }
        if count > NAMED {
            write!(f, "\n  and {} more", count - NAMED)?;
        }
        if count > 0 {
            write!(f, "\nmend or remove them, or leave them out with `allow_bad = {count}`")?;
        }
        Ok(())
    }
}

impl BadPictures {
    /// The data set without the bad pictures, if there are at most `allowed` of them.
    ///
    /// Class numbers do not change, even where a class loses its last picture.
    ///
    /// # Errors
    /// [`DataError::BadPictures`] if there are more, [`DataError::Selection`] if none is left.
    pub fn leave_out(&self, dataset: &Dataset, allowed: usize) -> Result<Dataset, DataError> {
        if self.pictures.len() > allowed {
            return Err(DataError::BadPictures(self.clone()));
        }
        let mut bad = self.pictures.iter().map(|picture| picture.index).peekable();
        let good: Vec<_> =
            (0..dataset.len()).filter(|&index| bad.next_if_eq(&index).is_none()).collect();
        dataset.subset(&good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_are_named_and_the_rest_counted() {
        let pictures = (0..13)
            .map(|index| BadPicture { index, problem: format!("p{index}.jpg: truncated") })
            .collect();
        let text = BadPictures { total: 40, pictures }.to_string();
        assert!(text.starts_with("13 of 40 pictures cannot be read\n  p0.jpg"), "{text}");
        assert!(text.contains("p9.jpg") && !text.contains("p10.jpg"), "{text}");
        assert!(text.contains("and 3 more") && text.contains("allow_bad = 13"), "{text}");
    }
}
