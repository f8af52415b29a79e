//! The twelve-factor process manager.

pub mod cli;
pub mod model;
