//! `docs/reliability.md` names a test for every fault: those tests exist, and no fault is left out.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests read their own files, and a panic is how they fail"
)]

use std::collections::BTreeSet;
use std::path::Path;

/// The faults of process trees, signals, output, spawning, control, and probes; there is none with another number.
const FAULTS: [std::ops::RangeInclusive<u32>; 6] = [1..=17, 20..=38, 40..=57, 60..=79, 80..=86, 93..=95];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn table() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    text.lines().filter(|line| line.starts_with("| F")).map(str::to_owned).collect()
}

/// All Rust below a directory, as one text.
fn sources(directory: &Path) -> String {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| match path.extension() {
            _ if path.is_dir() => sources(&path),
            Some(extension) if extension == "rs" => std::fs::read_to_string(path).unwrap(),
            Some(_) | None => String::new(),
        })
        .collect()
}

/// `F14, F15` and `F70–F72` as numbers.
fn numbers(cell: &str) -> Vec<u32> {
    let number = |text: &str| text.trim().trim_start_matches('F').parse::<u32>().unwrap();
    match cell.split_once('\u{2013}') {
        Some((first, last)) => (number(first)..=number(last)).collect(),
        None => cell.split(',').map(number).collect(),
    }
}

#[test]
fn every_fault_has_a_line() {
    let listed: BTreeSet<u32> =
        table().iter().flat_map(|line| numbers(line.split('|').nth(1).unwrap().trim())).collect();
    let missing: Vec<u32> = FAULTS.into_iter().flatten().filter(|fault| !listed.contains(fault)).collect();
    assert!(missing.is_empty(), "without a line: {missing:?}");
}

#[test]
fn every_test_that_is_named_exists() {
    let sources = sources(&root().join("tests")) + &sources(&root().join("src"));
    let lines = table();
    let named: Vec<&str> = lines
        .iter()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|name| name.matches('_').count() >= 3 && !name.contains('/'))
        .collect();
    assert!(named.len() > 60, "{named:?}");
    for name in named {
        assert!(sources.contains(&format!("fn {name}(")), "no test is named {name}");
    }
}
