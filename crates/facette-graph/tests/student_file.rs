//! Student files: what goes in comes out, and nothing else gets in.

use std::collections::BTreeMap;

use facette_graph::{
    Accuracy, Array, Arrays, Builder, Card, ChannelOrder, Conv, Graph, GraphError, Input,
    InputCard, Norm, StudentFile, TensorKind, Threshold,
};
use proptest::prelude::*;

fn graph() -> Graph {
    let mut b = Builder::new("tiny", Input::colour(8));
    let mut x = b.conv_norm("conv1", "bn1", 0, Conv::square(3, 4, 3, 2));
    x = b.prelu("prelu1", x);
    b.stage(x);
    let pooled = b.global_average(x);
    let embedding = b.linear("embedding", pooled, 4, 5, true);
    b.finish(embedding, None).unwrap()
}

fn arrays(graph: &Graph) -> Arrays {
    let values = |kind, count: usize| -> Vec<f32> {
        let start = if kind == TensorKind::RunningVariance { 1.0 } else { -0.5 };
        (0..count).map(|i| start + i as f32 * 0.125).collect()
    };
    let specs = graph.tensors().into_iter();
    specs
        .map(|s| {
            let values = values(s.kind, s.len());
            (s.name, Array { shape: s.shape, values })
        })
        .collect()
}

fn input() -> InputCard {
    InputCard {
        width: 8,
        height: 8,
        channels: ChannelOrder::Rgb,
        mean: vec![0.5; 3],
        std: vec![0.25, 0.5, 0.125],
        resize: "area".into(),
        template: "arcface-112".into(),
    }
}

fn card() -> Card {
    let settings = BTreeMap::from([("widths".to_owned(), serde_json::json!([4]))]);
    let mut card = Card::new(graph(), settings, input(), Norm::L2, "for research").unwrap();
    card.thresholds.push(Threshold {
        capture: 8,
        threshold: 0.3,
        far: Some(1e-3),
        pairs: "val".into(),
    });
    card.accuracy.push(Accuracy {
        protocol: "lfw".into(),
        size: 8,
        value: 0.75,
        std: Some(0.01),
        command: "facette eval x --protocol lfw".into(),
    });
    card.recipe = Some("0123456789abcdef".repeat(4));
    card.provenance = "made by a test".into();
    card
}

fn file() -> StudentFile {
    StudentFile::new(card(), arrays(&graph())).unwrap()
}

/// The file with its header changed by `change`; tensors stay as they are.
fn with_header(change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let bytes = file().to_bytes().unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    change(&mut header);
    with_text(&header.to_string(), &bytes[8 + length..])
}

fn with_text(header: &str, tensors: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), tensors].concat()
}

fn with_card(change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    with_header(|header| {
        let text = header["__metadata__"]["facette.card"].as_str().unwrap();
        let mut card: serde_json::Value = serde_json::from_str(text).unwrap();
        change(&mut card);
        header["__metadata__"]["facette.card"] = card.to_string().into();
    })
}

fn refusal(bytes: &[u8]) -> String {
    StudentFile::from_bytes(bytes).unwrap_err().to_string()
}

#[test]
fn comes_back_as_it_went() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("student.safetensors");
    let written = file();
    let digest = written.save(&path).unwrap();
    let read = StudentFile::open(&path).unwrap();
    assert_eq!(read, written);
    assert_eq!(read.digest(), digest);
    assert_eq!(read.digest(), blake3::hash(&std::fs::read(&path).unwrap()).to_hex().as_str());
    let only = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(only, 1, "a temporary file was left behind");
}

#[test]
fn the_same_student_gives_the_same_bytes() {
    assert_eq!(file().to_bytes().unwrap(), file().to_bytes().unwrap());
}

#[test]
fn other_readers_find_a_pytorch_file() {
    let bytes = file().to_bytes().unwrap();
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(metadata.metadata().as_ref().unwrap()["format"], "pt");
    let read = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(read.tensor("conv1.weight").unwrap().shape(), [4, 3, 3, 3]);
    assert_eq!(
        bytes.len() % 8,
        4 * arrays(&graph()).values().map(|a| a.values.len()).sum::<usize>() % 8
    );
}

#[test]
fn half_precision_is_read() {
    let written = file();
    let halves: Vec<(String, Vec<usize>, Vec<u8>)> = written
        .arrays()
        .iter()
        .map(|(name, array)| {
            let bytes = array.values.iter().flat_map(|&v| half::f16::from_f32(v).to_le_bytes());
            (name.clone(), array.shape.clone(), bytes.collect())
        })
        .collect();
    let views = halves.iter().map(|(name, shape, bytes)| {
        let dtype = safetensors::Dtype::F16;
        (name.as_str(), safetensors::tensor::TensorView::new(dtype, shape.clone(), bytes).unwrap())
    });
    let metadata = [("facette.card".to_owned(), written.card().to_json().unwrap())];
    let bytes = safetensors::serialize(views, Some(metadata.into())).unwrap();
    let read = StudentFile::from_bytes(&bytes).unwrap();
    assert_eq!(read.arrays(), written.arrays(), "eighths are exact in half precision");
    assert_eq!(read.digest(), blake3::hash(&bytes).to_hex().as_str());
}

#[test]
fn damaged_files_are_refused() {
    let bytes = file().to_bytes().unwrap();
    for cut in [0, 4, 8, 9, 100, bytes.len() / 2, bytes.len() - 1] {
        assert!(refusal(&bytes[..cut]).contains("not a safetensors file"), "cut at {cut}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(refusal(&longer).contains("more or fewer bytes"));
    assert!(refusal(b"\x89PNG\r\n\x1a\n and so on").contains("start with a header"));
    let huge = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
    assert!(refusal(&huge).contains("at most"));
}

#[test]
fn doubled_keys_are_refused() {
    let bytes = file().to_bytes().unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&bytes[8..8 + length]).unwrap();
    let doubled = header.replacen("\"format\"", "\"format\":\"np\",\"format\"", 1);
    assert!(refusal(&with_text(&doubled, &bytes[8 + length..])).contains("twice"));
    let card = file().card().to_json().unwrap();
    let doubled = card.replacen("\"dim\":5", "\"dim\":5,\"dim\":5", 1);
    assert!(Card::from_json(&doubled).unwrap_err().to_string().contains("twice"));
}

#[test]
fn a_file_without_a_card_is_refused() {
    let bytes = with_header(|header| header["__metadata__"] = serde_json::json!({"format": "pt"}));
    assert!(matches!(StudentFile::from_bytes(&bytes), Err(GraphError::NoCard)));
}

#[test]
fn later_versions_are_refused_and_later_fields_are_not() {
    let bytes = with_card(|card| card["version"] = "2.0".into());
    assert!(matches!(StudentFile::from_bytes(&bytes), Err(GraphError::Version { .. })));
    let bytes = with_card(|card| {
        card["version"] = "1.7".into();
        card["of_a_later_version"] = "int8".into();
    });
    StudentFile::from_bytes(&bytes).unwrap();
    let bytes = with_card(|card| card["input"]["colour"] = "rgb".into());
    assert!(refusal(&bytes).contains("input.colour"));
    for version in ["", "1", "0.9", "one.two", "1.0.0"] {
        let bytes = with_card(|card| card["version"] = version.into());
        assert!(refusal(&bytes).contains("version"), "{version}");
    }
}

#[test]
fn impossible_cards_are_refused_by_field() {
    type Change = fn(&mut serde_json::Value);
    let cases: [(&str, Change); 15] = [
        ("architecture", |card| card["architecture"] = "other".into()),
        ("input.width", |card| card["input"]["width"] = 9.into()),
        ("input.channels", |card| card["input"]["channels"] = "grey".into()),
        ("input.mean", |card| card["input"]["mean"] = serde_json::json!([0.5])),
        ("input.std", |card| card["input"]["std"][1] = 0.into()),
        ("input.resize", |card| card["input"]["resize"] = "".into()),
        ("input.template", |card| card["input"]["template"] = "".into()),
        ("embedding.dim", |card| card["embedding"]["dim"] = 6.into()),
        ("unknown variant", |card| card["embedding"]["norm"] = "l3".into()),
        ("thresholds", |card| card["thresholds"][0]["far"] = 2.into()),
        ("recipe", |card| card["recipe"] = "abc".into()),
        ("accuracy", |card| card["accuracy"][0]["value"] = 75.into()),
        ("terms", |card| card["terms"] = " ".into()),
        ("missing field `provenance`", |card| {
            card.as_object_mut().unwrap().remove("provenance");
        }),
        ("conv1", |card| card["graph"]["nodes"][1]["groups"] = 7.into()),
    ];
    for (named, change) in cases {
        let message = refusal(&with_card(change));
        assert!(message.contains(named), "{named}: {message}");
    }
}

#[test]
fn wrong_tensors_are_refused_by_name() {
    let with = |change: fn(&mut Arrays)| {
        let mut arrays = arrays(&graph());
        change(&mut arrays);
        StudentFile::new(card(), arrays).unwrap_err()
    };
    let error = with(|arrays| {
        let weight = arrays.remove("conv1.weight").unwrap();
        arrays.insert("conv2.weight".into(), weight);
    });
    let GraphError::Names { missing, unused, .. } = &error else { panic!("{error}") };
    assert_eq!(
        (missing.as_slice(), unused.as_slice()),
        (&["conv1.weight".to_owned()][..], &["conv2.weight".to_owned()][..])
    );
    let error = with(|arrays| arrays.get_mut("conv1.weight").unwrap().shape = vec![3, 4, 3, 3]);
    assert!(error.to_string().contains("\"conv1.weight\": expected shape [4, 3, 3, 3]"));
    let error = with(|arrays| arrays.get_mut("prelu1.weight").unwrap().values[2] = f32::NAN);
    assert!(error.to_string().contains("NaN at 2"));
    let error = with(|arrays| arrays.get_mut("bn1.running_var").unwrap().values[0] = -1.0);
    assert!(error.to_string().contains("variances"));
    let error = with(|arrays| arrays.get_mut("bn1.bias").unwrap().values.truncate(3));
    assert!(error.to_string().contains("3 values"));
}

#[test]
fn integers_are_refused() {
    let bytes = with_header(|header| header["prelu1.weight"]["dtype"] = "I32".into());
    assert!(refusal(&bytes).contains("found I32"));
}

#[test]
fn a_missing_folder_is_named() {
    let error = file().save(std::path::Path::new("no/such/folder/x.safetensors")).unwrap_err();
    assert!(error.to_string().contains("no/such/folder"), "{error}");
    let error = StudentFile::open(std::path::Path::new("no/such/file")).unwrap_err();
    assert!(error.to_string().contains("no/such/file"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damage_anywhere_is_an_error_or_harmless(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let mut bytes = file().to_bytes().unwrap();
        for (place, value) in places {
            let at = place.index(bytes.len());
            bytes[at] = value;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(read) = StudentFile::from_bytes(&bytes) {
            read.card().graph.counts().unwrap();
            StudentFile::from_bytes(&read.to_bytes().unwrap()).unwrap();
        }
    }

    #[test]
    fn a_card_with_wild_numbers_never_panics(
        path in 0usize..24,
        number in prop_oneof![
            Just(0u64), Just(1), Just(u64::MAX), Just(u64::from(u32::MAX)), Just(1 << 40), any::<u64>(),
        ],
    ) {
        let bytes = with_card(|card| {
            let nodes = &mut card["graph"]["nodes"];
            let number = serde_json::json!(number);
            match path {
                0..=5 => {
                    let key = ["inputs", "outputs", "groups", "channels", "eps", "slopes"][path];
                    for node in nodes.as_array_mut().unwrap() {
                        if let Some(value) = node.get_mut(key).filter(|value| value.is_number()) {
                            *value = number.clone();
                        }
                    }
                }
                6..=13 => {
                    let key = ["kernel", "stride", "padding", "dilation"][(path - 6) / 2];
                    nodes[1][key][path % 2] = number;
                }
                14 => nodes[2]["from"][0] = number,
                15 => card["graph"]["taps"]["embedding"] = number,
                16 => card["graph"]["taps"]["stages"][0] = number,
                17 => card["graph"]["taps"]["stem"] = number,
                18 => card["graph"]["input"]["width"] = number,
                19 => card["graph"]["input"]["channels"] = number,
                20 => card["input"]["width"] = number,
                21 => card["embedding"]["dim"] = number,
                22 => card["thresholds"][0]["capture"] = number,
                _ => card["accuracy"][0]["size"] = number,
            }
        });
        if let Ok(read) = StudentFile::from_bytes(&bytes) {
            read.card().graph.counts().unwrap();
        }
    }
}
