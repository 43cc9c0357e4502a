//! One reader a file: how each kind of source lies on disk.

pub(crate) mod cifar;
pub(crate) mod cinic10;
pub(crate) mod folder;
pub(crate) mod lfw;
pub(crate) mod parquet;
pub(crate) mod synthetic;
pub(crate) mod tiny_imagenet;
pub(crate) mod umdfaces;

mod walk;

pub(crate) use walk::EXTENSIONS;
