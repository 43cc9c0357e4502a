//! Small things the crate's own tests are built on.

use burn::tensor::{Device, Tensor};

use crate::shapes::StreamShapes;
use crate::term::Context;

/// The device tests run on.
pub(crate) fn device() -> Device {
    Device::flex().autodiff()
}

/// Values of a tensor.
pub(crate) fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    let values = facette_nets::read("test", tensor).unwrap();
    values.into_iter().map(f64::from).collect()
}

/// Value of a loss.
pub(crate) fn scalar(loss: &Tensor<1>) -> f64 {
    let values = values(loss);
    assert_eq!(values.len(), 1);
    values[0]
}

/// A small network that classifies.
pub(crate) fn shapes() -> StreamShapes {
    StreamShapes { stem: None, stages: Vec::new(), embedding: 6, classes: Some(5) }
}

/// A student in a data set of five classes.
pub(crate) fn context<'a>(
    student: &'a StreamShapes,
    target: Option<&'a StreamShapes>,
) -> Context<'a> {
    static DEVICE: std::sync::LazyLock<Device> = std::sync::LazyLock::new(device);
    Context {
        student,
        target,
        left: None,
        network: None,
        classes: Some(5),
        domains: &[],
        pictures: 20,
        device: &DEVICE,
        stream: "student",
        seed: 1,
    }
}
