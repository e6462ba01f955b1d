//! Compiles `/proto` without `protoc`.

use std::error::Error;
use std::path::Path;

const FILES: [&str; 2] = ["squorum/queue.proto", "squorum/meta.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    for file in FILES {
        println!("cargo::rerun-if-changed={}", root.join(file).display());
    }
    let descriptors = protox::compile(FILES, [&root])?;
    // `Bytes` instead of `Vec<u8>`: what is decoded from a log entry shares the entry's buffer.
    prost_build::Config::new()
        .bytes(["."])
        .compile_fds(descriptors)?;
    Ok(())
}
