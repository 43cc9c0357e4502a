//! A network as a flat list of steps, with all buffers and weights laid out.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use facette_graph::{Arrays, Graph, GraphError, NodeId, Op, Shape, TensorKind};
use facette_kernels::conv::{ConvOptions, ConvShape};
use facette_kernels::infer::{Conv, Finish, Fixed, Held, Rectifier, Window, Work, pitch};
use facette_kernels::{KernelError, Level};

pub(crate) use crate::bytes::Bytes;
use crate::error::RuntimeError;
use crate::fold::Affine;
use crate::fuse::{Fused, fuse};
use crate::input::Input;
use crate::rearrange::Rearrange;
use crate::slots::{Layout, Place, Planner, Slots};
use crate::step::{Layer, Step, Tensor};

/// Most bytes of one buffer for one face, so that those of a batch can be addressed.
const MEMORY: usize = 1 << if usize::BITS > 32 { 29 } else { 25 };

/// A network ready to be run.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    pub(crate) layout: Layout,
    pub(crate) input: Tensor,
    pub(crate) output: Tensor,
    /// Bytes of the picture and of all that is ever written for one face, without padding.
    pub(crate) sum: usize,
}

impl Plan {
    /// Plans a folded network that reads `input`; with `bytes` in int8.
    pub(crate) fn new(
        graph: &Graph,
        arrays: &Arrays,
        input: &Input,
        bytes: Option<&Bytes>,
    ) -> Result<Self, RuntimeError> {
        let shapes = graph.shapes()?;
        let groups = fuse(graph);
        let mut last_use: BTreeMap<NodeId, usize> = BTreeMap::new();
        for (i, group) in groups.iter().enumerate() {
            let residual = group.residual.filter(|_| graph.nodes[group.head].op != Op::Add);
            for &input in graph.nodes[group.head].inputs.iter().chain(&residual) {
                last_use.insert(input, i);
            }
        }
        let builder = Builder { graph, arrays, shapes: &shapes, input, bytes };
        let mut planner = Planner::default();
        let mut tensors: BTreeMap<NodeId, Tensor> = BTreeMap::new();
        let place = |planner: &mut Planner, node: NodeId| -> Result<Tensor, RuntimeError> {
            let Shape { channels, height, width } = shapes[node];
            let len = pitch(channels).saturating_mul(height).saturating_mul(width);
            builder.limit(node, len.saturating_mul(size_of::<f32>()))?;
            let code = bytes.and_then(|bytes| bytes.codes.get(&node).copied());
            Ok(Tensor { place: planner.take(len, code.filter(|_| node != 0)), len })
        };
        tensors.insert(0, place(&mut planner, 0)?);
        let input = tensors[&0];
        let mut steps = Vec::with_capacity(groups.len());
        for (i, group) in groups.iter().enumerate() {
            let to = place(&mut planner, group.tail)?;
            let nodes = &graph.nodes[group.head].inputs;
            let reads =
                if graph.nodes[group.head].op == Op::Add { &nodes[..1] } else { &nodes[..] };
            let from: Vec<Tensor> = reads.iter().map(|node| tensors[node]).collect();
            let step = Step {
                name: graph.nodes[group.head].path.clone(),
                op: graph.nodes[group.head].op.kind(),
                tail: group.tail,
                layer: builder.layer(group, from[0])?,
                from,
                residual: group.residual.map(|node| tensors[&node]),
                to,
            };
            steps.push(step);
            tensors.insert(group.tail, to);
            last_use.entry(group.tail).or_insert(if group.tail == graph.taps.embedding {
                usize::MAX
            } else {
                i
            });
            let done: Vec<NodeId> = tensors
                .keys()
                .copied()
                .filter(|node| last_use.get(node).is_none_or(|&last| last <= i))
                .filter(|&node| node != graph.taps.embedding)
                .collect();
            for node in done {
                planner.release(tensors[&node].place);
                tensors.remove(&node);
            }
        }
        let output = tensors.get(&graph.taps.embedding).copied().unwrap_or(input);
        let size = |node: NodeId, place| match place {
            Place::Float(_) => size_of::<f32>() * shapes[node].len(),
            Place::Byte(..) => shapes[node].len(),
        };
        let written: usize = steps.iter().map(|step| size(step.tail, step.to.place)).sum();
        let sum = size(0, input.place) + written;
        Ok(Self { steps, layout: planner.finish(), input, output, sum })
    }

    /// Makes room for `faces` at once.
    pub(crate) fn reserve(&self, faces: usize) -> (Slots, Work) {
        let mut work = Work::default();
        for step in &self.steps {
            match &step.layer {
                Layer::Fused(conv) => conv.reserve(&mut work, faces),
                Layer::Exact(conv) => conv.reserve(&mut work, faces),
                Layer::Fixed(conv) => conv.reserve(&mut work, faces),
                Layer::Whole(conv) => conv.reserve(&mut work, faces),
                _ => {}
            }
        }
        (Slots::new(&self.layout, faces), work)
    }

    /// Runs all steps; `observe` sees each when its result is there.
    pub(crate) fn run(
        &self,
        level: Level,
        batch: usize,
        slots: &mut Slots,
        work: &mut Work,
        mut observe: impl FnMut(&Step, &Slots),
    ) {
        let _held = Held::new(level);
        for step in &self.steps {
            step.run(level, batch, slots, work);
            observe(step, slots);
        }
    }
}

/// Makes layers of nodes.
struct Builder<'a> {
    graph: &'a Graph,
    arrays: &'a Arrays,
    shapes: &'a [Shape],
    input: &'a Input,
    bytes: Option<&'a Bytes>,
}

impl Builder<'_> {
    /// Refuses to take `bytes` for the sake of a node.
    fn limit(&self, id: NodeId, bytes: usize) -> Result<(), RuntimeError> {
        if bytes <= MEMORY {
            return Ok(());
        }
        let node = &self.graph.nodes[id];
        let (node, op) = (node.path.clone(), node.op.kind());
        Err(RuntimeError::Memory { node, op, bytes, most: MEMORY })
    }

    fn values(&self, id: NodeId, kind: TensorKind) -> Option<&[f32]> {
        let spec = self.graph.node_tensors(id).into_iter().find(|spec| spec.kind == kind)?;
        self.arrays.get(&spec.name).map(|array| array.values.as_slice())
    }

    fn rectifier(&self, id: NodeId) -> Option<Rectifier> {
        let channels = self.shapes[id].channels;
        let slope = |slope: f32, cap| Some(Rectifier::new(vec![slope; channels], cap));
        match &self.graph.nodes[id].op {
            Op::Relu => slope(0.0, f32::INFINITY),
            Op::Relu6 => slope(0.0, 6.0),
            Op::LeakyRelu { slope: below } => slope(*below as f32, f32::INFINITY),
            Op::Prelu { .. } => match self.values(id, TensorKind::Slope)? {
                [shared] => slope(*shared, f32::INFINITY),
                slopes => Some(Rectifier::new(slopes.to_vec(), f32::INFINITY)),
            },
            _ => None,
        }
    }

    fn finish(&self, group: &Fused, scale: Vec<f32>, bias: Vec<f32>) -> Finish {
        Finish::new(scale, bias)
            .inner(group.inner.and_then(|id| self.rectifier(id)))
            .outer(group.outer.and_then(|id| self.rectifier(id)))
    }

    fn layer(&self, group: &Fused, from: Tensor) -> Result<Layer, RuntimeError> {
        let node = &self.graph.nodes[group.head];
        let input = self.shapes[node.inputs.first().copied().unwrap_or_default()];
        let map = [input.channels, input.height, input.width];
        let of = |source: KernelError| RuntimeError::Layer {
            node: node.path.clone(),
            op: node.op.kind(),
            source,
        };
        let to = self.shapes[group.tail];
        let same = || self.finish(group, vec![1.0; to.channels], vec![0.0; to.channels]);
        let layer = match &node.op {
            Op::Conv(conv) => {
                let options = ConvOptions {
                    stride: conv.stride,
                    padding: conv.padding,
                    dilation: conv.dilation,
                    groups: conv.groups,
                };
                let input = [1, input.channels, input.height, input.width];
                let shape =
                    ConvShape::new(input, conv.outputs, conv.kernel, options).map_err(of)?;
                self.convolution(group, &shape, from)?
            }
            Op::Linear { inputs, outputs, .. } => {
                let shape =
                    ConvShape::new([1, *inputs, 1, 1], *outputs, [1, 1], ConvOptions::default());
                self.convolution(group, &shape.map_err(of)?, from)?
            }
            Op::BatchNorm { eps, .. } => {
                let specs = self.graph.node_tensors(group.head).into_iter();
                let tensors: Vec<_> = specs
                    .filter_map(|s| self.arrays.get(&s.name).map(|array| (s.kind, s.name, array)))
                    .collect();
                let Affine { scale, shift } = Affine::new(&tensors, *eps);
                let [scale, shift] =
                    [scale, shift].map(|values| values.iter().map(|&v| v as f32).collect());
                Layer::Pointwise(self.finish(group, scale, shift))
            }
            Op::Add | Op::Relu | Op::Relu6 | Op::LeakyRelu { .. } | Op::Prelu { .. } => {
                Layer::Pointwise(same())
            }
            Op::Sigmoid => Layer::Sigmoid,
            Op::MaxPool(p) => {
                Layer::Maximum(Window::new(map, p.kernel, p.stride, p.padding).map_err(of)?)
            }
            Op::AvgPool(p) => {
                Layer::Average(Window::new(map, p.kernel, p.stride, p.padding).map_err(of)?)
            }
            Op::GlobalAvgPool => {
                let whole = [input.height, input.width];
                Layer::Average(Window::new(map, whole, [1, 1], [0, 0]).map_err(of)?)
            }
            Op::L2Normalise => Layer::Normalise(to.len()),
            op => {
                let inputs: Vec<Shape> = node.inputs.iter().map(|&id| self.shapes[id]).collect();
                match Rearrange::new(op, &inputs, to) {
                    Some(rearrange) => Layer::Rearrange(rearrange),
                    None => return Err(self.misplaced(group.head)),
                }
            }
        };
        Ok(layer)
    }

    fn misplaced(&self, id: NodeId) -> RuntimeError {
        let node = &self.graph.nodes[id];
        let problem = "stands where nothing can be computed".to_owned();
        GraphError::Node { node: node.path.clone(), op: node.op.kind(), problem }.into()
    }

    /// A convolution, or a linear layer seen as one, in the arithmetic that what it reads asks for.
    fn convolution(
        &self,
        group: &Fused,
        shape: &ConvShape,
        from: Tensor,
    ) -> Result<Layer, RuntimeError> {
        let missing = || self.misplaced(group.head);
        let outputs = shape.out_channels();
        let bias = self.values(group.head, TensorKind::Bias);
        let bias = bias.map_or_else(|| vec![0.0; outputs], <[f32]>::to_vec);
        let layer = match from.place {
            Place::Byte(_, code) => {
                let node = &self.graph.nodes[group.head];
                let weights = self.bytes.and_then(|bytes| bytes.weights.get(&group.head));
                let (weight, steps) = weights.ok_or_else(|| RuntimeError::FloatWeights {
                    node: node.path.clone(),
                    op: node.op.kind(),
                })?;
                let scale = steps.iter().map(|step| step * code.scale()).collect();
                Layer::Whole(Conv::new(shape, weight, self.finish(group, scale, bias)))
            }
            Place::Float(_) => {
                let weight = self.values(group.head, TensorKind::Weight).ok_or_else(missing)?;
                let finish = |scale| self.finish(group, scale, bias);
                let ones = vec![1.0; outputs];
                match self.bytes {
                    Some(_) => match self.fixed(group.head, weight, outputs) {
                        Some((weight, scale, reach)) => {
                            let conv = Conv::<Fixed>::new(shape, &weight, finish(scale));
                            Layer::Fixed(conv.reaching(reach))
                        }
                        None => Layer::Exact(Conv::new(shape, weight, finish(ones))),
                    },
                    None => Layer::Fused(Conv::new(shape, weight, finish(ones))),
                }
            }
        };
        let bytes = match &layer {
            Layer::Fused(conv) => conv.work_bytes(),
            Layer::Exact(conv) => conv.work_bytes(),
            Layer::Fixed(conv) => conv.work_bytes(),
            Layer::Whole(conv) => conv.work_bytes(),
            _ => 0,
        };
        self.limit(group.head, bytes)?;
        Ok(layer)
    }

    /// Weights in fixed point, the scale of each output and the reach of what the layer reads, where
    /// that is known.
    fn fixed(
        &self,
        node: NodeId,
        weight: &[f32],
        outputs: usize,
    ) -> Option<(Vec<i16>, Vec<f32>, f32)> {
        let input = *self.graph.nodes[node].inputs.first()?;
        let fits = |reach: &f32| (Fixed::REACH * Fixed::STEPS / reach).is_normal();
        let reach = self.reach(input).filter(fits)?;
        let (weight, scale) = Fixed::weights(weight, outputs, reach)?;
        Some((weight, scale, reach))
    }

    /// The largest magnitude of a node's floats, where it is known: of the picture, if the card says
    /// that it fits fixed point, and of maxima and means of bytes.
    fn reach(&self, node: NodeId) -> Option<f32> {
        if node == 0 {
            return self.input.fits_fixed_point().then_some(Fixed::REACH);
        }
        if let Some(code) = self.bytes.and_then(|bytes| bytes.codes.get(&node)) {
            return Some(code.scale() * f32::from(code.zero().max(255 - code.zero())));
        }
        let keeps_within = matches!(
            self.graph.nodes[node].op,
            Op::GlobalAvgPool | Op::AvgPool(_) | Op::MaxPool(_) | Op::Flatten
        );
        let input = self.graph.nodes[node].inputs.first().filter(|_| keeps_within)?;
        self.reach(*input)
    }
}
