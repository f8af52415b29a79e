//! `.env.example` as a contract (factor III): which variables an app needs, and which it knows.
//!
//! A name without a value has to be set wherever the app runs. One with a value shows what it may look like, and one in a comment
//! (`# NAME=…`) may be set. Only names are kept: whoever puts a secret into an example has not asked us to repeat it.

use super::env_file::{self, EnvFile};
use super::environment::NamedEnvFile;
use std::collections::{BTreeMap, BTreeSet};

/// What `.env.example` says of the variables of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// The file as it is shown.
    pub name: String,
    /// Who has to be set, in file order.
    required: Vec<Clause>,
    /// Everybody it names.
    known: BTreeSet<String>,
}

/// A variable and the line that it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// Its name.
    pub variable: String,
    /// The line, from 1.
    pub line: usize,
}

impl Contract {
    /// Makes a contract of an example: the text, and what was read of it. Of a name that is there twice the last line counts, as in any env file.
    #[must_use]
    pub fn new(name: String, text: &str, file: &EnvFile) -> Self {
        let last: BTreeMap<&str, usize> =
            file.entries.iter().map(|entry| (entry.key.as_str(), entry.line)).collect();
        let is_required = |entry: &&env_file::Entry| {
            entry.value.as_literal() == Some("") && last.get(entry.key.as_str()) == Some(&entry.line)
        };
        let clause = |entry: &env_file::Entry| Clause { variable: entry.key.clone(), line: entry.line };
        let required = file.entries.iter().filter(is_required).map(clause).collect();
        let named = file.entries.iter().map(|entry| entry.key.as_str());
        let known = named.chain(text.lines().filter_map(named_in_comment)).map(str::to_owned).collect();
        Self { name, required, known }
    }

    /// Who has to be set and is not.
    pub fn missing(&self, is_set: impl Fn(&str) -> bool) -> impl Iterator<Item = &Clause> {
        self.required.iter().filter(move |clause| !is_set(&clause.variable))
    }

    /// Who is in an env file although the contract does not know of it; each once.
    pub fn unknown<'a>(&self, file: &'a NamedEnvFile) -> impl Iterator<Item = Clause> + use<'a, '_> {
        let mut said = BTreeSet::new();
        let is_new = move |entry: &&'a env_file::Entry| {
            !self.known.contains(&entry.key) && said.insert(entry.key.as_str())
        };
        let clause = |entry: &env_file::Entry| Clause { variable: entry.key.clone(), line: entry.line };
        file.file.entries.iter().filter(is_new).map(clause)
    }
}

/// The name in `# NAME=value`: a line that was put out of use, or never was in it.
fn named_in_comment(line: &str) -> Option<&str> {
    let (key, _) = line.trim_start().strip_prefix('#')?.split_once('=')?;
    let key = key.trim();
    let key = key.strip_prefix("export ").map_or(key, str::trim_start);
    env_file::is_key(key).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, text: &str) -> NamedEnvFile {
        NamedEnvFile { name: name.into(), file: env_file::parse(text.as_bytes()).unwrap() }
    }

    fn contract(text: &str) -> Contract {
        Contract::new(".env.example".into(), text, &named("", text).file)
    }

    fn shown(clauses: impl Iterator<Item = Clause>) -> String {
        clauses.map(|clause| format!("{}:{}", clause.variable, clause.line)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_name_without_a_value_has_to_be_set() {
        for (text, missing) in [
            ("A=", "A:1"),
            ("A=   # what it is for\nexport B=\n", "A:1 B:2"),
            ("A=\"\"\nB=''\n", "A:1 B:2"),
            ("A=example\nB=${C}\nC='#'\n", ""),
            ("# A=\n\n", ""),
            ("A=\nA=1\n", ""),
            ("A=1\nA=\n", "A:2"),
            ("A='\n'\nB=\n", "B:3"),
        ] {
            assert_eq!(shown(contract(text).missing(|_| false).cloned()), missing, "{text:?}");
        }
        assert_eq!(shown(contract("A=\nB=\n").missing(|name| name == "A").cloned()), "B:2");
    }

    #[test]
    fn whoever_is_in_no_line_and_no_comment_is_unknown_and_said_once() {
        let contract = contract("A=\nB=1\n# C=1\n#export D=\n# a sentence; e=mc2 is none\n");
        let file = named(".env", "A=1\nE=1\nB=2\nC=3\nD=4\nF=5\nE=2\n");
        assert_eq!(shown(contract.unknown(&file)), "E:2 F:6");
    }

    #[test]
    fn no_debug_form_shows_a_value() {
        let shown = format!("{:?}", contract("A=hunter2\n# B=hunter2\nC=\n"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
