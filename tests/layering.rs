//! The house as a test: which layer may know which (`ARCHITECTURE.md`), and a few rules that no lint holds.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests: a panic is how they fail, and they read the files of the repository only"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Each layer below `src/`, and the layers of ours that it may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("supervisor", &["model"]),
    ("output", &["model"]),
    ("unix", &["model"]),
    ("probe", &["model", "unix"]),
    ("watch", &["model", "unix"]),
    ("engine", &["model", "supervisor", "output", "unix", "probe", "watch"]),
    ("api", &["model", "output", "unix", "engine"]),
    ("export", &["model"]),
    ("cli", &["model", "supervisor", "output", "unix", "watch", "engine", "api", "export"]),
];

/// The most lines a file may have: at 300 it is time to ask, at 500 the answer is no.
const LONGEST: usize = 500;

/// A file of ours.
struct Source {
    /// Its path below `src/`.
    path: PathBuf,
    text: String,
}

impl Source {
    /// The layer it is in; none for `lib.rs` and `main.rs`.
    fn layer(&self) -> Option<&str> {
        let mut parts = self.path.iter().filter_map(|part| part.to_str());
        let first = parts.next()?;
        parts.next().map(|_| first)
    }

    fn name(&self) -> String {
        format!("src/{}", self.path.display())
    }

    /// Its lines with their numbers, comments left out.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// How deep its module is: 1 for `model/mod.rs`, 2 for `model/port.rs`, 3 for `model/env_file/tests.rs`.
    fn depth(&self) -> usize {
        let is_mod = self.path.file_name().is_some_and(|name| name == "mod.rs");
        self.path.iter().count() - usize::from(is_mod)
    }

    /// The layers of ours that a line names: by `crate::`, or by as many `super::` as lead out of its own.
    ///
    /// A test module in the file is one level deeper, so one `super::` more or less is taken for the same.
    fn layers_named<'a>(&self, line: &'a str) -> Vec<&'a str> {
        let by_crate = line.split("crate::").skip(1);
        let climbs = |levels: usize| line.split(&*"super::".repeat(levels)).skip(1).collect::<Vec<_>>();
        let by_super = [self.depth(), self.depth() + 1].into_iter().flat_map(climbs);
        by_crate.chain(by_super).flat_map(layers_at).collect()
    }
}

/// The layers that a path begins with: one, or those of a list in braces.
fn layers_at(path: &str) -> Vec<&str> {
    let known = MAY_IMPORT.iter().map(|(layer, _)| *layer);
    let begins = |text: &str, layer: &str| {
        text.strip_prefix(layer)
            .is_some_and(|rest| !rest.starts_with(|char: char| char.is_alphanumeric() || char == '_'))
    };
    let heads: Vec<&str> = match path.strip_prefix('{') {
        Some(list) => list.split(',').map(str::trim).collect(),
        None => vec![path],
    };
    known.filter(|layer| heads.iter().any(|head| begins(head, layer))).collect()
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut directories = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                sources.push(Source { path: path.strip_prefix(&root).unwrap().to_owned(), text });
            }
        }
    }
    assert!(sources.len() > 20, "the sources are not where this test looks");
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    sources
}

#[test]
fn every_layer_imports_only_the_layers_below_it() {
    let rules: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(layer) = source.layer() else { continue };
        let Some(allowed) = rules.get(layer) else {
            wrong.push(format!("{}: the layer {layer} is not in the table of this test", source.name()));
            continue;
        };
        for (number, line) in source.code() {
            for named in source.layers_named(line) {
                if named != layer && !allowed.contains(&named) {
                    wrong.push(format!("{}:{number}: {layer} must not know {named}", source.name()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_main_file_calls_the_command_line_and_nothing_else() {
    let main = sources().into_iter().find(|source| source.path == Path::new("main.rs")).unwrap();
    let calls: Vec<_> = main.code().filter(|(_, line)| line.contains("proc_start::")).collect();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert!(calls[0].1.contains("proc_start::cli::main()"), "{calls:?}");
}

#[test]
fn unsafe_code_is_below_unix_only() {
    let is_unsafe = |line: &str| {
        line.split(|char: char| !char.is_alphanumeric() && char != '_')
            .any(|word| word == "unsafe" || word == "unsafe_code")
    };
    let sources = sources();
    let elsewhere = sources.iter().filter(|source| source.layer() != Some("unix"));
    let found: Vec<String> = elsewhere
        .flat_map(|source| source.code().map(move |(number, line)| (source, number, line)))
        .filter(|(_, _, line)| is_unsafe(line))
        .map(|(source, number, _)| format!("{}:{number}", source.name()))
        .collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn every_file_says_first_what_it_is() {
    let sources = sources();
    let silent = sources.iter().filter(|source| !source.text.starts_with("//! "));
    assert_eq!(silent.map(Source::name).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let sources = sources();
    let long = sources.iter().filter(|source| source.text.lines().count() > LONGEST);
    assert_eq!(long.map(Source::name).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn the_supervisor_names_every_variant_that_it_matches() {
    let tests: BTreeSet<&str> = ["sim", "properties"].into();
    let sources = sources();
    let pure = sources.iter().filter(|source| {
        let mut parts = source.path.iter().skip(1).filter_map(|part| part.to_str());
        let is_of_tests = parts.next().is_some_and(|part| tests.contains(part.trim_end_matches(".rs")));
        source.layer() == Some("supervisor") && !is_of_tests
    });
    let found: Vec<String> = pure
        .flat_map(|source| source.code().map(move |(number, line)| (source, number, line)))
        .filter(|(_, _, line)| line.trim_start().starts_with("_ =>") || line.contains("| _ =>"))
        .map(|(source, number, _)| format!("{}:{number}", source.name()))
        .collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_clock_the_environment_and_tokios_processes_are_named_where_clippy_forbids_them() {
    // What holds the rule "time and environment are arguments" is clippy.toml; this holds clippy.toml.
    let rules = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("clippy.toml")).unwrap();
    for path in [
        "std::time::Instant::now",
        "std::time::SystemTime::now",
        "std::env::var",
        "std::env::vars_os",
        "tokio::process::Command",
    ] {
        assert!(rules.contains(&format!("\"{path}\"")), "{path}");
    }
}

#[test]
fn an_import_is_recognised_however_it_is_written() {
    let source = |path: &str| Source { path: path.into(), text: String::new() };
    for (path, line, expected) in [
        ("model/port.rs", "use crate::engine::Engine;", &["engine"][..]),
        ("model/port.rs", "use crate::{cli, unix::fds};", &["unix", "cli"]),
        ("model/port.rs", "    let x = crate::output::Mux::new();", &["output"]),
        ("model/port.rs", "use super::super::engine::Engine;", &["engine"]),
        ("model/port.rs", "    use super::super::super::engine::Engine;", &["engine"]),
        ("model/mod.rs", "use super::engine;", &["engine"]),
        ("model/port.rs", "use super::policy::Grace;", &[]),
        ("model/port.rs", "use crate::outputs::x;", &[]),
        ("model/port.rs", "use std::collections::BTreeMap;", &[]),
    ] {
        let named: BTreeSet<&str> = source(path).layers_named(line).into_iter().collect();
        assert_eq!(named, expected.iter().copied().collect(), "{line}");
    }
}
