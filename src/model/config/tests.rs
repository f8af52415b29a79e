//! The mistakes of a `proc.toml`, each with its kind and its place.
