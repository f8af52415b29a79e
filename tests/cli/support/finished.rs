//! What a run of `proc` left: its exit and its output, of which nothing may go unseen.

use super::LIMIT;
use nix::sys::signal::Signal;
use std::cell::Cell;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Instant;
use tempfile::TempDir;

/// A run that is over. A stream that the test does not look at must be empty: dropping this sees to it.
pub(crate) struct Finished {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    directory: TempDir,
    saw_stdout: Cell<bool>,
    saw_stderr: Cell<bool>,
}

impl Finished {
    pub(super) fn new(status: ExitStatus, stdout: Vec<u8>, stderr: Vec<u8>, directory: TempDir) -> Self {
        let unseen = || Cell::new(false);
        Self { status, stdout, stderr, directory, saw_stdout: unseen(), saw_stderr: unseen() }
    }

    /// It must have exited with this code.
    #[track_caller]
    pub(crate) fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.status.code(), Some(code), "{:?}\n{}", self.status, self.story());
        self
    }

    /// It must have died by this signal.
    #[track_caller]
    pub(crate) fn dies_by(&self, signal: Signal) -> &Self {
        assert_eq!(self.status.signal(), Some(signal as i32), "{:?}\n{}", self.status, self.story());
        self
    }

    /// How it ended.
    pub(crate) fn status(&self) -> ExitStatus {
        self.status
    }

    /// Standard output, with what differs from run to run replaced.
    pub(crate) fn stdout(&self) -> String {
        self.steady(self.stdout_bytes())
    }

    /// Standard error, likewise.
    pub(crate) fn stderr(&self) -> String {
        self.saw_stderr.set(true);
        self.steady(&self.stderr)
    }

    /// Standard output as it is.
    pub(crate) fn stdout_bytes(&self) -> &[u8] {
        self.saw_stdout.set(true);
        &self.stdout
    }

    /// Standard output must hold this text.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(self.stdout().contains(text), "{text:?} is not in\n{}", self.story());
        self
    }

    /// Standard error must hold this text.
    #[track_caller]
    pub(crate) fn complains(&self, text: &str) -> &Self {
        assert!(self.stderr().contains(text), "{text:?} is not in\n{}", self.story());
        self
    }

    /// Neither stream may hold this text.
    #[track_caller]
    pub(crate) fn never_says(&self, text: &str) -> &Self {
        let holds = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(text);
        assert!(!holds(&self.stdout) && !holds(&self.stderr), "{text:?} is in\n{}", self.story());
        self
    }

    /// The lines of standard output that carry this name, without their prefix.
    pub(crate) fn lines_of(&self, name: &str) -> Vec<String> {
        let of = |line: &str| {
            let (prefix, text) = line.split_once(" | ")?;
            (prefix.split_whitespace().last()? == name).then(|| text.to_owned())
        };
        self.stdout().lines().filter_map(of).collect()
    }

    /// Waits until no process works in its directory: another way to see that all are dead, which those count for who were killed before
    /// they could hold a FIFO.
    #[track_caller]
    pub(crate) fn left_nobody_behind(&self) -> &Self {
        let give_up_at = Instant::now() + LIMIT;
        while let Some(process) = someone_in(self.directory()) {
            assert!(Instant::now() < give_up_at, "{process} is still alive\n{}", self.story());
            std::thread::yield_now();
        }
        self
    }

    /// The directory it ran in.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn steady(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        without_pids(&without_senders(&text.replace(&self.directory.path().display().to_string(), "[dir]")))
    }

    fn story(&self) -> String {
        let shown = |bytes| String::from_utf8_lossy(bytes).into_owned();
        format!("--- stdout\n{}\n--- stderr\n{}", shown(&self.stdout), shown(&self.stderr))
    }
}

impl Drop for Finished {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.saw_stdout.get() || self.stdout.is_empty(), "stdout unseen\n{}", self.story());
            assert!(self.saw_stderr.get() || self.stderr.is_empty(), "stderr unseen\n{}", self.story());
        }
    }
}

/// The text without the name of the test, which sends the signals.
fn without_senders(text: &str) -> String {
    let mut parts = text.split("; sent by pid ");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.split_once(')').map_or(part, |(_, rest)| rest));
    std::iter::once(first.as_str()).chain(rest).collect()
}

/// A process whose working directory this is.
fn someone_in(directory: &Path) -> Option<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut there = processes.filter(|process| {
        std::fs::read_link(process.path().join("cwd")).is_ok_and(|working| working == directory)
    });
    there.next().map(|process| process.path().display().to_string())
}

/// The text with the numbers behind `pid ` replaced.
fn without_pids(text: &str) -> String {
    let mut parts = text.split("pid ");
    let mut steady = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|char: char| char.is_ascii_digit());
        steady += if rest.len() < part.len() { "pid [pid]" } else { "pid " };
        steady += rest;
    }
    steady
}
