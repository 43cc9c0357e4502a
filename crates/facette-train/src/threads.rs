//! How many threads compute.

use crate::error::TrainError;

/// Fixes the number of threads of this process to `asked`, where given. The number can be fixed
/// once; what is fixed already and agrees is fine.
///
/// # Errors
/// [`TrainError::Threads`].
pub fn fix(asked: Option<usize>) -> Result<usize, TrainError> {
    let Some(asked) = asked else { return Ok(rayon::current_num_threads()) };
    let built = rayon::ThreadPoolBuilder::new().num_threads(asked).build_global();
    let found = rayon::current_num_threads();
    match built.is_ok() || found == asked {
        true => Ok(found),
        false => Err(TrainError::Threads { asked, found }),
    }
}
