//! Every method trains tiny networks for three steps.

use burn::tensor::{Device, Tensor, TensorData};
use facette_distil::{
    Batch, Context, Domain, METHODS, Method, MethodSpec, Mix, StreamShapes, find_method,
};
use facette_graph::{Builder, Conv, Graph, Input, Op};
use facette_nets::{Init, Knowledge, Mode, Network, Parameters, read};
use facette_random::stream;
use rand::RngExt;

const CLASSES: usize = 4;
const PICTURES: usize = 8;
const SIZE: usize = 8;

/// Settings in place of defaults that suit whole data sets.
const SMALLER: &[(&str, &str)] = &[
    ("crd", "terms = [{ term = 'crd', weight = 0.8, negatives = 32, dim = 8 }]"),
    // Sums over the batch want a smaller rate than these steps take.
    ("horkd", "terms = [{ term = 'horkd', reduction = 'mean', alpha = 25.0, beta = 50.0 }]"),
    // Their full weight stands at the end of a warm-up.
    ("reviewkd", "terms = [{ term = 'reviewkd', warmup = 0 }]"),
];

fn settings_of(spec: &dyn MethodSpec) -> &'static str {
    SMALLER.iter().find(|(id, _)| *id == spec.id()).map_or("", |(_, settings)| settings)
}

/// A convolutional network of two stages that classifies.
fn network(width: usize, length: usize) -> Graph {
    let mut b = Builder::new("tiny", Input::colour(SIZE));
    let mut x = b.conv("stem.conv", 0, Conv::square(3, width, 3, 1));
    x = b.norm("stem.bn", x);
    x = b.relu(x);
    b.stem(x);
    for stage in 0..2 {
        let (inputs, outputs) = (width << stage, width << (stage + 1));
        x = b.conv(format!("layer{stage}.conv"), x, Conv::square(inputs, outputs, 3, 2));
        x = b.norm(format!("layer{stage}.bn"), x);
        x = b.relu(x);
        b.stage(x);
    }
    let pooled = b.global_average(x);
    let embedding = b.linear("embedding", pooled, width * 4, length, true);
    let logits = b.linear("fc", embedding, length, CLASSES, true);
    b.finish(embedding, Some(logits)).unwrap()
}

/// Fully connected, normalised, ReLU: the adapter of the first step of the Bridge.
fn adapter(from: usize, to: usize) -> Graph {
    let mut b = Builder::new("adapter", Input { channels: from, height: 1, width: 1 });
    let x = b.linear("fc", 0, from, to, true);
    let x = b.norm("bn", x);
    let x = b.push("", Op::Relu, &[x]);
    b.finish(x, None).unwrap()
}

/// Paints a picture of its input's size.
fn painter() -> Graph {
    let mut b = Builder::new("painter", Input::colour(SIZE));
    let x = b.conv("conv", 0, Conv::square(3, 3, 3, 1));
    let x = b.flatten(x);
    b.finish(x, None).unwrap()
}

/// Domains under all names that methods read where a recipe does not say.
fn domains() -> Vec<Domain> {
    let named = |name: &str| Domain { name: name.into(), classes: (0..CLASSES).collect() };
    ["many", "medium", "few", "public", "web", "wild"].map(named).into()
}

/// Everything a stage of training needs, without a data set.
struct Stage {
    networks: Vec<Network>,
    method: Method,
    pictures: Tensor<4>,
    labels: Vec<usize>,
    mixes: bool,
    device: Device,
}

fn values(parameters: &Parameters) -> Vec<f32> {
    parameters
        .iter()
        .filter(|p| p.spec.kind.is_learned())
        .flat_map(|p| read(&p.spec.name, &p.value).unwrap())
        .collect()
}

fn descend(parameters: &mut Parameters, grads: &mut burn::tensor::Gradients, rate: f64) {
    for parameter in parameters.learned_mut() {
        if let Some(grad) = parameter.value.grad_remove(grads) {
            let step = Tensor::from_inner(grad).mul_scalar(rate);
            parameter.set(parameter.value.clone() - step);
        }
    }
}

impl Stage {
    fn new(spec: &dyn MethodSpec, settings: &str, graphs: &dyn Fn(usize) -> Graph) -> Self {
        let device = Device::flex().autodiff();
        let settings = settings.parse().expect("settings are TOML");
        let streams = spec.streams(&settings).unwrap();
        let count = streams.len();
        let networks: Vec<Network> = streams
            .iter()
            .enumerate()
            .map(|(i, stream)| {
                let read = streams.iter().any(|other| other.reads == Some(i));
                let paints = read || stream.name == "picture";
                // Networks that are added to each other are alike.
                let added = stream.on.is_some() || streams.iter().any(|s| s.on == Some(i));
                let place = if added { 0 } else { count - 1 - i };
                let graph = if paints { painter() } else { graphs(place) };
                let network = Network::new(graph, Init::Torch, 5, &stream.name, &device).unwrap();
                if stream.learns { network } else { network.frozen() }
            })
            .collect();
        let own: Vec<StreamShapes> =
            networks.iter().map(|n| StreamShapes::of(n.graph()).unwrap()).collect();
        let sum = |i: usize| match streams[i].on {
            Some(base) => own[i].clone().added_to(&streams[i].name, &own[base]).unwrap(),
            None => own[i].clone(),
        };
        let shapes: Vec<StreamShapes> = (0..count).map(sum).collect();
        let domains = domains();
        let contexts: Vec<Context<'_>> = (0..count)
            .map(|i| Context {
                student: &shapes[i],
                target: (i + 1 == count && count > 1).then(|| &shapes[i - 1]),
                left: None,
                network: Some(networks[i].graph()),
                classes: Some(CLASSES),
                domains: &domains,
                pictures: 100,
                device: &device,
                stream: &streams[i].name,
                seed: 5,
            })
            .collect();
        let method = spec.build(&settings, &contexts).unwrap();
        drop(contexts);
        assert_eq!(method.streams, streams, "{}", spec.id());
        let input = networks[count - 1].graph().input;
        let mut rng = stream(5, "pictures", 0);
        let length = PICTURES * input.channels * input.height * input.width;
        let pixels: Vec<f32> = (0..length).map(|_| rng.random_range(-1.0..1.0)).collect();
        let shape = [PICTURES, input.channels, input.height, input.width];
        let pictures = Tensor::from_data(TensorData::new(pixels, shape), &device);
        let labels = (0..PICTURES).map(|i| i % CLASSES).collect();
        let mixes = spec.mixes();
        Self { networks, method, pictures, labels, mixes, device }
    }

    fn batch(&self, step: u64) -> Batch {
        let indices = (0..PICTURES).collect();
        let domains = (0..PICTURES).map(|i| i % domains().len()).collect();
        Batch { step, domains, ..Batch::first(self.labels.clone(), indices, &self.device) }
    }

    /// The passes that terms ask for before the first step.
    fn observe(&mut self) {
        let passes = self.method.ties.iter().map(|tie| tie.term.passes()).max().unwrap_or(0);
        for pass in 0..passes {
            let batch = Batch { epoch: pass, ..self.batch(pass as u64) };
            for tie in self.method.ties.iter_mut().filter(|tie| tie.term.passes() > pass) {
                let place = tie.target.expect("what is observed is a target");
                self.networks[place].want(tie.term.wanted());
                let seen = lifted(self.networks[place].infer(self.pictures.clone().inner()));
                tie.term.observe(&seen, &batch).unwrap();
            }
        }
        for tie in self.method.ties.iter_mut().filter(|tie| tie.term.passes() > 0) {
            tie.term.conclude().unwrap();
        }
    }

    /// One step of plain descent; the loss of every learning stream.
    fn step(&mut self, step: u64) -> Vec<f32> {
        if step == 0 {
            self.observe();
        }
        let mut batch = self.batch(step);
        let (mut own, mut taught) = (self.pictures.clone(), self.pictures.clone());
        if self.mixes {
            let mix = Mix::drawn(5, step, PICTURES);
            own = mix.pictures(own);
            taught = Tensor::cat(vec![taught, own.clone()], 0);
            batch.mix = Some(mix);
        }
        let mut knowledge: Vec<Knowledge> = Vec::new();
        for (index, network) in self.networks.iter_mut().enumerate() {
            network.want(self.method.wanted(index));
            let stream = &self.method.streams[index];
            let painted = |front: usize| {
                let picture = knowledge[front].embedding.clone();
                picture.reshape([PICTURES, 3, SIZE, SIZE])
            };
            let seen = match stream.learns {
                true => network.forward(stream.reads.map_or(own.clone(), painted), Mode::Train),
                false => {
                    let shown = stream.reads.map_or(taught.clone(), painted);
                    lifted(network.infer(shown.inner()))
                }
            };
            knowledge.push(match stream.on {
                Some(base) => seen.added_to(knowledge[base].clone()),
                None => seen,
            });
        }
        // Every tie in its order; gradients of all are gathered at once, each stream takes its own.
        let mut totals: Vec<Option<Tensor<1>>> = vec![None; self.networks.len()];
        for tie in &mut self.method.ties {
            let target = tie.target.map(|index| knowledge[index].clone());
            let target = if tie.detach_target { target.map(Knowledge::detach) } else { target };
            let loss = tie.term.loss(&knowledge[tie.learner], target.as_ref(), &batch).unwrap();
            let loss = loss.mul_scalar(tie.weight);
            totals[tie.learner] = Some(match totals[tie.learner].take() {
                None => loss,
                Some(sum) => sum + loss,
            });
        }
        let mut losses = Vec::new();
        for (learner, total) in totals.into_iter().enumerate() {
            if !self.method.streams[learner].learns {
                continue;
            }
            let total = total.expect("a learning stream has a loss");
            losses.push(read("loss", &total).unwrap()[0]);
            let mut grads = total.backward();
            descend(self.networks[learner].parameters_mut(), &mut grads, 0.02);
            for tie in self.method.ties.iter_mut().filter(|tie| tie.learner == learner) {
                for parameters in tie.term.parameters_mut() {
                    descend(parameters, &mut grads, 0.02);
                }
                let target = tie.target.map(|index| knowledge[index].clone().detach());
                let own = knowledge[learner].clone().detach();
                tie.term.after_step(&own, target.as_ref(), &batch).unwrap();
            }
        }
        losses
    }

    fn term_values(&mut self) -> Vec<Vec<f32>> {
        let ties = self.method.ties.iter_mut();
        ties.flat_map(|tie| {
            tie.term.parameters_mut().into_iter().map(|p| values(p)).collect::<Vec<_>>()
        })
        .collect()
    }
}

/// What a frozen network saw, on the learner's device.
fn lifted(k: Knowledge) -> Knowledge {
    let all = |list: Vec<Tensor<4>>| list.into_iter().map(Tensor::from_inner).collect();
    Knowledge {
        stem: k.stem.map(Tensor::from_inner),
        stages: all(k.stages),
        before_activation: all(k.before_activation),
        embedding: Tensor::from_inner(k.embedding),
        logits: k.logits.map(Tensor::from_inner),
    }
}

fn three_steps(spec: &dyn MethodSpec, settings: &str, graphs: &dyn Fn(usize) -> Graph) -> Vec<f32> {
    let name = format!("{} {{{settings}}}", spec.id());
    let mut stage = Stage::new(spec, settings, graphs);
    let before: Vec<Vec<f32>> = stage.networks.iter().map(|n| values(n.parameters())).collect();
    let terms_before = stage.term_values();
    let mut all = Vec::new();
    for step in 0..3 {
        let losses = stage.step(step);
        assert!(!losses.is_empty() && losses.iter().all(|l| l.is_finite()), "{name}: {losses:?}");
        all.extend(losses);
    }
    for (index, stream) in stage.method.streams.iter().enumerate() {
        let now = values(stage.networks[index].parameters());
        assert!(now.iter().all(|v| v.is_finite()), "{name}: weights of {}", stream.name);
        assert_eq!(now != before[index], stream.learns, "{name}: weights of {}", stream.name);
    }
    for (before, now) in terms_before.iter().zip(stage.term_values()) {
        assert!(before.is_empty() || *before != now, "{name}: a term learned nothing");
        assert!(now.iter().all(|v| v.is_finite()), "{name}");
    }
    all
}

/// Methods that need networks of equal channels.
const ALIKE: &[&str] = &["fsp", "kdsvd", "simkd", "rim-fhn", "rim", "mdd"];

/// The student is `graphs(0)`, the stream before it `graphs(1)`.
fn pair(index: usize) -> Graph {
    if index == 0 { network(4, 6) } else { network(6, 10) }
}

fn graphs_of(spec: &dyn MethodSpec) -> &'static dyn Fn(usize) -> Graph {
    if ALIKE.contains(&spec.id()) { &|_| network(4, 6) } else { &pair }
}

#[test]
fn every_method_trains_three_steps() {
    for spec in METHODS {
        let settings = settings_of(*spec);
        let first = three_steps(*spec, settings, graphs_of(*spec));
        assert_eq!(
            first,
            three_steps(*spec, settings, graphs_of(*spec)),
            "{}: the same seed, other losses",
            spec.id()
        );
    }
}

#[test]
fn published_forms_train_three_steps() {
    for (method, settings) in [
        ("none", "head = 'arcface'"),
        ("none", "head = { term = 'cosface', scale = 30, margin = 0.35 }"),
        (
            "feature",
            "head = 'arcface'\nregression = { term = 'squared', weight = 100.0, normalise = true }",
        ),
        ("feature", "relation = { term = 'relation', weight = 10.0, relation = 'distance' }"),
        ("bridge", "preset = 'rad'"),
        ("ekd", "teacher_modules = false"),
        ("ekd", "teacher_modules = false\nstudent_modules = false"),
        ("ekd", "evolving = false\nteacher_modules = false"),
        ("ekd", "evolving = false\nteacher_modules = false\nstudent_modules = false"),
        ("ekd", "modules = 0"),
        ("ekd", "eq11_literal = true"),
        ("reskd", "gamma = 0"),
        (
            "relational-subsets",
            "domains = ['few', 'many']\nsubset = { term = 'subset_kd', weighting = 'fixed' }",
        ),
        ("terms", "teacher = false\nterms = ['normface', { term = 'centre', weight = 0.01 }]"),
    ] {
        three_steps(find_method(method).unwrap(), settings, &pair);
    }
}

#[test]
fn forms_for_networks_that_are_alike_train_three_steps() {
    for (method, settings) in [("rim", "front = 'none'\nmaps = 0"), ("mdd", "wild = 'labels'")] {
        three_steps(find_method(method).unwrap(), settings, &|_| network(4, 6));
    }
}

#[test]
fn the_adapter_learns_from_features() {
    let spec = find_method("bridge-adapt").unwrap();
    three_steps(spec, "", &|_| adapter(10, 6));
}

#[test]
fn descent_lowers_the_loss() {
    let mut failures = Vec::new();
    for spec in METHODS {
        let mut stage = Stage::new(*spec, settings_of(*spec), graphs_of(*spec));
        let losses: Vec<f32> = (0..25).map(|step| stage.step(step).iter().sum()).collect();
        if losses[24].is_nan() || losses[24] >= losses[0] {
            failures.push(format!("{}: {losses:?}", spec.id()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn streams_that_lack_what_is_needed_are_refused() {
    let device = Device::flex().autodiff();
    let full = StreamShapes::of(&network(4, 6)).unwrap();
    let teacher = StreamShapes::embedding_only(10);
    let context = |student, target, classes| Context {
        student,
        target,
        left: None,
        network: None,
        classes,
        domains: &[],
        pictures: 100,
        device: &device,
        stream: "student",
        seed: 5,
    };
    let empty = toml::Table::new();
    let refused = |method: &str, contexts: &[Context<'_>]| {
        let built = find_method(method).unwrap().build(&empty, contexts);
        built.err().unwrap_or_else(|| panic!("{method} was built")).to_string()
    };
    let embeddings = [context(&teacher, None, Some(4)), context(&full, Some(&teacher), Some(4))];
    assert!(refused("kd", &embeddings).contains("only embeddings"));
    let unlabelled = [context(&teacher, None, None), context(&full, Some(&teacher), None)];
    assert!(refused("bridge", &unlabelled).contains("labels"));
    assert!(find_method("feature").unwrap().build(&empty, &unlabelled).is_ok());
    assert!(refused("feature", &unlabelled[..1]).contains("2 streams"));
}
