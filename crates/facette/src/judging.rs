//! What a model is judged on: the flags of commands, and the tables of recipes and sweeps.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::Args;
use facette_data::{Progress as Pass, Source};
use facette_eval::protocols::{Images, ProtocolOptions, Request, Subject, protocol};
use facette_eval::{Embedder, Flip, Judged, ModelInfo, Sizes};

use crate::console::{Console, Passes};

/// A protocol with its pictures and options.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    /// Name of the protocol.
    pub(crate) protocol: String,
    /// The pictures.
    pub(crate) images: Images,
    /// The list of pairs, where the protocol needs one.
    pub(crate) pairs: Option<PathBuf>,
    /// Everything else.
    pub(crate) options: ProtocolOptions,
}

impl Trial {
    /// Whether the protocol reads class scores instead of embeddings.
    pub(crate) fn needs_logits(&self) -> anyhow::Result<bool> {
        Ok(protocol(&self.protocol)?.needs_logits())
    }

    /// Judges a model, with progress on the console.
    pub(crate) fn judge(
        &self,
        embedder: &mut dyn Embedder,
        info: ModelInfo,
        console: Console,
    ) -> anyhow::Result<Judged> {
        let request = Request {
            images: self.images.clone(),
            pairs: self.pairs.clone(),
            options: self.options.clone(),
        };
        let mut passes = Passes::new(console);
        let mut report = |pass: Pass| {
            passes.at(pass.what, "pictures", (pass.done as u64, pass.total as u64), "");
        };
        let subject = Subject { embedder, info };
        Ok(protocol(&self.protocol)?.judge(subject, &request, &mut report)?)
    }

    /// Verification by LFW's rules, of pictures of one size, mirror images added.
    pub(crate) fn of_lfw(images: &Path, pairs: &Path, side: usize) -> anyhow::Result<Self> {
        let sizes = Some(Sizes::new(side, side)?);
        Ok(Self {
            protocol: "lfw".to_owned(),
            images: folder_of(images, "--gate")?,
            pairs: Some(pairs.to_owned()),
            options: ProtocolOptions { size: sizes, ..ProtocolOptions::default() },
        })
    }

    /// What a table of a recipe or sweep says: `protocol`, `images` (a folder) or `source` (as
    /// under `[[data.sources]]`), `pairs`, and the protocol's options. Paths are relative to
    /// `data`; where neither `images` nor `source` is given, `fallback` is judged on.
    pub(crate) fn of_table(
        owner: &str,
        mut table: toml::Table,
        data: &Path,
        fallback: Option<Images>,
    ) -> anyhow::Result<Self> {
        let mut text = |key: &str| match table.remove(key) {
            None => Ok(None),
            Some(toml::Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(anyhow::anyhow!("{owner}.{key}: expected text, found {other}")),
        };
        let name = text("protocol")?
            .with_context(|| format!("{owner}.protocol: missing; `facette list protocols`"))?;
        let (folder, pairs) = (text("images")?, text("pairs")?);
        let images = match (folder, table.remove("source")) {
            (Some(_), Some(_)) => anyhow::bail!("{owner}: give either images or source"),
            (Some(folder), None) => folder_of(&data.join(folder), &format!("{owner}.images"))?,
            (None, Some(source)) => {
                let mut source: Source =
                    source.try_into().with_context(|| format!("{owner}.source"))?;
                source.path = source.path.map(|path| data.join(path));
                Images::Set(Arc::new(source.open()?))
            }
            (None, None) => fallback.with_context(|| {
                format!(
                    "{owner}: no pictures to judge on; give `images` or `source`, or hold \
                     identities out with [data.split]"
                )
            })?,
        };
        let options: ProtocolOptions =
            table.try_into().with_context(|| format!("{owner}: options of the protocol"))?;
        protocol(&name).with_context(|| format!("{owner}.protocol"))?;
        Ok(Self { protocol: name, images, pairs: pairs.map(|pairs| data.join(pairs)), options })
    }
}

fn folder_of(path: &Path, what: &str) -> anyhow::Result<Images> {
    ensure!(
        path.is_dir(),
        "{what}: {} is no folder; it holds a folder for each person",
        path.display()
    );
    Ok(Images::Folder(path.to_owned()))
}

/// Flags that say how a model is judged.
#[derive(Debug, Clone, Args)]
pub(crate) struct TrialFlags {
    /// Kind of source the pictures are in: `facette list datasets` shows them
    #[arg(long, value_name = "KIND")]
    source: Option<String>,
    /// List of pairs in LFW's format
    #[arg(long, value_name = "FILE")]
    pairs: Option<PathBuf>,
    /// Sides in pixels of the pictures shown: `16`, or `112:16` for large against small; the
    /// model's own input where not given
    #[arg(long, value_name = "SIDE[:SIDE]", value_parser = sizes)]
    size: Option<Sizes>,
    /// What is done with mirror images: sum (which is also the default), concat or none
    #[arg(
        long,
        value_name = "RULE",
        value_parser = flip,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "sum"
    )]
    flip: Option<Flip>,
    /// Leaves mirror images out; the same as --flip=none
    #[arg(long, conflicts_with = "flip")]
    no_flip: bool,
    /// Rule by which thresholds are chosen, where not InsightFace's: exact, facenet-cosine,
    /// facenet-mean, mean-centred
    #[arg(long, value_name = "NAME")]
    convention: Option<String>,
    /// Missing or unreadable pictures that are left out instead of being an error
    #[arg(long, value_name = "N")]
    allow_bad: Option<usize>,
    /// Pictures given to the model at once
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
    /// Seed of random splits, where not 1
    #[arg(long = "split-seed", value_name = "N")]
    split_seed: Option<u64>,
}

impl TrialFlags {
    /// Side of the (second) pictures, where given.
    pub(crate) fn side(&self) -> Option<usize> {
        self.size.map(|sizes| sizes.second)
    }

    /// The protocol with its pictures found.
    pub(crate) fn trial(&self, protocol: &str, images: &Path) -> anyhow::Result<Trial> {
        let images = match &self.source {
            None => folder_of(images, "--images")?,
            Some(kind) => {
                let source = Source::new(kind, Some(images.to_owned()));
                Images::Set(Arc::new(source.open()?))
            }
        };
        let default = ProtocolOptions::default();
        let flip = if self.no_flip { Flip::None } else { self.flip.unwrap_or_default() };
        let options = ProtocolOptions {
            size: self.size,
            flip,
            convention: self.convention.clone().unwrap_or(default.convention.clone()),
            allow_bad: self.allow_bad.unwrap_or(default.allow_bad),
            batch: self.batch.unwrap_or(default.batch),
            seed: self.split_seed.unwrap_or(default.seed),
            ..default
        };
        let (protocol, pairs) = (protocol.to_owned(), self.pairs.clone());
        Ok(Trial { protocol, images, pairs, options })
    }
}

fn sizes(text: &str) -> Result<Sizes, String> {
    text.replace(':', "-").parse().map_err(|e: facette_eval::EvalError| e.to_string())
}

fn flip(text: &str) -> Result<Flip, String> {
    [Flip::None, Flip::Sum, Flip::Concat]
        .into_iter()
        .find(|flip| flip.name() == text)
        .ok_or_else(|| "expected sum, concat or none".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_come_alone_or_in_pairs() {
        assert_eq!(sizes("16").unwrap(), Sizes::new(16, 16).unwrap());
        assert_eq!(sizes("112:16").unwrap(), Sizes::new(112, 16).unwrap());
        assert_eq!(sizes("112-16").unwrap(), Sizes::new(112, 16).unwrap());
        assert!(sizes("0").is_err() && sizes("16x16").is_err());
    }

    #[test]
    fn tables_name_what_is_wrong() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let fault = |text: &str| {
            let table = text.parse().unwrap();
            format!("{:#}", Trial::of_table("validation", table, here, None).unwrap_err())
        };
        assert!(fault("").contains("validation.protocol: missing"));
        assert!(fault("protocol = 'lfw'").contains("[data.split]"));
        assert!(fault("protocol = 'lfw'\nimages = 'none'").contains("no folder"));
        assert!(fault("protocol = 'lfw'\nimages = 'src'\nflipp = 'sum'").contains("flipp"));
        assert!(fault("protocol = 'lwf'\nimages = 'src'").contains("lfw"));
        assert!(fault("protocol = 'lfw'\nimages = 3").contains("validation.images"));
    }
}
