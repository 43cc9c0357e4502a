//! A small world to train in: drawn pictures, features beside them, a judge.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use burn::tensor::{Tensor, TensorData};
use facette_image::View;
use facette_nets::{Network, read};
use facette_train::{
    Event, Judgement, Observer, Options, Outcome, Paths, Recipe, TrainError, Validator, train,
};
use rand::RngExt;
use safetensors::tensor::{Dtype, TensorView};

/// Identities and pictures of each.
pub(crate) const WORLD: (usize, usize) = (5, 9);
/// Length of the features.
pub(crate) const WIDTH: usize = 6;

/// The recipe beside this folder.
pub(crate) fn recipe(overrides: &[&str]) -> Result<Recipe, TrainError> {
    let overrides: Vec<String> = overrides.iter().map(|o| o.to_string()).collect();
    Recipe::parse("recipe.toml", include_str!("recipe.toml"), &overrides)
}

/// Places below `root`.
pub(crate) fn paths(root: &Path, folder: &str) -> Paths {
    let at = |name: &str| root.join(name);
    Paths {
        data: at("data"),
        runs: at("runs"),
        folder: at("runs").join(folder),
        cache: at("cache"),
    }
}

/// Draws pictures and features below `root/data`.
pub(crate) fn draw(root: &Path) -> PathBuf {
    let data = root.join("data");
    let mut names = Vec::new();
    let mut features: Vec<u8> = Vec::new();
    for identity in 0..WORLD.0 {
        let folder = data.join("pictures").join(format!("id{identity}"));
        std::fs::create_dir_all(&folder).unwrap();
        for picture in 0..WORLD.1 {
            let number = (identity * WORLD.1 + picture) as u64;
            let mut rng = facette_random::stream(7, "test/picture", number);
            let mut bytes = b"P6\n20 20\n255\n".to_vec();
            for pixel in 0..400usize {
                let stripe = (pixel / 20 + pixel % 20 * identity) % 7 * 30;
                let noise = rng.random_range(0..40usize);
                bytes.extend([stripe as u8, (stripe / 2 + noise) as u8, (40 * identity) as u8]);
            }
            std::fs::write(folder.join(format!("{picture}.ppm")), bytes).unwrap();
            names.push(format!("id{identity}/{picture}.ppm"));
            for place in 0..WIDTH {
                let value = f32::from(u8::from(place == identity)) + 0.1 * rng.random::<f32>();
                features.extend(value.to_le_bytes());
            }
        }
    }
    let metadata = [("names".to_owned(), serde_json::to_string(&names).unwrap())].into();
    let view = TensorView::new(Dtype::F32, vec![names.len(), WIDTH], &features).unwrap();
    let bytes = safetensors::serialize([("features", view)], Some(metadata)).unwrap();
    std::fs::write(data.join("features.safetensors"), bytes).unwrap();
    data
}

/// Judges by what the student makes of one fixed picture: good enough to have a best one.
pub(crate) struct Judge;

impl Validator for Judge {
    fn judge(
        &mut self,
        student: &Network,
        view: &View,
    ) -> Result<Judgement, Box<dyn std::error::Error + Send + Sync>> {
        let shape = [1, view.planes(), view.size.height, view.size.width];
        let ramp = (0..view.len()).map(|i| (i % 17) as f32 / 17.0).collect();
        let x = Tensor::from_data(TensorData::new::<f32, _>(ramp, shape), student.device());
        let score = f64::from(read("embedding", &student.infer(x).embedding)?[0]);
        Ok(Judgement { score, figures: BTreeMap::from([("first".to_owned(), score)]) })
    }
}

/// Remembers everything.
#[derive(Default)]
pub(crate) struct Diary(pub(crate) Vec<Event>);

impl Observer for Diary {
    fn on(&mut self, event: &Event) {
        self.0.push(event.clone());
    }
}

/// Trains `recipe` into `folder`.
pub(crate) fn run(
    recipe: &Recipe,
    root: &Path,
    folder: &str,
    resume: bool,
    observer: &mut dyn Observer,
) -> Result<Outcome, TrainError> {
    let options = Options { resume, source: None };
    let stop = AtomicBool::new(false);
    train(recipe, &paths(root, folder), &options, Some(&mut Judge), observer, &stop)
}
