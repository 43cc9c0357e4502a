//! Resizing against Pillow, OpenCV and PyTorch: the stored results of those libraries.
//!
//! The folder is `$FACETTE_GOLDEN`, or `../shared/golden` beside the workspace; every file that
//! its `index.json` lists under the case `image_resize` is read, whatever pictures and sizes it
//! holds. A method that this file does not know is a failure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use facette_image::{Kernel, Picture, View, resize, resize_plane};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// Which arithmetic a library's method asks for.
enum Rule {
    /// Bytes to bytes.
    Bytes(Kernel),
    /// `f32` planes; values of the input are multiplied by the factor first.
    Planes(Kernel, f32),
}

fn rule(method: &str) -> Rule {
    let (library, name) = method.split_once('_').expect("library_kernel");
    let antialiased = |name: &str| match name {
        "nearest" => Some(Kernel::Nearest),
        "box" => Some(Kernel::Box),
        "bilinear" => Some(Kernel::Bilinear),
        "hamming" => Some(Kernel::Hamming),
        "bicubic" => Some(Kernel::Bicubic),
        "lanczos" => Some(Kernel::Lanczos),
        _ => None,
    };
    let opencv = |name: &str| match name {
        "nearest" => Some(Kernel::NearestFloor),
        "linear" => Some(Kernel::BilinearPoint),
        "cubic" => Some(Kernel::BicubicPoint),
        "lanczos4" => Some(Kernel::Lanczos4Point),
        "area" => Some(Kernel::Area),
        _ => None,
    };
    let torch = |name: &str| match name {
        "nearest" => Some(Kernel::NearestFloor),
        "area" => Some(Kernel::AdaptiveArea),
        "bilinear" => Some(Kernel::BilinearPoint),
        "bilinear_aa" => Some(Kernel::Bilinear),
        "bilinear_corners" => Some(Kernel::BilinearCorners),
        "bicubic" => Some(Kernel::BicubicPoint),
        "bicubic_aa" => Some(Kernel::Bicubic),
        "bicubic_corners" => Some(Kernel::BicubicCorners),
        _ => None,
    };
    match library {
        "pil" => antialiased(name).map(Rule::Bytes),
        "pilF" => antialiased(name).map(|kernel| Rule::Planes(kernel, 1.0)),
        "cv" => opencv(name).map(Rule::Bytes),
        "cvF" => opencv(name).map(|kernel| Rule::Planes(kernel, 1.0)),
        "torch" => torch(name).map(|kernel| Rule::Planes(kernel, 1.0 / 255.0)),
        _ => None,
    }
    .unwrap_or_else(|| panic!("no rule for the method `{method}`"))
}

fn folder() -> Option<PathBuf> {
    if let Some(set) = std::env::var_os("FACETTE_GOLDEN") {
        let folder = PathBuf::from(set);
        assert!(
            folder.join("index.json").is_file(),
            "FACETTE_GOLDEN has no index.json: {folder:?}"
        );
        return Some(folder);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
    folder.join("index.json").is_file().then_some(folder)
}

fn picture(tensor: &TensorView<'_>) -> Picture {
    let [height, width, 3] = *tensor.shape() else { panic!("shape {:?}", tensor.shape()) };
    assert_eq!(tensor.dtype(), Dtype::U8);
    Picture::from_rgb(width, height, tensor.data().to_vec()).unwrap()
}

fn values(tensor: &TensorView<'_>) -> Vec<f32> {
    match tensor.dtype() {
        Dtype::U8 => tensor.data().iter().map(|&v| f32::from(v)).collect(),
        Dtype::F32 => {
            let words = tensor.data().chunks_exact(4);
            words.map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
        }
        other => panic!("unexpected type {other:?}"),
    }
}

/// `picture` resized by `rule`, interleaved.
fn resized(picture: &Picture, width: usize, height: usize, rule: &Rule) -> Vec<f32> {
    match *rule {
        Rule::Bytes(kernel) => {
            let resized = resize(picture, width, height, kernel).unwrap();
            resized.as_bytes().iter().map(|&v| f32::from(v)).collect()
        }
        Rule::Planes(kernel, factor) => {
            let mut out = vec![0.0; width * height * 3];
            for c in 0..3 {
                let bytes = picture.as_bytes().iter().skip(c).step_by(3);
                let plane: Vec<f32> = bytes.map(|&v| f32::from(v) * factor).collect();
                let mut target = vec![0.0; width * height];
                let from = (picture.width(), picture.height());
                resize_plane(&plane, from, &mut target, (width, height), kernel).unwrap();
                target.iter().enumerate().for_each(|(i, v)| out[i * 3 + c] = *v);
            }
            out
        }
    }
}

#[test]
fn every_stored_resize_is_reproduced() {
    let Some(folder) = folder() else {
        println!("skipped: no golden vectors beside the workspace and FACETTE_GOLDEN is not set");
        return;
    };
    let index: Value =
        serde_json::from_slice(&std::fs::read(folder.join("index.json")).unwrap()).unwrap();
    let cases = index["cases"].as_array().unwrap();
    let files: Vec<&str> = cases
        .iter()
        .filter(|case| case["case"] == "image_resize")
        .map(|case| case["file"].as_str().unwrap())
        .collect();
    assert!(!files.is_empty(), "index.json lists no image_resize");
    for file in files {
        check_file(&folder.join(file));
    }
}

fn check_file(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().as_ref().unwrap();
    let json = |key: &str| -> Value { serde_json::from_str(&metadata[key]).unwrap() };
    let (tolerances, crops) = (json("tolerance"), json("crops"));
    // "max 1 grey level", "2e-3 of 255", "1e-5": the first number.
    let tolerance = |library: &str| -> f32 {
        let words = tolerances[library].as_str().unwrap();
        words.split_whitespace().find_map(|word| word.parse().ok()).unwrap()
    };
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let first = crops[0][0].as_str().unwrap();
    let mut exact: BTreeMap<String, (usize, usize, f32)> = BTreeMap::new();
    for name in file.names() {
        let Some(output) = name.strip_prefix("out/") else { continue };
        let expected = file.tensor(name).unwrap();
        let [height, width, 3] = *expected.shape() else { panic!("{name}") };
        let (source, method) = match output.strip_prefix("down_up/") {
            // All of them start from Pillow's bicubic reduction of the first picture to 32x32.
            Some(method) => {
                let whole = picture(&file.tensor(&format!("in/{first}")).unwrap());
                let small = resize(&whole, 32, 32, Kernel::Bicubic).unwrap();
                (small, method.strip_suffix("_of_pil_lr").unwrap_or(method))
            }
            None => {
                let [input, size, method] = output.split('/').collect::<Vec<_>>()[..] else {
                    panic!("{name}")
                };
                assert_eq!(size, format!("{height}x{width}"), "{name}");
                (picture(&file.tensor(&format!("in/{input}")).unwrap()), method)
            }
        };
        let found = resized(&source, width, height, &rule(method));
        let expected = values(&expected);
        assert_eq!(found.len(), expected.len());
        let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let allowed = tolerance(method.split_once('_').unwrap().0);
        assert!(worst <= allowed, "{}: {name}: off by {worst}, {allowed} allowed", path.display());
        let entry = exact.entry(method.to_owned()).or_default();
        entry.0 += 1;
        entry.1 += usize::from(worst == 0.0);
        entry.2 = entry.2.max(worst);
    }
    for (method, (count, exact, worst)) in &exact {
        println!("{method}: {count} pictures, {exact} exact, worst difference {worst}");
        if method.starts_with("pil_") {
            assert_eq!(count, exact, "{method} is bit-exact by design");
        }
    }
}

#[test]
fn a_clean_view_is_the_plane_resize() {
    let data = (0..61 * 47 * 3).map(|i| (i * 89 % 251) as u8).collect();
    let picture = Picture::from_rgb(61, 47, data).unwrap();
    for kernel in Kernel::ALL {
        let view = View { kernel, ..View::square(16) };
        let mut planes = vec![0.0; view.len()];
        view.clean(&picture, false, &mut planes).unwrap();
        let expected = resized(&picture, 16, 16, &Rule::Planes(kernel, 2.0 / 255.0));
        for (i, value) in expected.iter().enumerate() {
            let found = planes[i % 3 * 256 + i / 3];
            assert!((found - (value - 1.0)).abs() < 1e-5, "{kernel} {i}: {found} {value}");
        }
    }
}
