//! Time per picture of the steps between a file and a network, on one core.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use facette_image::random::stream;
use facette_image::synthetic::{Identity, Shot, render};
use facette_image::{Kernel, Picture, View, resize};

fn textured(side: usize) -> Picture {
    let value = |i: usize| {
        let (x, y) = ((i / 3 % side) as f64, (i / 3 / side) as f64);
        (127.0 + 90.0 * (x * 0.31 + (i % 3) as f64).sin() * (y * 0.23).cos()) as u8
    };
    Picture::from_rgb(side, side, (0..side * side * 3).map(value).collect()).unwrap()
}

fn views(c: &mut Criterion) {
    let plain = r#"{"size": 16, "jitter": {"scale": [0.9375, 1.0833], "margin": 0.0625,
        "spread": 0.6, "flip": 0.5, "contrast": 0.1, "brightness": 0.05}}"#;
    let turned = plain.replace("\"spread\"", "\"rotation\": 10, \"spread\"");
    for (name, settings) in [("train", plain), ("train turned", &turned)] {
        for (side, size) in [(48, 16), (112, 16), (112, 32)] {
            let mut view: View = serde_json::from_str(settings).unwrap();
            view.size = View::square(size).size;
            let (picture, mut planes) = (textured(side), vec![0.0; view.len()]);
            let mut index = 0;
            c.bench_function(&format!("{name} {side} to {size}"), |b| {
                b.iter(|| {
                    index += 1;
                    let mut stream = stream(1, "bench", index);
                    view.train(black_box(&picture), &mut stream, &mut planes).unwrap()
                });
            });
        }
    }
    let (view, picture) = (View::square(112), textured(112));
    let mut planes = vec![0.0; view.len()];
    c.bench_function("clean 112 to 112", |b| {
        b.iter(|| view.clean(black_box(&picture), false, &mut planes).unwrap());
    });
}

fn pictures(c: &mut Criterion) {
    let picture = textured(112);
    for kernel in [Kernel::Area, Kernel::Bicubic] {
        c.bench_function(&format!("resize 112 to 16 {kernel}"), |b| {
            b.iter(|| resize(black_box(&picture), 16, 16, kernel).unwrap());
        });
    }
    let (jpeg, png) = (picture.to_jpeg(90).unwrap(), picture.to_png().unwrap());
    for (format, bytes) in [("JPEG", jpeg), ("PNG", png)] {
        c.bench_function(&format!("decode 112 {format}"), |b| {
            b.iter(|| Picture::decode(black_box(&bytes)).unwrap());
        });
    }
}

fn faces(c: &mut Criterion) {
    let mut index = 0;
    c.bench_function("draw a face of 112", |b| {
        b.iter(|| {
            index += 1;
            let person = Identity::draw(&mut stream(1, "identity", index));
            let shot = Shot::draw(&mut stream(1, "shot", index));
            render(&person, &shot, 112).unwrap()
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_millis(800));
    targets = views, pictures, faces
}
criterion_main!(benches);
