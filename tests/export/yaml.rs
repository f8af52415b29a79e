//! YAML that was written, as `PyYAML` reads it (YAML 1.1), and apps with anything in them.

use super::support::{proc_export, say};
use proc_start::model::command::{Command as Line, Invocation};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How many arbitrary apps are exported.
const APPS: usize = 40;

/// Prints each document of the files that it is given as JSON, one a line, or nothing where a file has none.
const READER: &str = "
import json, sys, yaml
for path in sys.stdin.read().split('\\0'):
    with open(path, encoding='utf-8', newline='') as file:
        print(json.dumps(yaml.safe_load(file.read())))
";

/// Whether `PyYAML` is there; if not, says that `test` is skipped.
pub(super) fn has_pyyaml(test: &str) -> bool {
    let status = Command::new("python3")
        .args(["-c", "import yaml"])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .status();
    let is_there = status.is_ok_and(|status| status.success());
    if !is_there {
        assert!(std::env::var_os("CI").is_none(), "PyYAML is not installed, and CI is set");
        say(&format!("skipped: {test}: PyYAML is not installed"));
    }
    is_there
}

/// What `PyYAML` reads in these files, each of which has one document.
pub(super) fn documents(files: impl Iterator<Item = PathBuf>) -> Vec<serde_json::Value> {
    let files: Vec<String> = files.map(|file| file.display().to_string()).collect();
    let list = tempfile::NamedTempFile::new().unwrap();
    fs::write(list.path(), files.join("\0")).unwrap();
    let output = Command::new("python3")
        .args(["-c", READER])
        .stdin(list.reopen().unwrap())
        .output()
        .expect("python3 can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Vec<serde_json::Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(read.len(), files.len());
    read
}

/// An app that was made up and exported.
pub(super) struct Arbitrary {
    pub(super) directory: PathBuf,
    /// The words that each process type is to run.
    pub(super) commands: BTreeMap<String, Vec<String>>,
    /// The variables of all.
    pub(super) variables: BTreeMap<String, String>,
}

/// Exports apps with arbitrary names, commands and values.
pub(super) fn arbitrary_apps(target: &str, scratch: &Path) -> Vec<Arbitrary> {
    let text =
        "[-a-z0-9$(){}'\":#%&*!|>?@`, =~.\\\\]{1,30}|[^\\x00\n\r]{1,40}|yes|12:30|1e3|~|2001-01-01|<<|0o7";
    let value = "[-a-z0-9$(){}'\":#%&*!|>?@`, =~.\\\\\n\t]{0,30}|[^\\x00]{0,40}|on|12:30:45|null|=|012|1_000";
    let commands = proptest::collection::btree_map("[a-z][a-zA-Z0-9]{0,11}", text, 1..4);
    let variables = proptest::collection::btree_map("[A-Z][A-Z0-9_]{0,3}_X|N|Y|ON", value, 0..6);
    let mut runner = TestRunner::deterministic();
    let mut apps = Vec::new();
    while apps.len() < APPS {
        let tree = (&commands, &variables).new_tree(&mut runner).unwrap();
        let (commands, variables) = tree.current();
        apps.extend(export(target, &scratch.join(apps.len().to_string()), commands, variables));
    }
    apps
}

/// Exports one; none where a line was no command, or two names are one to the target.
fn export(
    target: &str,
    root: &Path,
    lines: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
) -> Option<Arbitrary> {
    let lines: BTreeMap<String, String> = lines
        .into_iter()
        .map(|(name, line)| (name, line.trim().to_owned()))
        // A line that ends with `\\` goes on in the next.
        .filter(|(_, line)| !line.is_empty() && !line.ends_with('\\'))
        .collect();
    let small: BTreeSet<String> = lines.keys().map(|name| name.to_lowercase()).collect();
    if lines.is_empty() || small.len() < lines.len() {
        return None;
    }
    let _ = fs::remove_dir_all(root);
    fs::create_dir(root).unwrap();
    let procfile: String = lines.iter().map(|(name, line)| [name, ": ", line, "\n"].concat()).collect();
    fs::write(root.join("Procfile"), procfile).unwrap();
    let directory = root.join("out");
    let mut words = vec![target.to_owned(), directory.display().to_string(), "-d".to_owned()];
    words.extend([root.display().to_string(), "--include-secret-values".to_owned()]);
    words.extend(["--image".to_owned(), "r/a:1".to_owned(), "-a".to_owned(), "app".to_owned()]);
    for (name, value) in &variables {
        words.extend(["-E".to_owned(), format!("{name}={value}")]);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = proc_export(&words);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let commands = lines.into_iter().map(|(name, line)| (name, expected(&line))).collect();
    Some(Arbitrary { directory, commands, variables })
}

/// What a container is to run for a line of a Procfile.
fn expected(line: &str) -> Vec<String> {
    let command = Line::new(line);
    match command.invocation() {
        Invocation::Direct(words) => words.into_iter().map(|word| word.into_string().unwrap()).collect(),
        Invocation::Shell(text) => {
            let text = command.in_place_of_the_shell().unwrap_or(text);
            vec!["/bin/sh".to_owned(), "-c".to_owned(), text]
        }
    }
}

/// Words that were read, without the escapes of the target.
pub(super) fn unescaped(words: &serde_json::Value, unescape: fn(&str) -> String) -> Vec<String> {
    words.as_array().unwrap().iter().map(|word| unescape(word.as_str().unwrap())).collect()
}
