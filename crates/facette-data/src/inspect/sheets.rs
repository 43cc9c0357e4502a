//! Contact sheets.

use facette_image::{ImageError, Kernel, Picture, contact_sheet, resize};

use crate::{DataError, Dataset, Prepared, Views};

const GAP: usize = 4;

impl Dataset {
    /// A sheet with a row of up to `shots` pictures for each of `identities` identities, which
    /// are spread evenly over all. Cells have `cell` pixels; larger pictures are reduced by area,
    /// smaller ones enlarged by whole factors. A picture that cannot be read leaves its cell dark.
    ///
    /// # Errors
    /// [`DataError::Selection`] if a count or the cell is 0, or the sheet would be too large.
    pub fn contact_sheet(
        &self,
        identities: usize,
        shots: usize,
        cell: usize,
    ) -> Result<Picture, DataError> {
        let classes: Vec<_> = self.by_class().into_iter().filter(|c| !c.is_empty()).collect();
        let count = identities.min(classes.len());
        let mut cells = Vec::new();
        for row in 0..count {
            let pictures = &classes[row * classes.len() / count];
            for shot in 0..shots {
                cells.push(match pictures.get(shot).map(|&i| self.picture(i)) {
                    Some(Ok(picture)) => fit(&picture, cell),
                    Some(Err(_)) => Picture::filled(cell, cell, [64; 3]),
                    None => Picture::filled(cell, cell, [255; 3]),
                });
            }
        }
        sheet(cells, shots)
    }
}

/// A sheet with a row for each of `count` pictures, spread evenly over all: the picture itself,
/// the teacher's view where there is one, and `draws` training views of the student as the first
/// epochs of a run with `seed` might show them. Each fits into a cell of `cell` pixels; small
/// views are enlarged without smoothing.
///
/// # Errors
/// [`DataError::Selection`] if a count or the cell is 0, or the sheet would be too large;
/// [`DataError::View`] for an impossible view; whatever is wrong with a picture.
pub fn views_sheet(
    prepared: &Prepared,
    views: &Views,
    count: usize,
    draws: usize,
    cell: usize,
    seed: u64,
) -> Result<Picture, DataError> {
    let views = views.clone().checked()?;
    let total = prepared.dataset().len();
    let count = count.min(total);
    let mut cells = Vec::new();
    let mut student = vec![0.0; views.student.len()];
    let mut teacher = vec![0.0; views.teacher.as_ref().map_or(0, |teacher| teacher.view.len())];
    for row in 0..count {
        let i = row * total / count;
        let picture = prepared.picture(i)?;
        cells.push(fit(&picture, cell));
        for draw in 0..draws {
            let number = ((draw as u64) << 32) | i as u64;
            let mut show = || {
                views.show(&picture, (seed, number), &mut student, &mut teacher)?;
                if let Some(shown) = views.teacher.as_ref().filter(|_| draw == 0) {
                    cells.push(fit(&shown.view.to_picture(&teacher)?, cell));
                }
                cells.push(fit(&views.student.to_picture(&student)?, cell));
                Ok(())
            };
            let place = |source| DataError::View { place: prepared.dataset().place(i), source };
            show().map_err(place)?;
        }
    }
    let teacher = usize::from(views.teacher.is_some() && draws > 0);
    sheet(cells, 1 + teacher + draws)
}

fn sheet(cells: Vec<Result<Picture, ImageError>>, columns: usize) -> Result<Picture, DataError> {
    let cells = cells.into_iter().collect::<Result<Vec<_>, _>>();
    let sheet = cells.and_then(|cells| contact_sheet(&cells, columns, GAP));
    sheet.map_err(|e| DataError::selection(format!("contact sheet: {e}")))
}

/// The picture in the middle of a square of `cell` pixels.
fn fit(picture: &Picture, cell: usize) -> Result<Picture, ImageError> {
    let (width, height) = (picture.width(), picture.height());
    let longer = width.max(height);
    let picture = match cell / longer {
        0 => {
            let side = |side: usize| (side * cell / longer).max(1);
            resize(picture, side(width), side(height), Kernel::Area)?
        }
        1 => picture.clone(),
        factor => resize(picture, width * factor, height * factor, Kernel::Nearest)?,
    };
    let mut square = Picture::filled(cell, cell, [255; 3])?;
    square.paste(&picture, (cell - picture.width()) / 2, (cell - picture.height()) / 2);
    Ok(square)
}
