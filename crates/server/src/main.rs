//! The `squorum` binary: configuration, wiring, signals. No logic.

mod admin;
mod clock;
mod configuration;
mod data_directory;
mod entropy;
mod failure;
mod serve;

use clap::{Parser, Subcommand};

use crate::configuration::ServeArguments;

/// A highly available message queue that speaks Amazon SQS.
#[derive(Debug, Parser)]
#[command(name = "squorum", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a node.
    Serve(ServeArguments),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Serve(arguments) => serve::run(arguments.resolve()?),
    }
}
