//! `proc.toml`: whatever the bytes, it is read without a panic, every mistake has its place in them, and can be drawn.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proc_start::model::config::{Surround, parse, resolve};
use proc_start::model::procfile;
use std::path::Path;

fuzz_target!(|data: &[u8]| {
    let reading = parse(data);
    let types = procfile::parse(b"web: a\nworker: b\n").types;
    let surround = Surround { procfile: Some(&types), root: Path::new("/app"), has_ports: data.len() % 2 == 0 };
    let (resolved, more) = resolve(&reading.file, surround);
    assert_eq!(resolved.types.len(), resolved.settings.len());
    let text = String::from_utf8_lossy(data);
    for problem in reading.problems.iter().chain(&more) {
        assert!(problem.span.start <= problem.span.end && problem.span.end <= data.len());
        let _ = problem.diagnose("proc.toml", &text).to_string();
    }
});
