//! Lines: how what the processes write becomes what we write.
pub mod format;
pub mod line;
pub mod mux;
pub mod palette;
