//! Makes `tokio_unstable` a name that the compiler knows, so that the program can tell how it was built.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(tokio_unstable)");
    println!("cargo::rerun-if-changed=build.rs");
}
