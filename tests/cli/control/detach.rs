//! `proc start --detach`.

use super::{App, TWO};

const DETACH: [&str; 4] = ["start", "--detach", "--no-port", "--no-timestamps"];

#[test]
fn it_returns_when_all_is_up_with_the_output_until_then_and_lets_go_of_its_output() {
    // To return at all, the test has to see the end of both outputs.
    let app = App::new(TWO);
    let answer = app.ask(&DETACH).exits(0);
    let answer = answer.says("web.1    | started with pid ").says("2 processes run in the background (pid ");
    assert!(answer.stdout.ends_with("`proc logs -f` follows, `proc down` ends\n"), "{}", answer.stdout);
    assert_eq!(answer.stderr, "");
    app.wait_for("web.1    | hello");
}

#[test]
fn what_is_written_afterwards_goes_on_and_is_kept() {
    let app = App::running("web: ./child trap USR1 say more ready wait\n");
    app.wait_for("ready");
    for _ in 0..3 {
        app.ask(&["signal", "USR1", "web"]).exits(0);
    }
    app.wait_for("web.1  | more");
    app.ask(&["ps"]).exits(0).says("web.1  running");
}

#[test]
fn whoever_is_not_healthy_yet_is_waited_for() {
    let ready = "[process.web]\nreadiness = { log = \"open\", interval = \"50ms\" }\n";
    let app = App::new("web: ./child pause 300 say open wait\n").file("proc.toml", ready);
    app.ask(&DETACH).exits(0).says("web.1  | healthy after ").says("1 process runs in the background");
    assert_eq!(app.field("web.1", "is_healthy"), true);
}

#[test]
fn a_run_that_is_there_is_as_good() {
    let app = App::running(TWO);
    let pid = app.snapshot()["pid"].to_string();
    app.ask(&DETACH).exits(0).says(&format!("`proc start` runs here already (pid {pid})\n"));
    assert_eq!(app.snapshot()["pid"].to_string(), pid);
}

#[test]
fn of_a_run_that_is_there_it_is_said_who_is_not_up_yet() {
    let slow = "[process.web]\nreadiness = { exec = \"test -e ok\", interval = \"100ms\" }\n";
    let app = App::new(TWO).file("proc.toml", slow);
    let mut first = std::process::Command::new(env!("CARGO_BIN_EXE_proc"));
    first.args(DETACH).current_dir(app.path("")).stdout(std::process::Stdio::null());
    let mut first = first.spawn().unwrap();
    app.wait_for("web.1    | hello");
    app.ask(&DETACH).exits(0).says("not all of it is up: `proc wait` waits for that\n  web.1 is ");
    app.write("ok", "");
    assert!(first.wait().unwrap().success());
}

#[test]
fn a_run_that_is_ending_is_waited_for() {
    let app = App::running("web: ./child trap TERM say bye ready wait\n");
    app.wait_for("ready");
    let before = app.snapshot()["pid"].to_string();
    std::thread::scope(|scope| {
        let down = scope.spawn(|| app.ask(&["down"]));
        app.wait_for("web.1  | bye");
        let pid = i32::try_from(app.pid("web.1")).unwrap();
        let start = scope.spawn(|| app.ask(&DETACH));
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
        down.join().unwrap().exits(0);
        start.join().unwrap().exits(0).says("1 process runs in the background");
    });
    assert_ne!(app.snapshot()["pid"].to_string(), before);
}

#[test]
fn without_a_place_for_its_socket_there_is_no_run_in_the_background() {
    let app = App::new(TWO).file(".proc", "");
    app.ask(&DETACH).exits(2).complains("`--detach`: this run could not be controlled from elsewhere: ");
}

#[test]
fn a_code_that_counts_as_success_is_no_failure_and_neither_is_who_was_stopped() {
    let settings = "[process.web]\nreadiness = { exec = \"test -e ok\", interval = \"100ms\" }\n\
                    [process.job]\ntype = \"oneshot\"\nsuccess_exit_codes = [0, 3]\n";
    let app = App::new("web: ./child wait\nworker: ./child ready wait\njob: ./child exit 3\n");
    let app = app.file("proc.toml", settings);
    std::thread::scope(|scope| {
        let start = scope.spawn(|| app.ask(&DETACH));
        app.wait_for("worker.1 | ready");
        app.ask(&["stop", "worker"]).exits(0);
        app.ask(&["wait", "worker", "--for", "exited"]).exits(0);
        app.write("ok", "");
        start.join().unwrap().exits(0).says("1 process runs in the background");
    });
}

#[test]
fn what_is_wrong_with_the_files_is_said_and_nothing_is_started() {
    let app = App::new("web: a\nweb: b\n");
    app.ask(&DETACH).exits(2).complains("Procfile:2:1");
    app.ask(&["ps"]).exits(1);
}

#[test]
fn a_failure_before_all_is_up_is_that_of_the_command() {
    let slow = "[process.web]\nreadiness = { log = \"never\" }\n";
    let app = App::new("web: ./child say oops err why exit 3\n").file("proc.toml", slow);
    app.ask(&DETACH).exits(3).says("web.1  | oops\n").says("web.1  | why\n").says("exited with code 3");
    app.ask(&["ps"]).exits(1);
}

#[test]
fn a_run_whose_tasks_are_done_is_a_success() {
    let task = "[process.job]\ntype = \"oneshot\"\n";
    let app = App::new("job: ./child say done exit 0\n").file("proc.toml", task);
    app.ask(&DETACH).exits(0).says("job.1  | done\n");
}

#[test]
fn an_interrupt_before_all_is_up_ends_the_run() {
    use nix::sys::signal::{Signal, kill};
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, Stdio};
    let slow = "[process.web]\nreadiness = { log = \"never\" }\n";
    let app = App::new("web: ./child ready wait\n").file("proc.toml", slow);
    let mut command = Command::new(env!("CARGO_BIN_EXE_proc"));
    let mut start = command.args(DETACH).current_dir(app.path("")).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = start.stdout.take().unwrap();
    crate::support::read_until(&mut stdout, "ready\n");
    kill(nix::unistd::Pid::from_raw(start.id().cast_signed()), Signal::SIGINT).unwrap();
    crate::support::read_until(&mut stdout, "killed by SIGTERM");
    assert_eq!(start.wait().unwrap().signal(), Some(Signal::SIGINT as i32));
    app.ask(&["ps"]).exits(1);
}
