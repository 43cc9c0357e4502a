//! Decoding every picture of a data set once, on all cores.

use facette_image::{Kernel, Picture, resize};
use rayon::prelude::*;

use crate::progress::Report;
use crate::{DataError, Dataset, Progress};

/// Pictures decoded between two reports of progress.
const BLOCK: usize = 512;

impl Dataset {
    /// Decodes all pictures, a block at a time, and hands them over in their order: reduced to
    /// `size` where that is set, or with what is wrong with them.
    ///
    /// # Errors
    /// What `take` refuses, and faults of more than one picture.
    pub(crate) fn for_each_picture(
        &self,
        what: &'static str,
        size: Option<usize>,
        report: Report<'_>,
        mut take: impl FnMut(usize, Result<Picture, String>) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let total = self.len();
        for start in (0..total).step_by(BLOCK) {
            report(Progress { what, done: start, total });
            let block: Vec<_> = (start..total.min(start + BLOCK))
                .into_par_iter()
                .map(|i| self.picture(i).and_then(|picture| self.reduced(i, picture, size)))
                .collect();
            for (i, picture) in (start..).zip(block) {
                match picture {
                    Err(error) if !error.is_of_one_picture() => return Err(error),
                    picture => take(i, picture.map_err(|error| error.to_string()))?,
                }
            }
        }
        report(Progress { what, done: total, total });
        Ok(())
    }

    /// The picture by area so that its shorter side has `size` pixels, if it has more.
    fn reduced(
        &self,
        i: usize,
        picture: Picture,
        size: Option<usize>,
    ) -> Result<Picture, DataError> {
        let (width, height) = (picture.width(), picture.height());
        let shorter = width.min(height);
        let Some(size) = size.filter(|&size| size < shorter) else { return Ok(picture) };
        let side = |side: usize| ((side * size) as f64 / shorter as f64).round() as usize;
        resize(&picture, side(width), side(height), Kernel::Area)
            .map_err(|source| DataError::Picture { place: self.place(i), source })
    }
}
