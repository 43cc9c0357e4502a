//! Pooling: the mean of a plane, and means and maxima of windows.

mod global;
mod window;

pub use global::{global_average_pool, global_average_pool_backward};
pub use window::{PoolShape, average_pool, average_pool_backward, max_pool, max_pool_backward};
