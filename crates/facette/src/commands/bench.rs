//! `facette bench`: how fast a student is on this machine, and how much room it takes.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use anyhow::{bail, ensure};
use clap::Args;
use facette_graph::{Card, ChannelOrder, InputCard, Norm, StudentFile};
use facette_image::random::stream;
use facette_nets::{NetOptions, Parameters};
use facette_runtime::{
    BenchOptions, Face, Level, Measured, QuantiseOptions, Recognizer, bench, quantise,
};
use rand::Rng;
use serde::Serialize;

use crate::console::Console;
use crate::exit::Outcome;
use crate::model::{self, Precision, Preprocessing};
use crate::output::print;
use crate::table::Rows;

/// Measures how fast students are here, and how much room they take
#[derive(Debug, Args)]
#[command(
    long_about = "\
Measures how fast students are here, and how much room they take.

The first table says how large a student is: parameters, products of a face, bytes of its file, bytes of \
all activations of a face together, of those that live at the same time, and of working memory beside \
them. The second says how fast it is, from pixels to embeddings, for every set of kernels that the \
processor can run: faces a second, the time that half and that 99 in 100 batches took at most, and what \
part that is of the products that the inner loop of the kernels makes on this machine with everything at \
hand. Winograd's shortcut leaves products out, so that this can come out above 100 %.

Close other programs: what is measured is the machine as it is.",
    after_help = "\
Examples:
  facette bench facette-16
  facette bench mine.safetensors --precision f32 --batch 1 --threads 1,2 --seconds 2
  facette bench facette-16 --json > speed.jsonl
  facette bench --net bridge few-shot selective --footprint"
)]
pub(crate) struct Bench {
    /// Student files, run folders, or models that facette brings along
    #[arg(required_unless_present = "net")]
    students: Vec<String>,
    /// Networks of `facette list nets` with weights that are drawn, in f32 and in int8
    #[arg(long, value_name = "NAME", num_args = 1.., conflicts_with = "students")]
    net: Vec<String>,
    /// Side in pixels of the pictures that networks take
    #[arg(long, value_name = "SIDE", default_value_t = 16, requires = "net")]
    size: usize,
    /// Length of the networks' embeddings, in place of their own
    #[arg(long, value_name = "N", requires = "net")]
    embedding: Option<usize>,
    /// What students compute in: auto (int8 where the card says that this costs no more accuracy
    /// than is allowed), f32 or int8
    #[arg(
        long,
        value_name = "PRECISION",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    precision: Precision,
    /// Faces handed over at once
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "1,8,64,256")]
    batch: Vec<NonZeroUsize>,
    /// Threads that share them; one, two, four, and so on to all, where not given
    #[arg(long, value_name = "N,N", value_delimiter = ',')]
    threads: Vec<NonZeroUsize>,
    /// Sets of kernels, in place of all that this processor can run
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
    kernels: Vec<String>,
    /// Seconds each row is measured for
    #[arg(long, value_name = "SECONDS", default_value_t = 0.5)]
    seconds: f64,
    /// Says how much room they take, and measures nothing
    #[arg(long)]
    footprint: bool,
    /// One JSON object a row, each on a line of its own
    #[arg(long)]
    json: bool,
}

/// A student to be measured.
struct Candidate {
    file: StudentFile,
    footprint: Footprint,
}

/// A student and the room it takes: a row of the first table.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Footprint {
    model: String,
    precision: &'static str,
    #[serde(flatten)]
    room: Room,
}

/// How much room a student takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Room {
    parameters: usize,
    macs: usize,
    file_bytes: usize,
    sum_activation_bytes: usize,
    peak_activation_bytes: usize,
    work_bytes: usize,
}

/// A row of the second table, with all there is to know.
#[derive(Debug, Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    measured: &'a Measured,
    #[serde(flatten)]
    room: Room,
}

impl Bench {
    /// Measures and tells.
    pub(crate) fn run(self, console: Console) -> anyhow::Result<Outcome> {
        ensure!(self.seconds >= 0.0 && self.seconds <= 3600.0, "--seconds: expected 0 to 3600");
        let levels = levels(&self.kernels)?;
        let candidates = self.candidates()?;
        if !self.json {
            print(&footprints(&candidates))?;
        } else if self.footprint {
            for candidate in &candidates {
                print(&(serde_json::to_string(&candidate.footprint)? + "\n"))?;
            }
        }
        if self.footprint {
            return Ok(Outcome::Yes);
        }
        let options = BenchOptions {
            batches: self.batch.iter().map(|n| n.get()).collect(),
            threads: match self.threads.is_empty() {
                true => doublings(),
                false => self.threads.iter().map(|n| n.get()).collect(),
            },
            time: Duration::from_secs_f64(self.seconds),
        };
        let rows = options.batches.len() * options.threads.len() * levels.len();
        let total = (rows * candidates.len()) as u64;
        let mut progress = console.progress("measure", "rows", total);
        let mut table = speeds();
        let mut done = 0;
        for candidate in &candidates {
            for &level in &levels {
                let recognizer = Recognizer::new(candidate.file.clone())?.at(level);
                for mut measured in bench(&recognizer, &options)? {
                    measured.model.clone_from(&candidate.footprint.model);
                    done += 1;
                    progress.at(done, "");
                    if self.json {
                        let row = Row { measured: &measured, room: candidate.footprint.room };
                        print(&(serde_json::to_string(&row)? + "\n"))?;
                    } else {
                        push(&mut table, &measured);
                    }
                }
            }
        }
        progress.finish();
        if !self.json {
            print(&format!("\n{}", table.to_text()))?;
        }
        Ok(Outcome::Yes)
    }

    fn candidates(&self) -> anyhow::Result<Vec<Candidate>> {
        let mut candidates = Vec::new();
        for name in &self.students {
            let model = model::open(Some(name), None, &Preprocessing::default(), self.precision)?;
            let Some(file) = model.runnable()? else {
                bail!("{name}: only students of facette are run by the runtime")
            };
            candidates.push(Candidate::new(model.name(), model.bytes() as usize, file)?);
        }
        for name in &self.net {
            let float = drawn(name, self.size, self.embedding)?;
            let (width, height) = (float.card().input.width, float.card().input.height);
            let mut rgb = vec![0; 16 * 3 * width * height];
            stream(1, "bench/faces", 0).fill_bytes(&mut rgb);
            let faces = rgb.chunks_exact(3 * width * height);
            let faces: Vec<Face<'_>> =
                faces.map(|rgb| Face::new(rgb, width, height)).collect::<Result<_, _>>()?;
            let small = quantise(&float, &faces, QuantiseOptions::default())?;
            for file in [float, small] {
                candidates.push(Candidate::new(name, file.to_bytes()?.len(), file)?);
            }
        }
        Ok(candidates)
    }
}

impl Candidate {
    fn new(name: &str, file_bytes: usize, file: StudentFile) -> anyhow::Result<Self> {
        let graph = &file.card().graph;
        let counts = graph.ending_at(graph.taps.embedding).counts()?;
        let int8 = file.card().quantisation.is_some();
        let recognizer = Recognizer::new(file.clone())?;
        let room = Room {
            parameters: counts.parameters,
            macs: counts.macs,
            file_bytes,
            sum_activation_bytes: recognizer.sum_bytes(),
            peak_activation_bytes: recognizer.peak_bytes(),
            work_bytes: recognizer.scratch(1).work_bytes(),
        };
        let precision = if int8 { "int8" } else { "f32" };
        let footprint = Footprint { model: name.to_owned(), precision, room };
        Ok(Self { file, footprint })
    }
}

/// A student of a network of the registry with weights that are drawn.
fn drawn(name: &str, size: usize, embedding: Option<usize>) -> anyhow::Result<StudentFile> {
    let options = NetOptions { embedding, ..NetOptions::new(size) };
    let net = facette_nets::find(name)?;
    let graph = facette_nets::build(name, &options)?;
    let device = burn::tensor::Device::flex();
    let arrays = Parameters::fresh(graph.tensors(), net.init(), 1, name, &device).arrays()?;
    let input = InputCard {
        width: size,
        height: size,
        channels: ChannelOrder::Rgb,
        mean: vec![0.5; 3],
        std: vec![0.5; 3],
        resize: "area".to_owned(),
        template: "arcface-112".to_owned(),
    };
    let settings: BTreeMap<_, _> = options.effective(net);
    let card = Card::new(graph, settings, input, Norm::L2, "weights are drawn: recognises nobody")?;
    Ok(StudentFile::new(card, arrays)?)
}

/// The sets of kernels called `names`, or all.
fn levels(names: &[String]) -> anyhow::Result<Vec<Level>> {
    let all = Level::available();
    if names.is_empty() {
        return Ok(all.to_vec());
    }
    let known: Vec<&str> = all.iter().map(|level| level.name()).collect();
    let find = |name: &String| match all.iter().find(|level| level.name() == name) {
        Some(level) => Ok(*level),
        None => bail!("--kernels {name}: this processor runs {}", known.join(", ")),
    };
    names.iter().map(find).collect()
}

/// One, two, four, and so on to all threads of the machine.
fn doublings() -> Vec<usize> {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let mut threads: Vec<usize> =
        std::iter::successors(Some(1), |n| Some(2 * n)).take_while(|&n| n < all).collect();
    threads.push(all);
    threads
}

fn footprints(candidates: &[Candidate]) -> String {
    let mut rows = Rows::new([
        "model",
        "precision",
        "parameters",
        "products",
        "file (B)",
        "activations: sum (B)",
        "peak (B)",
        "working memory (B)",
    ]);
    for Candidate { footprint: Footprint { model, precision, room }, .. } in candidates {
        rows.push([
            model.clone(),
            (*precision).to_owned(),
            room.parameters.to_string(),
            room.macs.to_string(),
            room.file_bytes.to_string(),
            room.sum_activation_bytes.to_string(),
            room.peak_activation_bytes.to_string(),
            room.work_bytes.to_string(),
        ]);
    }
    rows.to_text()
}

fn speeds() -> Rows {
    Rows::new([
        "model",
        "precision",
        "kernels",
        "threads",
        "batch",
        "faces/s",
        "p50 (us)",
        "p99 (us)",
        "of peak (%)",
    ])
}

fn push(table: &mut Rows, m: &Measured) {
    table.push([
        m.model.clone(),
        m.precision.to_owned(),
        m.kernels.to_owned(),
        m.threads.to_string(),
        m.batch.to_string(),
        format!("{:.0}", m.faces_per_s),
        format!("{:.1}", m.p50_us),
        format!("{:.1}", m.p99_us),
        format!("{:.1}", 100.0 * m.peak_fraction),
    ]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_few_shot_student_is_as_small_as_published() {
        let bench = Bench {
            students: Vec::new(),
            net: vec!["few-shot".to_owned()],
            size: 16,
            embedding: None,
            precision: Precision::Auto,
            batch: Vec::new(),
            threads: Vec::new(),
            kernels: Vec::new(),
            seconds: 0.0,
            footprint: true,
            json: false,
        };
        let candidates = bench.candidates().unwrap();
        let [float, small] = [0, 1].map(|i: usize| candidates[i].footprint.room);
        assert_eq!(float.sum_activation_bytes, 4 * 7_360);
        assert!(float.file_bytes > 4 * 35_304);
        assert!(small.file_bytes <= 48_000, "{small:?}");
        for room in [float, small] {
            assert!(room.peak_activation_bytes <= 30_000, "{room:?}");
        }
        let text = footprints(&candidates);
        assert!(text.lines().all(|line| line.len() <= 100), "{text}");
    }
}
