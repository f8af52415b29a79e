//! What things are: pure data and parsing. Imports nothing of ours, reads no file, knows no clock.

pub mod diagnostic;
pub mod env_file;
pub mod environment;
pub mod policy;
pub mod second_opinion;
pub mod secret;
pub mod template;
