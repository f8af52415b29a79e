//! The API of a run as its clients see it: over the socket, over a port, and from those who mean no good.
#![cfg(feature = "api")]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests: a panic is how they fail; they look at the time and read their own files only"
)]

#[path = "../cli/support/mod.rs"]
#[expect(dead_code, reason = "the tests of the command line need more of it")]
mod support;

mod abuse;
mod attach;
mod client;
mod logs;
mod place;
mod port;
mod routes;
