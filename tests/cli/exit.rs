//! `proc start`: what ends a run, and the exit code that comes of it.

use crate::support::Proc;
use insta::assert_snapshot;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

#[test]
fn the_exit_code_is_that_of_the_process_whose_end_ended_the_run() {
    for code in [0, 1, 2, 3, 42, 70, 126, 127, 128, 130, 143, 255] {
        let run = Proc::start(format!("web: ./child exit {code}\nworker: ./child wait\n")).run();
        run.exits(code).says(&format!("web.1    | exited with code {code}"));
    }
}

#[test]
fn a_process_that_died_by_a_signal_makes_the_exit_code_128_and_its_number() {
    for signal in ["HUP", "INT", "QUIT", "ABRT", "KILL", "SEGV", "ALRM", "TERM", "USR1"] {
        let number: Signal = format!("SIG{signal}").parse().unwrap();
        let run = Proc::start(format!("web: ./child die {signal}\n")).run();
        run.exits(128 + number as i32).says(&format!("web.1  | killed by SIG{signal}"));
    }
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
    // The second waits for the end of the first: it reads a FIFO that the first holds.
    let procfile = "first: ./child hold alive ready exit 3\nsecond: cat alive && ./child exit 4\nthird: ./child exit 0\n";
    let run = Proc::start(procfile).fifo("alive").args(["--exit-on", "all"]).run();
    run.exits(3).says("second.1 | exited with code 4").says("third.1  | exited with code 0");
    assert_eq!(run.lines_of("system"), ["exiting with 3: first.1 exited with code 3"]);
    let run = Proc::start("one: ./child exit 0\ntwo: ./child exit 0\n").args(["--exit-on", "all"]).run();
    run.exits(0).says("two.1  | exited with code 0");
}

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
    release.1 | started with pid [pid]
    release.1 | migrating
    release.1 | exited with code 0
    system    | release succeeded; starting the others
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
        run.exits(code).never_says("web.1").says("release.1");
    }
    let run = Proc::start("release: no-such-command\nweb: ./child wait\n").args(["--release"]).run();
    run.exits(127).never_says("web.1").says("command not found: no-such-command");
}

#[test]
fn a_signal_during_the_release_ends_the_run_before_anything_else_starts() {
    let proc = Proc::start("release: ./child ready wait\nweb: ./child wait\n").args(["--release"]).spawn();
    proc.wait_for("ready");
    let run = proc.end_by(Signal::SIGINT);
    run.dies_by(Signal::SIGINT).never_says("web.1").says("release.1 | killed by SIGTERM");
}

#[test]
fn release_without_a_release_type_is_an_error() {
    let run = Proc::start("web: ./child wait\n").args(["--release"]).run();
    run.exits(2);
    assert_snapshot!(run.stderr(), @"error: --release: the Procfile has no process type `release`");
}
