//! One file for each family of architectures.

pub(crate) mod adapter;
pub(crate) mod biased_wide_resnet;
pub(crate) mod cifar100_mobilenet_v2;
pub(crate) mod cifar100_shufflenet_v1;
pub(crate) mod cifar100_shufflenet_v2;
pub(crate) mod cifar_resnet;
/// The network that CONTRIBUTING adds, compiled and tested where it would stand.
#[cfg(test)]
#[path = "../../../../docs/examples/net.rs"]
mod example;
pub(crate) mod facette;
pub(crate) mod fhn;
mod head;
pub(crate) mod hidden_vgg;
pub(crate) mod imagenet_resnet;
pub(crate) mod ir;
pub(crate) mod iresnet;
pub(crate) mod mobilefacenet;
pub(crate) mod mobilefacenet_foamliu;
pub(crate) mod mobilenet;
pub(crate) mod mobilenet_v2;
pub(crate) mod plain;
pub(crate) mod pocketnet;
mod residual;
pub(crate) mod shufflenet_v1;
pub(crate) mod shufflenet_v2;
pub(crate) mod thin_resnet;
pub(crate) mod vgg;
pub(crate) mod wide_resnet;
