//! The keys of `proc start` on a terminal: what each does, that none is taken from anybody else, and the terminal afterwards.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests: a panic is how they fail, and they read their own files only"
)]

#[path = "cli/support/mod.rs"]
#[expect(dead_code, reason = "the tests of the command line need more of it")]
mod support;

#[path = "cli/support/terminal.rs"]
#[expect(dead_code, reason = "the tests of terminals need more of it")]
mod terminal;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getsid};
use support::{Proc, Running};
use terminal::{CTRL_C, Terminal, spawn};

const CTRL_Z: &[u8] = b"\x1a";
const ESCAPE: &[u8] = b"\x1b";

const TWO: &str = "web: ./child ready ticks 50 wait\nworker: ./child ready ticks 50 wait\n";

/// What is said when keys are heard.
const HINT: &str = "keys: r restart, f focus, s status, ? help, q stop";

/// The settings of the terminal, in the words of a shell.
const SETTINGS: &str = "$(stty -g)";

fn with_keys(procfile: &str) -> Proc {
    Proc::start(procfile).variable("PROC_NO_KEYS", "0")
}

/// Two processes that tick, and keys.
fn two() -> (Running, Terminal) {
    let (proc, keyboard) = spawn(with_keys(TWO));
    proc.wait_for(HINT).wait_until("both", |stdout| stdout.matches("| ready").count() == 2);
    (proc, keyboard)
}

#[test]
fn a_key_says_what_the_keys_are_and_another_how_the_processes_stand() {
    let (proc, mut keyboard) = two();
    keyboard.press(b"?");
    proc.wait_for("system   | s  show how the processes stand");
    keyboard.press(b"s");
    proc.wait_for("system   | worker.1  running");
    keyboard.press(b"q");
    let run = proc.finish();
    run.exits(0).says("web.1    | killed by SIGTERM");
    assert_eq!(run.stdout().matches(HINT).count(), 1);
}

#[test]
fn one_process_is_restarted_that_is_chosen_by_its_number_or_its_name() {
    let (proc, mut keyboard) = two();
    keyboard.press(b"r");
    proc.wait_for("restart which? 1 web.1, 2 worker.1 > ");
    keyboard.press(b"2");
    proc.wait_until("a restart", |stdout| stdout.matches("worker.1 | started with pid").count() == 2);
    keyboard.press(b"rweb.1\r");
    proc.wait_until("another", |stdout| stdout.matches("web.1    | started with pid").count() == 2);
    keyboard.press(b"rx\r");
    proc.wait_for("there is no process `x`");
    // What is left of the name is no key, and after the way out `q` is one.
    keyboard.press(b"rq");
    proc.wait_for("2 worker.1 > q");
    keyboard.press(ESCAPE);
    keyboard.press(b"q");
    let run = proc.finish();
    run.exits(0);
    assert_eq!(run.stdout().matches("started with pid").count(), 4);
}

#[test]
fn one_process_only_is_shown_until_the_key_is_pressed_again() {
    let (proc, mut keyboard) = two();
    keyboard.press(b"f2");
    proc.wait_for("only worker.1 is shown; f shows all again");
    let last = |stdout: &str| stdout.lines().rev().take(10).all(|line| line.contains("worker.1 | tick"));
    proc.wait_until("ten lines of it alone", last);
    keyboard.press(b"f");
    proc.wait_for("all processes are shown again");
    proc.wait_until("a line of the other", |stdout| {
        stdout.rsplit("all processes").next().unwrap().contains("web.1    | tick")
    });
    keyboard.press(CTRL_C);
    proc.finish().dies_by(Signal::SIGINT).says("SIGINT: stopping 2 processes");
}

#[test]
fn keys_can_be_switched_off_and_without_a_terminal_there_are_none() {
    let procfile = "web: ./child exit 0\n";
    for proc in [with_keys(procfile).args(["--no-keys"]), with_keys(procfile).variable("PROC_NO_KEYS", "1")] {
        let (proc, _keyboard) = spawn(proc);
        proc.finish().exits(0).says("exited").never_says("keys:");
    }
    with_keys(procfile).run().exits(0).says("exited").never_says("keys:");
}

#[test]
fn nothing_is_taken_from_a_file() {
    let script = "exec <typed; \"$@\"; echo left $(cat)";
    let (proc, _keyboard) =
        spawn(with_keys("web: ./child exit 0\n").file("typed", "rsq?\n").by_shell(script));
    proc.finish().exits(0).says("left rsq?").never_says("keys:");
}

#[test]
fn nothing_is_taken_in_the_background_and_in_the_foreground_it_is_again() {
    let script = "set -m; \"$@\" & read line; echo got $line; fg >/dev/null; echo ended with $?";
    let (proc, mut keyboard) = spawn(with_keys(TWO).by_shell(script));
    proc.wait_until("both", |stdout| stdout.matches("| ready").count() == 2);
    keyboard.press(b"rsq?\n");
    proc.wait_for("got rsq?").wait_for(HINT);
    keyboard.press(b"q");
    proc.finish().exits(0).says("ended with 0").never_says("restart which");
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_takes_it_again() {
    let script = format!(
        "trap : INT; set -m; echo before {SETTINGS}; \"$@\"; echo stopped {SETTINGS}; read line; echo got $line; \
         bg; read line; echo got $line; fg; echo ended with $?; echo after {SETTINGS}"
    );
    let (proc, mut keyboard) = spawn(with_keys(TWO).by_shell(&script));
    proc.wait_for(HINT);
    keyboard.press(b"s");
    proc.wait_for("web.1     running");
    keyboard.press(CTRL_Z);
    proc.wait_for("stopped ");
    keyboard.press(b"rsq\n");
    proc.wait_for("got rsq");
    let ticks = proc.count("tick");
    proc.wait_until("more ticks", |stdout| stdout.matches("tick").count() > ticks);
    keyboard.press(b"q?s\n");
    proc.wait_for("got q?s");
    // Taken again within a second: what is typed until then is a line, which ends with Enter.
    keyboard.press(b"?\n");
    proc.wait_for("s  show how the processes stand");
    keyboard.press(b"q");
    let run = proc.finish();
    run.exits(0).says("ended with 0").never_says("restart which");
    are_equal(&run.stdout(), &["before ", "stopped ", "after "]);
}

#[test]
fn the_terminal_is_as_it_was_however_it_ends() {
    let script = format!("trap : INT; echo before {SETTINGS}; \"$@\"; echo after {SETTINGS}");
    let begin = |procfile: &str| {
        let (proc, keyboard) = spawn(with_keys(procfile).by_shell(&script));
        proc.wait_for(HINT);
        (proc, keyboard)
    };
    let (by_itself, _keyboard) = begin("web: ./child exit 3\n");
    let (by_ctrl_c, mut keyboard) = begin(TWO);
    keyboard.press(CTRL_C);
    let (by_key, mut keyboard_too) = begin(TWO);
    keyboard_too.press(b"q");
    for proc in [by_itself, by_ctrl_c, by_key] {
        let run = proc.finish();
        are_equal(&run.exits(0).stdout(), &["before ", "after "]);
    }
}

#[test]
fn the_terminal_is_as_it_was_although_the_supervisor_is_killed() {
    let script = format!("echo before {SETTINGS}; \"$@\"; echo after {SETTINGS}");
    let (proc, _keyboard) = spawn(with_keys(TWO).by_shell(&script));
    proc.wait_for(HINT);
    kill(supervisor(&proc), Signal::SIGKILL).unwrap();
    let run = proc.finish();
    run.exits(0).says("the supervisor of this run was lost");
    are_equal(&run.stdout(), &["before ", "after "]);
}

#[test]
fn the_terminal_is_as_it_was_although_the_guard_is_killed() {
    // The shell goes on before the supervisor has heard of it.
    let script = format!(
        "before={SETTINGS}; \"$@\"; echo over; until [ {SETTINGS} = $before ]; do :; done; echo as it was"
    );
    let (proc, _keyboard) = spawn(with_keys(TWO).by_shell(&script));
    proc.wait_for(HINT);
    kill(parent(supervisor(&proc)), Signal::SIGKILL).unwrap();
    proc.wait_for("over").wait_for("as it was");
    proc.finish().exits(0).says("the guard of this run was killed");
}

/// The process below the shell of a test that leads a session: the supervisor.
fn supervisor(proc: &Running) -> Pid {
    let all = proc.all_processes().into_iter().skip(1).map(Pid::from_raw);
    all.into_iter().find(|pid| getsid(Some(*pid)) == Ok(*pid)).unwrap()
}

fn parent(pid: Pid) -> Pid {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit(") ").next().unwrap();
    Pid::from_raw(fields.split(' ').nth(1).unwrap().parse().unwrap())
}

/// The settings that stand behind each of these words are the same.
#[track_caller]
fn are_equal(text: &str, words: &[&str]) {
    let settings = |word: &&str| text.lines().find_map(|line| line.strip_prefix(*word)).unwrap().to_owned();
    let all: Vec<String> = words.iter().map(settings).collect();
    assert!(all.iter().all(|each| *each == all[0]), "{words:?} {all:?}\n{text}");
}
