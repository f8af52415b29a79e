//! The rule of the probes on the virtual clock.
