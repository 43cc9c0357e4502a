//! Pictures beside what the two networks see of them.

use facette_data::{Dataset, Views};
use facette_eval::report::{Shown, Strip, Tile, Verdict};
use facette_image::{Picture, View};

/// `count` pictures of as many identities, spread evenly over all, with both views.
pub(crate) fn both_views(dataset: &Dataset, views: &Views, count: usize) -> anyhow::Result<Strip> {
    let classes: Vec<Vec<usize>> =
        dataset.by_class().into_iter().filter(|class| !class.is_empty()).collect();
    let count = count.min(classes.len());
    let mut tiles = Vec::new();
    for k in 0..count {
        let class = &classes[k * classes.len() / count];
        let i = class[k % class.len()];
        let picture = dataset.picture(i)?;
        let mut pictures = Vec::new();
        if let Some(teacher) = &views.teacher {
            pictures.push(shown(&picture, &teacher.view, "teacher")?);
        }
        pictures.push(shown(&picture, &views.student, "student")?);
        tiles.push(Tile { pictures, text: dataset.name(i).to_owned(), verdict: Verdict::None });
    }
    Ok(Strip {
        title: "What the networks see".into(),
        caption: "Each picture as the teacher and as the student is shown it, without the random \
                  crops and tones of training."
            .into(),
        tiles,
    })
}

fn shown(picture: &Picture, view: &View, who: &str) -> anyhow::Result<Shown> {
    let mut planes = vec![0.0; view.len()];
    view.clean(picture, false, &mut planes)?;
    let label = format!("{who}, {} px", view.size.width);
    Ok(Shown { picture: view.to_picture(&planes)?, label })
}
