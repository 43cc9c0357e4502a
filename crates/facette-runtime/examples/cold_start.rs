//! Loads a student and embeds one face: what a program pays before its first answer. Prints the
//! microseconds of both as JSON, and on Linux those of the processor, which other programs do not
//! add to; `benches/cold_start.py` runs it in fresh processes, and says how large it is.

use std::time::Instant;

use facette_runtime::{Face, Recognizer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a student file")?;
    let (start, before) = (Instant::now(), busy());
    let recognizer = Recognizer::load(path)?;
    let loaded = start.elapsed();
    let (width, height) = (recognizer.card().input.width, recognizer.card().input.height);
    let rgb = vec![127; 3 * width * height];
    let mut scratch = recognizer.scratch(1);
    let embedding = recognizer.embed(&mut scratch, Face::new(&rgb, width, height)?)?;
    let first = start.elapsed() - loaded;
    println!(
        "{{\"load_us\": {}, \"first_face_us\": {}, \"processor_us\": {}, \"embedding\": {}}}",
        loaded.as_micros(),
        first.as_micros(),
        (busy() - before) / 1000,
        embedding.len()
    );
    Ok(())
}

/// Nanoseconds this thread has been on a processor, which Linux counts; 0 elsewhere.
fn busy() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
}
