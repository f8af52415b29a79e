//! Real Procfiles of public projects, each read as its recorded reading says (the family's rule, `^([A-Za-z0-9_-]+):\s*(.+)$`).
//!
//! The files are not part of this repository: they lie in `../shared/corpus`, or where `PROC_CORPUS` says. Without them there is nothing
//! to test, and the test says so.

#![expect(clippy::print_stdout, reason = "what stands outside `#[test]` is test code, too")]

use proc_start::model::procfile::{self, ProcfileError};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Process types as pairs of name and command.
type Pairs = Vec<(String, String)>;

/// Why a file is read otherwise than recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// A `\` at the end of a line continues it; the others hand the `\` to the shell and ignore the next line.
    Continuation,
    /// White space before the colon or before the name is accepted with a warning; the others ignore the line.
    Blank,
    /// A name that stands twice is an error; the others run both, the first or the last.
    Duplicate,
}

/// Every file that is read otherwise than recorded.
const DIFFERENCES: &[(&str, Reason)] = &[
    ("INDEX__10142598606__Procfile.procfile", Reason::Blank),
    ("INDEX__10142598606__Procfile.procfile", Reason::Duplicate),
    ("INDEX__14887272738__Procfile.procfile", Reason::Blank),
    ("INDEX__14887272738__Procfile.procfile", Reason::Duplicate),
    ("INDEX__17102490176__Procfile.procfile", Reason::Blank),
    ("INDEX__17102490176__Procfile.procfile", Reason::Duplicate),
    ("INDEX__21225413469__Procfile.procfile", Reason::Duplicate),
    ("INDEX__31021983797__Procfile.procfile", Reason::Duplicate),
    ("INDEX__37195725461__Procfile.procfile", Reason::Duplicate),
    ("INDEX__37297594842__Procfile.procfile", Reason::Duplicate),
    ("INDEX__44707639467__Procfile.procfile", Reason::Blank),
    ("INDEX__44707639467__Procfile.procfile", Reason::Duplicate),
    ("INDEX__45659262890__Procfile.procfile", Reason::Duplicate),
    ("INDEX__46164895840__Procfile.procfile", Reason::Duplicate),
    ("INDEX__8385523527__Procfile.procfile", Reason::Blank),
    (
        "cookiecutter__cookiecutter-django__{{cookiecutter.project_slug}}__Procfile.procfile",
        Reason::Duplicate,
    ),
    ("dokku__dokku__tests__apps__dockerfile-procfile-bad__Procfile.procfile", Reason::Duplicate),
    ("gliderlabs__herokuish__tests__unit__fixtures-merge-conflict__Procfile.procfile", Reason::Duplicate),
];

#[test]
fn every_procfile_of_the_corpus_is_read_as_recorded() {
    let Some(corpus) = corpus() else { return };
    let readings: BTreeMap<String, Pairs> =
        serde_json::from_str(&read(&corpus.join("readings/procfiles.json"))).expect("readings");
    let mut found = BTreeSet::new();
    for (file, recorded) in &readings {
        let bytes = read(&corpus.join("procfiles").join(file)).into_bytes();
        let reading = procfile::parse(&bytes);
        let types: Pairs =
            reading.types.iter().map(|each| (each.name.clone(), each.command.text().to_owned())).collect();
        found.extend(reasons(&reading, &types, recorded).into_iter().map(|reason| (file.clone(), reason)));
    }
    let listed: BTreeSet<_> =
        DIFFERENCES.iter().map(|(file, reason)| ((*file).to_owned(), *reason)).collect();
    assert_eq!(found, listed, "{} files", readings.len());
    println!("{} Procfiles, {} differences, all listed", readings.len(), listed.len());
}

/// Why a reading is not the recorded one; none if it is.
fn reasons(reading: &procfile::Reading, types: &Pairs, recorded: &Pairs) -> BTreeSet<Reason> {
    let reason = |kind: &ProcfileError| match kind {
        ProcfileError::BlankAroundName => Some(Reason::Blank),
        ProcfileError::Duplicate { .. } => Some(Reason::Duplicate),
        ProcfileError::NoProcesses
        | ProcfileError::Junk
        | ProcfileError::NoCommand(_)
        | ProcfileError::LongName
        | ProcfileError::NotUtf8
        | ProcfileError::Nul
        | ProcfileError::TooLarge
        | ProcfileError::NothingToContinue => None,
    };
    let mut reasons: BTreeSet<Reason> =
        reading.problems.iter().filter_map(|problem| reason(&problem.kind)).collect();
    reasons.extend(types.iter().any(|(_, command)| command.contains('\n')).then_some(Reason::Continuation));
    let names = |pairs: &Pairs| pairs.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>();
    if reasons.is_empty() {
        assert_eq!(types, recorded);
    } else if reasons.iter().all(|reason| *reason == Reason::Duplicate) {
        assert_eq!(*types, firsts(recorded));
    } else {
        assert!(names(types).is_superset(&names(recorded)), "{types:?} {recorded:?}");
    }
    reasons
}

/// The first of each name.
fn firsts(pairs: &Pairs) -> Pairs {
    let mut names = BTreeSet::new();
    pairs.iter().filter(|(name, _)| names.insert(name.clone())).cloned().collect()
}

/// The folder of the corpus, if it is there.
#[expect(clippy::disallowed_methods, reason = "the tests may be told where their data is")]
fn corpus() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus");
    let corpus = std::env::var_os("PROC_CORPUS").map_or_else(|| beside.into(), PathBuf::from);
    if corpus.is_dir() {
        return Some(corpus);
    }
    println!("skipped: there is no corpus at {}", corpus.display());
    None
}

#[expect(clippy::disallowed_methods, reason = "the files of the corpus are regular")]
fn read(path: &std::path::Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
