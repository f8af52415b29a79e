//! The program as a user sees it: what it prints and how it exits, a file for each command or rule.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests: a panic is how they fail, and they read their own files only"
)]

mod args;
mod check;
mod config;
mod contract;
#[cfg(feature = "api")]
mod control;
mod env;
mod env_file;
mod exit;
mod export;
mod formation;
mod limits;
mod log_dir;
mod output;
mod places;
mod ports;
mod probes;
mod procfile;
mod reload;
mod run;
mod secrets;
mod spawn;
mod start;
mod stop;
mod strays;
#[expect(dead_code, reason = "the tests that choose at random need more of it")]
mod support;
mod watch;
