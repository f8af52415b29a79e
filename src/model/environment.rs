//! What an instance sees: `-E`, our own variables, the inherited environment and the env files, in order of precedence.
//!
//! Knows nothing of the real environment; whoever loads hands it over. Values are secrets and in no debug form or error.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::diagnostic::printable;
use super::env_file::{self, EnvFile};
use super::settings::Settings;
use super::template::{Segment, Template};

/// Where a variable has its value from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `-E KEY=VALUE`.
    Set,
    /// What we set ourselves: `PORT`, `PS` and the like.
    Proc,
    /// The environment that we were started in.
    Inherited,
    /// An env file.
    File {
        /// Its index in [`Environment::files`].
        file: usize,
        /// The line in it, from 1.
        line: usize,
    },
}

/// A value, and where it comes from.
#[derive(Clone, PartialEq, Eq)]
pub struct Variable {
    /// The value, variables filled in; bytes that need not be UTF-8 if they were inherited.
    pub value: OsString,
    /// Where it comes from.
    pub origin: Origin,
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variable").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// An env file with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedEnvFile {
    /// As the user named it, for messages.
    pub name: String,
    /// What it holds.
    pub file: EnvFile,
}

/// Everything that the environment of an instance is made of, but what differs from instance to instance.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// `-E`, in the order of the command line; the last one of a name counts.
    pub set: Vec<(String, OsString)>,
    /// The environment that we were started in; the first one of a name counts, as for `getenv`.
    pub inherited: Vec<(OsString, OsString)>,
    /// The env files; later ones beat earlier ones.
    pub files: Vec<NamedEnvFile>,
    /// The files beat the inherited environment (`--env-override`).
    pub files_override: bool,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set: Vec<_> = self.set.iter().map(|(key, _)| key).collect();
        let mut shown = f.debug_struct("Environment");
        shown.field("set", &set).field("inherited", &self.inherited.len());
        shown.field("files", &self.files).field("files_override", &self.files_override).finish()
    }
}

/// The largest value that variables in it may make, in bytes: 1 MiB, eight times what Linux lets a process have.
pub const LARGEST_VALUE: usize = 1024 * 1024;

/// The most bytes that the values of all env files may have together: 6 MiB, what Linux allows arguments and environment.
pub const LARGEST_TOTAL: usize = 6 * 1024 * 1024;

/// Variables that hold variables made an env file grow without bound: `A=$B$B`, forty times over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: the {} with variables filled in", printable(.file), .grown.words())]
pub struct GrowthError {
    /// The file as the user named it.
    pub file: String,
    /// The line of the entry, from 1.
    pub line: usize,
    /// Which limit was passed.
    pub grown: Grown,
}

/// What has grown too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grown {
    /// One value, past [`LARGEST_VALUE`].
    Value,
    /// All values up to and with this one, past [`LARGEST_TOTAL`].
    Total,
}

impl Grown {
    const fn words(self) -> &'static str {
        match self {
            Self::Value => "value grows past 1 MiB",
            Self::Total => "values of the env files grow past 6 MiB",
        }
    }
}

type Variables = BTreeMap<OsString, Variable>;

impl Environment {
    /// That of a process type: with its env files over those of all, and with PWD where it runs.
    #[must_use]
    pub fn of(&self, settings: &Settings) -> Cow<'_, Self> {
        if settings.env_files.is_empty() && settings.working_dir.is_none() {
            return Cow::Borrowed(self);
        }
        let mut environment = self.clone();
        environment.files.extend_from_slice(&settings.env_files);
        if let Some(directory) = &settings.working_dir {
            environment.move_to(directory);
        }
        Cow::Owned(environment)
    }

    /// Whether a variable of this name is set, if only to nothing, without what we set ourselves.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let mut entries = self.files.iter().flat_map(|named| &named.file.entries);
        self.set.iter().any(|(key, _)| key == name)
            || self.inherited.iter().any(|(key, _)| key == name)
            || entries.any(|entry| entry.key == name)
    }

    /// Has an inherited PWD say this, as it does after a `cd`.
    pub fn move_to(&mut self, directory: &Path) {
        for (_, value) in self.inherited.iter_mut().filter(|(name, _)| name == "PWD") {
            directory.as_os_str().clone_into(value);
        }
    }

    /// The variables of an instance, given the ones that we set for it; only env files have variables filled in.
    ///
    /// An entry sees what the process would see if the file ended before it: the layers above and below the files, and
    /// the entries so far.
    pub fn resolve(&self, ours: &[(String, String)]) -> Result<BTreeMap<OsString, Variable>, GrowthError> {
        let inherited = layer(Origin::Inherited, self.inherited.iter().rev().cloned());
        let (mut above, mut below) =
            if self.files_override { (Variables::new(), inherited) } else { (inherited, Variables::new()) };
        above.extend(layer(Origin::Proc, ours.iter().map(|(key, value)| (key.into(), value.into()))));
        above.extend(layer(Origin::Set, self.set.iter().map(|(key, value)| (key.into(), value.clone()))));
        let files = self.fill_in(&above, &below)?;
        below.extend(files);
        below.extend(above);
        Ok(below)
    }

    /// The variables of all env files.
    fn fill_in(&self, above: &Variables, below: &Variables) -> Result<Variables, GrowthError> {
        let mut variables = Variables::new();
        let mut total = 0;
        for (file, named) in self.files.iter().enumerate() {
            for entry in &named.file.entries {
                let layers = [above, &variables, below];
                let mut value = Vec::new();
                let limit = LARGEST_VALUE.min(LARGEST_TOTAL - total);
                expand(&entry.value, &layers, limit, &mut value).map_err(|Full| GrowthError {
                    file: named.name.clone(),
                    line: entry.line,
                    grown: if limit == LARGEST_VALUE { Grown::Value } else { Grown::Total },
                })?;
                total += value.len();
                let origin = Origin::File { file, line: entry.line };
                let variable = Variable { value: OsString::from_vec(value), origin };
                variables.insert(entry.key.clone().into(), variable);
            }
        }
        Ok(variables)
    }

    /// The origin in words: `-E`, `proc`, `environment`, `.env:3`.
    #[must_use]
    pub fn describe(&self, origin: &Origin) -> String {
        match origin {
            Origin::Set => "-E".to_owned(),
            Origin::Proc => "proc".to_owned(),
            Origin::Inherited => "environment".to_owned(),
            Origin::File { file, line } => {
                let name = self.files.get(*file).map_or("env file", |named| &named.name);
                format!("{}:{line}", printable(name))
            }
        }
    }
}

/// Variables that all have the same origin; the last one of a name counts.
fn layer(origin: Origin, pairs: impl Iterator<Item = (OsString, OsString)>) -> Variables {
    pairs.map(|(key, value)| (key, Variable { value, origin })).collect()
}

/// A value has reached its limit.
struct Full;

/// Writes a template with variables filled in; unset is empty, and the recursion is as deep as the template.
fn expand(template: &Template, layers: &[&Variables], limit: usize, value: &mut Vec<u8>) -> Result<(), Full> {
    for segment in template.segments() {
        let bytes = match segment {
            Segment::Literal(text) => text.as_bytes(),
            Segment::Variable { name, default } => {
                let name = OsStr::new(name);
                let found = layers.iter().find_map(|layer| layer.get(name));
                let bytes = found.map_or(&[][..], |variable| variable.value.as_bytes());
                if let Some(default) = default
                    && bytes.is_empty()
                {
                    expand(default, layers, limit, value)?;
                }
                bytes
            }
        };
        if bytes.len() > limit - value.len() {
            return Err(Full);
        }
        value.extend_from_slice(bytes);
    }
    Ok(())
}

/// An argument of `-E` that is no `KEY=VALUE`; never says what the value is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// No `=`; the text is not shown, for it may be a value whose key was forgotten.
    #[error("no `=`: write KEY=VALUE")]
    NoEquals,
    /// Nothing before the `=`.
    #[error("no key before the `=`: write KEY=VALUE")]
    NoKey,
    /// Something before the `=` that is no key; shown only if it looks like one.
    #[error("{} is not a key: {}", Shown(.0.as_deref()), env_file::KEY_RULE)]
    BadKey(Option<String>),
    /// A NUL byte, which no environment can hold.
    #[error("a NUL byte")]
    Nul,
}

/// A key in backquotes, or what stands for one that may not be shown.
struct Shown<'a>(Option<&'a str>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(key) => write!(f, "`{key}`"),
            None => f.write_str("what is before the `=`"),
        }
    }
}

/// Reads the `KEY=VALUE` of `-E`; the value is taken as it is, quotes, blanks, dollars and all.
pub fn parse_set(text: &OsStr) -> Result<(String, OsString), SetError> {
    let bytes = text.as_bytes();
    let equals = memchr::memchr(b'=', bytes).ok_or(SetError::NoEquals)?;
    let (key, value) = (String::from_utf8_lossy(&bytes[..equals]), &bytes[equals + 1..]);
    if bytes.contains(&0) {
        return Err(SetError::Nul);
    }
    if key.is_empty() {
        return Err(SetError::NoKey);
    }
    if !env_file::is_key(&key) {
        return Err(SetError::BadKey(env_file::is_plausible_key(&key).then(|| printable(&key))));
    }
    Ok((key.into_owned(), OsStr::from_bytes(value).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> NamedEnvFile {
        NamedEnvFile { name: ".env".into(), file: env_file::parse(text.as_bytes()).unwrap() }
    }

    fn environment(set: &[(&str, &str)], inherited: &[(&str, &str)], files: &[&str]) -> Environment {
        Environment {
            set: set.iter().map(|(key, value)| ((*key).into(), value.into())).collect(),
            inherited: inherited.iter().map(|(key, value)| (key.into(), value.into())).collect(),
            files: files.iter().map(|text| file(text)).collect(),
            files_override: false,
        }
    }

    /// The value of `K` and its origin in words; our variables are `OURS` and `PORT`.
    fn value_of_k(environment: &Environment) -> (String, String) {
        let ours = [("OURS".to_owned(), "o".to_owned()), ("PORT".to_owned(), "5000".to_owned())];
        let resolved = environment.resolve(&ours).unwrap();
        let variable = &resolved[OsStr::new("K")];
        (variable.value.to_str().unwrap().to_owned(), environment.describe(&variable.origin))
    }

    #[test]
    fn each_layer_beats_the_ones_below_it() {
        let mut layers =
            environment(&[("K", "s"), ("K", "set")], &[("K", "env"), ("K", "e2")], &["K=f", "\nK=1\nK=2"]);
        assert_eq!(value_of_k(&layers), ("set".into(), "-E".into()));
        layers.set.clear();
        assert_eq!(value_of_k(&layers), ("env".into(), "environment".into()));
        layers.files_override = true;
        assert_eq!(value_of_k(&layers), ("2".into(), ".env:3".into()));
        layers.files.pop();
        assert_eq!(value_of_k(&layers), ("f".into(), ".env:1".into()));
        layers.files.clear();
        assert_eq!(value_of_k(&layers), ("env".into(), "environment".into()));
        let ours = [("K".to_owned(), "ours".to_owned())];
        for files_override in [false, true] {
            let layers = Environment { files_override, ..environment(&[], &[("K", "env")], &["K=file"]) };
            let resolved = layers.resolve(&ours).unwrap();
            assert_eq!(resolved[OsStr::new("K")], Variable { value: "ours".into(), origin: Origin::Proc });
        }
    }

    #[test]
    fn a_value_of_a_file_sees_what_the_process_would_see_so_far() {
        for (set, inherited, files, value, overridden) in [
            (&[][..], &[][..], &["K=[$A]"][..], "[]", "[]"),
            (&[], &[("A", "e")], &["K=$A"], "e", "e"),
            (&[], &[("A", "e")], &["A=f\nK=$A"], "e", "f"),
            (&[("A", "s")], &[("A", "e")], &["A=f\nK=$A"], "s", "s"),
            (&[], &[], &["A=1\nA=2\nK=$A\nA=3"], "2", "2"),
            (&[], &[], &["A=1", "K=$A$PORT"], "15000", "15000"),
            (&[], &[], &["PORT=1\nK=$PORT"], "5000", "5000"),
            (&[], &[], &["K=a\nK=${K}b"], "ab", "ab"),
            (&[], &[("K", "e")], &["K=$K:f"], "e", "e:f"),
            (&[("A", "$B"), ("B", "b")], &[], &["K=$A"], "$B", "$B"),
            (&[], &[], &["A='$B'\nB=b\nK=$A"], "$B", "$B"),
        ] {
            let mut layers = environment(set, inherited, files);
            assert_eq!(value_of_k(&layers).0, value, "{files:?}");
            layers.files_override = true;
            assert_eq!(value_of_k(&layers).0, overridden, "{files:?} override");
        }
    }

    #[test]
    fn a_default_stands_for_what_is_unset_or_empty() {
        for (text, value) in [
            ("K=${A:-d}", "d"),
            ("A=\nK=${A:-d}", "d"),
            ("A=a\nK=${A:-d}", "a"),
            ("B=b\nK=${A:-[$B${C:-c}]}", "[bc]"),
            ("K=${A:-}", ""),
        ] {
            assert_eq!(value_of_k(&environment(&[], &[], &[text])).0, value, "{text}");
        }
    }

    #[test]
    fn a_process_type_has_its_files_over_those_of_all_and_pwd_says_where_it_runs() {
        let all = environment(&[], &[("PWD", "/app")], &["K=all\nOTHER=x\n"]);
        assert_eq!(*all.of(&Settings::default()), all);
        let own = Settings {
            env_files: vec![file("K=own-$OTHER\n")],
            working_dir: Some("/app/web".into()),
            ..Settings::default()
        };
        let resolved = all.of(&own).resolve(&[]).unwrap();
        assert_eq!(resolved[OsStr::new("K")].value, "own-x");
        assert_eq!(resolved[OsStr::new("PWD")].value, "/app/web");
    }

    #[test]
    fn bytes_that_are_not_utf8_come_through() {
        let bytes = OsString::from_vec(b"\xff\xfe".to_vec());
        let mut layers = environment(&[], &[], &["K=<$RAW>"]);
        layers.inherited.push(("RAW".into(), bytes.clone()));
        let resolved = layers.resolve(&[]).unwrap();
        assert_eq!(resolved[OsStr::new("K")].value.as_bytes(), b"<\xff\xfe>");
        assert_eq!(resolved[OsStr::new("RAW")].value, bytes);
    }

    #[test]
    fn a_value_that_doubles_itself_over_and_over_is_an_error() {
        let text = "K=x\n".to_owned() + &"K=$K$K\n".repeat(40);
        let error = environment(&[], &[], &[&text]).resolve(&[]).unwrap_err();
        insta::assert_snapshot!(error, @".env:22: the value grows past 1 MiB with variables filled in");
    }

    #[test]
    fn many_large_values_are_an_error_as_well() {
        let text = format!("A={}\n{}", "x".repeat(500_000), "B=$A\n".repeat(20));
        let error = environment(&[], &[], &[&text]).resolve(&[]).unwrap_err();
        insta::assert_snapshot!(error, @".env:13: the values of the env files grow past 6 MiB with variables filled in");
    }

    #[test]
    fn no_debug_form_shows_a_value() {
        let mut layers = environment(&[("A", "hunter2")], &[("B", "hunter2")], &["C=hunter2"]);
        layers.inherited.push(("D".into(), "hunter2".into()));
        let shown = format!("{layers:?} {:?}", layers.resolve(&[]));
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_set_argument_is_a_key_and_a_raw_value() {
        for (text, key, value) in [
            ("K=v", "K", "v"),
            ("K=", "K", ""),
            ("a.b-c=x=y", "a.b-c", "x=y"),
            ("K= '$A' # ", "K", " '$A' # "),
        ] {
            assert_eq!(parse_set(text.as_ref()), Ok((key.into(), value.into())), "{text}");
        }
    }

    #[test]
    fn a_wrong_set_argument_is_named_without_its_value() {
        let shown: Vec<_> = ["hunter2", "=hunter2", "1K=hunter2", "K =hunter2", "hunter2/+=x", "K=\0hunter2"]
            .map(|text| parse_set(text.as_ref()).unwrap_err().to_string())
            .into();
        insta::assert_snapshot!(shown.join("\n"), @"
        no `=`: write KEY=VALUE
        no key before the `=`: write KEY=VALUE
        `1K` is not a key: a key has letters, digits, `_`, `.` and `-`, and begins with a letter or `_`
        `K ` is not a key: a key has letters, digits, `_`, `.` and `-`, and begins with a letter or `_`
        what is before the `=` is not a key: a key has letters, digits, `_`, `.` and `-`, and begins with a letter or `_`
        a NUL byte
        ");
    }
}
