//! What `proc export` writes, as the tools read it that it is for.
//!
//! Each tool is looked for in the PATH; where it is not installed its tests say so and skip. `.ci/run` installs all of them.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests: a panic is how they fail; they look at the time, and read their own files only"
)]

mod compose;
mod exec;
mod kubernetes;
mod launchd;
mod supervisord;
mod support;
mod systemd;
mod yaml;
