//! The only system calls, and the only `unsafe`: files, descriptors, limits, processes, trees, signals.
//!
//! Each file is one thing the kernel does for us, with our words for its errors. Nothing here decides anything.

pub mod detach;
pub mod exec;
pub mod fds;
pub mod file;
pub mod git;
pub mod guard;
pub mod inotify;
pub mod limits;
pub mod link;
pub mod listener;
pub mod log_file;
#[cfg(feature = "export")]
pub mod new_files;
mod outbox;
pub mod process;
pub mod pty;
pub mod reap;
pub mod run_dir;
pub mod signals;
pub mod spawn;
pub mod sweep;
pub mod tree;
pub mod tty;
pub mod usage;
