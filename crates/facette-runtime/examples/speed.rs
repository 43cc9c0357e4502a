//! Times a student: `cargo run --release -p facette-runtime --example speed -- FILE [FACES] [SECONDS]`.
//!
//! Prints what is computed how, and the faces a second of one thread at this many faces at once.

use std::time::Instant;

use facette_graph::StudentFile;
use facette_runtime::{Face, Level, Recognizer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("name a student file")?;
    let faces: usize = args.next().map_or(Ok(1), |faces| faces.parse())?;
    let seconds: f64 = args.next().map_or(Ok(1.0), |seconds| seconds.parse())?;
    let start = Instant::now();
    let file = StudentFile::open(path.as_ref())?;
    let recognizer = Recognizer::new(file)?;
    let mut scratch = recognizer.scratch(faces);
    let (width, height) = (recognizer.card().input.width, recognizer.card().input.height);
    let rgb: Vec<u8> = (0..3 * width * height).map(|i| (i * 7 % 251) as u8).collect();
    let face = Face::new(&rgb, width, height)?;
    recognizer.embed(&mut scratch, face)?;
    println!("cold start {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    println!("{}", recognizer.describe());
    let all = vec![face; faces];
    let mut out = vec![0.0; faces * recognizer.dim()];
    let (start, mut times) = (Instant::now(), Vec::new());
    while start.elapsed().as_secs_f64() < seconds {
        let start = Instant::now();
        recognizer.embed_batch(&mut scratch, &all, &mut out)?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let rate = |time: f64| faces as f64 / time;
    println!(
        "{} {:?} {faces} at once: median {:.0}, best {:.0} faces/s; {} + {} bytes",
        recognizer.card().architecture,
        Level::current(),
        rate(times[times.len() / 2]),
        rate(times[0]),
        recognizer.peak_bytes(),
        scratch.work_bytes(),
    );
    Ok(())
}
