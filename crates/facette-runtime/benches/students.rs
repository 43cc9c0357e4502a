//! The students that ship: how long they take to load, and faces a second on one thread, from pixels
//! to embeddings.

use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use facette_runtime::{Face, Level, Recognizer};

const STUDENTS: [(&str, &str); 4] = [
    ("facette-16/f32", "f32/facette-16.safetensors"),
    ("facette-16/int8", "facette-16.safetensors"),
    ("facette-32/f32", "f32/facette-32.safetensors"),
    ("facette-32/int8", "facette-32.safetensors"),
];

fn bytes(file: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models").join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn load(c: &mut Criterion) {
    let mut group = c.benchmark_group("load");
    for (name, file) in STUDENTS {
        let bytes = bytes(file);
        group.bench_function(name, |b| b.iter(|| Recognizer::from_bytes(black_box(&bytes))));
    }
}

fn embed(c: &mut Criterion) {
    let mut group = c.benchmark_group("embed");
    group.sample_size(20);
    for (name, file) in STUDENTS {
        let bytes = bytes(file);
        for &level in Level::available() {
            let recognizer = Recognizer::from_bytes(&bytes).expect("it ships").at(level);
            let side = recognizer.card().input.width;
            for batch in [1, 64] {
                let rgb: Vec<u8> = (0..batch * 3 * side * side).map(|i| (i * 7) as u8).collect();
                let faces = rgb.chunks_exact(3 * side * side);
                let faces: Result<Vec<_>, _> =
                    faces.map(|rgb| Face::new(rgb, side, side)).collect();
                let faces = faces.expect("as many bytes as the size says");
                let mut scratch = recognizer.scratch(batch);
                let mut out = vec![0.0; batch * recognizer.dim()];
                group.throughput(Throughput::Elements(batch as u64));
                let id = BenchmarkId::new(format!("{name}/{}", level.name()), batch);
                group.bench_function(id, |b| {
                    b.iter(|| recognizer.embed_batch(&mut scratch, black_box(&faces), &mut out));
                });
            }
        }
    }
}

criterion_group!(benches, load, embed);
criterion_main!(benches);
