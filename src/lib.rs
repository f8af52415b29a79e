//! The twelve-factor process manager.

pub mod model;
pub mod output;
