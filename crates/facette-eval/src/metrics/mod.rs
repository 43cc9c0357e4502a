//! Measures: pure functions from embeddings, scores or logits to numbers. One file each.
//!
//! Scores are "higher is more alike" and distances "lower is more alike"; every function says which
//! it takes. All arithmetic is in `f64` whatever the inputs are.

pub mod auc;
pub mod average_precision;
pub mod brier;
pub mod cmc;
pub mod distance;
pub mod eer;
pub mod expected_calibration;
pub mod folds;
pub mod grid;
pub mod kmeans;
pub mod mutual_information;
pub mod one_to_many;
pub mod open_set;
pub mod rand_index;
pub mod recall;
pub mod roc;
pub mod softmax;
pub mod sorted_distances;
pub mod spread;
pub mod tar_at_far;
pub mod top_k;
pub mod val_at_far;
