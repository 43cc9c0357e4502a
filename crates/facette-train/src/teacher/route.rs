//! A teacher that moves: the students that a run kept, one after the other.
//!
//! Route-constrained optimisation (Jin et al. 2019, arXiv 1904.09149) distils to anchors on the way the teacher came;
//! PocketNet's multi-step distillation (arXiv 2108.10710) takes every epoch.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use facette_graph::StudentFile;
use facette_nets::{Network, Wanted};

use super::Model;
use crate::error::TrainError;
use crate::recipe::TeacherSettings;
use crate::run::file;

/// The anchors of a route, and the one that teaches now.
pub(crate) struct Route {
    /// Their files, in the order in which they teach.
    files: Vec<PathBuf>,
    /// Epochs of the stage that each of them teaches.
    hold: usize,
    /// Which of them teaches now.
    place: usize,
    model: Model,
    wanted: Wanted,
    device: Device,
}

/// The files of a route in the run folder `folder`, and a digest of them all.
///
/// # Errors
/// [`TrainError::Teacher`] if the run kept none; whatever its files refuse.
pub(crate) fn anchors(
    folder: &Path,
    settings: &TeacherSettings,
) -> Result<(Vec<PathBuf>, String), TrainError> {
    let kept = folder.join(file::EPOCHS);
    let none = || TrainError::Teacher {
        teacher: folder.display().to_string(),
        problem: format!(
            "kept no students in {}; train it with checkpoint.students = 1",
            kept.display()
        ),
    };
    let entries = std::fs::read_dir(&kept).map_err(|_| none())?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| TrainError::io("read", &kept, e))?.path();
        if path.extension().is_some_and(|extension| extension == "safetensors") {
            files.push(path);
        }
    }
    // The names are numbers of equal length; counted back, the last one is an anchor.
    files.sort();
    let mut files: Vec<PathBuf> =
        files.into_iter().rev().step_by(settings.every.unwrap_or(1)).collect();
    files.reverse();
    if files.is_empty() {
        return Err(none());
    }
    let mut digests = String::new();
    for path in &files {
        digests.push_str(StudentFile::open(path)?.digest());
    }
    Ok((files, blake3::hash(digests.as_bytes()).to_hex().to_string()))
}

impl Route {
    /// The route over `files`, of which `first` is opened already.
    pub(crate) fn new(files: Vec<PathBuf>, first: Model, hold: usize, device: Device) -> Self {
        Self { files, hold, place: 0, model: first, wanted: Wanted::default(), device }
    }

    /// The anchor that teaches now.
    pub(crate) fn model(&self) -> &Model {
        &self.model
    }

    /// Says which taps a pass must keep.
    pub(crate) fn want(&mut self, wanted: Wanted) {
        self.wanted = wanted;
        self.model.want(wanted);
    }

    /// Lets the anchor of an epoch teach.
    ///
    /// # Errors
    /// Whatever its file refuses.
    pub(crate) fn go_to(&mut self, epoch: usize) -> Result<(), TrainError> {
        let place = (epoch / self.hold).min(self.files.len() - 1);
        if place != self.place {
            let student = StudentFile::open(&self.files[place])?;
            self.model = Model::Network(Box::new(Network::load(&student, &self.device)?));
            self.model.want(self.wanted);
            self.place = place;
        }
        Ok(())
    }
}
