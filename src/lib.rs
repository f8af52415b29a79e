//! The twelve-factor process manager.

pub mod model;
