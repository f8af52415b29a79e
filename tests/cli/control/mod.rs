//! A run that is asked from elsewhere: a file for each command.

mod act;
mod detach;
mod down;
mod events;
mod logs;
mod ps;
mod reload;
mod scale;
mod wait;
mod why;

use crate::support::{LIMIT, PATH};
use assert_cmd::Command;
use serde_json::Value;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// An application whose run, if it has one, goes on in the background; dropping it ends that.
struct App(TempDir);

/// What came of a command.
struct Answer {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl App {
    /// One with this Procfile; `./child` in it is the fixture.
    fn new(procfile: &str) -> Self {
        let only_ours = PermissionsExt::from_mode(0o700);
        let directory =
            tempfile::Builder::new().prefix("proc-test-").permissions(only_ours).tempdir().unwrap();
        let child = Path::new(env!("CARGO_BIN_EXE_proc")).with_file_name("examples").join("child");
        symlink(child, directory.path().join("child")).unwrap();
        Self(directory).file("Procfile", procfile)
    }

    /// One with this Procfile that runs, and of which all is up.
    #[track_caller]
    fn running(procfile: &str) -> Self {
        Self::new(procfile).begun(&[])
    }

    /// The same application, started with these arguments.
    #[track_caller]
    fn begun(self, args: &[&str]) -> Self {
        let line = [&["start", "--detach", "--no-port", "--no-timestamps"], args].concat();
        self.ask(&line).exits(0);
        self
    }

    /// With this file, or another in its place.
    fn file(self, name: &str, content: &str) -> Self {
        self.write(name, content);
        self
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs a command of `proc` in the root, to its end.
    fn ask(&self, args: &[&str]) -> Answer {
        self.ask_from("", args)
    }

    /// The same in a folder below the root, or elsewhere.
    fn ask_from(&self, folder: &str, args: &[&str]) -> Answer {
        let output = self.command(folder, args).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Answer { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    fn command(&self, folder: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_proc"));
        command.args(args).current_dir(self.path(folder)).env_clear().timeout(LIMIT);
        command.env("PATH", PATH).env("HOME", self.0.path()).env("TZ", "UTC").env("TERM", "dumb");
        command
    }

    /// How the run stands, as `proc ps --json` has it.
    #[track_caller]
    fn snapshot(&self) -> Value {
        self.ask(&["ps", "--json"]).exits(0).json()
    }

    /// A field of an instance.
    #[track_caller]
    fn field(&self, name: &str, field: &str) -> Value {
        let snapshot = self.snapshot();
        let instances = snapshot["instances"].as_array().unwrap();
        let instance = instances.iter().find(|each| each["name"] == name);
        instance.unwrap_or_else(|| panic!("no {name} in {snapshot}"))[field].clone()
    }

    /// The pid of an instance.
    #[track_caller]
    fn pid(&self, name: &str) -> i64 {
        self.field(name, "pid").as_i64().unwrap()
    }

    /// Waits until a line with this text is in the log.
    #[track_caller]
    fn wait_for(&self, text: &str) {
        let give_up_at = std::time::Instant::now() + LIMIT;
        while !self.ask(&["logs", "--timestamps", "none"]).stdout.contains(text) {
            assert!(std::time::Instant::now() < give_up_at, "{text:?} is not in the log");
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.ask(&["down"]);
    }
}

impl Answer {
    #[track_caller]
    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Self {
        assert!(
            self.stdout.contains(text),
            "{text:?} is not in\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    #[track_caller]
    fn complains(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "{text:?} is not in\n{}", self.stderr);
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

const TWO: &str = "web: ./child say hello wait\nworker: ./child say work wait\n";

#[test]
fn a_run_is_found_from_every_folder_below_its_root() {
    let app = App::running(TWO);
    std::fs::create_dir_all(app.path("app/models")).unwrap();
    app.ask_from("app/models", &["ps"]).exits(0).says("web.1").says("worker.1");
    app.ask_from("app", &["ps", "-d", ".."]).exits(0).says("web.1");
    app.ask_from("app", &["ps", "-f", "../Procfile"]).exits(0).says("web.1");
}

#[test]
fn a_root_that_is_named_is_the_only_one_that_counts() {
    let app = App::running(TWO).file("app/x", "");
    app.ask_from("app", &["ps", "-d", "."]).exits(1).complains("no run of this app: `proc start` begins one");
    app.ask(&["ps", "--procfile", "app/Procfile"]).exits(1).complains("looked for one of ");
}

#[test]
fn without_a_run_it_is_said_where_one_was_looked_for() {
    let app = App::new(TWO).file("app/x", "");
    for command in
        [&["ps"][..], &["logs"], &["restart", "web"], &["scale"], &["wait"], &["events"], &["reload"]]
    {
        let answer = app.ask_from("app", command).exits(1);
        answer
            .complains("no run of this app: `proc start` begins one")
            .complains("/app and the folders above")
            .complains("one that was started with `-d DIR` is found with `-d DIR`");
    }
}

#[test]
fn a_name_that_nobody_has_is_bad_usage_with_a_suggestion() {
    let app = App::running(TWO);
    for command in
        [&["ps", "wbe"][..], &["logs", "wbe"], &["restart", "wbe"], &["wait", "wbe"], &["why", "wbe"]]
    {
        app.ask(command).exits(2).complains("no process type `wbe`").complains("did you mean `web`?");
    }
    app.ask(&["stop", "web.2"]).exits(2).complains("there is no `web.2`; there are web.1");
    app.ask(&["stop", "x*"]).exits(2).complains("`x*` means no instance of this run");
}
