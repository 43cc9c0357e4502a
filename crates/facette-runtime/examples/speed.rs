//! Times a student in f32 and int8, on one thread:
//! `cargo run --release -p facette-runtime --example speed -- FILE [SECONDS]`.
//!
//! A float student is quantised on noise, which changes nothing in its speed. Prints the cold start,
//! what is computed how, and faces a second at 1 and at 8 faces at once: the median and the best.

use std::time::Instant;

use facette_graph::StudentFile;
use facette_runtime::{Face, Level, QuantiseOptions, Recognizer, quantise};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("name a student file")?;
    let seconds: f64 = args.next().map_or(Ok(1.0), |seconds| seconds.parse())?;
    let bytes = std::fs::read(path)?;
    let start = Instant::now();
    let recognizer = Recognizer::from_bytes(&bytes)?;
    let mut scratch = recognizer.scratch(1);
    let (width, height) = (recognizer.card().input.width, recognizer.card().input.height);
    let rgb: Vec<u8> = (0..24 * width * height).map(|i| (i * i * 7 % 251) as u8).collect();
    let faces = rgb.chunks_exact(3 * width * height);
    let faces: Vec<Face<'_>> = faces.map(|rgb| Face::new(rgb, width, height)).collect::<Result<_, _>>()?;
    recognizer.embed(&mut scratch, faces[0])?;
    println!("cold start {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    let float = StudentFile::from_bytes(&bytes)?;
    let mut students = vec![("as it is", recognizer)];
    if float.card().quantisation.is_none() {
        let small = quantise(&float, &faces, QuantiseOptions::default())?;
        println!("{} bytes, in int8 {}", bytes.len(), small.to_bytes()?.len());
        students.push(("int8", Recognizer::new(small)?));
    }
    for (name, recognizer) in &students {
        println!("{name}:\n{}", recognizer.describe());
        for count in [1, 8] {
            let mut scratch = recognizer.scratch(count);
            let mut out = vec![0.0; count * recognizer.dim()];
            let (start, mut times) = (Instant::now(), Vec::new());
            while start.elapsed().as_secs_f64() < seconds {
                let start = Instant::now();
                recognizer.embed_batch(&mut scratch, &faces[..count], &mut out)?;
                times.push(start.elapsed().as_secs_f64());
            }
            times.sort_by(f64::total_cmp);
            let rate = |time: f64| count as f64 / time;
            println!(
                "{:?} {count} at once: median {:.0}, best {:.0} faces/s; {} + {} bytes",
                Level::current(),
                rate(times[times.len() / 2]),
                rate(times[0]),
                recognizer.peak_bytes(),
                scratch.work_bytes(),
            );
        }
    }
    Ok(())
}
