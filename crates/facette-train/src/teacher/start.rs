//! Weights that a network of the student's kind starts from, or is finished with.

use std::path::{Path, PathBuf};

use facette_graph::{StateDict, StudentFile};
use facette_image::View;
use facette_nets::{NetOptions, Network, build};

use super::open::agree;
use crate::error::TrainError;
use crate::observer::Event;
use crate::recipe::{StudentSettings, TeacherKind, TeacherSettings};
use crate::run::Run;
use crate::student;

/// A finished student as part of another: the whole of it, whatever it is made of. `view` is what it is
/// shown, where it reads no other stream.
///
/// # Errors
/// [`TrainError::Teacher`] if it is no student file, or wants another view; whatever its file refuses.
pub(crate) fn part(
    run: &Run<'_>,
    settings: &TeacherSettings,
    view: Option<&View>,
) -> Result<Network, TrainError> {
    let path = settings.path.clone().unwrap_or_default();
    let name = path.display().to_string();
    let refuse =
        |problem: &str| TrainError::Teacher { teacher: name.clone(), problem: problem.into() };
    let file = match settings.kind {
        TeacherKind::File => run.paths.data.join(&path),
        TeacherKind::Run => student::chosen(&run.paths.runs.join(&path)),
        TeacherKind::Stage => match student::of_stage(run.recipe, &run.paths.folder, &name) {
            Some((_, file)) => file,
            None => return Err(refuse("no stage has that name")),
        },
        _ => {
            return Err(refuse(
                "becomes part of the student: name a student file, a run or a stage",
            ));
        }
    };
    let student = StudentFile::open(&file)?;
    if let Some(view) = view {
        let own = student::view_of(student.card(), &name)?;
        agree(student.card(), &own, view, &name, "views.student: both see one picture")?;
    }
    Ok(Network::load(&student, &run.device.clone().inner())?)
}

/// The network `net` with the weights of `file`, all of them, and a digest of both; `view` is what it is
/// shown.
///
/// # Errors
/// [`TrainError::Graph`] if weights are missing or of other shapes.
pub(super) fn finished(
    run: &Run<'_>,
    file: &Path,
    net: &StudentSettings,
    view: &View,
) -> Result<(Network, String), TrainError> {
    let classes = run.pictures.dataset().classes().len();
    let options = NetOptions {
        size: view.size.width,
        channels: view.planes(),
        embedding: net.embedding,
        classes: net.classifier.unwrap_or(false).then_some(classes),
        settings: net.settings.clone(),
    };
    let graph = build(&net.net, &options)?;
    let weights = StateDict::open(file)?;
    let arrays = weights.fit(&graph)?.complete(&graph)?;
    let bytes = std::fs::read(file).map_err(|e| TrainError::io("read", file, e))?;
    let whole = format!("{}{}{net:?}", blake3::hash(&bytes).to_hex(), view.size.width);
    let network = Network::of_arrays(graph, &arrays, &run.device.clone().inner())?;
    Ok((network, blake3::hash(whole.as_bytes()).to_hex().to_string()))
}

/// Gives a fresh network, that of stream `stream`, the weights its recipe says it starts from. A student that is made of
/// several networks gives its part of the stream's name.
///
/// # Errors
/// [`TrainError::Graph`] if the file does not fit, [`TrainError::Teacher`] if it holds none of the
/// network's tensors.
pub(crate) fn initialise(
    run: &mut Run<'_>,
    stream: &str,
    net: &StudentSettings,
    network: &mut Network,
) -> Result<(), TrainError> {
    let path: PathBuf = match (&net.init, &net.init_stage) {
        (Some(path), _) => run.paths.data.join(path),
        (None, Some(name)) => match student::of_stage(run.recipe, &run.paths.folder, name) {
            Some((_, path)) => path,
            None => return Ok(()),
        },
        (None, None) => return Ok(()),
    };
    let dict = StateDict::open(&path)?;
    let part = dict.part(stream);
    let found = match part.arrays.is_empty() {
        true => dict.fit(network.graph())?,
        false => part.fit(network.graph())?,
    };
    if found.arrays.is_empty() {
        return Err(TrainError::Teacher {
            teacher: path.display().to_string(),
            problem: format!(
                "holds none of the tensors of {}; name a file of the same architecture",
                network.graph().architecture
            ),
        });
    }
    network.set_imported(&found)?;
    run.observer.on(&Event::Message(format!(
        "starts from {}: {} tensors taken over, {} fresh, {} unused",
        path.display(),
        found.arrays.len(),
        found.missing.len(),
        found.unused.len()
    )));
    Ok(())
}
