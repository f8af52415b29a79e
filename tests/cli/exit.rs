//! `proc start`: what ends a run, and the exit code that comes of it.

use crate::support::Proc;
use insta::assert_snapshot;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::sync::Mutex;

#[test]
fn the_exit_code_is_that_of_the_process_whose_end_ended_the_run() {
    for code in [0, 1, 70, 127, 128, 143, 255] {
        let run = Proc::start(format!("web: ./child exit {code}\nworker: ./child wait\n")).run();
        run.exits(code).says(&format!("web.1    | exited with code {code}"));
    }
}

#[test]
fn every_exit_code_of_a_lone_process_is_that_of_the_run() {
    on_all_cores(0..=255, |code| {
        let run = Proc::start(format!("web: ./child exit {code}\n")).run();
        run.exits(code).says(&format!("web.1  | exited with code {code}"));
    });
}

#[test]
fn a_process_that_died_by_a_signal_makes_the_exit_code_128_and_its_number() {
    // The others do not end a process. 34 and 64 are the first and the last real-time signal that there are names for.
    let is_deadly = |number: &i32| ![17, 18, 19, 20, 21, 22, 23, 28, 32, 33].contains(number);
    on_all_cores((1..=34).chain([64]).filter(is_deadly), |number| {
        let run = Proc::start(format!("web: ulimit -c 0; kill -{number} $$\n")).run();
        let name = match Signal::try_from(number) {
            Ok(signal) => signal.to_string(),
            Err(_) => number.to_string(),
        };
        let line = run.exits(128 + number).lines_of("web.1").pop().unwrap();
        assert!(line.starts_with("killed by ") && line.ends_with(&name), "{number}: {line}");
    });
}

/// Does it for each number, some at a time.
fn on_all_cores(numbers: impl Iterator<Item = i32> + Send, each: impl Fn(i32) + Sync) {
    let numbers = Mutex::new(numbers);
    let next = || numbers.lock().unwrap().next();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| std::iter::repeat_with(next).map_while(|number| number).for_each(&each));
        }
    });
}

// F33
#[test]
fn of_five_hundred_that_end_at_once_each_has_its_own_exit_code() {
    let proc = Proc::start("web: read x <go; exit $((PROC_INSTANCE % 200 + 1))\n");
    let gate = proc.gate();
    let proc = proc.args(["web=500", "--exit-on", "all"]).spawn();
    proc.wait_for("web.500 | started");
    (0..500).for_each(|_| gate.open());
    let run = proc.finish();
    let stdout = run.stdout();
    for number in 1..=500 {
        let line = format!("{:7} | exited with code {}\n", format!("web.{number}"), number % 200 + 1);
        assert!(stdout.contains(&line), "{line}{stdout}");
    }
    let first = run.lines_of("system").pop().unwrap();
    assert!(first.starts_with(&format!("exiting with {}: web.", run.status().code().unwrap())), "{first}");
}

#[test]
fn the_end_is_told_from_the_first_exit_to_the_exit_code() {
    let run = Proc::start("web: ./child exit 3\nworker: ./child wait\n").args(["-t", "7"]).run();
    run.exits(3);
    assert_snapshot!(run.lines_of("system").join("\n"), @r"
    web.1 exited with code 3: stopping 1 process (grace period 7s)
    exiting with 3: web.1 exited with code 3
    ");
    assert_eq!(run.lines_of("worker.1"), ["started with pid [pid]", "killed by SIGTERM"]);
}

#[test]
fn by_default_any_exit_ends_the_run_also_a_success() {
    let run = Proc::start("web: ./child exit 0\nworker: ./child wait\n").run();
    run.exits(0).says("worker.1 | killed by SIGTERM");
    let run = Proc::start("web: ./child exit 0\nworker: ./child wait\n").args(["--exit-on", "any"]).run();
    run.exits(0).says("worker.1 | killed by SIGTERM");
}

#[test]
fn with_exit_on_failure_a_success_ends_nothing_and_a_failure_ends_all() {
    let procfile = "one: ./child exit 0\ntwo: ./child trap USR1 exit 4 pid wait\nrest: ./child wait\n";
    let proc = Proc::start(procfile).args(["--exit-on", "failure"]).spawn();
    proc.wait_for("one.1  | exited with code 0");
    kill(Pid::from_raw(proc.number_after("| pid ")), Signal::SIGUSR1).unwrap();
    let run = proc.finish();
    run.exits(4).says("two.1  | exited with code 4").says("rest.1 | killed by SIGTERM");
    let run = Proc::start("one: ./child exit 0\ntwo: ./child exit 0\n").args(["--exit-on", "failure"]).run();
    run.exits(0).says("one.1  | exited with code 0").says("two.1  | exited with code 0");
    let run = Proc::start("one: ./child exit 5\nrest: ./child wait\n").args(["--exit-on", "failure"]).run();
    run.exits(5).says("rest.1 | killed by SIGTERM");
}

#[test]
fn with_exit_on_all_the_run_goes_on_until_all_have_ended_and_the_first_failure_counts() {
    // The second waits until the first is reaped: for its end by a FIFO that it holds, and then for its number.
    let procfile = "first: echo $$ >pid && exec ./child hold alive ready exit 3\n\
                    second: cat alive; while kill -0 $(cat pid) 2>&-; do :; done; exit 4\n\
                    third: ./child exit 0\n";
    let run = Proc::start(procfile).fifo("alive").args(["--exit-on", "all"]).run();
    run.exits(3).says("second.1 | exited with code 4").says("third.1  | exited with code 0");
    assert_eq!(run.lines_of("system"), ["exiting with 3: first.1 exited with code 3"]);
    let run = Proc::start("one: ./child exit 0\ntwo: ./child exit 0\n").args(["--exit-on", "all"]).run();
    run.exits(0).says("two.1  | exited with code 0");
}

// F22
#[test]
fn after_a_signal_proc_stops_everything_and_dies_by_that_signal() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let proc = Proc::start("web: ./child trap TERM exit 0 ready wait\nworker: ./child wait\n");
        let alive = proc.liveness();
        let proc = proc.spawn();
        proc.wait_for("ready");
        let run = proc.end_by(signal);
        run.dies_by(signal).says("web.1    | exited with code 0").says("worker.1 | killed by SIGTERM");
        alive.wait_for_death();
    }
}

// F23, F29
#[test]
fn a_hangup_that_was_ignored_when_proc_started_stays_ignored() {
    let proc = Proc::start("web: ./child trap TERM exit 0 ticks 20 ready wait\n")
        .by_shell("trap '' HUP; exec \"$@\"");
    let proc = proc.spawn();
    proc.wait_for("ready").signal(Signal::SIGHUP);
    let ticks = proc.count("tick");
    proc.wait_until("five more ticks", |stdout| stdout.matches("tick").count() >= ticks + 5);
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).says("web.1  | exited with code 0");
}

#[test]
fn release_runs_first_and_the_others_start_when_it_has_succeeded() {
    let run =
        Proc::start("web: ./child exit 0\nrelease: ./child say migrating exit 0\n").args(["--release"]).run();
    run.exits(0);
    assert_snapshot!(run.stdout(), @r"
    web.1     | waiting for release.1 to succeed
    release.1 | started with pid [pid]
    release.1 | migrating
    release.1 | exited with code 0
    web.1     | started with pid [pid]
    web.1     | exited with code 0
    ");
}

#[test]
fn a_release_with_nothing_to_follow_is_the_whole_run() {
    let run =
        Proc::start("web: ./child wait\nrelease: ./child exit 0\n").args(["--release", "release"]).run();
    run.exits(0);
    assert_eq!(run.lines_of("release.1").last().unwrap(), "exited with code 0");
}

#[test]
fn a_release_that_fails_gives_the_exit_code_and_nothing_else_starts() {
    for (verbs, code) in [("exit 9", 9), ("die KILL", 137)] {
        let run =
            Proc::start(format!("release: ./child {verbs}\nweb: ./child wait\n")).args(["--release"]).run();
        run.exits(code).never_says("web.1     | started").says("release.1");
    }
    let run = Proc::start("release: no-such-command\nweb: ./child wait\n").args(["--release"]).run();
    run.exits(127).never_says("web.1     | started").says("command not found: no-such-command");
}

#[test]
fn a_signal_during_the_release_ends_the_run_before_anything_else_starts() {
    let proc = Proc::start("release: ./child ready wait\nweb: ./child wait\n").args(["--release"]).spawn();
    proc.wait_for("ready");
    let run = proc.end_by(Signal::SIGINT);
    run.dies_by(Signal::SIGINT).never_says("web.1     | started").says("release.1 | killed by SIGTERM");
}

#[test]
fn release_without_a_release_type_is_an_error() {
    let run = Proc::start("web: ./child wait\n").args(["--release"]).run();
    run.exits(2);
    assert_snapshot!(run.stderr(), @"error: --release: the Procfile has no process type `release`");
}
