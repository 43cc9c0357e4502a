//! Teachers kept as ONNX files, run by `rten`.

mod discover;
mod framing;

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueView};

use crate::error::NetsError;
use discover::{choose, names, picture};

/// Largest file read, in bytes: the limit of the format.
const LARGEST: u64 = 1 << 31;
/// Pictures run at once where the model leaves the batch open.
const BATCH: usize = 8;

/// What a caller decides about an ONNX model.
#[derive(Debug, Clone, Default)]
pub struct OnnxOptions {
    /// Output that holds the embedding; `None` for the only one that is a vector a picture.
    pub output: Option<String>,
    /// Side of the picture in pixels, for models that leave it open.
    pub size: Option<usize>,
    /// Threads, each with its own pictures; `None` for as many as there are cores. The outputs do
    /// not depend on it.
    pub threads: Option<NonZero<usize>>,
}

/// An ONNX model that turns pictures into vectors.
pub struct OnnxModel {
    path: PathBuf,
    model: Model,
    input: NodeId,
    output: NodeId,
    output_name: String,
    /// Pictures a run takes, where the model fixes them.
    batch: Option<usize>,
    shape: [usize; 3],
    dim: usize,
    digest: String,
    /// One pool of one thread for each worker: a run on it stays on it.
    pools: Vec<Arc<ThreadPool>>,
}

impl OnnxModel {
    /// Reads a model with one input of pictures and one output of vectors.
    ///
    /// # Errors
    /// As [`OnnxModel::open_with`].
    pub fn open(path: &Path) -> Result<Self, NetsError> {
        Self::open_with(path, &OnnxOptions::default())
    }

    /// Reads a model and runs it once on an empty picture.
    ///
    /// # Errors
    /// If the file cannot be read, is not ONNX or is damaged, uses an operator that is not
    /// supported, does not take pictures `[n, c, h, w]`, leaves open what `options` do not say, or
    /// does not yield a vector a picture.
    pub fn open_with(path: &Path, options: &OnnxOptions) -> Result<Self, NetsError> {
        let refuse = |problem: String, remedy: &str| NetsError::Onnx {
            path: path.to_owned(),
            problem,
            remedy: remedy.to_owned(),
        };
        let bytes = read(path)?;
        let digest = blake3::hash(&bytes).to_hex().to_string();
        let model = shielded(|| {
            framing::check(&bytes)?;
            let mut loading = ModelOptions::with_all_ops();
            loading.prepack_weights(true).load(bytes).map_err(|error| error.to_string())
        })
        .map_err(|problem| {
            refuse(
                format!("not a usable ONNX model: {problem}"),
                "give an .onnx file of opset 13 to 17 with its weights inside; if it was \
                 downloaded or copied, take it anew",
            )
        })?;

        let &[input] = model.input_ids() else {
            let found = names(&model, model.input_ids()).join(", ");
            return Err(refuse(
                format!("has {} inputs ({found}), expected one", model.input_ids().len()),
                "export the network alone, without its loss",
            ));
        };
        let (batch, shape) = picture(model.input_shape(0).as_deref(), options.size)
            .map_err(|(problem, remedy)| refuse(problem, remedy))?;
        let output = choose(&model, options.output.as_deref())
            .map_err(|(problem, remedy)| refuse(problem, remedy))?;
        let threads = options
            .threads
            .map_or_else(|| thread::available_parallelism().map_or(1, NonZero::get), NonZero::get);
        let mut opened = Self {
            path: path.to_owned(),
            output_name: names(&model, &[output]).remove(0),
            model,
            input,
            output,
            batch,
            shape,
            dim: 0,
            digest,
            pools: (0..threads).map(|_| Arc::new(ThreadPool::with_num_threads(1))).collect(),
        };
        let count = batch.unwrap_or(1);
        let empty = vec![0.0; count * shape.iter().product::<usize>()];
        let found = opened.run_at_once(&empty, count, &opened.pools[0])?.len();
        if found == 0 || !found.is_multiple_of(count) {
            return Err(refuse(
                format!("yields {found} values for {count} pictures"),
                "name the output that holds a vector for each picture",
            ));
        }
        opened.dim = found / count;
        Ok(opened)
    }

    /// Channels, rows and columns of a picture.
    pub fn picture(&self) -> [usize; 3] {
        self.shape
    }

    /// Length of a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Name of the output that is read.
    pub fn output(&self) -> &str {
        &self.output_name
    }

    /// Names of all outputs.
    pub fn outputs(&self) -> Vec<String> {
        names(&self.model, self.model.output_ids())
    }

    /// Values in its weights, constants included.
    pub fn parameters(&self) -> usize {
        self.model.total_params()
    }

    /// Blake3 digest of the file, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Vectors of `count` pictures `[count, c, h, w]`, normalised as the model wants them:
    /// `count` times [`OnnxModel::dim`] values, not normalised.
    ///
    /// # Errors
    /// If there are not as many values as `count` pictures have, or the model fails on them.
    pub fn run(&self, pictures: &[f32], count: usize) -> Result<Vec<f32>, NetsError> {
        let one = self.shape.iter().product::<usize>();
        if count.checked_mul(one) != Some(pictures.len()) {
            let [c, h, w] = self.shape;
            return Err(self.failed(
                format!("takes {count} pictures of {c}x{h}x{w}, found {} values", pictures.len()),
                "prepare the pictures with the model's own size and channels",
            ));
        }
        let at_once = self.batch.unwrap_or(BATCH);
        let mut vectors = vec![0.0; count * self.dim];
        let mut shares: Vec<Vec<(&[f32], &mut [f32])>> = Vec::new();
        shares.resize_with(self.pools.len(), Vec::new);
        let portions = pictures.chunks(at_once * one).zip(vectors.chunks_mut(at_once * self.dim));
        for (index, portion) in portions.enumerate() {
            shares[index % self.pools.len()].push(portion);
        }
        thread::scope(|scope| {
            let workers: Vec<_> = shares
                .into_iter()
                .zip(&self.pools)
                .filter(|(share, _)| !share.is_empty())
                .map(|(share, pool)| scope.spawn(move || self.run_share(share, at_once, pool)))
                .collect();
            workers.into_iter().try_for_each(|worker| {
                worker.join().unwrap_or_else(|_| {
                    Err(self.failed("a worker thread died".into(), "report this with the model"))
                })
            })
        })?;
        Ok(vectors)
    }

    fn run_share(
        &self,
        share: Vec<(&[f32], &mut [f32])>,
        at_once: usize,
        pool: &Arc<ThreadPool>,
    ) -> Result<(), NetsError> {
        let one = self.shape.iter().product::<usize>();
        for (pictures, vectors) in share {
            let count = pictures.len() / one;
            let found = if self.batch.is_some() && count < at_once {
                let mut filled = pictures.to_vec();
                filled.resize(at_once * one, 0.0);
                let mut found = self.run_at_once(&filled, at_once, pool)?;
                found.truncate(vectors.len());
                found
            } else {
                self.run_at_once(pictures, count, pool)?
            };
            if found.len() != vectors.len() {
                let problem = format!("yields {} values, expected {}", found.len(), vectors.len());
                return Err(self.failed(problem, "use a model whose pictures do not mix"));
            }
            vectors.copy_from_slice(&found);
        }
        Ok(())
    }

    fn run_at_once(
        &self,
        pictures: &[f32],
        count: usize,
        pool: &Arc<ThreadPool>,
    ) -> Result<Vec<f32>, NetsError> {
        let [c, h, w] = self.shape;
        shielded(|| {
            let view = ValueView::from_shape([count, c, h, w], pictures)
                .map_err(|error| error.to_string())?;
            let options = RunOptions::default().with_thread_pool(Some(pool.clone()));
            let [output] = self
                .model
                .run_n(vec![(self.input, view.into())], [self.output], Some(options))
                .map_err(|error| error.to_string())?;
            let output = output.into_tensor::<f32>().ok_or("the output is not of f32")?;
            Ok(output.into_data())
        })
        .map_err(|problem| {
            self.failed(problem, "export the model anew, with float weights and opset 13 to 17")
        })
    }

    fn failed(&self, problem: String, remedy: &str) -> NetsError {
        NetsError::Onnx { path: self.path.clone(), problem, remedy: remedy.to_owned() }
    }
}

impl std::fmt::Debug for OnnxModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxModel")
            .field("path", &self.path)
            .field("picture", &self.shape)
            .field("output", &self.output_name)
            .field("dim", &self.dim)
            .finish_non_exhaustive()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, NetsError> {
    let refuse = |problem: String, remedy: &str| NetsError::Onnx {
        path: path.to_owned(),
        problem,
        remedy: remedy.to_owned(),
    };
    let length = std::fs::metadata(path).map(|found| found.len());
    if let Ok(length) = length
        && length > LARGEST
    {
        let problem = format!("has {length} bytes, at most {LARGEST} are read");
        return Err(refuse(problem, "give a smaller model"));
    }
    std::fs::read(path)
        .map_err(|error| refuse(format!("cannot read it: {error}"), "give the path of a model"))
}

/// Runs `work`, which reads a file of unknown origin, and turns a panic of the engine into an
/// error.
fn shielded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err("the engine gave up on it".to_owned()))
}
