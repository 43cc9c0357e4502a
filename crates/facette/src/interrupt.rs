//! Ctrl-C: the first asks the work in hand to stop cleanly, the second ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

/// A flag that Ctrl-C (or SIGTERM) raises. What is under way looks at it between two steps, writes
/// what must not be lost, and returns.
pub(crate) fn on_ctrl_c() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::SeqCst) {
            // 128 + SIGINT, what a shell reports for a process ended by Ctrl-C.
            std::process::exit(130);
        }
        eprintln!("facette: stopping after this step (once more to stop at once)");
    })
    .context("Ctrl-C cannot be watched for")?;
    Ok(stop)
}
