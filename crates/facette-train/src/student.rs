//! Students on disk.

use std::path::{Path, PathBuf};

use facette_graph::{Card, ChannelOrder, InputCard, Norm, StateDict};
use facette_image::{Channels, Kernel, PerChannel, Size, View};
use facette_nets::Network;

use crate::error::TrainError;
use crate::recipe::{Recipe, StudentInput, StudentSettings};
use crate::run::{file, stage_folder};

/// What a student file says besides what the network itself knows.
pub(crate) struct Origin<'a> {
    pub(crate) recipe: &'a Recipe,
    pub(crate) net: &'a StudentSettings,
    pub(crate) view: &'a View,
    pub(crate) data: &'a str,
    pub(crate) teacher: Option<&'a str>,
}

/// Writes a student file; of a network that reads vectors instead of pictures, its weights.
///
/// # Errors
/// [`TrainError::Graph`], [`TrainError::Nets`].
pub(crate) fn write(student: &Network, origin: &Origin<'_>, path: &Path) -> Result<(), TrainError> {
    if origin.net.input == StudentInput::Embedding {
        return Ok(StateDict { arrays: student.arrays()? }.save(path)?);
    }
    let settings = origin
        .net
        .settings
        .iter()
        .map(|(key, value)| {
            let value = serde_json::to_value(value).expect("settings are plain values");
            (key.clone(), value)
        })
        .collect();
    let input = input_card(origin.view, &origin.recipe.template);
    let terms = &origin.recipe.terms;
    let mut card = Card::new(student.graph().clone(), settings, input, Norm::L2, terms)?;
    card.recipe = Some(origin.recipe.digest());
    card.data = Some(origin.data.to_owned());
    card.teacher = origin.teacher.map(str::to_owned);
    card.provenance = format!("recipe {:?}, seed {}", origin.recipe.name, origin.recipe.seed);
    student.to_student_file(card)?.save(path)?;
    Ok(())
}

fn input_card(view: &View, template: &str) -> InputCard {
    let each = |values: PerChannel| -> Vec<f64> {
        let shortest = |value: f32| value.to_string().parse().unwrap_or(f64::from(value));
        values.0[..view.planes()].iter().map(|&value| shortest(value)).collect()
    };
    InputCard {
        width: view.size.width,
        height: view.size.height,
        channels: match view.channels {
            Channels::Rgb => ChannelOrder::Rgb,
            Channels::Bgr => ChannelOrder::Bgr,
            Channels::Grey => ChannelOrder::Grey,
        },
        mean: each(view.mean),
        std: each(view.std),
        resize: view.kernel.name().to_owned(),
        template: template.to_owned(),
    }
}

/// The view that a card describes.
///
/// # Errors
/// [`TrainError::Teacher`] if its kernel is unknown.
pub(crate) fn view_of(card: &Card, name: &str) -> Result<View, TrainError> {
    let input = &card.input;
    let kernel = Kernel::ALL.into_iter().find(|kernel| kernel.name() == input.resize);
    let kernel = kernel.ok_or_else(|| TrainError::Teacher {
        teacher: name.to_owned(),
        problem: format!("its card names an unknown resize kernel {:?}", input.resize),
    })?;
    let each = |values: &[f64]| {
        let first = values.first().copied().unwrap_or_default() as f32;
        let at = |place: usize| values.get(place).map_or(first, |&value| value as f32);
        PerChannel([at(0), at(1), at(2)])
    };
    Ok(View {
        size: Size { width: input.width, height: input.height },
        kernel,
        channels: match input.channels {
            ChannelOrder::Rgb => Channels::Rgb,
            ChannelOrder::Bgr => Channels::Bgr,
            ChannelOrder::Grey => Channels::Grey,
        },
        mean: each(&input.mean),
        std: each(&input.std),
        ..View::default()
    })
}

/// The student file of a run folder: the one with the best judgement, or else the last.
pub(crate) fn chosen(folder: &Path) -> PathBuf {
    let best = folder.join(file::BEST);
    if best.exists() { best } else { folder.join(file::LAST) }
}

/// The student of an earlier stage.
pub(crate) fn of_stage(recipe: &Recipe, folder: &Path, name: &str) -> Option<(usize, PathBuf)> {
    let index = recipe.stages.iter().position(|stage| stage.name == name)?;
    Some((index, chosen(&stage_folder(recipe, folder, index))))
}
