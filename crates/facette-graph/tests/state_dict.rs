//! Weights from elsewhere: prefixes, leftovers, and the way back.

use facette_graph::{Array, Arrays, Builder, Conv, Graph, GraphError, Input, StateDict};

fn graph() -> Graph {
    let mut b = Builder::new("tiny", Input::colour(8));
    let mut x = b.conv_norm("conv1", "bn1", 0, Conv::square(3, 4, 3, 2));
    x = b.relu(x);
    let pooled = b.global_average(x);
    let logits = b.linear("fc", pooled, 4, 5, true);
    b.finish(pooled, Some(logits)).unwrap()
}

fn state_dict(prefix: &str) -> StateDict {
    let specs = graph().tensors().into_iter();
    let arrays = specs.map(|spec| {
        let values = vec![0.5; spec.len()];
        (format!("{prefix}{}", spec.name), Array { shape: spec.shape, values })
    });
    StateDict { arrays: arrays.collect() }
}

#[test]
fn wrappers_are_recognised() {
    for prefix in ["", "module.", "model.", "module.model.", "backbone.", "model.backbone."] {
        let imported = state_dict(prefix).fit(&graph()).unwrap();
        assert_eq!(imported.prefix, prefix);
        let arrays = imported.complete(&graph()).unwrap();
        assert_eq!(arrays, state_dict("").arrays);
    }
}

#[test]
fn a_teacher_beside_the_student_stays_out() {
    let mut both = state_dict("architecture.");
    let teacher = Array { shape: vec![1], values: vec![1.0] };
    both.arrays.insert("teacher.conv1.weight".into(), teacher);
    let imported = both.fit(&graph()).unwrap();
    assert_eq!(imported.prefix, "architecture.");
    assert_eq!(imported.unused, ["teacher.conv1.weight"]);
    assert!(imported.missing.is_empty());
}

#[test]
fn everything_missing_and_unused_is_reported() {
    let mut weights = state_dict("module.");
    weights.arrays.remove("module.fc.bias");
    let head = weights.arrays.remove("module.fc.weight").unwrap();
    weights.arrays.insert("module.head.weight".into(), head);
    let imported = weights.fit(&graph()).unwrap();
    assert_eq!(imported.missing, ["fc.weight", "fc.bias"]);
    assert_eq!(imported.unused, ["module.head.weight"]);
    let message = imported.complete(&graph()).unwrap_err().to_string();
    for part in ["tiny", "2 missing", "fc.bias", "1 without a place", "module.head.weight"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn another_shape_is_refused_even_so() {
    let mut weights = state_dict("");
    weights.arrays.insert("fc.bias".into(), Array { shape: vec![6], values: vec![0.0; 6] });
    let error = weights.fit(&graph()).unwrap_err();
    assert!(matches!(&error, GraphError::Tensor { name, .. } if name == "fc.bias"), "{error}");
}

#[test]
fn files_go_out_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let weights = state_dict("");
    weights.save(&path).unwrap();
    assert_eq!(StateDict::open(&path).unwrap(), weights);
}

#[test]
fn counters_are_left_out_and_other_integers_are_not() {
    let number = 7i64.to_le_bytes();
    let file = |name: &str| {
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::I64, vec![], &number);
        safetensors::serialize([(name, view.unwrap())], None).unwrap()
    };
    let read = StateDict::from_bytes(&file("bn1.num_batches_tracked")).unwrap();
    assert_eq!(read.arrays, Arrays::new());
    let error = StateDict::from_bytes(&file("labels")).unwrap_err();
    assert!(error.to_string().contains("\"labels\""), "{error}");
}
