//! Contact sheets: many small pictures on one large one, for people to look at.

use crate::{ImageError, Picture};

/// Lays `pictures` out in rows of `columns`, `gap` white pixels apart; every cell has the size of
/// the largest picture.
///
/// # Errors
/// [`ImageError::Size`] if there is no picture or no column.
pub fn contact_sheet(
    pictures: &[Picture],
    columns: usize,
    gap: usize,
) -> Result<Picture, ImageError> {
    let width = pictures.iter().map(Picture::width).max().unwrap_or(0);
    let height = pictures.iter().map(Picture::height).max().unwrap_or(0);
    let columns = columns.min(pictures.len());
    let rows = pictures.len().div_ceil(columns.max(1));
    let mut sheet = Picture::filled(
        (width + gap) * columns + gap * usize::from(columns > 0),
        (height + gap) * rows + gap * usize::from(columns > 0),
        [255; 3],
    )?;
    for (i, picture) in pictures.iter().enumerate() {
        let (column, row) = (i % columns, i / columns);
        sheet.paste(picture, gap + column * (width + gap), gap + row * (height + gap));
    }
    Ok(sheet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_lie_where_they_should() {
        let cells: Vec<_> = (0..5).map(|i| Picture::filled(4, 3, [i; 3]).unwrap()).collect();
        let sheet = contact_sheet(&cells, 3, 1).unwrap();
        assert_eq!((sheet.width(), sheet.height()), (16, 9));
        assert_eq!(sheet.pixel(6, 5), [4; 3]);
        assert_eq!(sheet.pixel(0, 0), [255; 3]);
        assert!(contact_sheet(&[], 3, 1).is_err());
        assert!(contact_sheet(&cells, 0, 1).is_err());
    }
}
