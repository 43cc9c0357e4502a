//! Small networks from maps to maps, which terms learn.

use burn::tensor::ops::ConvTransposeOptions;
use burn::tensor::{Tensor, module};
use facette_graph::{Builder, Conv, Graph, Input, NodeId, Shape, TensorKind, TensorSpec};
use facette_nets::{Init, Mode, Network, Parameters};

use crate::error::DistilError;
use crate::term::Context;

/// A network whose last map is read.
pub(crate) struct MapNetwork {
    network: Network,
    output: Shape,
}

impl MapNetwork {
    /// A network for maps of shape `from`; `layers` adds nodes after the given one and returns the
    /// last.
    ///
    /// # Errors
    /// If the layers do not fit.
    pub(crate) fn new(
        owner: &str,
        from: Shape,
        context: &Context<'_>,
        layers: impl FnOnce(&mut Builder, NodeId) -> NodeId,
    ) -> Result<Self, DistilError> {
        let Shape { channels, height, width } = from;
        let mut builder = Builder::new(owner, Input { channels, height, width });
        let last = layers(&mut builder, 0);
        let output = builder.shape(last).unwrap_or(Shape::vector(0));
        let flat = builder.flatten(last);
        let graph: Graph = builder.finish(flat, None).map_err(facette_nets::NetsError::from)?;
        let name = format!("term/{}/{owner}", context.stream);
        let network = Network::new(graph, Init::Torch, context.seed, &name, context.device)?;
        Ok(Self { network, output })
    }

    /// Maps `[n, c, h, w]`, with batch statistics.
    pub(crate) fn forward(&mut self, x: Tensor<4>) -> Tensor<4> {
        let n = x.dims()[0];
        let Shape { channels, height, width } = self.output;
        let flat = self.network.forward(x, Mode::Train).embedding;
        flat.reshape([n, channels, height, width])
    }

    pub(crate) fn parameters_mut(&mut self) -> &mut Parameters {
        self.network.parameters_mut()
    }
}

/// Tensors of a transposed convolution with bias at `path`.
pub(crate) fn transposed_specs(
    path: &str,
    inputs: usize,
    outputs: usize,
    kernel: usize,
) -> Vec<TensorSpec> {
    let weight = vec![inputs, outputs, kernel, kernel];
    vec![
        TensorSpec { name: format!("{path}.weight"), shape: weight, kind: TensorKind::Weight },
        TensorSpec { name: format!("{path}.bias"), shape: vec![outputs], kind: TensorKind::Bias },
    ]
}

/// Transposed convolution of `x` by `weight` `[inputs, outputs, k, k]`.
pub(crate) fn transposed(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    stride: usize,
    padding: usize,
) -> Tensor<4> {
    let options = ConvTransposeOptions::new([stride; 2], [padding; 2], [0; 2], [1; 2], 1);
    module::conv_transpose2d(x, weight, Some(bias), options)
}

/// RepDistiller's `ConvReg`: student maps to the teacher's shape.
///
/// A convolution with bias, then batch normalisation and, where wanted, ReLU. The convolution is
/// 3x3 of stride 2 where the student's map is twice as large, 4x4 transposed of stride 2 where
/// it is half as large, else as large as the difference.
pub(crate) struct Regressor {
    upward: Option<Parameters>,
    rest: MapNetwork,
}

impl Regressor {
    /// Tensors are named `<path>conv.weight`, `<path>bn.weight`, ...
    ///
    /// # Errors
    /// If the student's map is smaller than the teacher's but not half as large.
    pub(crate) fn new(
        owner: &str,
        path: &str,
        [from, to]: [Shape; 2],
        relu: bool,
        context: &Context<'_>,
    ) -> Result<Self, DistilError> {
        let finish = |b: &mut Builder, x: NodeId| {
            let x = b.norm(format!("{path}bn"), x);
            if relu { b.relu(x) } else { x }
        };
        if from.height * 2 == to.height && from.width * 2 == to.width {
            let specs = transposed_specs(&format!("{path}conv"), from.channels, to.channels, 4);
            let upward = Some(context.parameters(owner, specs, Init::Torch));
            return Ok(Self { upward, rest: MapNetwork::new(owner, to, context, finish)? });
        }
        let conv = if from.height == 2 * to.height && from.width == 2 * to.width {
            Conv::square(from.channels, to.channels, 3, 2).biased()
        } else if from.height >= to.height && from.width >= to.width {
            let kernel = [1 + from.height - to.height, 1 + from.width - to.width];
            let conv = Conv::square(from.channels, to.channels, 1, 1).biased().padding(0);
            Conv { kernel, ..conv }
        } else {
            return Err(DistilError::Need {
                owner: owner.to_owned(),
                need: "student maps as large as the teacher's, larger, or half as large".into(),
                found: format!("{}x{} against {}x{}", from.height, from.width, to.height, to.width),
                remedy: "choose another stage, or networks of other strides".into(),
            });
        };
        let rest = MapNetwork::new(owner, from, context, |b, x| {
            let x = b.conv(format!("{path}conv"), x, conv);
            finish(b, x)
        })?;
        Ok(Self { upward: None, rest })
    }

    /// Student maps in the teacher's shape.
    pub(crate) fn forward(&mut self, x: Tensor<4>) -> Tensor<4> {
        let x = match &self.upward {
            None => x,
            Some(own) => transposed(x, own.at(0).shaped::<4>(), own.at(1).value.clone(), 2, 1),
        };
        self.rest.forward(x)
    }

    pub(crate) fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        self.upward.iter_mut().chain([self.rest.parameters_mut()]).collect()
    }
}
