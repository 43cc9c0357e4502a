//! A graph with weights, on a device.

use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use facette_graph::{Graph, NodeId, Op};

use crate::error::NetsError;
use crate::knowledge::Knowledge;
use crate::ops::{self, Activation, Statistics};
use crate::parameters::{Init, Parameters};
use crate::plan::{Step, Wanted, Work, plan};
use crate::precision::Precision;

/// Weight of the newest batch in the running statistics, PyTorch's default.
const MOMENTUM: f64 = 0.1;

/// Whether a forward pass is part of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Normalise by the batch's statistics and move the running ones.
    Train,
    /// Normalise by the running statistics.
    Eval,
}

/// A graph with weights, on a device. Learns when the device has autodiff enabled.
#[derive(Debug, Clone)]
pub struct Network {
    graph: Arc<Graph>,
    parameters: Parameters,
    /// Index of each node's first tensor.
    first: Vec<usize>,
    wanted: Wanted,
    steps: Arc<Vec<Step>>,
    device: Device,
    precision: Precision,
}

impl Network {
    /// A network with fresh weights drawn from the stream `name` of `seed`.
    ///
    /// # Errors
    /// If the graph does not fit together.
    pub fn new(
        graph: Graph,
        init: Init,
        seed: u64,
        name: &str,
        device: &Device,
    ) -> Result<Self, NetsError> {
        graph.check()?;
        let mut first = Vec::with_capacity(graph.nodes.len());
        let mut count = 0;
        for id in 0..graph.nodes.len() {
            first.push(count);
            count += graph.node_tensors(id).len();
        }
        let parameters = Parameters::fresh(graph.tensors(), init, seed, name, device);
        let wanted = Wanted::default();
        let steps = Arc::new(plan(&graph, wanted));
        Ok(Self {
            graph: Arc::new(graph),
            parameters,
            first,
            wanted,
            steps,
            device: device.clone(),
            precision: Precision::default(),
        })
    }

    /// Says what products in training are computed in from now on; in evaluation they are `f32`.
    ///
    /// # Errors
    /// If the network's device cannot.
    pub fn compute_in(&mut self, precision: Precision) -> Result<(), NetsError> {
        if precision == Precision::Bf16 && !ops::bf16_serves(&self.device) {
            return Err(NetsError::Precision { device: format!("{:?}", self.device) });
        }
        self.precision = precision;
        Ok(())
    }

    /// What the network is.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Its weights.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Its weights.
    pub fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    /// Where it lives.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Length of its embedding.
    pub fn embedding_dim(&self) -> usize {
        self.shape_of(self.graph.taps.embedding)
    }

    /// Classes it scores, if it does.
    pub fn classes(&self) -> Option<usize> {
        self.graph.taps.logits.map(|id| self.shape_of(id))
    }

    fn shape_of(&self, id: NodeId) -> usize {
        self.graph.shapes().expect("checked when the network was built")[id].len()
    }

    /// Says which taps forward passes must keep from now on.
    pub fn want(&mut self, wanted: Wanted) {
        if wanted != self.wanted {
            self.wanted = wanted;
            self.steps = Arc::new(plan(&self.graph, wanted));
        }
    }

    /// A copy without autodiff: for judging, and as a frozen teacher.
    pub fn frozen(&self) -> Self {
        let mut copy = self.clone();
        copy.device = self.device.clone().inner();
        for parameter in copy.parameters.iter_mut() {
            let value = parameter.value.clone();
            parameter.value = if value.is_autodiff() { value.inner() } else { value };
        }
        copy
    }

    /// A copy that does not learn, but lets gradient through to what it reads.
    pub fn passing(&self, device: &Device) -> Self {
        let mut copy = self.frozen();
        copy.device = device.clone();
        for parameter in copy.parameters.iter_mut() {
            parameter.value = Tensor::from_inner(parameter.value.clone());
        }
        copy
    }

    /// Runs pictures `[n, c, h, w]` (or vectors `[n, c, 1, 1]`) in evaluation.
    pub fn infer(&self, x: Tensor<4>) -> Knowledge {
        self.run(x, Mode::Eval).0
    }

    /// Runs pictures in the given mode; training moves the running statistics.
    pub fn forward(&mut self, x: Tensor<4>, mode: Mode) -> Knowledge {
        let count = x.dims()[0];
        let (knowledge, moved) = self.run(x, mode);
        let shapes = self.graph.shapes().expect("checked when the network was built");
        for (node, mean, variance) in moved {
            let seen = (count * shapes[node].height * shapes[node].width) as f64;
            let unbiased = variance.mul_scalar(seen / (seen - 1.0).max(1.0));
            let first = self.first[node] + self.graph.node_tensors(node).len() - 2;
            for (index, new) in [(first, mean), (first + 1, unbiased)] {
                let running = self.parameters.at_mut(index);
                let kept = running.value.clone().mul_scalar(1.0 - MOMENTUM);
                running.set(kept + new.mul_scalar(MOMENTUM));
            }
        }
        knowledge
    }

    fn run(&self, x: Tensor<4>, mode: Mode) -> (Knowledge, Vec<(NodeId, Tensor<1>, Tensor<1>)>) {
        let mut values: Vec<Option<Tensor<4>>> = vec![None; self.graph.nodes.len()];
        let mut moved = Vec::new();
        values[0] = Some(x);
        for step in self.steps.iter() {
            let value = |id: NodeId| values[id].clone().expect("steps run after their inputs");
            let result = match &step.work {
                Work::Single if matches!(self.graph.nodes[step.node].op, Op::BatchNorm { .. }) => {
                    let from = value(self.graph.nodes[step.node].inputs[0]);
                    self.norm(step.node, from, None, None, mode, &mut moved)
                }
                Work::Single => {
                    let inputs: Vec<Tensor<4>> =
                        self.graph.nodes[step.node].inputs.iter().map(|&id| value(id)).collect();
                    self.single(step.node, inputs, mode)
                }
                Work::Fused { norm, from, residual, act } => {
                    self.norm(*norm, value(*from), residual.map(value), *act, mode, &mut moved)
                }
            };
            values[step.node] = Some(self.divided(step.node, result, mode));
            step.frees.iter().for_each(|&id| values[id] = None);
        }
        (self.tap(&values), moved)
    }

    /// The value of `node`, with its gradient divided where several branches share it.
    fn divided(&self, node: NodeId, value: Tensor<4>, mode: Mode) -> Tensor<4> {
        let stages = &self.graph.taps.stages;
        let shared = self.wanted.shared.filter(|map| stages.get(map.stage) == Some(&node));
        match (shared, mode) {
            (Some(map), Mode::Train) => {
                let share = 1.0 / map.branches.max(1) as f64;
                value.clone().mul_scalar(share) + value.detach().mul_scalar(1.0 - share)
            }
            _ => value,
        }
    }

    fn tap(&self, values: &[Option<Tensor<4>>]) -> Knowledge {
        let taps = &self.graph.taps;
        let maps = |ids: &[NodeId], wanted: bool| match wanted {
            true => ids.iter().filter_map(|&id| values[id].clone()).collect(),
            false => Vec::new(),
        };
        let vector = |id: NodeId| {
            let x = values[id].clone().expect("the embedding and the logits are always kept");
            let [n, c, h, w] = x.dims();
            x.reshape([n, c * h * w])
        };
        Knowledge {
            stem: taps.stem.filter(|_| self.wanted.stages).and_then(|id| values[id].clone()),
            stages: maps(&taps.stages, self.wanted.stages),
            before_activation: maps(&taps.before_activation, self.wanted.before_activation),
            embedding: vector(taps.embedding),
            logits: taps.logits.map(vector),
        }
    }

    fn tensor(&self, node: NodeId, index: usize) -> Tensor<1> {
        self.parameters.at(self.first[node] + index).value.clone()
    }

    fn norm(
        &self,
        node: NodeId,
        x: Tensor<4>,
        residual: Option<Tensor<4>>,
        act: Option<NodeId>,
        mode: Mode,
        moved: &mut Vec<(NodeId, Tensor<1>, Tensor<1>)>,
    ) -> Tensor<4> {
        let Op::BatchNorm { eps, affine, .. } = self.graph.nodes[node].op else {
            unreachable!("plans fuse batch normalisations only");
        };
        let scale_shift = affine.then(|| (self.tensor(node, 0), self.tensor(node, 1)));
        let running = if affine { 2 } else { 0 };
        let statistics = match mode {
            Mode::Train => Statistics::Batch,
            Mode::Eval => {
                Statistics::Running(self.tensor(node, running), self.tensor(node, running + 1))
            }
        };
        let act = match act.map(|id| (id, &self.graph.nodes[id].op)) {
            None => Activation::Identity,
            Some((id, op)) => self.activation(id, op),
        };
        let (y, batch) = ops::norm_act(x, scale_shift, statistics, eps, residual, &act);
        moved.extend(batch.map(|(mean, variance)| (node, mean, variance)));
        y
    }

    fn activation(&self, id: NodeId, op: &Op) -> Activation {
        match op {
            Op::Relu => Activation::Relu,
            Op::Relu6 => Activation::Relu6,
            Op::Prelu { .. } => Activation::Prelu(self.tensor(id, 0)),
            _ => Activation::Identity,
        }
    }

    fn single(&self, id: NodeId, mut inputs: Vec<Tensor<4>>, mode: Mode) -> Tensor<4> {
        let precision = match mode {
            Mode::Train => self.precision,
            Mode::Eval => Precision::F32,
        };
        let op = &self.graph.nodes[id].op;
        if let Op::Concat = op {
            return Tensor::cat(inputs, 1);
        }
        let x = inputs.swap_remove(0);
        match op {
            Op::Conv(conv) => {
                let bias = conv.bias.then(|| self.tensor(id, 1));
                ops::conv2d(x, self.tensor(id, 0), bias, conv, precision)
            }
            Op::Linear { outputs, bias, .. } => {
                let bias = bias.then(|| self.tensor(id, 1));
                ops::linear(x, self.tensor(id, 0), bias, *outputs, precision)
            }
            Op::Relu | Op::Relu6 | Op::Prelu { .. } => ops::activate(x, &self.activation(id, op)),
            Op::LeakyRelu { slope } => burn::tensor::activation::leaky_relu(x, *slope),
            Op::Sigmoid => burn::tensor::activation::sigmoid(x),
            Op::MaxPool(pool) => ops::max_pool(x, pool),
            Op::AvgPool(pool) => ops::avg_pool(x, pool),
            Op::GlobalAvgPool => ops::global_avg_pool(x),
            Op::Add => x + inputs.swap_remove(0),
            Op::Channels { start, length } => x.narrow(1, *start, *length),
            Op::Crop { rows, columns } => {
                let [_, _, h, w] = x.dims();
                x.narrow(2, *rows, h - rows).narrow(3, *columns, w - columns)
            }
            Op::ChannelShuffle { groups } => ops::channel_shuffle(x, *groups),
            Op::Flatten => {
                let [n, c, h, w] = x.dims();
                x.reshape([n, c * h * w, 1, 1])
            }
            Op::L2Normalise => ops::l2_normalise(x),
            Op::Input | Op::Concat | Op::BatchNorm { .. } => {
                unreachable!("run elsewhere: inputs are given, the others handled before")
            }
        }
    }
}
