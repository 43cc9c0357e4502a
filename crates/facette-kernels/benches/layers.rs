//! Speed of the kernels for the layers of the nets that facette trains: `cargo bench -p
//! facette-kernels [-- FILTER]`. Prints GFLOP/s with the multiplications of the definition, taps on
//! the padding included, beside the multiply-adds a core can do.

use std::hint::black_box;
use std::time::{Duration, Instant};

use facette_kernels::Level;
use facette_kernels::conv::{self, ConvOptions, ConvShape};

/// `(name, channels, size, out channels, kernel, stride, padding, depthwise)`
type Layer = (&'static str, usize, usize, usize, usize, usize, usize, bool);

const BATCH: usize = 128;

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
    while begin.elapsed() < Duration::from_millis(120) {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed());
    }
    best
}

fn values(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 2_654_435_761) % 1000) as f32 / 500.0 - 1.0).collect()
}

fn main() {
    let filter = std::env::args().skip(1).find(|a| !a.starts_with("--")).unwrap_or_default();
    println!(
        "level {}, {} threads, batch {BATCH}",
        Level::current().name(),
        rayon::current_num_threads()
    );
    println!(
        "{:<16}{:>22}{:>22}{:>22}",
        "GFLOP/s (ms)", "forward", "input gradient", "weight gradient"
    );
    let mut total = [0.0; 3];
    for layer in LAYERS {
        let name = format!("{} {}x{}->{}", layer.0, layer.1, layer.2, layer.3);
        if !name.contains(&filter) {
            continue;
        }
        let s = shape(layer);
        let (x, w) = (values(s.input_len()), values(s.weight_len()));
        let dy = values(s.output_len());
        let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
        let times = [
            best(|| conv::conv2d(&s, black_box(&x), &w, None, &mut y)),
            best(|| conv::conv2d_input_gradient(&s, black_box(&dy), &w, &mut dx)),
            best(|| conv::conv2d_weight_gradient(&s, black_box(&x), &dy, &mut dw)),
        ];
        print!("{name:<24}");
        for (total, time) in total.iter_mut().zip(times) {
            let seconds = time.as_secs_f64();
            *total += seconds;
            let gflops = 2.0 * s.macs() as f64 / seconds / 1e9;
            print!("{gflops:>12.1} {:>7.2}", seconds * 1e3);
        }
        println!();
    }
}
