//! `crd`: two steps composed of the functions the term `crd` is made of, with the draws given.

use burn::tensor::Tensor;
use facette_distil::heads::softmax::linear;
use facette_distil::normalise::{EPS, rows};
use facette_distil::terms::crd::{contrast, remembered};

use super::Found;
use crate::case::Case;

/// Both memories, and `Z` of both sides once set.
struct State {
    memories: [Tensor<2>; 2],
    z: Option<[f32; 2]>,
}

pub(crate) fn run(case: &Case, output: &str) -> Option<Found> {
    let mut state = State {
        memories: [case.constant("state/memory_v1"), case.constant("state/memory_v2")],
        z: None,
    };
    let steps = if output.ends_with('1') && !output.starts_with('Z') { 1 } else { 2 };
    let mut loss = None;
    for number in 1..=steps {
        loss = Some(step(case, &mut state, number));
    }
    let values = |tensor: Tensor<2>| Found::Values(tensor.flatten(0, 1));
    let single = |z: f32| Found::Loss(Tensor::from_floats([z], &case.device));
    let [first, second] = state.memories;
    match output {
        "loss_step1" | "loss_step2" => loss.map(Found::Loss),
        "memory_v1_after1" | "memory_v1_after2" => Some(values(first)),
        "memory_v2_after1" | "memory_v2_after2" => Some(values(second)),
        "Z_v1" => state.z.map(|[z, _]| single(z)),
        "Z_v2" => state.z.map(|[_, z]| single(z)),
        _ => None,
    }
}

fn step(case: &Case, state: &mut State, number: usize) -> Tensor<1> {
    let embed = |side: &str, x: Tensor<2>| {
        let name = |leaf: &str| format!("embed_{side}.linear.{leaf}");
        let weight = case.learned(&name("weight"));
        let bias = case.learned(&name("bias"));
        let shape = case.shape(&format!("param/{}", name("weight")));
        rows(linear(x, weight.reshape([shape[0], shape[1]]), bias), EPS)
    };
    let e_s = embed("s", case.input(&format!("student_step{number}")));
    let e_t = embed("t", case.input(&format!("teacher_step{number}")));
    let drawn = case.labels(&format!("in/contrast_idx_step{number}"));
    let drawn: Vec<u32> = drawn.into_iter().map(|index| index as u32).collect();
    let [v1, v2] = state.memories.clone();
    let side = |anchors: &Tensor<2>, memory: &Tensor<2>, z: Option<f32>| {
        contrast(anchors.clone(), memory.clone(), &drawn, case.hyper("T"), z).expect("the CPU")
    };
    let (s, z_s) = side(&e_s, &v2, state.z.map(|z| z[0]));
    let (t, z_t) = side(&e_t, &v1, state.z.map(|z| z[1]));
    state.z = Some([z_s, z_t]);
    let indices = case.labels_tensor(&format!("in/idx_step{number}"));
    let momentum = case.hyper("momentum");
    state.memories = [
        remembered(v1, e_s.detach(), indices.clone(), momentum),
        remembered(v2, e_t.detach(), indices, momentum),
    ];
    s + t
}
