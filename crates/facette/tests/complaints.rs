//! Bad input: one clear line that names it and the way out, exit code 2, nothing half-written.

mod playground;

use std::fs;

use playground::{Playground, facette, says};

/// `facette distil tiny.toml` in the playground, with more arguments.
fn distil(play: &Playground, more: &[&str]) -> assert_cmd::Command {
    let recipe = play.recipe();
    let mut command = facette(&["distil", &recipe, "--data", &play.path("")]);
    command.args(["--out", &play.path("run"), "--quiet"]).args(more).current_dir(play.path(""));
    command
}

#[test]
fn a_corrupt_jpeg_is_named() {
    let play = Playground::with_faces();
    let whole = facette_image::Picture::filled(24, 24, [90, 80, 70]).unwrap().to_jpeg(90).unwrap();
    play.write("faces/s00002/broken.jpg", &whole[..whole.len() / 2]);
    says(distil(&play, &[]).assert().code(2), &["broken.jpg", "allow_bad"]);
    assert!(play.list("run").is_empty(), "{:?}", play.list("run"));
    distil(&play, &["--set", "data.cache.allow_bad=1"]).assert().success();

    let inspected = facette(&["data", "inspect", &play.path("faces"), "--no-sheets"]).assert();
    let text = String::from_utf8(inspected.code(1).get_output().stdout.clone()).unwrap();
    assert!(text.contains("broken.jpg"), "{text}");
    let a = play.path("faces/s00002/broken.jpg");
    let model = play.path("run/last.safetensors");
    says(facette(&["verify", &a, &a, "--model", &model]).assert().code(2), &["broken.jpg"]);
}

#[test]
fn an_empty_identity_folder_is_named() {
    let play = Playground::with_faces();
    fs::create_dir(play.path("faces/nobody")).unwrap();
    says(distil(&play, &[]).assert().code(2), &["faces/nobody", "remove the folder"]);
    assert!(play.list("run").is_empty());
}

#[test]
fn a_pairs_line_that_names_a_missing_file() {
    let play = Playground::with_faces();
    distil(&play, &[]).assert().success();
    let pairs = "1\t1\ns00000\t1\t2\ns00000\t1\tnobody\t1\n";
    let pairs = play.write("odd.txt", pairs.as_bytes());
    let faces = play.path("faces");
    let eval = |more: &[&str]| {
        let model = play.path("run");
        let mut command = facette(&["eval", &model, "--protocol", "lfw", "--images", &faces]);
        command.args(["--pairs", &pairs]).args(more);
        command
    };
    says(eval(&[]).assert().code(2), &["nobody/nobody_0001", "allow"]);
    let short = play.write("short.txt", b"2\t10\ns00000\t1\t2\n");
    let command = &["eval", &play.path("run"), "--protocol", "lfw", "--images", &faces];
    says(facette(command).args(["--pairs", &short]).assert().code(2), &["short.txt", "1 lines"]);
    says(facette(command).assert().code(2), &["pairs"]);
}

#[test]
fn recipes_with_misspelt_keys_or_impossible_values() {
    let play = Playground::with_faces();
    let refused: [(&str, &[&str]); 8] = [
        ("stage.1.epocs=3", &["stage[1].epocs", "did you mean `epochs`"]),
        ("stage.1.lr=-1", &["stage[1].lr", "-1"]),
        ("stage.1.method='featrue'", &["stage[1].method", "feature"]),
        ("stage.1.batch=1000", &["1000"]),
        ("views.student.size=0", &["size", "0"]),
        ("student.net='few-shoot'", &["student", "few-shot"]),
        ("stage.1.settings.regression={term='cosine', project='none'}", &["project"]),
        ("data.sources.0.path='/etc'", &["data root"]),
    ];
    for (set, words) in refused {
        let mut more = vec!["--set", set];
        if set.contains("project") {
            // Teacher and student of different lengths.
            more.extend(["--set", "student.embedding=8"]);
        }
        says(distil(&play, &more).assert().code(2), words);
        let left = play.list("run");
        let student = |name: &String| ["best.safetensors", "last.safetensors"].contains(&&name[..]);
        assert!(!left.iter().any(student), "{set}: {left:?}");
        let _ = fs::remove_dir_all(play.path("run"));
    }
    says(facette(&["recipe", "show", "dmeo"]).assert().code(2), &["did you mean \"demo\""]);
    says(facette(&["recipe", "show", "zzz"]).assert().code(2), &["facette recipe list"]);
    let odd = play.write("odd.toml", b"name = \"a\"\n[[stage]\n");
    says(facette(&["recipe", "show", &odd]).assert().code(2), &["odd.toml"]);
}

#[test]
fn truncated_and_foreign_models() {
    let play = Playground::with_faces();
    distil(&play, &[]).assert().success();
    let whole = fs::read(play.path("run/last.safetensors")).unwrap();
    let inspect = |name: &str, bytes: &[u8]| {
        let path = play.write(name, bytes);
        facette(&["inspect", &path]).assert().code(2)
    };
    says(inspect("half.safetensors", &whole[..whole.len() / 2]), &["half.safetensors"]);
    says(inspect("empty.safetensors", b""), &["empty.safetensors"]);
    // A state dict without a card: eight bytes of length, an empty header.
    let foreign = [&8u64.to_le_bytes()[..], b"{}      "].concat();
    says(inspect("foreign.safetensors", &foreign), &["foreign.safetensors", "card"]);
    says(inspect("words.onnx", b"no model at all"), &["words.onnx", "--mean"]);
    let path = play.path("words.onnx");
    let with_flags = facette(&["inspect", &path, "--mean", "0.5", "--std", "0.5"]).assert().code(2);
    says(with_flags, &["words.onnx", "not a usable ONNX model"]);
    says(facette(&["inspect", "nowhere.safetensors"]).assert().code(2), &["nowhere.safetensors"]);
    let run = play.path("run");
    says(facette(&["inspect", &run, "--mean", "0.5"]).assert().code(2), &["leave --card"]);
    says(facette(&["inspect", &play.path("faces")]).assert().code(2), &["no run folder"]);
}

#[test]
fn a_teacher_that_is_no_model() {
    let play = Playground::with_faces();
    play.write("teacher.onnx", b"no model at all");
    let set = "stage.1.teacher={kind='onnx', path='teacher.onnx'}";
    says(distil(&play, &["--set", set]).assert().code(2), &["teacher.onnx"]);
    let set = "stage.1.teacher={kind='onnx', path='none.onnx'}";
    let _ = fs::remove_dir_all(play.path("run"));
    says(distil(&play, &["--set", set]).assert().code(2), &["none.onnx"]);
}

#[test]
fn a_folder_that_cannot_be_written() {
    let play = Playground::with_faces();
    let file = play.write("file", b"");
    let out = format!("{file}/run");
    let recipe = play.recipe();
    let distil = facette(&["distil", &recipe, "--data", &play.path(""), "--out", &out, "--quiet"])
        .current_dir(play.path(""))
        .assert()
        .code(2);
    says(distil, &["file"]);
}

#[test]
fn flags_that_make_no_sense() {
    for arguments in [
        &["eval", "--protocol", "lfw", "--images", ".", "--size", "big"][..],
        &["verify", "a.jpg"][..],
        &["list", "cats"][..],
        &["data", "synthesize", "x", "--pairs", "ten"][..],
        &["bench"][..],
        &["bench", "facette-16", "--batch", "0"][..],
        &["bench", "facette-16", "--precision", "int4"][..],
        &["quantise", "facette-16", "--data", "."][..],
        &["quantise", "facette-16", "--data", ".", "-o", "x", "--range", "all"][..],
    ] {
        facette(arguments).assert().code(2);
    }
    let folder = Playground::new();
    let none = folder.path("none");
    says(
        facette(&["eval", "--protocol", "lfw", "--images", &none]).assert().code(2),
        &["--images", "no folder"],
    );
    let quantise = |data: &str| {
        facette(&["quantise", "facette-16", "--data", data, "-o", &folder.path("small")])
            .assert()
            .code(2)
    };
    says(quantise(&none), &["none"]);
    says(quantise(&folder.path("")), &[&folder.path("")]);
    assert!(folder.list("").is_empty(), "{:?}", folder.list(""));
    says(facette(&["bench", "--net", "few-shoot"]).assert().code(2), &["few-shot"]);
    says(facette(&["report", &folder.path("")]).assert().code(2), &["no run folder"]);
}
