//! How student and teacher see a picture.

use facette_image::random::stream;
use facette_image::{ImageError, Jitter, Picture, View};
use serde::{Deserialize, Serialize};

use crate::DataError;

/// What the teacher sees of what happened to the student's view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TeacherMode {
    /// The whole picture, the same every time: its outputs can be computed once.
    #[default]
    Clean,
    /// The whole picture, mirrored where the student's is.
    Mirrored,
    /// The student's crop and mirror image at the teacher's size, without the student's tones and
    /// degradations: what stage maps that are compared place by place need.
    Paired,
    /// A crop, tone and degradation of its own, as its view says.
    Own,
}

/// The teacher's view.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TeacherView {
    /// Size, channels, normalisation; and what is random about it in mode
    /// [`Own`](TeacherMode::Own), in no other.
    pub view: View,
    /// What it shares with the student's.
    pub mode: TeacherMode,
}

/// Both views of every picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Views {
    /// The student's view, as it is in training.
    pub student: View,
    /// The teacher's; `None` where it is not asked, or where its features stand beside the
    /// pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teacher: Option<TeacherView>,
}

impl Views {
    /// The same, ready for use: a paired teacher gets the student's geometry.
    pub(crate) fn checked(mut self) -> Result<Self, DataError> {
        let of = |place: &str| {
            let place = place.to_owned();
            |source| DataError::View { place, source }
        };
        self.student.check().map_err(of("the student"))?;
        let Some(TeacherView { view, mode }) = &mut self.teacher else { return Ok(self) };
        let random = [
            ("jitter", !view.jitter.is_none()),
            ("degrade", !view.degrade.is_empty()),
            ("degrade_after", !view.degrade_after.is_empty()),
        ];
        if let Some((key, _)) = random.iter().find(|(_, set)| *set && *mode != TeacherMode::Own) {
            let problem = "only used with `mode = \"own\"`; remove it, or set that mode";
            return Err(DataError::setting("teacher's view", *key, problem));
        }
        if *mode == TeacherMode::Paired {
            view.jitter = geometry(&self.student.jitter);
        }
        view.check().map_err(of("the teacher"))?;
        Ok(self)
    }

    /// Both views of one picture into `student` and, where there is one, `teacher`; returns
    /// whether the student's is mirrored. `seed` and `number` name the streams.
    pub(crate) fn show(
        &self,
        picture: &Picture,
        (seed, number): (u64, u64),
        student: &mut [f32],
        teacher: &mut [f32],
    ) -> Result<bool, ImageError> {
        let own = |name| stream(seed, name, number);
        let flip = self.student.train(picture, &mut own("loader/student"), student)?.flip;
        let Some(TeacherView { view, mode }) = &self.teacher else { return Ok(flip) };
        match mode {
            TeacherMode::Clean => view.clean(picture, false, teacher)?,
            TeacherMode::Mirrored => view.clean(picture, flip, teacher)?,
            // Crop and flip are the first draws of a view, so that the same stream and geometry
            // give the same crop and flip.
            TeacherMode::Paired => {
                view.train(picture, &mut own("loader/student"), teacher)?;
            }
            TeacherMode::Own => {
                view.train(picture, &mut own("loader/teacher"), teacher)?;
            }
        }
        Ok(flip)
    }
}

/// The part of a jitter that says where the crop lies and whether it is mirrored.
fn geometry(jitter: &Jitter) -> Jitter {
    Jitter {
        scale: jitter.scale,
        aspect: jitter.aspect,
        margin: jitter.margin,
        spread: jitter.spread,
        rotation: jitter.rotation,
        whole_pixels: jitter.whole_pixels,
        border: jitter.border,
        flip: jitter.flip,
        ..Jitter::default()
    }
}
