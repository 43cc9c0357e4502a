//! Measures students on every level of the machine:
//! `cargo run --release -p facette-runtime --example speed -- FILE [SECONDS] [--json]`.
//!
//! A float student is measured in int8 as well, quantised on noise, which changes nothing in its
//! speed. Prints cold start, sizes and how each layer is computed; with `--json` one object a row and
//! nothing else.

use std::time::{Duration, Instant};

use facette_graph::StudentFile;
use facette_runtime::{BenchOptions, Face, Level, QuantiseOptions, Recognizer, bench, quantise};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (json, args): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|arg| arg == "--json");
    let path = args.first().ok_or("name a student file")?;
    let seconds: f64 = args.get(1).map_or(Ok(1.0), |seconds| seconds.parse())?;
    let say = |text: String| {
        if json.is_empty() {
            println!("{text}");
        }
    };
    let bytes = std::fs::read(path)?;
    let file = StudentFile::from_bytes(&bytes)?;
    let (width, height) = (file.card().input.width, file.card().input.height);
    let rgb: Vec<u8> = (0..48 * width * height).map(|i| (i * i * 7 % 251) as u8).collect();
    let faces: Vec<Face<'_>> = rgb
        .chunks_exact(3 * width * height)
        .map(|rgb| Face::new(rgb, width, height))
        .collect::<Result<_, _>>()?;
    let mut students = vec![bytes];
    if file.card().quantisation.is_none() {
        students.push(quantise(&file, &faces, QuantiseOptions::default())?.to_bytes()?);
    }
    let counts = file.card().graph.ending_at(file.card().graph.taps.embedding).counts()?;
    say(format!(
        "{} parameters, {} multiply-adds, {} activations in all",
        counts.parameters, counts.macs, counts.activations
    ));
    for student in &students {
        let start = Instant::now();
        let recognizer = Recognizer::from_bytes(student)?;
        let mut scratch = recognizer.scratch(1);
        recognizer.embed(&mut scratch, faces[0])?;
        say(format!("cold start {:.2} ms", start.elapsed().as_secs_f64() * 1e3));
        say(format!(
            "{} bytes, at most {} bytes of activations, {} of working memory\n{}",
            student.len(),
            recognizer.peak_bytes(),
            scratch.work_bytes(),
            recognizer.describe()
        ));
        for &level in Level::available() {
            let recognizer = Recognizer::from_bytes(student)?.at(level);
            let time = Duration::from_secs_f64(seconds);
            for row in bench(&recognizer, &BenchOptions { time, ..BenchOptions::default() })? {
                match json.is_empty() {
                    true => println!("{row:?}"),
                    false => println!("{}", serde_json::to_string(&row)?),
                }
            }
        }
    }
    Ok(())
}
