//! Control from another terminal: one HTTP API over a Unix socket that only the same user can open.
//!
//! It runs on a thread of its own, so that whatever clients do costs the processes nothing. It knows the run by its
//! [`Handle`](crate::engine::handle::Handle) only: it translates, and decides nothing.
//!
//! - `messages`, `query`: what requests and answers say, for both sides.
//! - `server`, `connections`: who may connect, how many, and how long they may take. `gate`: who may ask over a port.
//! - `routes`: all of them, and the document in `OpenAPI`; `run`, `instances`, `attach` (`follow`, `replay`), `logs`, `events`, `metrics`: what they do.
//! - `failure`: what a request is answered that is not granted. `body`: an answer that goes on for as long as the run.

pub mod attach;
mod body;
pub mod client;
mod connections;
mod events;
mod failure;
mod follow;
mod gate;
mod instances;
mod logs;
pub mod messages;
mod metrics;
pub mod query;
mod replay;
mod routes;
mod run;
pub mod server;
pub mod session;

pub use routes::document;
