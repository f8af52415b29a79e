//! The twelve-factor process manager.

pub mod cli;
pub mod engine;
pub mod model;
pub mod output;
pub mod supervisor;
pub mod unix;
