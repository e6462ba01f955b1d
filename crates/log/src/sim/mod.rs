//! The simulated twin of the file system: deterministic by seed, with a page cache that a power cut
//! takes away.
//!
//! A [`SimDisk`] is the hardware. [`SimDisk::boot`] gives a process its file system; a
//! [`power_cut`](SimDisk::power_cut) or [`kill`](SimDisk::kill) ends that process (all its handles
//! fail from then on), and the next `boot` sees what is left:
//!
//! 1. Everything synced is kept. Of each write that is not, sectors of 512 bytes are kept or lost
//!    one by one: all, none or any subset.
//! 2. Names that were created, renamed or removed without `sync_dir` are kept or lost one by one.
//! 3. A kill loses nothing: the page cache survives the process.
//! 4. A `sync_data` that fails may have written any subset of the sectors, and forgets the rest:
//!    they stay readable in the cache, the next sync succeeds without them, a power cut takes them.
//!
//! [`Fault`]s strike at the n-th operation from now; [`flip_bit`](SimDisk::flip_bit) and
//! [`zero_from`](SimDisk::zero_from) damage what is durable.

mod disk;
mod file_system;
mod inode;
mod random;

pub use disk::{Fault, SimDisk};
pub use file_system::SimFileSystem;
pub use random::Random;
