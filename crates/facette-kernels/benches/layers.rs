//! Speed of the kernels for the layers of the nets that facette trains: `cargo bench -p
//! facette-kernels [-- FILTER]`, on as many threads as `RAYON_NUM_THREADS` says.
//!
//! Convolutions in GFLOP/s by the definition's products, taps on the padding included, so that
//! Winograd's can exceed the peak printed above them; normalisation in GB/s of the tensors that a
//! pass must read and write.

use std::hint::black_box;
use std::time::{Duration, Instant};

use facette_kernels::conv::{self, ConvOptions, ConvShape, bf16};
use facette_kernels::infer::{Peak, multiply_adds};
use facette_kernels::norm::{self, BatchNorm};
use facette_kernels::{Activation, ChannelShape, Level, keep_freed_memory};

const BATCH: usize = 128;

/// What a convolution makes of two of its three tensors.
type Pass = fn(&ConvShape, &[f32], &[f32]) -> Vec<f32>;

/// `(name, channels, size, out channels, kernel, stride, padding, depthwise)`
type Layer = (&'static str, usize, usize, usize, usize, usize, usize, bool);

const LAYERS: &[Layer] = &[
    ("stem 3x3", 3, 16, 32, 3, 1, 1, false),
    ("stem 5x5/2", 3, 32, 32, 5, 2, 2, false),
    ("3x3", 32, 32, 32, 3, 1, 1, false),
    ("3x3", 32, 16, 32, 3, 1, 1, false),
    ("3x3/2", 32, 16, 48, 3, 2, 1, false),
    ("3x3/2", 32, 16, 64, 3, 2, 1, false),
    ("1x1/2", 32, 16, 64, 1, 2, 0, false),
    ("3x3", 64, 16, 64, 3, 1, 1, false),
    ("3x3", 48, 8, 48, 3, 1, 1, false),
    ("3x3", 64, 8, 64, 3, 1, 1, false),
    ("3x3/2", 64, 8, 96, 3, 2, 1, false),
    ("3x3", 96, 4, 96, 3, 1, 1, false),
    ("3x3", 128, 8, 128, 3, 1, 1, false),
    ("3x3", 128, 2, 128, 3, 1, 1, false),
    ("linear", 512, 1, 1000, 1, 1, 0, false),
    ("depthwise 4x4", 64, 4, 64, 4, 1, 0, true),
    ("depthwise 3x3", 64, 16, 64, 3, 1, 1, true),
];

/// `(channels, size)`
const NORMS: &[(usize, usize)] = &[(32, 16), (64, 8), (96, 4), (128, 2), (512, 1)];

fn shape(&(_, channels, size, out, kernel, stride, padding, depthwise): &Layer) -> ConvShape {
    let options = ConvOptions {
        stride: [stride; 2],
        padding: [padding; 2],
        groups: if depthwise { channels } else { 1 },
        ..ConvOptions::default()
    };
    ConvShape::new([BATCH, channels, size, size], out, [kernel; 2], options)
        .expect("the table holds valid shapes")
}

/// Best of the runs that fit a short time: the machine's other work only ever adds to it.
fn best(mut work: impl FnMut()) -> Duration {
    work();
    let begin = Instant::now();
    let mut best = Duration::MAX;
    while begin.elapsed() < Duration::from_millis(150) {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed());
    }
    best
}

fn values(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i.wrapping_mul(2_654_435_761) % 1000) as f32 / 500.0 - 1.0).collect()
}

/// GFLOP/s of one core that does nothing but multiply and add in registers.
#[cfg(target_arch = "x86_64")]
fn peak() -> Option<f64> {
    use std::arch::x86_64::*;

    const STEPS: usize = 1_000_000;

    #[target_feature(enable = "avx2,fma")]
    fn multiply() -> f32 {
        let factor = _mm256_set1_ps(black_box(0.999));
        let mut sums = [_mm256_set1_ps(1.0); 12];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, factor, factor);
            }
        }
        sums.into_iter().map(|sum| _mm256_cvtss_f32(sum)).sum()
    }

    if Level::current() != Level::Avx2 {
        return None;
    }
    // SAFETY: the level is current only where the processor has AVX2 and FMA.
    let time = best(|| _ = black_box(unsafe { multiply() }));
    Some((STEPS * 12 * 16) as f64 / time.as_secs_f64() / 1e9)
}

#[cfg(not(target_arch = "x86_64"))]
fn peak() -> Option<f64> {
    None
}

/// The runtime's inner loops on every level that the processor has.
fn inner_loops() {
    const REPEATS: usize = 4;

    println!("{:<25}{:>19}{:>19}", "GMAC/s", "f32", "int8");
    for &level in Level::available() {
        print!("{:<25}", level.name());
        for peak in [Peak::Float, Peak::Whole] {
            let done = multiply_adds(level, peak, REPEATS);
            let time = best(|| _ = black_box(multiply_adds(level, peak, REPEATS)));
            print!("{:>19.1}", done as f64 / time.as_secs_f64() / 1e9);
        }
        println!();
    }
}

fn convolutions(filter: &str, precision: &str, [forward, by_input, by_weight]: [Pass; 3]) {
    println!("{:<25}{:>19}{:>19}{:>19}", "GFLOP/s, ms", "forward", "by input", "by weight");
    for layer in LAYERS {
        let name = format!("{precision} {} {}x{}->{}", layer.0, layer.1, layer.2, layer.3);
        if !name.contains(filter) {
            continue;
        }
        let s = shape(layer);
        let (x, w) = (values(s.input_len()), values(s.weight_len()));
        let dy = values(s.output_len());
        let times = [
            best(|| _ = black_box(forward(&s, black_box(&x), &w))),
            best(|| _ = black_box(by_input(&s, black_box(&dy), &w))),
            best(|| _ = black_box(by_weight(&s, black_box(&x), &dy))),
        ];
        print!("{name:<25}");
        for time in times.map(|t| t.as_secs_f64()) {
            print!("{:>11.1} {:>7.2}", 2.0 * s.macs() as f64 / time / 1e9, time * 1e3);
        }
        println!();
    }
}

fn normalisations(filter: &str) {
    println!("{:<25}{:>19}{:>19}", "GB/s, ms", "forward", "backward");
    for &(channels, size) in NORMS {
        for residual in [false, true] {
            let name = format!("norm{} {channels}x{size}", if residual { "+r" } else { "" });
            if !name.contains(filter) {
                continue;
            }
            let shape = ChannelShape::new(BATCH, channels, size * size).expect("a valid shape");
            let (x, dy, rest) = (values(shape.len()), values(shape.len()), values(shape.len()));
            let rest = residual.then_some(rest.as_slice());
            let slopes = vec![0.25; channels];
            let norm = BatchNorm {
                shape,
                gamma: None,
                beta: None,
                epsilon: 1e-5,
                activation: Activation::Prelu(&slopes),
            };
            let statistics = norm::batch_norm_statistics(&shape, &x);
            let forward = best(|| _ = black_box(norm::batch_norm_train_vec(&norm, &x, rest)));
            let backward = best(|| {
                let x = black_box(&x);
                black_box(norm::batch_norm_backward(&norm, &statistics, true, x, rest, &dy));
            });
            let bytes = 4.0 * shape.len() as f64;
            print!("{name:<25}");
            for (time, passes) in [(forward, [3.0, 4.0]), (backward, [5.0, 8.0])] {
                let seconds = time.as_secs_f64();
                let moved = bytes * passes[usize::from(residual)];
                print!("{:>11.1} {:>7.2}", moved / seconds / 1e9, seconds * 1e3);
            }
            println!();
        }
    }
}

fn main() {
    keep_freed_memory();
    let filter = std::env::args().skip(1).find(|a| !a.starts_with("--")).unwrap_or_default();
    let (level, threads) = (Level::current().name(), rayon::current_num_threads());
    print!("level {level}, {threads} threads, batch {BATCH}");
    match peak() {
        Some(peak) => println!(", {peak:.1} GFLOP/s at most from a core"),
        None => println!(),
    }
    if "inner loops".contains(&filter) {
        inner_loops();
    }
    convolutions(
        &filter,
        "f32",
        [
            |s, x, w| conv::conv2d_vec(s, x, w, None),
            conv::conv2d_input_gradient_vec,
            conv::conv2d_weight_gradient_vec,
        ],
    );
    convolutions(
        &filter,
        "bf16",
        [
            |s, x, w| bf16::conv2d_vec(s, x, w, None),
            bf16::conv2d_input_gradient_vec,
            bf16::conv2d_weight_gradient_vec,
        ],
    );
    normalisations(&filter);
}
