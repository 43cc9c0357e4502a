//! Loads a student and embeds one face: what a program pays before its first answer. Prints the
//! microseconds of both as JSON; `benches/cold_start.py` runs it in fresh processes, and says how
//! large it is.

use std::time::Instant;

use facette_runtime::{Face, Recognizer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a student file")?;
    let start = Instant::now();
    let recognizer = Recognizer::load(path)?;
    let loaded = start.elapsed();
    let (width, height) = (recognizer.card().input.width, recognizer.card().input.height);
    let rgb = vec![127; 3 * width * height];
    let mut scratch = recognizer.scratch(1);
    let embedding = recognizer.embed(&mut scratch, Face::new(&rgb, width, height)?)?;
    let first = start.elapsed() - loaded;
    println!(
        "{{\"load_us\": {}, \"first_face_us\": {}, \"embedding\": {}}}",
        loaded.as_micros(),
        first.as_micros(),
        embedding.len()
    );
    Ok(())
}
