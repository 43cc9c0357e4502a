//! From a recipe's teacher to something that yields knowledge.

use std::path::Path;

use facette_data::{TeacherMode, TeacherView, Views};
use facette_distil::StreamShapes;
use facette_graph::{Arrays, Card, StateDict, StudentFile};
use facette_image::View;
use facette_nets::{Init, NetOptions, Network, OnnxModel, OnnxOptions, Wanted, build};

use super::compute::{self, Task};
use super::{Model, Outputs, Route, route, start};
use crate::error::TrainError;
use crate::recipe::{StudentInput, TeacherKind, TeacherSettings};
use crate::run::{Run, file};
use crate::streams::Body;
use crate::student;

/// A finished teacher.
pub(crate) struct Teacher {
    settings: TeacherSettings,
    name: String,
    digest: String,
    source: Source,
    /// What terms left beside it when it was trained here.
    left: Option<Arrays>,
}

enum Source {
    /// Vectors that stand beside the pictures.
    Beside,
    /// A model and what it is shown.
    Model { model: Model, view: Box<TeacherView> },
    /// Models of which one teaches at a time.
    Route { route: Box<Route>, view: Box<TeacherView> },
    /// The picture itself.
    Picture { view: Box<TeacherView> },
    /// A network that reads the outputs of another teacher.
    Adapter { base: Box<Teacher>, network: Box<Network> },
}

/// Opens the teacher that a recipe names.
///
/// # Errors
/// [`TrainError::Teacher`] if it does not fit its view, or has none; whatever its file refuses.
pub(crate) fn open(
    run: &Run<'_>,
    settings: &TeacherSettings,
    views: &Views,
) -> Result<Teacher, TrainError> {
    let path = settings.path.clone().unwrap_or_default();
    let mut anchors = None;
    let (name, file) = match settings.kind {
        TeacherKind::Features | TeacherKind::Net => return Ok(beside(settings)),
        TeacherKind::Onnx => (path.display().to_string(), run.paths.data.join(&path)),
        TeacherKind::File | TeacherKind::Weights => {
            (path.display().to_string(), run.paths.data.join(&path))
        }
        TeacherKind::Run => {
            let folder = run.paths.runs.join(&path);
            (folder.display().to_string(), student::chosen(&folder))
        }
        TeacherKind::Route => {
            let folder = run.paths.runs.join(&path);
            let (files, digest) = route::anchors(&folder, settings)?;
            anchors = Some((files.clone(), digest));
            (folder.display().to_string(), files[0].clone())
        }
        TeacherKind::Stage => return of_stage(run, settings, &path, views),
        TeacherKind::Picture => return picture(settings, views),
    };
    let refuse = |problem: String| TrainError::Teacher { teacher: name.clone(), problem };
    let chosen = views.teacher.clone();
    let viewed = || chosen.clone().ok_or_else(|| refuse("has no view; add [views.teacher]".into()));
    let (model, digest, view) = match (settings.kind, &settings.net) {
        (TeacherKind::Onnx, _) => {
            let view = viewed()?;
            let size = view.view.size.width;
            let options =
                OnnxOptions { output: settings.output.clone(), size: Some(size), threads: None };
            let model = OnnxModel::open_with(&file, &options)?;
            let digest = model.digest().to_owned();
            (Model::Onnx(Box::new(model)), digest, view)
        }
        (TeacherKind::Weights, Some(net)) => {
            let view = viewed()?;
            let (network, digest) = start::finished(run, &file, net, &view.view)?;
            (Model::Network(Box::new(network)), digest, view)
        }
        _ => of_file(run, &file, &name, chosen.clone())?,
    };
    let [channels, height, width] = model.picture();
    let shown = [view.view.planes(), view.view.size.height, view.view.size.width];
    if shown != [channels, height, width] {
        return Err(refuse(format!(
            "takes {channels}x{height}x{width}, its view gives {}x{}x{}; set views.teacher.view.size \
             and channels",
            shown[0], shown[1], shown[2]
        )));
    }
    if settings.flip && view.mode != TeacherMode::Clean {
        return Err(refuse(
            "flip averages outputs that are computed once; set views.teacher.mode = \"clean\""
                .into(),
        ));
    }
    let view = Box::new(view);
    let (source, digest) = match anchors {
        None => (Source::Model { model, view }, digest),
        Some((files, digest)) => {
            let hold = settings.hold.unwrap_or(1);
            let route = Route::new(files, model, hold, run.device.clone().inner());
            (Source::Route { route: Box::new(route), view }, digest)
        }
    };
    let left = match settings.kind {
        TeacherKind::Run => left_beside(&file)?,
        _ => None,
    };
    Ok(Teacher { settings: settings.clone(), name, digest, source, left })
}

/// What terms left in the folder of a student file.
fn left_beside(student: &Path) -> Result<Option<Arrays>, TrainError> {
    let path = student.with_file_name(file::TERMS);
    match path.exists() {
        true => Ok(Some(StateDict::open(&path)?.arrays)),
        false => Ok(None),
    }
}

fn beside(settings: &TeacherSettings) -> Teacher {
    Teacher {
        settings: settings.clone(),
        name: "features beside the pictures".into(),
        digest: String::new(),
        source: Source::Beside,
        left: None,
    }
}

fn picture(settings: &TeacherSettings, views: &Views) -> Result<Teacher, TrainError> {
    let name = "the picture itself".to_owned();
    let fitting = views.teacher.clone().filter(|view| view.mode == TeacherMode::Paired);
    let Some(view) = fitting else {
        let problem =
            "must show the student's own crop: set views.teacher.mode = \"paired\"".into();
        return Err(TrainError::Teacher { teacher: name, problem });
    };
    let source = Source::Picture { view: Box::new(view) };
    Ok(Teacher { settings: settings.clone(), name, digest: String::new(), source, left: None })
}

/// A student file as a teacher; its card says what it is shown, and the recipe may not differ.
fn of_file(
    run: &Run<'_>,
    path: &Path,
    name: &str,
    chosen: Option<TeacherView>,
) -> Result<(Model, String, TeacherView), TrainError> {
    let student = StudentFile::open(path)?;
    let own = student::view_of(student.card(), name)?;
    let view = match chosen {
        None => TeacherView { view: own, mode: TeacherMode::Clean },
        Some(chosen) => {
            agree(student.card(), &own, &chosen.view, name, "views.teacher.view, or leave it out")?;
            chosen
        }
    };
    let network = Network::load(&student, &run.device.clone().inner())?;
    Ok((Model::Network(Box::new(network)), student.digest().to_owned(), view))
}

/// Refuses a view that is not what the card of `name` says; `place` is where it stands.
pub(super) fn agree(
    card: &Card,
    own: &View,
    chosen: &View,
    name: &str,
    place: &str,
) -> Result<(), TrainError> {
    let same = |view: &View| (view.size, view.kernel, view.channels, view.mean, view.std);
    if same(own) == same(chosen) {
        return Ok(());
    }
    let input = serde_json::to_string(&card.input).expect("cards are plain values");
    Err(TrainError::Teacher {
        teacher: name.to_owned(),
        problem: format!("its card says {input}; say the same in {place}"),
    })
}

fn of_stage(
    run: &Run<'_>,
    settings: &TeacherSettings,
    name: &Path,
    views: &Views,
) -> Result<Teacher, TrainError> {
    let name = name.display().to_string();
    let refuse = |problem: String| TrainError::Teacher { teacher: name.clone(), problem };
    let (index, file) = student::of_stage(run.recipe, &run.paths.folder, &name)
        .ok_or_else(|| refuse("no stage has that name".into()))?;
    let stage = &run.recipe.stages[index];
    let net = stage.student.as_ref().or(run.recipe.student.as_ref());
    let net = net.ok_or_else(|| refuse("that stage has no student".into()))?;
    if net.input != StudentInput::Embedding {
        let (model, digest, view) = of_file(run, &file, &name, views.teacher.clone())?;
        let source = Source::Model { model, view: Box::new(view) };
        let left = left_beside(&file)?;
        return Ok(Teacher { settings: settings.clone(), name, digest, source, left });
    }
    let base = stage.teacher.as_ref().or(run.recipe.teacher.as_ref());
    let base = base.ok_or_else(|| refuse("that stage has no teacher".into()))?;
    let views = stage.views.as_ref().unwrap_or(&run.recipe.views);
    let base = open(run, base, views)?;
    let length = base.shapes(run)?.embedding;
    let options = NetOptions {
        size: 1,
        channels: length,
        embedding: net.embedding,
        classes: None,
        settings: net.settings.clone(),
    };
    let weights = StateDict::open(&file)?;
    let mut network =
        Network::new(build(&net.net, &options)?, Init::Torch, 0, "replaced", &run.device)?.frozen();
    let arrays = weights.fit(network.graph())?.complete(network.graph())?;
    network.set_arrays(&arrays)?;
    let bytes = std::fs::read(&file).map_err(|e| TrainError::io("read", &file, e))?;
    let digest = blake3::hash(&bytes).to_hex().to_string();
    let source = Source::Adapter { base: Box::new(base), network: Box::new(network) };
    Ok(Teacher { settings: settings.clone(), name, digest, source, left: None })
}

impl Teacher {
    /// What terms left beside it when it was trained here, by `<term>.<tensor>`.
    pub(crate) fn left(&self) -> Option<&Arrays> {
        self.left.as_ref()
    }

    /// Its network, where it is one of ours that stays the same.
    pub(crate) fn network(&self) -> Option<&Network> {
        match &self.source {
            Source::Model { model: Model::Network(network), .. } => Some(network),
            _ => None,
        }
    }

    /// The shapes of what it yields.
    ///
    /// # Errors
    /// [`TrainError::Teacher`] if it is made of vectors that are not there.
    pub(crate) fn shapes(&self, run: &Run<'_>) -> Result<StreamShapes, TrainError> {
        match &self.source {
            Source::Model { model, .. } => model.shapes(),
            Source::Route { route, .. } => route.model().shapes(),
            Source::Picture { view } => Ok(StreamShapes::embedding_only(view.view.len())),
            Source::Adapter { network, .. } => {
                Ok(StreamShapes::embedding_only(network.embedding_dim()))
            }
            Source::Beside => {
                let dataset = run.pictures.dataset();
                let lacking = dataset.without_features();
                match (dataset.feature_width(), lacking.first()) {
                    (Some(width), None) => Ok(StreamShapes::embedding_only(width)),
                    (_, first) => Err(TrainError::Teacher {
                        teacher: self.name.clone(),
                        problem: format!(
                            "{} of {} pictures have no features ({}); name a features file or a \
                             feature column in every source, or a teacher that computes",
                            lacking.len(),
                            dataset.len(),
                            first.map_or(String::new(), |&i| dataset.place(i)),
                        ),
                    }),
                }
            }
        }
    }

    /// A digest of what it is, in hexadecimal; vectors beside the pictures are part of the data.
    pub(crate) fn digest(&self) -> Option<String> {
        match &self.source {
            Source::Beside | Source::Picture { .. } => None,
            Source::Model { .. } | Source::Route { .. } => Some(self.digest.clone()),
            Source::Adapter { base, .. } => {
                let whole = format!("{}{}", base.digest().unwrap_or_default(), self.digest);
                Some(blake3::hash(whole.as_bytes()).to_hex().to_string())
            }
        }
    }

    /// What it sees, where it computes.
    pub(crate) fn view(&self) -> Option<&TeacherView> {
        match &self.source {
            Source::Model { view, .. } | Source::Route { view, .. } | Source::Picture { view } => {
                Some(view)
            }
            _ => None,
        }
    }

    /// Its outputs for the whole training set.
    ///
    /// # Errors
    /// [`TrainError::Teacher`] if they cannot be known before the first step; as computing them.
    pub(crate) fn outputs(&self, run: &mut Run<'_>) -> Result<Outputs, TrainError> {
        match &self.source {
            Source::Beside => {
                let width = self.shapes(run)?.embedding;
                let dataset = run.pictures.dataset();
                let rows: Vec<f32> = (0..dataset.len())
                    .flat_map(|i| dataset.feature(i).unwrap_or_default())
                    .copied()
                    .collect();
                Ok(Outputs::new(width, None, rows, run.device.clone().inner()))
            }
            Source::Model { model, view } => {
                if view.mode != TeacherMode::Clean {
                    return Err(TrainError::Teacher {
                        teacher: self.name.clone(),
                        problem: "its outputs change with every step; set \
                                  views.teacher.mode = \"clean\""
                            .into(),
                    });
                }
                let task = Task {
                    model,
                    digest: &self.digest,
                    view: &view.view,
                    settings: &self.settings,
                    name: &self.name,
                };
                compute::outputs(run, &task)
            }
            Source::Picture { .. } => Err(TrainError::Teacher {
                teacher: self.name.clone(),
                problem: "is another one at every step; name a teacher that computes".into(),
            }),
            Source::Route { .. } => Err(TrainError::Teacher {
                teacher: self.name.clone(),
                problem: "its outputs change from epoch to epoch; name one student of the run \
                          instead"
                    .into(),
            }),
            Source::Adapter { base, network } => {
                let known = base.outputs(run)?;
                adapted(network, &known, self.settings.batch)
            }
        }
    }

    /// The teacher as a stream of which `wanted` is read: its outputs where they can be known
    /// before the first step and `live` does not forbid it, else itself.
    ///
    /// # Errors
    /// As [`Teacher::outputs`]; if it must be live and cannot.
    pub(crate) fn body(
        self,
        run: &mut Run<'_>,
        wanted: Wanted,
        live: bool,
    ) -> Result<Body, TrainError> {
        let computes = matches!(self.source, Source::Model { .. } | Source::Route { .. });
        if live && (!computes || self.settings.flip || self.settings.cache == Some(true)) {
            return Err(TrainError::Teacher {
                teacher: self.name.clone(),
                problem:
                    "is shown virtual pictures, of which nothing can be known beforehand; name \
                          a teacher that computes, without cache and flip"
                        .into(),
            });
        }
        let maps = wanted.stages || wanted.before_activation;
        let known = match &self.source {
            Source::Model { model: Model::Network(_), view } => {
                let possible = view.mode == TeacherMode::Clean && !maps;
                self.settings.cache.unwrap_or(possible) || self.settings.flip
            }
            Source::Model { view, .. } => {
                self.settings.cache.unwrap_or(view.mode == TeacherMode::Clean)
            }
            Source::Route { .. } | Source::Picture { .. } => false,
            Source::Beside | Source::Adapter { .. } => true,
        };
        match self.source {
            Source::Model { mut model, .. } if live || !known => {
                model.want(wanted);
                Ok(Body::Live(model))
            }
            Source::Route { mut route, .. } => {
                route.want(wanted);
                Ok(Body::Route(route))
            }
            Source::Picture { view } => Ok(Body::Picture(view.view.len())),
            _ => Ok(Body::Known(self.outputs(run)?)),
        }
    }
}

fn adapted(network: &Network, known: &Outputs, batch: usize) -> Result<Outputs, TrainError> {
    let device = network.device().clone();
    let mut rows = Vec::with_capacity(known.len() * network.embedding_dim());
    let indices: Vec<usize> = (0..known.len()).collect();
    for chunk in indices.chunks(batch) {
        let knowledge = network.infer(known.vectors(chunk, &device));
        rows.extend(facette_nets::read("embedding", &knowledge.embedding)?);
    }
    Ok(Outputs::new(network.embedding_dim(), None, rows, device))
}
