//! The data room from outside: every kind of source on fixtures made here, bad input, determinism,
//! and, where it lies beside the workspace, real data.

mod batches;
mod cifar;
mod features;
mod fixture;
mod folders;
mod parquet;
mod preparation;
mod real_data;
mod samplers;
mod selection;
mod sheets;
mod sources;
mod synthetic;
mod umdfaces;
