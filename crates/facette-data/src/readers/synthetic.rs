//! Faces that facette draws itself.

use std::sync::Arc;

use facette_image::random::stream;
use facette_image::synthetic::{Identity, Shot, render};
use facette_image::{ImageError, Picture};
use serde::Deserialize;

use crate::dataset::Item;
use crate::registry::{DatasetSpec, SettingSpec};
use crate::{DataError, Dataset, Digest, Source, Storage};

/// Identities and shots by their numbers.
pub(crate) struct Synthetic;

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    identities: usize,
    shots: usize,
    first: usize,
    size: usize,
    seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { identities: 100, shots: 20, first: 0, size: 112, seed: 1 }
    }
}

impl DatasetSpec for Synthetic {
    fn id(&self) -> &'static str {
        "synthetic"
    }

    fn about(&self) -> &'static str {
        "faces that facette draws itself: nobody's likeness, the same on every machine"
    }

    fn layout(&self) -> &'static str {
        "no files; pictures are named s00042_0001: identity from 0, shot from 1"
    }

    fn settings(&self) -> &'static [SettingSpec] {
        &[
            SettingSpec { key: "identities", about: "number of identities; 100" },
            SettingSpec { key: "shots", about: "pictures of each; 20" },
            SettingSpec {
                key: "first",
                about: "number of the first identity, for sets without common identities; 0",
            },
            SettingSpec { key: "size", about: "side in pixels, 16 to 1024; 112" },
            SettingSpec { key: "seed", about: "seed of all identities and shots; 1" },
        ]
    }

    fn open(&self, source: &Source) -> Result<Dataset, DataError> {
        let settings: Settings = source.typed(self)?;
        if source.path.is_some() {
            return Err(source.refuse("path", "synthetic faces have none; remove it".to_owned()));
        }
        for (key, value, range) in [
            ("identities", settings.identities, 1..=10_000_000),
            ("shots", settings.shots, 1..=10_000),
            ("first", settings.first, 0..=1_000_000_000),
            ("size", settings.size, 16..=1024),
        ] {
            if !range.contains(&value) {
                let (least, most) = (range.start(), range.end());
                let problem = format!("found {value}; expected {least} to {most}");
                return Err(source.refuse(key, problem));
            }
        }
        if settings.identities.saturating_mul(settings.shots) > 100_000_000 {
            let problem = "more than 100 million pictures; ask for fewer identities or shots";
            return Err(source.refuse("identities", problem.to_owned()));
        }
        let fails = |source| DataError::Picture { place: "synthetic face".to_owned(), source };
        let faces: Arc<dyn Storage> = Arc::new(Faces::new(settings).map_err(fails)?);
        let name = |identity| format!("s{:05}", settings.first + identity);
        let items = (0..settings.identities * settings.shots).map(|key| {
            let (identity, shot) = (key / settings.shots, key % settings.shots);
            let name = format!("{}_{:04}", name(identity), shot + 1);
            Item::new(name, identity, Arc::clone(&faces), key)
        });
        Dataset::new((0..settings.identities).map(name).collect(), items.collect())
    }
}

#[derive(Debug)]
struct Faces {
    settings: Settings,
    /// Digest of a small face: changes whenever faces are drawn otherwise than before.
    hand: Digest,
}

impl Faces {
    fn new(settings: Settings) -> Result<Self, ImageError> {
        let probe = draw(settings.seed, settings.first, 0, 32)?;
        Ok(Self { settings, hand: Digest(probe.digest()) })
    }

    fn numbers(&self, key: usize) -> (usize, usize) {
        (self.settings.first + key / self.settings.shots, key % self.settings.shots)
    }
}

fn draw(seed: u64, identity: usize, shot: usize, size: usize) -> Result<Picture, ImageError> {
    let person = Identity::draw(&mut stream(seed, "synthetic/identity", identity as u64));
    let name = format!("synthetic/shot/{identity}");
    render(&person, &Shot::draw(&mut stream(seed, &name, shot as u64)), size)
}

impl Storage for Faces {
    /// What the picture is drawn from, in words.
    fn bytes(&self, key: usize) -> Result<Vec<u8>, DataError> {
        let Self { settings: Settings { seed, size, .. }, hand } = self;
        let (identity, shot) = self.numbers(key);
        let words = format!(
            "facette synthetic face, seed {seed}, identity {identity}, shot {shot}, size {size}, \
             drawn by {hand}"
        );
        Ok(words.into_bytes())
    }

    fn length(&self, key: usize) -> Result<u64, DataError> {
        Ok(self.bytes(key)?.len() as u64)
    }

    fn decode(&self, key: usize, _words: &[u8]) -> Result<Picture, ImageError> {
        let (identity, shot) = self.numbers(key);
        draw(self.settings.seed, identity, shot, self.settings.size)
    }

    fn place(&self, key: usize) -> String {
        let (identity, shot) = self.numbers(key);
        format!("synthetic identity {identity}, shot {shot}")
    }
}
