//! Reads real env files, and compares with what python-dotenv and dotenvy make of them.
//!
//! The files stand in `../shared/corpus`, or where `PROC_CORPUS` says; without them there is nothing to compare. They
//! are not ours and their values may be secrets: only names of files and keys are kept here and shown.
#![expect(clippy::disallowed_methods, reason = "it reads files of its own and is told where they are")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what stands outside `#[test]` is test code, too"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use proc_start::model::env_file::{self, EnvFile, EnvFileError};
use proc_start::model::environment::{Environment, NamedEnvFile};
use proc_start::model::second_opinion;

#[path = "corpus_env/known.rs"]
mod known;

use known::{DOTENVY, PYTHON, REFUSED};

/// What a reader makes of a file; no value: a key without `=`.
type Values = BTreeMap<String, Option<String>>;

/// File and key of a difference; no key: the reader stopped somewhere in the file.
type Place = (String, Option<String>);

/// A place that is known to differ, and why.
type Known = (&'static str, Option<&'static str>, &'static str);

/// The folder of the corpus, if it is there.
fn corpus() -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folder = env::var_os("PROC_CORPUS").map_or_else(default, PathBuf::from);
    let found = folder.join("envfiles").is_dir();
    if !found {
        println!("skipped: no corpus in {}", folder.display());
    }
    found.then_some(folder)
}

/// Every env file of the corpus by its name.
fn files(corpus: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(corpus.join("envfiles")).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

/// What we make of a file in an empty environment; none if we refuse it.
fn ours(bytes: &[u8]) -> Option<Values> {
    let file = env_file::parse(bytes).ok()?;
    let files = vec![NamedEnvFile { name: ".env".into(), file }];
    let resolved = Environment { files, ..Environment::default() }.resolve(&[]).unwrap();
    let utf8 = |text: &OsStr| text.to_str().unwrap().to_owned();
    Some(resolved.iter().map(|(key, variable)| (utf8(key), Some(utf8(&variable.value)))).collect())
}

/// What dotenvy makes of a file, and whether it stopped before the end. It fills in what is in its own environment: in a program of its
/// own that is nothing.
fn dotenvy(path: &Path) -> (Values, bool) {
    let program = Path::new(env!("CARGO_BIN_EXE_proc")).with_file_name("examples").join("dotenvy");
    let output = Command::new(program).stdin(fs::File::open(path).unwrap()).env_clear().output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The keys that two readers of one file disagree on.
fn differing(ours: &Values, theirs: &Values) -> Vec<String> {
    let keys: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    keys.into_iter().filter(|key| ours.get(*key) != theirs.get(*key)).cloned().collect()
}

/// Fails unless what was found is what is known, both ways.
fn assert_known<T: Ord + Debug>(found: &BTreeSet<T>, known: &BTreeSet<T>) {
    let unlisted: Vec<_> = found.difference(known).collect();
    let gone: Vec<_> = known.difference(found).collect();
    assert!(
        unlisted.is_empty() && gone.is_empty(),
        "not listed: {unlisted:#?}\nlisted, but the same: {gone:#?}"
    );
}

fn places(known: &[Known]) -> BTreeSet<Place> {
    let places = known.iter().map(|(file, key, _)| ((*file).to_owned(), key.map(ToOwned::to_owned)));
    let set: BTreeSet<_> = places.collect();
    assert_eq!(set.len(), known.len(), "something is listed twice");
    set
}

#[test]
fn the_files_that_we_refuse_are_known() {
    let Some(corpus) = corpus() else { return };
    let mut found = BTreeSet::new();
    for (name, bytes) in files(&corpus) {
        for error in env_file::parse(&bytes).err().into_iter().flatten() {
            found.insert((name.clone(), kind(error.kind)));
        }
    }
    let known =
        REFUSED.iter().flat_map(|(file, kinds, _)| kinds.iter().map(|kind| ((*file).to_owned(), *kind)));
    assert_known(&found, &known.collect());
}

/// The name of a kind of error.
const fn kind(kind: EnvFileError) -> &'static str {
    match kind {
        EnvFileError::TooLarge => "too large",
        EnvFileError::NotUtf8 => "not UTF-8",
        EnvFileError::Nul => "NUL",
        EnvFileError::NoEquals => "no =",
        EnvFileError::Colon => "colon",
        EnvFileError::NoKey => "no key",
        EnvFileError::BadKey => "bad key",
        EnvFileError::Unclosed(_) => "unclosed quote",
        EnvFileError::AfterQuote { .. } => "text after quote",
        EnvFileError::TooDeep => "too deep",
    }
}

#[test]
fn the_differences_from_python_dotenv_are_known() {
    let Some(corpus) = corpus() else { return };
    let readings = fs::read(corpus.join("readings/envfiles.json")).unwrap();
    let readings: BTreeMap<String, Values> = serde_json::from_slice(&readings).unwrap();
    let files = files(&corpus);
    let names = |name: &String| name.clone();
    let read: BTreeSet<_> = readings.keys().map(names).collect();
    assert_known(&files.keys().map(names).collect(), &read);
    let mut found = BTreeSet::new();
    for (name, bytes) in &files {
        let Some(ours) = ours(bytes) else { continue };
        found.extend(differing(&ours, &readings[name]).into_iter().map(|key| (name.clone(), Some(key))));
    }
    assert_known(&found, &places(PYTHON));
}

/// Runs itself without an environment, since dotenvy prefers that to what a file says.
#[test]
fn the_differences_from_dotenvy_are_known() {
    let Some(corpus) = corpus() else { return };
    let mut found = BTreeSet::new();
    for (name, bytes) in files(&corpus) {
        let Some(ours) = ours(&bytes) else { continue };
        let (theirs, stopped) = dotenvy(&corpus.join("envfiles").join(&name));
        let compared = |key: &String| !stopped || theirs.contains_key(key);
        let keys = differing(&ours, &theirs).into_iter().filter(compared);
        found.extend(keys.map(|key| (name.clone(), Some(key))));
        found.extend(stopped.then(|| (name.clone(), None)));
    }
    assert_known(&found, &places(DOTENVY));
}

#[test]
fn every_file_that_dotenvy_reads_otherwise_raises_a_doubt_and_no_other_file_does() {
    let Some(corpus) = corpus() else { return };
    let mut doubted = BTreeSet::new();
    for (name, bytes) in files(&corpus) {
        let Ok(file) = env_file::parse(&bytes) else { continue };
        doubted.extend(doubts(&bytes, &file).then_some(name));
    }
    let known = DOTENVY.iter().map(|(file, ..)| (*file).to_owned()).collect();
    assert_known(&doubted, &known);
}

/// Whether the second opinion differs anywhere; a duplicate with the same value is no difference here.
fn doubts(bytes: &[u8], file: &EnvFile) -> bool {
    let first = |key: &str| file.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
    let last = |key: &str| file.entries.iter().rfind(|entry| entry.key == key).map(|entry| &entry.value);
    second_opinion::differences(str::from_utf8(bytes).unwrap(), file).iter().any(|doubt| match doubt.kind {
        second_opinion::Doubt::Differs(_) | second_opinion::Doubt::Refused(_) => true,
        second_opinion::Doubt::Duplicate { .. } => {
            let entry = file.entries.iter().find(|entry| entry.span.start == doubt.span.start).unwrap();
            first(&entry.key) != last(&entry.key)
        }
    })
}
