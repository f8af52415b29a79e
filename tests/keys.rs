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
use std::fs::File;
use std::time::Duration;
use support::{Proc, Running, cpu_ticks, read_until};
use terminal::{CTRL_C, Terminal, on_a_terminal, spawn};

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

#[cfg(feature = "api")]
#[test]
fn all_processes_are_shown_again_when_the_one_has_gone_that_alone_is_shown() {
    let proc = with_keys("web: ./child ready ticks 50 wait\n").args(["web=2"]);
    let root = proc.path("");
    let (proc, mut keyboard) = spawn(proc);
    proc.wait_for(HINT).wait_until("both", |stdout| stdout.matches("| ready").count() == 2);
    keyboard.press(b"f2");
    proc.wait_for("only web.2 is shown");
    Proc::without_procfile().args(["scale", "web=1", "-d"]).args([root]).run().exits(0).stdout();
    proc.wait_until("a line of the other", |stdout| {
        stdout.split_once("all processes are shown again").is_some_and(|all| all.1.contains("web.1  | tick"))
    });
    keyboard.press(b"q");
    proc.finish().exits(0).says("web.1  | killed by SIGTERM");
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

#[test]
fn a_signal_is_heard_however_much_is_typed_to_a_supervisor_that_hangs() {
    let proc = with_keys("web: ./child hold alive ready wait\n");
    let alive = proc.liveness();
    let (proc, mut keyboard) = spawn(proc);
    proc.wait_for(HINT).wait_for("ready");
    let supervisor = supervisor(&proc);
    kill(supervisor, Signal::SIGSTOP).unwrap();
    keyboard.press(&[b'x'; 2000]);
    // Nothing tells when the guard has read as much as it will.
    assert!(!alive.is_dead_within(Duration::from_millis(300)));
    proc.signal(Signal::SIGTERM);
    kill(supervisor, Signal::SIGCONT).unwrap();
    alive.wait_for_death();
    proc.finish().dies_by(Signal::SIGTERM).says("SIGTERM: stopping 1 process");
}

#[test]
fn a_terminal_that_hangs_up_keeps_nobody_busy() {
    let proc = with_keys("web: ./child hold alive ignore HUP ignore TERM ready wait\n").args(["-t", "2s"]);
    let alive = proc.liveness();
    let (terminal, command) = on_a_terminal(&proc);
    let mut output = terminal.another_end();
    let proc = proc.spawn_as(command, Some(File::open("/dev/null").unwrap()));
    read_until(&mut output, HINT);
    drop((output, terminal));
    let guard = proc.pid();
    assert!(!alive.is_dead_within(Duration::from_millis(300)));
    let before = cpu_ticks(guard);
    assert!(!alive.is_dead_within(Duration::from_secs(1)));
    let used = cpu_ticks(guard) - before;
    alive.wait_for_death();
    proc.finish().dies_by(Signal::SIGHUP);
    assert!(used < 10, "{used} hundredths of a second");
}

#[test]
fn a_guard_that_was_stopped_from_outside_hears_keys_again_when_it_is_in_the_foreground() {
    let script = "trap : INT; set -m; \"$@\"; stty sane; echo stopped; read line; fg; echo ended with $?";
    let (proc, mut keyboard) = spawn(with_keys(TWO).by_shell(script));
    proc.wait_for(HINT);
    kill(parent(supervisor(&proc)), Signal::SIGSTOP).unwrap();
    proc.wait_for("stopped\r\n");
    keyboard.press(b"\n");
    proc.wait_for("\"${@}\"");
    // What is typed until the terminal is taken again is a line, which ends with Enter.
    keyboard.press(b"?\n");
    proc.wait_for("s  show how the processes stand");
    keyboard.press(b"s");
    proc.wait_for("worker.1  running");
    keyboard.press(b"q");
    proc.finish().exits(0).says("ended with 0");
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
