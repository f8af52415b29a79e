//! Control from another terminal: one HTTP API over a Unix socket that only the same user can open.
//!
//! It runs on a thread of its own, so that whatever clients do costs the processes nothing. It knows the run by its
//! [`Handle`](crate::engine::handle::Handle) only: it translates, and decides nothing.

pub mod client;
pub mod messages;
pub mod query;
pub mod server;
