//! The architectures there are.

use facette_graph::Graph;

use crate::error::NetsError;
use crate::nets::{
    adapter, biased_wide_resnet, cifar_resnet, cifar100_mobilenet_v2, cifar100_shufflenet_v1,
    cifar100_shufflenet_v2, facette, fhn, hidden_vgg, imagenet_resnet, ir, iresnet, mobilefacenet,
    mobilefacenet_foamliu, mobilenet, mobilenet_v2, plain, pocketnet, shufflenet_v1, shufflenet_v2,
    thin_resnet, vgg, wide_resnet,
};
use crate::settings::unknown;
use crate::spec::{NetOptions, NetSpec};

/// Every architecture, in the order in which lists show them.
pub const NETS: &[&dyn NetSpec] = &[
    &facette::Facette,
    &plain::BRIDGE,
    &plain::SELECTIVE,
    &plain::FEW_SHOT,
    &cifar_resnet::EKD,
    &cifar_resnet::HORKD,
    &cifar_resnet::RESNET18,
    &cifar_resnet::RESNET34,
    &cifar_resnet::RESNET50,
    &cifar_resnet::RESNET101,
    &cifar_resnet::RESNET152,
    &cifar_resnet::WIDE_RESNET50_2,
    &thin_resnet::RESNET8,
    &thin_resnet::RESNET14,
    &thin_resnet::RESNET20,
    &thin_resnet::RESNET32,
    &thin_resnet::RESNET44,
    &thin_resnet::RESNET56,
    &thin_resnet::RESNET110,
    &thin_resnet::RESNET110_BOTTLENECK,
    &thin_resnet::RESNET164_BOTTLENECK,
    &thin_resnet::RESNET8X4,
    &thin_resnet::RESNET32X4,
    &wide_resnet::WRN_16_1,
    &wide_resnet::WRN_16_2,
    &wide_resnet::WRN_40_1,
    &wide_resnet::WRN_40_2,
    &biased_wide_resnet::WRN_40_10,
    &biased_wide_resnet::WRN_50_2,
    &imagenet_resnet::RESNET18,
    &imagenet_resnet::RESNET34,
    &imagenet_resnet::RESNET50,
    &imagenet_resnet::WIDE_RESNET50_2,
    &vgg::VGG8,
    &vgg::VGG11,
    &vgg::VGG13,
    &vgg::VGG16,
    &vgg::VGG19,
    &hidden_vgg::VGG16_HIDDEN,
    &hidden_vgg::VGG11,
    &hidden_vgg::VGG13,
    &hidden_vgg::VGG16,
    &hidden_vgg::VGG19,
    &mobilenet::MobileNet,
    &mobilenet_v2::MobileNetV2,
    &shufflenet_v1::ShuffleNetV1,
    &shufflenet_v2::ShuffleNetV2,
    &cifar100_mobilenet_v2::Cifar100MobileNetV2,
    &cifar100_shufflenet_v1::Cifar100ShuffleNet,
    &cifar100_shufflenet_v2::Cifar100ShuffleNetV2,
    &mobilefacenet::MOBILEFACENET,
    &mobilefacenet::MOBILEFACENET_LARGE,
    &mobilefacenet_foamliu::MobileFaceNetFoamliu,
    &iresnet::IRESNET18,
    &iresnet::IRESNET34,
    &iresnet::IRESNET50,
    &iresnet::IRESNET100,
    &ir::IR_18,
    &ir::IR_50,
    &pocketnet::POCKETNET_S,
    &pocketnet::POCKETNET_M,
    &adapter::Adapter,
    &fhn::Fhn,
];

/// The architecture called `name`, by id or alias.
///
/// # Errors
/// If there is none; the message names the nearest.
pub fn find(name: &str) -> Result<&'static dyn NetSpec, NetsError> {
    let matches = |net: &&&dyn NetSpec| net.id() == name || net.aliases().contains(&name);
    NETS.iter().find(matches).copied().ok_or_else(|| {
        let known: Vec<&str> = NETS.iter().map(|net| net.id()).collect();
        NetsError::UnknownNet {
            name: name.to_owned(),
            problem: unknown(name, &known, "no network"),
        }
    })
}

/// Builds the architecture called `name`.
///
/// ```
/// use facette_nets::{NetOptions, build};
/// let graph = build("facette", &NetOptions::new(16)).unwrap();
/// assert_eq!(graph.counts().unwrap().parameters, 194_016);
/// ```
///
/// # Errors
/// If there is no such architecture, an option or setting is unknown or impossible, or the
/// picture is too small for the network.
pub fn build(name: &str, options: &NetOptions) -> Result<Graph, NetsError> {
    let net = find(name)?;
    options.check(net.id())?;
    net.build(options)
}
