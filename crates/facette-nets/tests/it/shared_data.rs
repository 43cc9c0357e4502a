//! The shared teacher, where it lies beside the workspace: `FACETTE_DATA`, or `../shared/data`.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use facette_graph::StateDict;
use facette_nets::{NetOptions, Network, OnnxModel, build, read};

use crate::support::{distance, tensor, values};

/// The folder of real data. Skips, with a printed line, where it is absent and not asked for.
fn data() -> Option<PathBuf> {
    let set = std::env::var_os("FACETTE_DATA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = set.clone().unwrap_or(beside);
    assert!(set.is_none() || folder.is_dir(), "FACETTE_DATA is no folder: {}", folder.display());
    if !folder.is_dir() {
        println!("skipped: no real data at {}", folder.display());
        return None;
    }
    Some(folder)
}

/// Weights imported into our own graph compute what the same teacher computes as ONNX, where its
/// batch normalisations are folded into the convolutions.
#[test]
fn the_teachers_weights_and_its_onnx_agree() {
    let Some(data) = data() else { return };
    let onnx = OnnxModel::open(&data.join("teacher/mobilefacenet_foamliu_112.onnx")).unwrap();
    assert_eq!((onnx.picture(), onnx.dim()), ([3, 112, 112], 128));
    assert_eq!(onnx.outputs(), ["embedding"]);

    let graph = build("mobilefacenet-foamliu", &NetOptions::new(112)).unwrap();
    let weights = StateDict::open(&data.join("teacher/mobilefacenet_foamliu.safetensors")).unwrap();
    let arrays = weights.fit(&graph).unwrap().complete(&graph).unwrap();
    let device = Device::flex();
    let network = Network::of_arrays(graph, &arrays, &device).unwrap();

    let count = 3;
    let pictures = values("teacher", count * 3 * 112 * 112);
    let ours = network.infer(tensor(pictures.clone(), [count, 3, 112, 112], &device));
    let ours = read("embedding", &ours.embedding).unwrap();
    let theirs = onnx.run(&pictures, count).unwrap();
    let found = distance(&ours, &theirs);
    assert!(found < 1e-4, "they differ by {found}");
}

/// Of the outputs with feature maps, only one is a vector a picture, and it is the same.
#[test]
fn the_embedding_is_found_among_feature_maps() {
    let Some(data) = data() else { return };
    let folder = data.join("teacher");
    let plain = OnnxModel::open(&folder.join("mobilefacenet_foamliu_112.onnx")).unwrap();
    let mapped = OnnxModel::open(&folder.join("mobilefacenet_foamliu_112_features.onnx")).unwrap();
    assert_eq!(mapped.output(), "embedding");
    assert!(mapped.outputs().len() > 1);
    let picture = values("one", 3 * 112 * 112);
    let (a, b) = (plain.run(&picture, 1).unwrap(), mapped.run(&picture, 1).unwrap());
    assert!(distance(&a, &b) < 1e-5);
}
