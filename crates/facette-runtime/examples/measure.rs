//! Answers questions about a float student, line by line, for `benches/infer_onnx.py`:
//! `embed VALUES...` with normalised planes yields the embedding; `rate f32|int8 BATCH SECONDS` the
//! faces of one thread in a second of user time.

use std::io::{BufRead, Write};

use facette_graph::StudentFile;
use facette_runtime::{Face, QuantiseOptions, Recognizer, quantise};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a student file")?;
    let file = StudentFile::open(path.as_ref())?;
    let (width, height) = (file.card().input.width, file.card().input.height);
    let rgb: Vec<u8> = (0..48 * width * height).map(|i| (i * i * 7 % 251) as u8).collect();
    let faces: Result<Vec<Face<'_>>, _> =
        rgb.chunks_exact(3 * width * height).map(|rgb| Face::new(rgb, width, height)).collect();
    let bytes = Recognizer::new(quantise(&file, &faces?, QuantiseOptions::default())?)?;
    let planes = file.card().graph.input.channels * width * height;
    let float = Recognizer::new(file)?;
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["embed", ..] => {
                let values: Result<Vec<f32>, _> = words[1..].iter().map(|w| w.parse()).collect();
                let mut embedding = vec![0.0; float.dim()];
                float.embed_planes(&mut float.scratch(1), &values?, 1, &mut embedding)?;
                let words: Vec<String> = embedding.iter().map(f32::to_string).collect();
                writeln!(out, "{}", words.join(" "))?;
            }
            ["rate", precision, batch, seconds] => {
                let recognizer = if precision == "int8" { &bytes } else { &float };
                let rate = rate(recognizer, planes, batch.parse()?, seconds.parse()?)?;
                writeln!(out, "{rate}")?;
            }
            _ => return Err(format!("no such question: {line}").into()),
        }
        out.flush()?;
    }
    Ok(())
}

/// Faces a second of user time, from planes as ONNX Runtime gets them.
fn rate(
    recognizer: &Recognizer,
    planes: usize,
    batch: usize,
    seconds: f64,
) -> Result<f64, Box<dyn std::error::Error>> {
    let x: Vec<f32> = (0..batch * planes).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect();
    let mut out = vec![0.0; batch * recognizer.dim()];
    let mut scratch = recognizer.scratch(batch);
    recognizer.embed_planes(&mut scratch, &x, batch, &mut out)?;
    let (start, mut faces) = (user_seconds()?, 0);
    loop {
        for _ in 0..(64 / batch).max(1) {
            recognizer.embed_planes(&mut scratch, &x, batch, &mut out)?;
            faces += batch;
        }
        let passed = user_seconds()? - start;
        if passed >= seconds {
            return Ok(faces as f64 / passed);
        }
    }
}

/// Nanoseconds on the processor, which Linux counts for every thread.
fn user_seconds() -> Result<f64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds: f64 = text.split_whitespace().next().ok_or("empty schedstat")?.parse()?;
    Ok(nanoseconds / 1e9)
}
