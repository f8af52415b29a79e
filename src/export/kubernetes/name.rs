//! Names as Kubernetes has them (RFC 1123): small letters, digits and `-`, 63 at most.

use super::is_written;
use crate::export::app::App;
use crate::export::draft::Draft;
use std::collections::BTreeMap;

/// The longest label, in bytes: of names of Services, and of the labels that have the name of a Job or a Deployment in them.
const LONGEST: usize = 63;

/// What is put behind the longest name of all: `-` and a digest.
const DIGEST: usize = 9;

/// What the process types are called, in their order. Those that are written and cannot be called anything, or like another, are refused.
pub(super) fn names(app: &App, draft: &mut Draft) -> Vec<String> {
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    let mut names = Vec::new();
    for process in &app.processes {
        let name = label(&process.name);
        names.push(name.clone());
        if !is_written(process) {
            continue;
        }
        let rename = Some("rename one of the process types");
        if name.is_empty() {
            let why = "Kubernetes has no name for it: that has small letters, digits and `-`";
            draft.refuse(Some(&process.name), "name", why, Some("rename the process type"));
        } else if let Some(other) = taken.insert(name.clone(), &process.name) {
            let why = format!("Kubernetes has one name, {name}, for it and {other}");
            draft.refuse(Some(&process.name), "name", why, rename);
        }
        if app.name.len() + 1 + name.len() + DIGEST > LONGEST {
            let why = format!("{}-{name} is too long for a name in Kubernetes ({LONGEST} bytes)", app.name);
            draft.refuse(Some(&process.name), "name", why, Some("give the app a shorter one: --app"));
        }
    }
    names
}

/// The name of a process type as a label; empty where nothing is left of it.
fn label(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-").trim_matches('-').to_owned()
}

/// Whether a `ConfigMap` can have a variable by this name that a container then gets.
pub(super) fn is_variable(name: &str) -> bool {
    name.len() <= 253
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        && !name.starts_with(|char: char| char.is_ascii_digit())
        && name != "."
        && !name.starts_with("..")
        && !name.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_type_becomes_a_label() {
        for (name, expected) in
            [("web", "web"), ("Side_kiq", "side-kiq"), ("-a-", "a"), ("_", ""), ("1", "1"), ("--", "")]
        {
            assert_eq!(label(name), expected);
        }
    }

    #[test]
    fn the_names_of_variables_are_those_of_config_maps() {
        for (name, expected) in
            [("A_1", true), ("a.b-c", true), ("1A", false), ("..", false), ("A B", false), ("", false)]
        {
            assert_eq!(is_variable(name), expected, "{name}");
        }
    }
}
