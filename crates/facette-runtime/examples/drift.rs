//! Quantises a float student on the pictures of a folder and says how far it drifts on others:
//! `cargo run --release -p facette-runtime --example drift -- FILE FOLDER [OUT]`.
//!
//! Pictures are found in all folders below, in the order of their names; every other one is
//! calibrated on, at most 256, and the rest are compared on. With OUT the int8 student is written.

use std::path::{Path, PathBuf};

use facette_graph::StudentFile;
use facette_image::Picture;
use facette_runtime::{Face, QuantiseOptions, choose, drift};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [student, folder, ..] = &args[..] else { return Err("name a student and a folder".into()) };
    let file = StudentFile::open(Path::new(student))?;
    let mut paths = Vec::new();
    find(Path::new(folder), &mut paths)?;
    // Spread over all folders.
    let step = (paths.len() / 512).max(1);
    let pictures: Vec<Picture> = paths
        .iter()
        .step_by(step)
        .take(512)
        .map(|path| Picture::decode(&std::fs::read(path)?).map_err(Into::into))
        .collect::<Result<_, Box<dyn std::error::Error>>>()?;
    let faces: Vec<Face<'_>> = pictures
        .iter()
        .map(|picture| Face::new(picture.as_bytes(), picture.width(), picture.height()))
        .collect::<Result<_, _>>()?;
    let calibrate: Vec<Face<'_>> = faces.iter().copied().step_by(2).collect();
    let compare: Vec<Face<'_>> = faces.iter().copied().skip(1).step_by(2).collect();
    let choice = choose(&file, &calibrate, &compare, &QuantiseOptions::candidates())?;
    for tried in &choice.tried {
        println!("{:.6} {}", tried.cosine, tried.options);
    }
    println!("chosen: {}", choice.options);
    for layer in drift(&choice.float, &choice.student, &compare)? {
        println!("{:.6} {}", layer.cosine, layer.layer);
    }
    if let Some(out) = args.get(2) {
        choice.student.save(Path::new(out))?;
    }
    Ok(())
}

fn find(folder: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    entries.sort();
    for path in entries {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if path.is_dir() {
            find(&path, paths)?;
        } else if ["jpg", "jpeg", "png", "ppm", "webp"].contains(&extension.as_str()) {
            paths.push(path);
        }
    }
    Ok(())
}
