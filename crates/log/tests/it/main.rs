//! The log through its public interface: on real files, with real threads, and under faults.

#![allow(clippy::unwrap_used)]

mod faults;
mod golden;
mod real_files;
mod support;
