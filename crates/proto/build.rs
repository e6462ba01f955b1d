//! Compiles `/proto` without `protoc`.

use std::error::Error;
use std::path::Path;

/// What is persisted and replicated.
const FORMATS: [&str; 2] = ["squorum/queue.proto", "squorum/meta.proto"];
/// What nodes say to each other.
const SERVICES: [&str; 3] = [
    "squorum/raft.proto",
    "squorum/gateway.proto",
    "squorum/cluster.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    for file in FORMATS.iter().chain(&SERVICES) {
        println!("cargo::rerun-if-changed={}", root.join(file).display());
    }
    config().compile_fds(protox::compile(FORMATS, [&root])?)?;
    if std::env::var_os("CARGO_FEATURE_RPC").is_some() {
        let mut config = config();
        config.extern_path(".squorum.queue", "crate::queue");
        config.extern_path(".squorum.meta", "crate::meta");
        tonic_prost_build::configure()
            .compile_fds_with_config(protox::compile(SERVICES, [&root])?, config)?;
    }
    Ok(())
}

/// `Bytes` instead of `Vec<u8>`: what is decoded shares the buffer that it came in.
fn config() -> prost_build::Config {
    let mut config = prost_build::Config::new();
    config.bytes(["."]);
    config
}
