//! The subcommands, one file each.

mod bench;
mod data;
mod demo;
mod distil;
mod eval;
mod inspect;
mod list;
mod quantise;
mod recipe;
mod report;
mod sweep;
mod train;
mod verify;

use clap::{Parser, Subcommand};

use crate::console::Console;
use crate::exit::Outcome;

/// Turns a heavy face or image recogniser into a tiny one for 16x16 and 32x32 pictures, and proves
/// how good it is.
#[derive(Debug, Parser)]
#[command(
    name = "facette",
    version,
    arg_required_else_help = true,
    propagate_version = true,
    infer_subcommands = true,
    max_term_width = 100,
    after_help = "\
Examples:
  facette demo                          draw faces, distil a student, judge it: all in minutes
  facette verify a.jpg b.jpg            are these two aligned crops the same person?
  facette recipe list                   the recipes at hand
  facette distil my-recipe.toml         train a student of your own

Exit codes: 0 yes or done, 1 no (not the same person), 2 error."
)]
pub(crate) struct Arguments {
    /// Say nothing but results and errors
    #[arg(long, short, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    #[command(subcommand)]
    Data(data::Data),
    #[command(subcommand)]
    Recipe(recipe::Recipe),
    Train(train::Train),
    Distil(distil::Distil),
    Eval(eval::Eval),
    Verify(verify::Verify),
    Inspect(inspect::Inspect),
    Quantise(quantise::Quantise),
    Bench(bench::Bench),
    List(list::List),
    Report(report::Report),
    Sweep(sweep::Sweep),
}

/// Does what the command line asks.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<Outcome> {
    let console = Console::new(arguments.quiet);
    match arguments.command {
        Command::Demo(command) => command.run(console),
        Command::Data(command) => command.run(console),
        Command::Recipe(command) => command.run(),
        Command::Train(command) => command.run(console),
        Command::Distil(command) => command.run(console),
        Command::Eval(command) => command.run(console),
        Command::Verify(command) => command.run(),
        Command::Inspect(command) => command.run(),
        Command::Quantise(command) => command.run(console),
        Command::Bench(command) => command.run(console),
        Command::List(command) => command.run(),
        Command::Report(command) => command.run(console),
        Command::Sweep(command) => command.run(console),
    }
}
