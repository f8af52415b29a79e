//! The apps that are exported, and the tools that read what comes of them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// An app to export.
#[derive(Debug, Clone)]
pub(crate) struct App {
    /// What it is called in the export, different for each.
    pub(crate) name: String,
    /// Its Procfile.
    pub(crate) procfile: PathBuf,
    /// Its root; none: the directory of its Procfile.
    pub(crate) root: Option<PathBuf>,
}

/// `examples/hello`, `examples/shop`, and every Procfile of `../shared/corpus` (or `PROC_CORPUS`) where that is there.
pub(crate) fn apps(scratch: &Path) -> Vec<App> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let example = |name: &str| App {
        name: name.to_owned(),
        procfile: manifest.join("examples").join(name).join("Procfile"),
        root: None,
    };
    let corpus = std::env::var_os("PROC_CORPUS")
        .map_or_else(|| manifest.join("../shared/corpus"), PathBuf::from)
        .join("procfiles");
    let mut files: Vec<PathBuf> = std::fs::read_dir(corpus)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    files.sort();
    let of_corpus = files.into_iter().enumerate().map(|(index, procfile)| App {
        name: format!("corpus-{index}"),
        procfile,
        root: Some(scratch.to_owned()),
    });
    [example("hello"), example("shop")].into_iter().chain(of_corpus).collect()
}

/// `proc export` with these arguments, without an environment of ours but PATH and HOME.
pub(crate) fn proc_export(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_proc"))
        .arg("export")
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null())
        .output()
        .expect("proc can be run")
}

/// What came of exporting all of [`apps`].
pub(crate) struct Exported {
    /// Those that were exported, and where to.
    pub(crate) apps: Vec<(App, PathBuf)>,
    /// How many have a Procfile with errors or nothing to start in it, so that nothing can be made of them.
    pub(crate) unreadable: usize,
}

/// Exports all of them, each into a directory below `scratch` that is called like it.
pub(crate) fn export_all(target: &str, scratch: &Path, arguments: &[&str]) -> Exported {
    let mut exported = Exported { apps: Vec::new(), unreadable: 0 };
    for app in apps(scratch) {
        let directory = scratch.join(&app.name);
        let mut words = vec![target, directory.to_str().unwrap(), "-a", &app.name, "-f"];
        words.push(app.procfile.to_str().unwrap());
        if let Some(root) = &app.root {
            words.extend(["-d", root.to_str().unwrap()]);
        }
        let output = proc_export(&[&words[..], arguments].concat());
        if output.status.success() {
            exported.apps.push((app, directory));
            continue;
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let reasons = ["is already on line", "no processes defined", "nothing to start but one-offs"];
        let is_of_the_reader = reasons.iter().any(|reason| said.contains(reason));
        assert!(is_of_the_reader, "{}: {said}", app.procfile.display());
        exported.unreadable += 1;
    }
    exported
}

/// Tools that give a second opinion, and are not for everybody to install.
const OPTIONAL: &[&str] = &["kubectl"];

/// Whether a tool is there; if not, says that `test` is skipped. Where CI is set (`.ci/run`) nothing is skipped: that all are there is part of it.
pub(crate) fn has(tool: &str, test: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = std::env::split_paths(&path).any(|directory| directory.join(tool).is_file());
    if !is_there {
        let may_be_missing = OPTIONAL.contains(&tool) || std::env::var_os("CI").is_none();
        assert!(may_be_missing, "{tool} is not installed, and CI is set");
        say(&format!("skipped: {test}: {tool} is not installed"));
    }
    is_there
}

/// Says how many exports a tool has read.
pub(crate) fn tried(tool: &str, exported: &Exported) {
    let Exported { apps, unreadable } = exported;
    say(&format!(
        "{tool}: {} exports tried ({unreadable} Procfiles have errors or nothing to start)",
        apps.len()
    ));
}

/// Says something that is seen: what a test prints that passes is kept from everybody.
pub(crate) fn say(text: &str) {
    let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// The fixture child, which cargo builds beside the program, as one word of a shell.
pub(crate) fn fixture() -> String {
    let child = Path::new(env!("CARGO_BIN_EXE_proc")).with_file_name("examples").join("child");
    assert!(child.exists(), "{} is not there: run `cargo build --examples`", child.display());
    child.display().to_string()
}
