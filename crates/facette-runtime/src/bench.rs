//! How fast a recognizer is on the machine at hand.

use std::time::{Duration, Instant};

use facette_kernels::Level;
use facette_kernels::infer::{Peak, multiply_adds};
use serde::Serialize;

use crate::error::RuntimeError;
use crate::input::Face;
use crate::recognizer::Recognizer;

/// What is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchOptions {
    /// Faces handed over at once.
    pub batches: Vec<usize>,
    /// Threads that share them.
    pub threads: Vec<usize>,
    /// For how long each combination runs; at least once.
    pub time: Duration,
}

impl Default for BenchOptions {
    /// Batches of 1, 8, 64 and 256, one thread and all the machine has, a second each.
    fn default() -> Self {
        let all = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if all > 1 { vec![1, all] } else { vec![1] };
        Self { batches: vec![1, 8, 64, 256], threads, time: Duration::from_secs(1) }
    }
}

/// What was measured of one combination.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// Name of the student; [`bench()`] knows its architecture only.
    pub model: String,
    /// `f32` or `int8`.
    pub precision: &'static str,
    /// The instruction set.
    pub kernels: &'static str,
    /// Threads.
    pub threads: usize,
    /// Faces handed over at once.
    pub batch: usize,
    /// Faces a second, over the whole time.
    pub faces_per_s: f64,
    /// Microseconds that half of the batches took at most.
    pub p50_us: f64,
    /// Microseconds that 99 in 100 batches took at most.
    pub p99_us: f64,
    /// The network's multiply-adds a second, of those that the inner loop does on one core with
    /// everything in the first-level cache, times threads. Multiply-adds are those of the plain sums,
    /// of which Winograd's shortcut leaves out three in four, so that more than 1 is possible.
    pub peak_fraction: f64,
}

/// Measures each combination of `options` on faces of noise at the student's own size.
///
/// # Errors
/// If there is nothing to measure, or a face cannot be embedded.
pub fn bench(
    recognizer: &Recognizer,
    options: &BenchOptions,
) -> Result<Vec<Measured>, RuntimeError> {
    let input = &recognizer.card().input;
    let (width, height) = (input.width, input.height);
    let most = options.batches.iter().copied().max().unwrap_or(0);
    if most == 0 || options.threads.iter().all(|&threads| threads == 0) {
        return Err(RuntimeError::Empty { what: "batches and threads to measure" });
    }
    let mut noise = 1_u32;
    let rgb: Vec<u8> = (0..3 * width * height * most)
        .map(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (noise >> 24) as u8
        })
        .collect();
    let faces = rgb.chunks_exact(3 * width * height);
    let faces: Vec<Face<'_>> =
        faces.map(|rgb| Face::new(rgb, width, height)).collect::<Result<_, _>>()?;
    let whole = recognizer.card().quantisation.is_some();
    let peak = peak(recognizer.level(), if whole { Peak::Whole } else { Peak::Float });
    let macs = recognizer.card().graph.ending_at(recognizer.card().graph.taps.embedding);
    let macs = macs.counts()?.macs as f64;
    let mut rows = Vec::new();
    for &threads in options.threads.iter().filter(|&&threads| threads > 0) {
        for &batch in options.batches.iter().filter(|&&batch| batch > 0) {
            let share = batch.div_ceil(threads);
            let mut scratches: Vec<_> = (0..threads).map(|_| recognizer.scratch(share)).collect();
            let mut out = vec![0.0; batch * recognizer.dim()];
            let mut run = |faces: &[Face<'_>]| match &mut scratches[..] {
                [scratch] => recognizer.embed_batch(scratch, faces, &mut out),
                scratches => recognizer.embed_parallel(scratches, faces, &mut out),
            };
            run(&faces[..batch])?;
            let (start, mut times) = (Instant::now(), Vec::new());
            while times.is_empty() || start.elapsed() < options.time {
                let start = Instant::now();
                run(&faces[..batch])?;
                times.push(start.elapsed().as_secs_f64());
            }
            let faces_per_s = (batch * times.len()) as f64 / times.iter().sum::<f64>();
            times.sort_by(f64::total_cmp);
            rows.push(Measured {
                model: recognizer.card().architecture.clone(),
                precision: if whole { "int8" } else { "f32" },
                kernels: recognizer.level().name(),
                threads,
                batch,
                faces_per_s,
                p50_us: 1e6 * quantile(&times, 0.5),
                p99_us: 1e6 * quantile(&times, 0.99),
                peak_fraction: faces_per_s * macs / (peak * threads as f64),
            });
        }
    }
    Ok(rows)
}

/// The smallest of the sorted `times` that at least this part of them does not exceed.
fn quantile(times: &[f64], part: f64) -> f64 {
    let rank = (part * times.len() as f64).ceil() as usize;
    times[rank.clamp(1, times.len()) - 1]
}

/// Multiply-adds a second of the inner loop on one core: the best of several tries.
fn peak(level: Level, peak: Peak) -> f64 {
    const TRIES: usize = 20;
    let rate = |repeats: usize| {
        let start = Instant::now();
        let done = multiply_adds(level, peak, repeats);
        done as f64 / start.elapsed().as_secs_f64().max(1e-9)
    };
    // About a millisecond each.
    let repeats = (rate(100) * 1e-3 / (multiply_adds(level, peak, 1) as f64)).max(1.0) as usize;
    (0..TRIES).map(|_| rate(repeats)).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let times: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!([quantile(&times, 0.5), quantile(&times, 0.99)], [100.0, 198.0]);
        assert_eq!(quantile(&[7.0], 0.99), 7.0);
    }
}
