//! Parameters, buffers, multiply-accumulates and taps of the reference implementations.

use std::path::Path;

use facette_graph::Shape;
use facette_nets::{NetOptions, build};
use serde_json::Value;

use super::folder::{Entry, json};

/// The reference's name, and ours.
const NETS: &[(&str, &str)] = &[
    ("rep_vgg8_bn", "vgg8"),
    ("rep_vgg11_bn", "vgg11"),
    ("rep_vgg13_bn", "vgg13"),
    ("rep_vgg16_bn", "vgg16"),
    ("rep_vgg19_bn", "vgg19"),
    ("cifar100_resnet18", "resnet18"),
    ("cifar100_resnet34", "resnet34"),
    ("cifar100_resnet50", "resnet50"),
    ("cifar100_resnet101", "resnet101"),
    ("cifar100_resnet152", "resnet152"),
    ("rep_ResNet18", "resnet18"),
    ("rep_ResNet34", "resnet34"),
    ("rep_ResNet50", "resnet50"),
    ("rep_ResNet101", "resnet101"),
    ("rep_resnet8", "resnet8"),
    ("rep_resnet14", "resnet14"),
    ("rep_resnet20", "resnet20"),
    ("rep_resnet32", "resnet32"),
    ("rep_resnet44", "resnet44"),
    ("rep_resnet56", "resnet56"),
    ("rep_resnet110", "resnet110"),
    ("rep_resnet8x4", "resnet8x4"),
    ("rep_resnet32x4", "resnet32x4"),
    ("rep_wrn_16_1", "wrn_16_1"),
    ("rep_wrn_16_2", "wrn_16_2"),
    ("rep_wrn_40_1", "wrn_40_1"),
    ("rep_wrn_40_2", "wrn_40_2"),
    ("wrn50_2_cifar_stem", "wide-resnet50-2"),
    ("wrn50_2_cifar100_style", "wide-resnet50-2"),
    ("rep_ShuffleV1", "shufflenet-v1"),
    ("rep_ShuffleV2", "shufflenet-v2"),
    ("rep_MobileNetV2", "mobilenet-v2"),
    ("insightface_mobilefacenet", "mobilefacenet"),
    ("insightface_mobilefacenet_128", "mobilefacenet"),
    ("insightface_mobilefacenet_large", "mobilefacenet-large"),
    ("pocketnet_repo_mobilefacenet", "mobilefacenet-foamliu"),
    ("PocketNetS-128", "pocketnet-s"),
    ("PocketNetS-256", "pocketnet-s"),
    ("PocketNetM-128", "pocketnet-m"),
    ("PocketNetM-256", "pocketnet-m"),
    ("insightface_iresnet18", "iresnet18"),
    ("insightface_iresnet34", "iresnet34"),
    ("insightface_iresnet50", "iresnet50"),
    ("insightface_iresnet100", "iresnet100"),
    ("cifar100_vgg11_bn", "vgg11-4096"),
    ("cifar100_vgg13_bn", "vgg13-4096"),
    ("cifar100_vgg16_bn", "vgg16-4096"),
    ("cifar100_vgg19_bn", "vgg19-4096"),
    ("torchvision_resnet50_imagenet", "imagenet-resnet50"),
    ("torchvision_wide_resnet50_2_imagenet", "imagenet-wide-resnet50-2"),
    ("cifar100_wideresnet_depth50_k2", "wrn_50_2-biased"),
    ("cifar100_wideresnet_40_10", "wrn_40_10-biased"),
    ("cifar100_mobilenetv2", "mobilenet-v2-full"),
    ("cifar100_shufflenet", "shufflenet-v1-3x3"),
    ("cifar100_shufflenetv2", "shufflenet-v2-3x3"),
    ("cifar100_mobilenet", "mobilenet"),
    ("adaface_ir_18", "ir-18"),
    ("adaface_ir_50", "ir-50"),
];

/// Compares every network of the file; yields a summary.
pub(crate) fn check(folder: &Path, entry: &Entry) -> Result<String, String> {
    let counts = json(&folder.join(&entry.file));
    let counts = counts.as_object().ok_or("not an object of networks")?;
    let (mut checked, mut problems) = (0, Vec::new());
    for (name, expected) in counts {
        match NETS.iter().find(|(reference, _)| reference == name) {
            Some((_, id)) => {
                checked += 1;
                if let Err(problem) = compare(id, expected) {
                    problems.push(format!("{name}: {problem}"));
                }
            }
            None => problems.push(format!("{name}: no network of ours is this")),
        }
    }
    match problems.is_empty() {
        true => Ok(format!("{checked} counted")),
        false => Err(problems.join("\n")),
    }
}

fn compare(id: &str, expected: &Value) -> Result<(), String> {
    let number = |value: &Value| value.as_u64().map(|number| number as usize);
    let size = number(&expected["input"][2]).ok_or("no input size")?;
    // A network that also returns the length of its embedding has two outputs.
    let shape = &expected["output_shape"];
    let shape = if shape[0].is_array() { &shape[0] } else { shape };
    let length = number(&shape[1]).ok_or("no output length")?;
    let options = NetOptions::new(size);
    let options = match number(&expected["num_classes"]) {
        Some(classes) => options.classes(classes),
        None => options.embedding(length),
    };
    let graph = build(id, &options).map_err(|error| error.to_string())?;
    let counts = graph.counts().map_err(|error| error.to_string())?;
    let tensors = graph.tensors();
    // PyTorch counts one number of batches for each batch normalisation among the buffers.
    let means = tensors.iter().filter(|t| t.name.ends_with("running_mean")).count();
    let buffers: usize =
        tensors.iter().filter(|t| !t.kind.is_learned()).map(|t| t.len()).sum::<usize>() + means;
    let modules: Vec<String> = expected["classifier_modules"]
        .as_array()
        .map(|list| list.iter().filter_map(Value::as_str).map(|name| format!("{name}.")).collect())
        .unwrap_or_default();
    let named = |name: &str| modules.iter().any(|module| name.starts_with(module));
    let mut of_classifier: usize = tensors.iter().filter(|t| named(&t.name)).map(|t| t.len()).sum();
    if let (0, Some(logits)) = (of_classifier, graph.taps.logits) {
        // The same network under another reference's names.
        of_classifier = graph.node_tensors(logits).iter().map(|t| t.len()).sum();
    }
    let without = counts.parameters - of_classifier;
    for (key, found) in [
        ("params_total", counts.parameters),
        ("params_without_classifier", without),
        ("buffers_numel", buffers),
        ("macs_conv_linear", counts.macs),
    ] {
        if number(&expected[key]) != Some(found) {
            return Err(format!("{key} is {found}, expected {}", expected[key]));
        }
    }
    let Some(levels) = expected["feature_shapes_is_feat"].as_array() else { return Ok(()) };
    let shapes = graph.shapes().map_err(|error| error.to_string())?;
    let taps = graph.taps.stem.iter().chain(&graph.taps.stages).chain([&graph.taps.embedding]);
    let found: Vec<Vec<usize>> = taps.map(|tap| level(shapes[*tap])).collect();
    let expected: Vec<Vec<usize>> = levels
        .iter()
        .map(|shape| shape.as_array().into_iter().flatten().skip(1).filter_map(number).collect())
        .collect();
    match found == expected {
        true => Ok(()),
        false => Err(format!("taps are {found:?}, expected {expected:?}")),
    }
}

fn level(Shape { channels, height, width }: Shape) -> Vec<usize> {
    match (height, width) {
        (1, 1) => vec![channels],
        _ => vec![channels, height, width],
    }
}
