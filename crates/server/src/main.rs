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

/// For Rust and RocksDB alike. glibc's arenas keep what many threads gave back: after 4,000,000
/// messages 463 MiB were resident, of which 299 were in use.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

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
