//! `proc start`: descendants that leave their group are known while they run, and end with their instance.

use crate::support::{Proc, Running, skip};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::unix::fs::MetadataExt;

/// What is said of one fixture child outside of its group.
const LEFT_ONE: &str = "left 1 process outside its group: pid [pid] (child)";

/// Sends a signal to the leader that was started last, which nobody can have reaped.
fn signal_leader(proc: &Running, signal: Signal) {
    let leader = proc.number_after("started with pid ");
    kill(Pid::from_raw(leader), signal).unwrap();
}

// F01, F03, F04
#[test]
fn a_descendant_dies_at_the_stop_however_it_was_started() {
    for verbs in [
        "./child hold alive fork ready wait end ready wait",
        "./child hold alive setpgid ready wait end ready wait",
        "./child hold alive setsid ready wait end ready wait",
        "./child hold alive daemon ready wait end ready wait",
        "./child hold alive daemon ready wait end ready",
        "env -i ./child hold alive daemon ready wait end ready wait",
        "env -i ./child hold alive daemon ready wait end ready",
    ] {
        let proc = Proc::start(format!("web: {verbs}\nother: ./child wait\n"));
        let alive = proc.liveness();
        let proc = proc.args(["--exit-on", "all"]).spawn();
        proc.wait_until("both", |stdout| stdout.matches("ready").count() == 2);
        assert!(alive.is_held());
        proc.end_by(Signal::SIGTERM)
            .dies_by(Signal::SIGTERM)
            .never_says("SIGKILL")
            .says("other.1 | killed by SIGTERM");
        alive.wait_for_death();
    }
}

// F03
#[test]
fn a_process_outside_its_group_is_told_of_once_while_its_leader_runs() {
    for kind in ["setpgid", "setsid", "daemon"] {
        let proc = Proc::start(format!("web: ./child {kind} wait end ready wait\n")).spawn();
        proc.wait_for("left 1 process");
        let run = proc.end_by(Signal::SIGTERM);
        run.dies_by(Signal::SIGTERM);
        let lines = run.lines_of("web.1");
        assert_eq!(lines[1..], ["ready", LEFT_ONE, "killed by SIGTERM"], "{kind}");
    }
}

// F04
#[test]
fn a_process_outside_its_group_is_told_of_when_its_leader_ends() {
    let proc = Proc::start(
        "web: ./child daemon hold alive ready wait end ready trap USR1 exit 0 say trapped wait\n",
    );
    let alive = proc.liveness();
    let proc = proc.spawn();
    proc.wait_until("both", |stdout| stdout.matches("ready").count() == 2).wait_for("trapped");
    signal_leader(&proc, Signal::SIGUSR1);
    let run = proc.finish();
    run.exits(0).says(LEFT_ONE).says("web.1  | exited with code 0");
    alive.wait_for_death();
}

// F04
#[test]
fn an_instance_whose_leader_has_ended_is_stopped_with_what_it_put_into_the_background() {
    let proc =
        Proc::start("web: ./child daemon hold alive ignore TERM ready wait end\nother: ./child wait\n");
    let alive = proc.liveness();
    let proc = proc.args(["--exit-on", "all", "-t", "0.3"]).spawn();
    proc.wait_for("web.1   | exited with code 0").wait_for("ready");
    assert!(alive.is_held());
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).says(LEFT_ONE).says("stopping 2 processes");
    run.says("grace period over: SIGKILL to web.1\n");
    alive.wait_for_death();
}

// F06
#[test]
fn what_each_instance_left_is_told_under_its_name() {
    let left = "./child daemon wait end";
    let procfile =
        format!("one: {left} wait\ntwo: {left} wait\nthree: {left}\nfour: {left} daemon wait end wait\n");
    let proc = Proc::start(procfile).args(["--exit-on", "all"]).spawn();
    proc.wait_until("all five", |stdout| stdout.matches("(child)").count() == 5);
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM);
    for name in ["one.1", "two.1", "three.1"] {
        assert!(run.lines_of(name).contains(&LEFT_ONE.to_owned()), "{name}: {:?}", run.lines_of(name));
    }
    // In one line or in two: they were seen at once or were not.
    let named: usize = run.lines_of("four.1").iter().map(|line| line.matches("(child)").count()).sum();
    assert_eq!(named, 2, "{:?}", run.lines_of("four.1"));
}

// F06. Whose it is can be told or not: that depends on whether it was seen before it had left everything behind.
#[test]
fn a_process_that_left_its_group_its_parents_and_its_environment_is_told_of_and_stopped() {
    let proc = Proc::start("web: env -i ./child daemon hold alive ready wait end\nother: ./child wait\n");
    let alive = proc.liveness();
    let proc = proc.args(["--exit-on", "all"]).spawn();
    proc.wait_for("ready").wait_for("1 process outside");
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("(child)\n");
    alive.wait_for_death();
}

// F04
#[test]
fn what_a_release_process_put_into_the_background_is_stopped_before_the_others_start() {
    for start in ["setsid", "env -i setsid"] {
        let procfile = format!(
            "release: {start} sh ./daemon & read x <go\nweb: kill -0 $(cat pid) 2>&- && echo it is there; exit 3\n"
        );
        let proc = Proc::start(procfile).file("daemon", "echo $$ >pid; exec ./child hold alive ready wait");
        let (alive, gate) = (proc.liveness(), proc.gate());
        let proc = proc.args(["--release"]).spawn();
        proc.wait_for("ready");
        gate.open();
        let run = proc.finish();
        run.exits(3).says("release.1 | left processes behind: stopping them (grace period 5s)");
        run.says("web.1     | started").never_says("it is there");
        alive.wait_for_death();
    }
}

// F13
#[test]
fn a_process_that_was_stopped_is_told_of() {
    let proc = Proc::start("web: ./child ready wait\n").spawn();
    proc.wait_for("ready");
    signal_leader(&proc, Signal::SIGSTOP);
    proc.wait_for("web.1  | stopped by SIGSTOP\n");
    signal_leader(&proc, Signal::SIGCONT);
    signal_leader(&proc, Signal::SIGTTIN);
    proc.wait_for("web.1  | stopped by SIGTTIN: it wants the terminal, which it does not have\n");
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("web.1  | killed by SIGTERM");
}

// F11. Root without CAP_KILL stands for a user below whom something of somebody else's runs.
#[test]
fn a_process_of_somebody_else_that_cannot_be_killed_is_named_and_not_waited_for() {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        skip("only root can run something as somebody else");
        return;
    }
    let stray = "setsid setpriv --reuid 65534 --clear-groups sleep 60 </dev/null >/dev/null 2>&1 &";
    let proc = Proc::start(format!("web: {stray} exec ./child wait\n")).args(["-t", "0"]);
    let proc = proc.by_shell("exec setpriv --inh-caps=-kill --bounding-set=-kill \"$@\"").spawn();
    proc.wait_for("(sleep)\n");
    let survivor = proc.number_between("outside its group: pid ", " (sleep)");
    let run = proc.end_by(Signal::SIGTERM);
    kill(Pid::from_raw(survivor), Signal::SIGKILL).unwrap();
    let why = "(sleep): owned by user 65534\n";
    run.exits(1).says(&format!("web.1  | SIGKILL could not be sent to pid [pid] {why}"));
    run.says("system | web.1 could not be killed\n");
    run.says("web.1  | pid [pid] (sleep) is still alive: owned by user 65534\n");
    assert_eq!(run.stdout().matches("could not be sent").count(), 1);
}
