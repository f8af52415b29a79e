//! `proc reload`: the files are read again, and what differs is changed; a file that is wrong changes nothing.

use crate::support::{Proc, Running, free_ports};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A run, and its files.
struct App {
    run: Running,
    directory: PathBuf,
}

impl App {
    fn start(app: Proc) -> Self {
        let directory = app.path(".");
        Self { run: app.spawn(), directory }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.directory.join(name), text).unwrap();
    }

    /// What `proc` says to these arguments, and its exit code.
    fn ask(&self, args: &[&str]) -> (i32, String) {
        ask(&self.directory, args)
    }

    fn end(self) {
        assert_eq!(self.ask(&["down"]).0, 0);
        self.run.finish().exits(0).says("asked to end").left_nobody_behind();
    }
}

fn ask(directory: &Path, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proc"));
    let output = command.args(args).current_dir(directory).env_clear().output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[test]
fn only_what_differs_is_restarted() {
    let app = App::start(Proc::start(
        "web: ./child ready wait\nworker: ./child ready wait\nclock: ./child ready wait\n",
    ));
    app.run.wait_until("three that are ready", |stdout| stdout.matches("| ready").count() == 3);
    app.write(
        "Procfile",
        "web: ./child ready wait\nworker: ./child say new ready wait\nmailer: ./child ready wait\n",
    );
    let (code, text) = app.ask(&["reload"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("worker: command changed: `./child ready wait` is `./child say new ready wait` now"),
        "{text}"
    );
    assert!(text.contains("clock: gone") && text.contains("mailer: new: `./child ready wait`"), "{text}");
    app.run.wait_for("worker.1 | new").wait_for("mailer.1 | ready").wait_for("clock.1  | killed by SIGTERM");
    assert_eq!(app.run.count("web.1    | ready"), 1);
    assert_eq!(app.ask(&["scale"]), (0, "web=1 worker=1 mailer=1\n".into()));
    // Once more, and there is nothing to do.
    let (code, text) = app.ask(&["reload"]);
    assert_eq!((code, text.as_str()), (0, "nothing has changed\n"));
    app.end();
}

#[test]
fn a_type_that_comes_back_has_the_port_it_had_and_the_others_keep_theirs() {
    let port = free_ports(4);
    let line = |name: &str| format!("{name}: ./child say $PORT ready wait\n");
    let text = |names: &[&str]| names.iter().map(|name| line(name)).collect::<String>();
    let base = port.to_string();
    let app = App::start(Proc::new(text(&["web", "worker"])).args(["start", "--no-timestamps", "-p", &base]));
    let said = |name: &str, offset: u16| format!("{name} | {}", port + offset);
    app.run.wait_for(&said("web.1   ", 0)).wait_for(&said("worker.1", 100));
    app.write("Procfile", &text(&["clock", "web"]));
    assert_eq!(app.ask(&["reload"]).0, 0);
    app.run.wait_for(&said("clock.1 ", 200)).wait_for("worker.1 | killed by SIGTERM");
    app.write("Procfile", &text(&["clock", "worker", "web"]));
    assert_eq!(app.ask(&["reload"]).0, 0);
    app.run.wait_until("worker is there again", |stdout| stdout.matches(&said("worker.1", 100)).count() == 2);
    assert_eq!(app.run.count(&said("web.1   ", 0)), 1);
    app.end();
}

#[test]
fn a_changed_variable_restarts_those_who_see_it() {
    let toml = "[process.web]\nenv_file = \"web.env\"\n";
    let app = Proc::start("web: ./child env SEEN ready wait\nworker: ./child ready wait\n");
    let app = App::start(app.file("proc.toml", toml).file("web.env", "SEEN=1\n"));
    app.run.wait_for("web.1    | SEEN=1").wait_for("worker.1 | ready");
    app.write("web.env", "SEEN=2\n");
    assert_eq!(app.ask(&["reload"]), (0, "web: environment changed: SEEN\n".into()));
    app.run.wait_for("web.1    | SEEN=2");
    assert_eq!(app.run.count("worker.1 | ready"), 1);
    app.end();
}

#[test]
fn a_broken_file_changes_nothing_and_says_where() {
    let app = App::start(Proc::start("web: ./child ready wait\n"));
    app.run.wait_for("| ready");
    for (name, text, place) in [
        ("Procfile", "web: ./child say new ready wait\nweb: again\n", "Procfile:2:"),
        // Not "web is gone".
        ("Procfile", "other: ./child wait\nweb; ./child ready wait\n", "Procfile:2:"),
        (".env", "A=1\nthis is none\n", ".env:2:"),
        ("proc.toml", "[process.web]\nrestart = \"sometimes\"\n", "proc.toml:2:"),
    ] {
        let before = std::fs::read(app.directory.join(name)).ok();
        app.write(name, text);
        let (code, said) = app.ask(&["reload"]);
        assert!(code != 0 && said.contains(place), "{code}: {said}");
        match before {
            Some(before) => std::fs::write(app.directory.join(name), before).unwrap(),
            None => std::fs::remove_file(app.directory.join(name)).unwrap(),
        }
    }
    assert_eq!(app.run.count("started with pid"), 1);
    app.end();
}

#[test]
fn who_was_scaled_stays_so_and_who_was_stopped_too() {
    let app = App::start(Proc::start("web: ./child ready wait\nworker: ./child ready wait\n"));
    app.run.wait_until("two that are ready", |stdout| stdout.matches("| ready").count() == 2);
    assert_eq!(app.ask(&["scale", "web=2"]).0, 0);
    assert_eq!(app.ask(&["stop", "worker"]).0, 0);
    app.run.wait_for("web.2    | ready").wait_for("worker.1 | killed by SIGTERM");
    app.write(".env", "NEW=1\n");
    assert_eq!(app.ask(&["reload"]).0, 0);
    app.run.wait_until("both of web are ready again", |stdout| stdout.matches("| ready").count() == 5);
    assert_eq!(app.run.count("worker.1 | ready"), 1);
    app.end();
}

#[test]
fn what_needs_no_restart_is_changed_without() {
    let toml = |restart: &str| format!("[process.web]\nrestart = \"{restart}\"\n");
    let app =
        Proc::start("web: ./child ready wait\nworker: ./child ready wait\n").file("proc.toml", toml("no"));
    let app = App::start(app);
    app.run.wait_until("two that are ready", |stdout| stdout.matches("| ready").count() == 2);
    app.write("proc.toml", &toml("always"));
    assert_eq!(app.ask(&["reload"]), (0, "web: restart changed (without a restart)\n".into()));
    assert_eq!(app.ask(&["signal", "KILL", "web"]).0, 0);
    app.run.wait_for("web.1    | killed by SIGKILL; restarting");
    app.end();
}

#[test]
fn who_has_the_new_variables_already_is_left_alone_and_the_others_get_them() {
    let app = App::start(
        Proc::start("web: ./child env SEEN ready wait\n").args(["web=2"]).file(".env", "SEEN=1\n"),
    );
    app.run.wait_until("both are ready", |stdout| stdout.matches("| ready").count() == 2);
    app.write(".env", "SEEN=2\n");
    assert_eq!(app.ask(&["restart", "web.1"]).0, 0);
    app.run
        .wait_for("web.1  | SEEN=2")
        .wait_until("it is ready", |stdout| stdout.matches("| ready").count() == 3);
    assert_eq!(app.ask(&["reload"]), (0, "web: environment changed: SEEN\n".into()));
    app.run
        .wait_for("web.2  | SEEN=2")
        .wait_until("it is ready", |stdout| stdout.matches("| ready").count() == 4);
    assert_eq!(app.run.count("web.1  | SEEN=2"), 1);
    app.end();
}

#[test]
fn a_type_with_another_name_waits_until_the_port_of_the_old_one_is_free() {
    let port = free_ports(1).to_string();
    let procfile = |name: &str| format!("{name}: ./child ignore TERM listen $PORT ready wait\n");
    let toml = |name: &str| format!("[process.{name}]\nport = {port}\nstop_grace_period = \"300ms\"\n");
    let app = Proc::new(procfile("web")).args(["start", "--no-timestamps"]).file("proc.toml", toml("web"));
    let app = App::start(app);
    app.run.wait_for("web.1  | ready");
    app.write("Procfile", &procfile("site"));
    app.write("proc.toml", &toml("site"));
    assert_eq!(app.ask(&["reload"]).0, 0);
    app.run.wait_for("grace period over: SIGKILL to web.1").wait_for("site.1 | ready");
    app.end();
}

#[test]
fn a_command_is_told_to_who_asks_and_not_to_the_log() {
    let app = App::start(Proc::start("web: ./child ready wait\n"));
    app.run.wait_for("| ready");
    app.write("Procfile", "web: TOKEN=hunter2 ./child ready wait\n");
    let (code, text) = app.ask(&["reload"]);
    assert!(code == 0 && text.contains("hunter2"), "{text}");
    app.run.wait_until("it is ready", |stdout| stdout.matches("| ready").count() == 2);
    assert_eq!(app.run.count("hunter2"), 0);
    app.end();
}
