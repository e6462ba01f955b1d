//! Runs simulations: one seed in this process, or many, each in a process of its own.

mod campaign;

use std::path::PathBuf;

use anyhow::ensure;
use clap::{Parser, ValueEnum};
use rand::SeedableRng;
use rand::rngs::StdRng;
use squorum_simulation::oracle::Rule;
use squorum_simulation::{Trace, assertions, ledger, queues};
use tracing_subscriber::EnvFilter;

use self::campaign::{Campaign, Seeds, regressions};

/// Simulates clusters. The same seed gives the same run.
#[derive(Debug, Parser)]
struct Arguments {
    /// Run this seed here
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Run these seeds (A..B, B left out), each in a process of its own
    #[arg(long)]
    seeds: Option<Seeds>,
    /// What is simulated
    #[arg(long, default_value = "queues")]
    layer: Layer,
    /// Print every event of the run
    #[arg(long)]
    trace: bool,
    /// Processes at a time
    #[arg(long, default_value_t = 2)]
    parallel: usize,
    /// Run so many of the seeds a second time and compare the traces
    #[arg(long, default_value_t = 0, requires = "seeds")]
    replays: usize,
    /// Run the seeds of the layer that this file names, too
    #[arg(long, requires = "seeds")]
    regressions: Option<PathBuf>,
    /// A bug is planted: run the seeds until one breaks this rule
    #[arg(long, requires = "seeds", conflicts_with = "replays")]
    expect: Option<Rule>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Layer {
    /// Consensus alone: replicated ledgers
    Groups,
    /// Whole nodes: clients of queues
    Queues,
}

impl Layer {
    fn name(self) -> &'static str {
        match self {
            Layer::Groups => "groups",
            Layer::Queues => "queues",
        }
    }
}

fn main() -> anyhow::Result<()> {
    ensure!(
        cfg!(tokio_unstable),
        "build with RUSTFLAGS='--cfg tokio_unstable': tokio is not deterministic otherwise"
    );
    let arguments = Arguments::parse();
    match (arguments.seed, &arguments.seeds) {
        (Some(seed), _) => run(seed, &arguments),
        (None, Some(seeds)) => run_many(seeds, &arguments),
        (None, None) => anyhow::bail!("say --seed or --seeds"),
    }
}

fn run_many(seeds: &Seeds, arguments: &Arguments) -> anyhow::Result<()> {
    let layer = arguments.layer.name();
    let mut seeds: Vec<u64> = seeds.iter().collect();
    if let Some(path) = &arguments.regressions {
        seeds.extend(regressions(path, layer)?);
    }
    seeds.sort_unstable();
    seeds.dedup();
    let campaign = Campaign {
        seeds,
        layer,
        parallel: arguments.parallel,
    };
    match arguments.expect {
        Some(rule) => campaign.expect(&rule.to_string()),
        None => campaign.run(arguments.replays),
    }
}

/// Runs a seed in this process, where everything is the seed's: the process has run nothing before.
fn run(seed: u64, arguments: &Arguments) -> anyhow::Result<()> {
    // Hash maps, election timeouts and whatever else asks the kernel for randomness.
    mad_turmoil::rand::set_rng(StdRng::seed_from_u64(seed));
    let _clocks = mad_turmoil::time::SimClocksGuard::init();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
    let trace = Trace::new(arguments.trace);
    assertions::watch(seed, trace.clone());
    let report = match arguments.layer {
        Layer::Groups => ledger::run(seed, trace),
        Layer::Queues => queues::run(seed, trace),
    };
    println!("{report}");
    if !report.violations.is_empty() {
        std::process::exit(1);
    }
    Ok(())
}
