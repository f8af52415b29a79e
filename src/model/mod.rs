//! What things are: pure data and parsing. Imports nothing of ours, reads no file, knows no clock.

pub mod answer;
pub mod command;
pub mod config;
pub mod contract;
pub mod diagnostic;
pub mod env_file;
pub mod environment;
pub mod exit;
pub mod formation;
pub mod happening;
pub mod instance;
pub mod needs;
pub mod plan;
pub mod policy;
pub mod port;
pub mod procfile;
pub mod request;
pub mod rotation;
pub mod second_opinion;
pub mod secret;
pub mod selector;
pub mod settings;
pub mod signal;
pub mod size;
pub mod snapshot;
pub mod template;
