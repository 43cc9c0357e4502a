//! The named weights of a network, a regressor or a head.

use burn::tensor::{Device, Tensor, TensorData};
use facette_graph::{TensorKind, TensorSpec};
use facette_random::stream;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::error::NetsError;

/// How fresh weights are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// PyTorch's defaults: uniform in ±1/sqrt(fan in) for weights and biases.
    #[default]
    Torch,
    /// Convolutions normal with variance 2 / fan out (He), linear layers as in PyTorch's defaults.
    /// RepDistiller's and torchvision's ResNets.
    HeFanOut,
    /// As [`Init::HeFanOut`], linear weights normal with standard deviation 0.01, all biases 0.
    /// RepDistiller's VGGs and MobileNetV2.
    HeSmallLinear,
    /// As [`Init::HeFanOut`], all biases 0. RepDistiller's wide ResNets.
    HeZeroBias,
    /// Convolutions normal with standard deviation 0.1, linear layers as in PyTorch's defaults.
    /// insightface's IResNets.
    SmallNormal,
    /// Normal with standard deviation 0.01 for linear weights, as margin heads use; He for
    /// convolutions.
    Head,
}

/// One named tensor, stored flat.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Name, shape and kind.
    pub spec: TensorSpec,
    /// Values, outermost dimension first. Learned tensors of a network in training are leaves
    /// that keep their gradient.
    pub value: Tensor<1>,
}

impl Parameter {
    /// The values as a tensor of rank `D`.
    ///
    /// # Panics
    /// If the tensor does not have `D` dimensions.
    pub fn shaped<const D: usize>(&self) -> Tensor<D> {
        let shape: [usize; D] =
            self.spec.shape.as_slice().try_into().expect("callers ask for the rank of the spec");
        self.value.clone().reshape(shape)
    }

    /// Replaces the values, keeping it a leaf where it was one.
    pub fn set(&mut self, value: Tensor<1>) {
        let learned = self.value.is_require_grad();
        let value = value.detach();
        self.value = if learned { value.require_grad() } else { value };
    }
}

/// Named tensors in a fixed order.
#[derive(Debug, Clone, Default)]
pub struct Parameters {
    list: Vec<Parameter>,
}

impl Parameters {
    /// Fresh values for `specs`, drawn from the stream `name` of `seed`. Learned tensors are
    /// leaves when `device` has autodiff enabled.
    pub fn fresh(
        specs: Vec<TensorSpec>,
        init: Init,
        seed: u64,
        name: &str,
        device: &Device,
    ) -> Self {
        let mut fan_in = 1;
        let list = specs
            .into_iter()
            .map(|spec| {
                if spec.kind == TensorKind::Weight {
                    fan_in = spec.shape[1..].iter().product::<usize>().max(1);
                }
                let values = draw(&spec, fan_in, init, seed, &format!("{name}/{}", spec.name));
                Parameter { value: leaf(&spec, values, device), spec }
            })
            .collect();
        Self { list }
    }

    /// All tensors, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Parameter> {
        self.list.iter()
    }

    /// All tensors, in order.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Parameter> {
        self.list.iter_mut()
    }

    /// The tensors gradient descent changes.
    pub fn learned_mut(&mut self) -> impl Iterator<Item = &mut Parameter> {
        self.list.iter_mut().filter(|p| p.spec.kind.is_learned())
    }

    /// Learned values, counted.
    pub fn count(&self) -> usize {
        self.list.iter().filter(|p| p.spec.kind.is_learned()).map(|p| p.spec.len()).sum()
    }

    /// The tensor at `index`.
    pub fn at(&self, index: usize) -> &Parameter {
        &self.list[index]
    }

    /// The tensor at `index`.
    pub fn at_mut(&mut self, index: usize) -> &mut Parameter {
        &mut self.list[index]
    }

    /// How many tensors there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The tensor called `name`.
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.list.iter().find(|p| p.spec.name == name)
    }

    /// Adds a tensor with given values.
    ///
    /// # Errors
    /// If there are not as many values as the shape says.
    pub fn push(
        &mut self,
        spec: TensorSpec,
        values: Vec<f32>,
        device: &Device,
    ) -> Result<(), NetsError> {
        check(&spec, values.len())?;
        self.list.push(Parameter { value: leaf(&spec, values, device), spec });
        Ok(())
    }

    /// Replaces the values of the tensor called `name`.
    ///
    /// # Errors
    /// If there is no such tensor, or not as many values as its shape says.
    pub fn set(&mut self, name: &str, values: Vec<f32>) -> Result<(), NetsError> {
        let parameter = self.list.iter_mut().find(|p| p.spec.name == name).ok_or_else(|| {
            NetsError::Tensor {
                name: name.to_owned(),
                expected: "a tensor of this network".into(),
                found: "none of that name".into(),
            }
        })?;
        check(&parameter.spec, values.len())?;
        let device = parameter.value.device();
        parameter.value = leaf(&parameter.spec, values, &device);
        Ok(())
    }

    /// Every tensor's values, in order.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub fn values(&self) -> Result<Vec<(TensorSpec, Vec<f32>)>, NetsError> {
        self.list.iter().map(|p| Ok((p.spec.clone(), read(&p.spec.name, &p.value)?))).collect()
    }
}

/// Values of a tensor on the host.
///
/// # Errors
/// If the device cannot be read; `name` stands in the message.
pub fn read<const D: usize>(name: &str, tensor: &Tensor<D>) -> Result<Vec<f32>, NetsError> {
    let unreadable = |found: String| NetsError::Tensor {
        name: name.to_owned(),
        expected: "readable f32 values".into(),
        found,
    };
    let data = tensor.clone().try_into_data().map_err(|e| unreadable(format!("{e:?}")))?;
    data.try_into_vec::<f32>().map_err(|e| unreadable(format!("{e:?}")))
}

fn check(spec: &TensorSpec, found: usize) -> Result<(), NetsError> {
    if spec.len() == found {
        return Ok(());
    }
    Err(NetsError::Tensor {
        name: spec.name.clone(),
        expected: format!("{:?} = {} values", spec.shape, spec.len()),
        found: format!("{found} values"),
    })
}

fn leaf(spec: &TensorSpec, values: Vec<f32>, device: &Device) -> Tensor<1> {
    let length = values.len();
    let tensor = Tensor::<1>::from_data(TensorData::new(values, [length]), device);
    if spec.kind.is_learned() && device.is_autodiff() { tensor.require_grad() } else { tensor }
}

fn draw(spec: &TensorSpec, fan_in: usize, init: Init, seed: u64, name: &str) -> Vec<f32> {
    let mut rng = stream(seed, name, 0);
    let mut many = |f: &mut dyn FnMut(&mut facette_random::Stream) -> f64| -> Vec<f32> {
        (0..spec.len()).map(|_| f(&mut rng) as f32).collect()
    };
    let bound = 1.0 / (fan_in as f64).sqrt();
    let convolution = spec.shape.len() == 4;
    match (spec.kind, init) {
        (TensorKind::Weight, Init::SmallNormal) if convolution => {
            many(&mut |rng| normal(rng) * 0.1)
        }
        (
            TensorKind::Weight,
            Init::HeFanOut | Init::HeSmallLinear | Init::HeZeroBias | Init::Head,
        ) if convolution => {
            let fan_out = spec.shape[0] * spec.shape[2] * spec.shape[3];
            let std = (2.0 / fan_out as f64).sqrt();
            many(&mut |rng| normal(rng) * std)
        }
        (TensorKind::Weight, Init::HeSmallLinear | Init::Head) => {
            many(&mut |rng| normal(rng) * 0.01)
        }
        (TensorKind::Bias, Init::HeSmallLinear | Init::HeZeroBias) => vec![0.0; spec.len()],
        (TensorKind::Weight | TensorKind::Bias, _) => {
            many(&mut |rng| rng.random_range(-bound..bound))
        }
        (TensorKind::NormScale | TensorKind::RunningVariance, _) => vec![1.0; spec.len()],
        (TensorKind::NormShift | TensorKind::RunningMean, _) => vec![0.0; spec.len()],
        (TensorKind::Slope, _) => vec![0.25; spec.len()],
    }
}

/// A standard normal deviate (Box-Muller, one of the pair).
fn normal(rng: &mut impl Rng) -> f64 {
    let u: f64 = 1.0 - rng.random::<f64>();
    let v: f64 = rng.random();
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}
