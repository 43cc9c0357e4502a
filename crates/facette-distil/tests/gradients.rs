//! Every term's gradient, with respect to all it reads and all it learns, against finite
//! differences.
//!
//! Directional derivatives in random directions, by central differences at two step sizes from
//! which the leading error is extrapolated away. Losses are f32, so agreement is to about a
//! percent; that a gradient is right to the last digit the golden vectors show.

use std::cell::RefCell;

use burn::tensor::{Device, Tensor, TensorData};
use facette_distil::{
    Batch, Context, DistilError, Domain, Mix, StreamShapes, TERMS, Term, TermSpec,
};
use facette_graph::{Builder, Conv, Graph, Input, Shape};
use facette_nets::{Knowledge, Wanted, read};
use facette_random::stream;
use rand::RngExt;

const CLASSES: usize = 5;
const PICTURES: usize = 8;

/// Terms that hold back part of their gradient on purpose: a margin that changes only the value, a
/// teaching side within the learner.
const HELD_BACK: &[&str] = &["sphereface", "self_kd", "one"];

/// Terms whose defaults suit whole data sets: they stand below with smaller ones.
const LARGE: &[&str] = &["crd"];

/// Terms of singular vectors, which turn without limit where singular values nearly coincide, as those of random maps do:
/// their file compares gradients where values are apart.
const TURNING: &[&str] = &["kdsvd"];

/// Settings beyond the defaults whose gradient is a true derivative, too.
const FURTHER: &[(&str, &str)] = &[
    ("ce", "label_smoothing = 0.2"),
    ("kd", "temperature = 2.0\nsquared_temperature = false"),
    ("kd", "temperature = 2.0\nstudent_temperature = 1.0"),
    ("mkd", "form = 'absolute'"),
    ("reviewkd", "warmup = 0"),
    ("one", "detach = false\nramp = 0"),
    ("okddip", "ramp = 0\nbranches = 3"),
    ("squared", "normalise = true\nreduction = 'batch_mean'"),
    ("squared", "reduction = 'sum'"),
    ("cosine", "project = 'linear'"),
    ("relation", "relation = 'distance'"),
    ("pkt", "eps = 1e-6"),
    ("cckd", "kernel = 'bilinear'\nmeasure = 'frobenius'\nnormalise = false"),
    ("adadistill", "form = 'cosface'\nscale = 16\nproject = 'linear'"),
    ("fskd", "point = 0"),
    ("darkrank", "nearest = 2\nalpha = 0.5"),
    ("dkd", "warmup = 0"),
    ("at", "difference = 'norm'"),
    ("sp", "rows = 'l1'"),
    ("fitnet", "stage = 1\nconnector = 'conv1x1'"),
    ("ft", "p1 = 1\np2 = 2\npasses = 2"),
    ("crd", "negatives = 6\ndim = 4"),
    ("horkd", "centres = 'batch'\nreduction = 'mean'\nnorm = 'bn'\nalpha = 10\nbeta = 10"),
    ("horkd", "gamma = 0\nuse_l1 = false\nreduction = 'full'\nalpha = 10\nbeta = 10"),
    ("self_kd", "all_deeper = true\ndetach = false\ndim = 8\nmeasure = 'batch_mean'"),
    ("triplet", "mining = 'all'\nnormalise = true\nviolating_only = true"),
    ("triplet", "mining = 'semi_hard'\nmargin = 1.0"),
    ("asoftmax", "margin = 2\nlambda_start = 0.0\nlambda_min = 0.0"),
    ("softmax", "layer = 'own'\nlabel_smoothing = 0.1"),
    ("arcface", "form = 'easy_margin'\nscale = 16"),
    ("arcface", "form = 'saturated'\nscale = 16"),
];

/// Terms made of absolute values or leaky activations of many differences, whose kinks steps keep
/// crossing.
const KINKED: &[&str] = &["cc", "ft"];

/// Terms whose pictures are mixed; the teacher has seen pictures and mixtures.
const MIXED: &[&str] = &["stkd"];

/// What one stream yields, as flat leaves.
struct Leaves {
    shapes: StreamShapes,
    list: Vec<(String, Vec<usize>, Vec<f32>)>,
}

fn normal(rng: &mut facette_random::Stream) -> f32 {
    let sum: f32 = (0..12).map(|_| rng.random::<f32>()).sum();
    sum - 6.0
}

impl Leaves {
    /// A stream of three stages with `extra` more channels than the plainest, and an embedding of
    /// `length`.
    fn new(name: &str, extra: usize, length: usize) -> Self {
        let stage = |channels: usize, size: usize| Shape { channels, height: size, width: size };
        let maps =
            [stage(3 + extra, 8), stage(3 + extra, 8), stage(4 + extra, 4), stage(5 + extra, 2)];
        let shapes = StreamShapes {
            stem: Some(maps[0]),
            stages: maps[1..].to_vec(),
            embedding: length,
            classes: Some(CLASSES),
        };
        let map = |m: &Shape| vec![PICTURES, m.channels, m.height, m.width];
        let mut wanted = vec![("stem".to_owned(), map(&maps[0]))];
        for (i, m) in maps[1..].iter().enumerate() {
            wanted.push((format!("stage{i}"), map(m)));
            wanted.push((format!("before{i}"), map(m)));
        }
        wanted.push(("embedding".into(), vec![PICTURES, length]));
        wanted.push(("logits".into(), vec![PICTURES, CLASSES]));
        let draw = |(leaf, shape): (String, Vec<usize>)| {
            let mut rng = stream(7, &format!("{name}/{leaf}"), 0);
            let values = (0..shape.iter().product()).map(|_| normal(&mut rng)).collect();
            (leaf, shape, values)
        };
        Self { shapes, list: wanted.into_iter().map(draw).collect() }
    }

    /// The knowledge at these values moved by `step` along `direction` in leaf `moved`, with the
    /// leaves in order.
    fn knowledge(
        &self,
        device: &Device,
        moved: Option<(usize, &[f32], f32)>,
    ) -> (Knowledge, Vec<Tensor<1>>) {
        let leaf = |(index, (_, _, values)): (usize, &(String, Vec<usize>, Vec<f32>))| {
            let values = match moved {
                Some((at, direction, step)) if at == index => {
                    values.iter().zip(direction).map(|(v, d)| v + d * step).collect()
                }
                _ => values.clone(),
            };
            let length = values.len();
            Tensor::<1>::from_data(TensorData::new(values, [length]), device).require_grad()
        };
        let leaves: Vec<Tensor<1>> = self.list.iter().enumerate().map(leaf).collect();
        let find = |name: &str| self.list.iter().position(|(leaf, ..)| leaf == name).unwrap();
        let map = |name: String| {
            let index = find(&name);
            let shape: [usize; 4] = self.list[index].1.as_slice().try_into().unwrap();
            leaves[index].clone().reshape(shape)
        };
        let matrix = |name: &str| {
            let index = find(name);
            let shape: [usize; 2] = self.list[index].1.as_slice().try_into().unwrap();
            leaves[index].clone().reshape(shape)
        };
        let stages = 0..self.shapes.stages.len();
        let knowledge = Knowledge {
            stem: Some(map("stem".into())),
            stages: stages.clone().map(|i| map(format!("stage{i}"))).collect(),
            before_activation: stages.map(|i| map(format!("before{i}"))).collect(),
            embedding: matrix("embedding"),
            logits: Some(matrix("logits")),
        };
        (knowledge, leaves)
    }
}

struct Check<'a> {
    name: String,
    device: &'a Device,
    student: &'a Leaves,
    target: Knowledge,
    batch: Batch,
    /// Error that is allowed, over the size of the gradient.
    tolerance: f64,
    failures: &'a RefCell<Vec<String>>,
}

impl Check<'_> {
    fn loss(
        &self,
        term: &mut dyn Term,
        moved: Option<(usize, &[f32], f32)>,
    ) -> (Tensor<1>, Vec<Tensor<1>>) {
        let (student, leaves) = self.student.knowledge(self.device, moved);
        let loss = term.loss(&student, Some(&self.target), &self.batch);
        (loss.unwrap_or_else(|e| panic!("{}: {e}", self.name)), leaves)
    }

    /// Compares the gradient `grad` at `values` with differences of `at(direction, step)`.
    fn compare(
        &self,
        what: &str,
        values: &[f32],
        grad: &[f32],
        loss: f64,
        mut at: impl FnMut(&[f32], f32) -> f64,
    ) {
        let rms = |v: &[f32]| (v.iter().map(|x| x * x).sum::<f32>() / v.len() as f32).sqrt();
        let size = rms(values).max(1e-2);
        for round in 0..2 {
            let mut rng = stream(11, &format!("{}/{what}", self.name), round);
            let direction: Vec<f32> = values.iter().map(|_| normal(&mut rng) * size).collect();
            let mut slope = |step: f32| {
                (at(&direction, step) - at(&direction, -step)) / (2.0 * f64::from(step))
            };
            let (wide, narrow) = (slope(2e-3), slope(1e-3));
            let found = (4.0 * narrow - wide) / 3.0;
            let expected: f64 =
                grad.iter().zip(&direction).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
            let scale =
                f64::from(rms(grad)) * f64::from(rms(&direction)) * (grad.len() as f64).sqrt();
            // Differences of f32 losses are no better than this.
            let noise = 4e-7 * loss.abs().max(0.1) / 1e-3;
            let error = (found - expected).abs();
            if error.is_nan() || error > self.tolerance * scale.max(expected.abs()) + noise {
                self.failures.borrow_mut().push(format!(
                    "{} along {what}: {found} by differences, {expected} by gradient",
                    self.name
                ));
            }
        }
    }

    fn run(&self, term: &mut dyn Term) {
        let (loss, leaves) = self.loss(term, None);
        let value = f64::from(read("loss", &loss).unwrap()[0]);
        assert!(value.is_finite(), "{}: loss {value}", self.name);
        let grads = loss.backward();
        let mut moved = 0;
        for (index, leaf) in leaves.iter().enumerate() {
            let Some(grad) = leaf.grad(&grads) else { continue };
            let grad = read("gradient", &grad).unwrap();
            assert!(grad.iter().all(|g| g.is_finite()), "{}: gradient not finite", self.name);
            moved += 1;
            let (name, _, values) = &self.student.list[index];
            self.compare(name, values, &grad, value, |direction, step| {
                let (loss, _) = self.loss(term, Some((index, direction, step)));
                f64::from(read("loss", &loss).unwrap()[0])
            });
        }
        assert!(moved > 0, "{}: no gradient reaches the student", self.name);
        let learned: Vec<(usize, String)> = term
            .parameters_mut()
            .into_iter()
            .enumerate()
            .flat_map(|(list, p)| {
                p.learned_mut().map(|p| (list, p.spec.name.clone())).collect::<Vec<_>>()
            })
            .collect();
        for (list, name) in learned {
            let (loss, _) = self.loss(term, None);
            let grads = loss.backward();
            let own = &term.parameters_mut()[list];
            let tensor = own.get(&name).expect("it was just there").value.clone();
            let grad = tensor.grad(&grads);
            let grad = grad.unwrap_or_else(|| panic!("{}: {name} learns nothing", self.name));
            let (values, grad) = (read(&name, &tensor).unwrap(), read("gradient", &grad).unwrap());
            assert!(grad.iter().all(|g| g.is_finite()), "{}: {name}", self.name);
            self.compare(&name, &values, &grad, value, |direction, step| {
                let at = values.iter().zip(direction).map(|(v, d)| v + d * step).collect();
                term.parameters_mut()[list].set(&name, at).unwrap();
                let (loss, _) = self.loss(term, None);
                f64::from(read("loss", &loss).unwrap()[0])
            });
            term.parameters_mut()[list].set(&name, values).unwrap();
        }
    }
}

#[test]
fn gradients_are_derivatives() {
    let device = Device::flex().autodiff();
    let student = Leaves::new("student", 0, 6);
    let failures = RefCell::default();
    let exact = |spec: &&&dyn TermSpec| {
        [HELD_BACK, LARGE, TURNING].iter().all(|list| !list.contains(&spec.id()))
    };
    let plain = TERMS.iter().filter(exact).map(|spec| (*spec, ""));
    let further = FURTHER.iter().map(|(id, settings)| {
        (facette_distil::find_term(id).expect("a registered term"), *settings)
    });
    for (spec, settings) in plain.chain(further) {
        let name = format!("{} {{{settings}}}", spec.id());
        // A teacher of other lengths where the term allows it, else one like the student.
        let teachers = [Leaves::new("teacher", 2, 9), Leaves::new("teacher", 0, 6)];
        let built = teachers.iter().find_map(|teacher| {
            build(spec, settings, &student.shapes, &teacher.shapes, &device)
                .ok()
                .map(|term| (teacher, term))
        });
        let Some((teacher, mut term)) = built else {
            panic!("{name} fits no teacher: {}", refusal(spec, settings, &student.shapes, &device));
        };
        let _: Wanted = term.wanted();
        let target = teacher.knowledge(&device, None).0.detach();
        let labels = (0..PICTURES).map(|i| i / 2 % CLASSES).collect();
        let mut batch = Batch::first(labels, (0..PICTURES).collect(), &device);
        batch.domains = (0..PICTURES).map(|i| i % 3).collect();
        let mut target = target;
        if MIXED.contains(&spec.id()) {
            batch.mix = Some(Mix::drawn(5, 0, PICTURES));
            let scores = target.logits.clone().expect("the teacher scores classes");
            let mixed = scores.clone().mul_scalar(0.7);
            target.logits = Some(Tensor::cat(vec![scores, mixed], 0));
        }
        for _ in 0..term.passes() {
            term.observe(&target, &batch).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
        if term.passes() > 0 {
            term.conclude().unwrap_or_else(|e| panic!("{name}: {e}"));
        }
        // A step first, so that what the first batch sets is set.
        let seen = student.knowledge(&device, None).0;
        term.loss(&seen, Some(&target), &batch).unwrap_or_else(|e| panic!("{name}: {e}"));
        term.after_step(&seen, Some(&target), &batch).unwrap();
        let tolerance = if KINKED.contains(&spec.id()) { 0.2 } else { 0.02 };
        let check = Check {
            name,
            device: &device,
            student: &student,
            target,
            batch,
            tolerance,
            failures: &failures,
        };
        check.run(term.as_mut());
    }
    let failures = failures.into_inner();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Domains under the names that terms read where a recipe does not say.
fn domains() -> [Domain; 3] {
    ["many", "public", "wild"].map(|name| Domain { name: name.into(), classes: vec![0, 2, 3] })
}

/// A network that yields these shapes.
fn network(shapes: &StreamShapes) -> Graph {
    let mut b = Builder::new("tiny", Input::colour(8));
    let mut x = 0;
    for (index, map) in shapes.stem.iter().chain(&shapes.stages).enumerate() {
        let stride = b.side(x) / map.height;
        let conv = Conv::square(b.channels(x), map.channels, 3, stride);
        x = b.conv_norm(format!("conv{index}"), format!("bn{index}"), x, conv);
        x = b.relu(x);
        match index {
            0 => b.stem(x),
            _ => b.stage(x),
        }
    }
    let (pooled, width) = (b.global_average(x), b.channels(x));
    let embedding = b.linear("embedding", pooled, width, shapes.embedding, true);
    let logits = b.linear("fc", embedding, shapes.embedding, CLASSES, true);
    b.finish(embedding, Some(logits)).unwrap()
}

fn build(
    spec: &dyn TermSpec,
    settings: &str,
    student: &StreamShapes,
    teacher: &StreamShapes,
    device: &Device,
) -> Result<Box<dyn Term>, DistilError> {
    let graph = network(student);
    let context = Context {
        student,
        target: Some(teacher),
        left: None,
        network: Some(&graph),
        classes: Some(CLASSES),
        domains: &domains(),
        pictures: 20,
        device,
        stream: "student",
        seed: 3,
    };
    spec.build(&settings.parse().expect("settings are TOML"), &context)
}

fn refusal(spec: &dyn TermSpec, settings: &str, shapes: &StreamShapes, device: &Device) -> String {
    build(spec, settings, shapes, shapes, device).err().map(|e| e.to_string()).unwrap_or_default()
}
