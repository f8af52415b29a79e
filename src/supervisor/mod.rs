//! What to do: one synchronous state machine that hears of everything and does nothing itself.
//!
//! [`Event`]s go in, [`Action`]s come out, time is an argument. Four kinds of thing, of which only one writes: an `Instance` is a phase
//! and its transitions, the `Fleet` holds them and is the only one to change them, *rules* (`shutdown`, `forward`, `request`, `order`, `health`, `watch`,
//! `restart`) read it and return `Intent`s, the [`Supervisor`] wires them together.

mod action;
mod course;
mod event;
#[cfg(test)]
mod figures;
mod fleet;
mod forward;
mod health;
#[cfg(test)]
mod health_tests;
mod instance;
mod intent;
mod machine;
mod notice;
mod order;
#[cfg(test)]
mod properties;
mod request;
mod restart;
mod shutdown;
#[cfg(test)]
mod sim;
mod status;
mod watch;
mod words;

pub use action::{Action, Owners};
pub use event::{Event, ProbeKind, Replan, SpawnFailure, Stray};
pub use machine::Supervisor;
pub use notice::{Cause, Need, Notice, Sequel};
pub use request::Asked;
pub use status::Status;

/// A moment for tests to begin with; only the distance from it matters.
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an `Instant` cannot be made from nothing")]
fn now_for_tests() -> std::time::Instant {
    std::time::Instant::now()
}
