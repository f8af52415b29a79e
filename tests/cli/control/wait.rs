//! `proc wait`.

use super::{App, TWO};

/// A process that is healthy as soon as there is a file `ok`.
const READY: &str = "[process.web]\nreadiness = { exec = \"test -e ok\", interval = \"100ms\" }\n";

#[test]
fn all_are_waited_for_until_they_are_healthy() {
    let app = App::new(TWO).file("proc.toml", READY).file("ok", "").begun(&[]);
    app.ask(&["wait"]).exits(0);
    app.ask(&["wait", "--for", "healthy", "--timeout", "30s", "web.1"]).exits(0);
    app.ask(&["ps"]).says("web.1     healthy");
}

#[test]
fn the_time_that_is_over_is_124_and_says_who_is_not_there_yet() {
    let app = App::running(TWO);
    let answer = app.ask(&["wait", "web", "--for", "exited", "--timeout", "0.1"]).exits(124);
    answer.complains("error: not exited in time:\n  web.1 is running: ");
    let mut command = app.command("", &["wait", "web", "--for", "exited"]);
    command.env("PROC_WAIT_TIMEOUT", "0.1").env("PROC_TIMEOUT", "inf").assert().code(124);
}

#[test]
fn a_connection_that_is_lost_is_made_anew() {
    use nix::sys::signal::{Signal, kill};
    use std::io::Read as _;
    let app = App::running(TWO);
    let mut waiter = std::process::Command::new(env!("CARGO_BIN_EXE_proc"));
    waiter.args(["wait", "web", "--for", "exited"]).current_dir(app.path(""));
    let mut waiter = waiter.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let socket = app.path(".proc/control.sock");
    let pid = nix::unistd::Pid::from_raw(waiter.id().cast_signed());
    kill(pid, Signal::SIGSTOP).unwrap();
    // More than the run has room for: those that ask nothing make way.
    let idle: Vec<_> = (0..80).map(|_| std::os::unix::net::UnixStream::connect(&socket).unwrap()).collect();
    app.ask(&["ps"]);
    kill(pid, Signal::SIGCONT).unwrap();
    drop(idle);
    app.ask(&["stop", "web"]).exits(0);
    assert!(waiter.wait().unwrap().success());
    let mut said = String::new();
    waiter.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.starts_with("web.1 is down: "), "{said}");
}

#[test]
fn a_code_that_counts_as_success_is_one() {
    let done = "[process.job]\ntype = \"oneshot\"\nsuccess_exit_codes = [0, 3]\n";
    let app = App::new("web: ./child wait\njob: ./child exit 3\n").file("proc.toml", done).begun(&[]);
    app.ask(&["wait", "job"]).exits(0);
}

#[test]
fn who_will_never_be_healthy_is_not_waited_for() {
    let app = App::running(TWO);
    app.ask(&["stop", "web"]).exits(0);
    app.ask(&["wait", "web", "--for", "exited"]).exits(0);
    app.ask(&["wait", "web"]).exits(1).complains("error: web.1 is down: ");
    // Whoever waits for all does not mean who was stopped.
    app.ask(&["wait"]).exits(0);
}
