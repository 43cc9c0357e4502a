//! The command line of facette, and nothing else: flags in, text and files out.

mod alone;
mod commands;
mod console;
mod embedded;
mod exit;
mod files;
mod interrupt;
mod judging;
mod model;
mod output;
mod page;
mod recipes;
mod sweep_table;
mod table;
mod training;
mod validation;
mod watch;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    facette_kernels::keep_freed_memory();
    let arguments = commands::Arguments::parse();
    exit::code(commands::run(arguments))
}
