//! `proc start`: stopping is by group and by tree, with one grace period, and nothing is left.

use crate::support::{Proc, cpu_ticks};
use nix::sys::signal::Signal;
use std::fs::File;
use std::process::Stdio;

#[test]
fn a_stubborn_process_is_killed_when_its_grace_period_ends() {
    let proc = Proc::start("web: ./child ignore TERM ready wait\n").args(["-t", "0.3"]).spawn();
    proc.wait_for("ready");
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM)
        .says("grace period over: SIGKILL to web.1")
        .says("web.1  | killed by SIGKILL");
}

#[test]
fn a_process_has_its_grace_period_to_end_by_itself() {
    let proc = Proc::start("web: ./child trap TERM last goodbye 0 ready wait\n").args(["-t", "inf"]).spawn();
    proc.wait_for("ready");
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).never_says("SIGKILL");
    assert_eq!(run.lines_of("web.1")[2..], ["goodbye", "exited with code 0"]);
}

#[test]
fn a_grace_period_of_zero_kills_at_once() {
    let proc = Proc::start("web: ./child trap TERM last goodbye 0 ready wait\n").args(["-t", "0"]).spawn();
    proc.wait_for("ready");
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).never_says("goodbye").says("web.1  | killed by SIGKILL");
}

// F21
#[test]
fn a_second_interrupt_kills_what_is_left() {
    let proc = Proc::start("web: ./child ignore TERM ticks 50 ready wait\n").args(["-t", "inf"]).spawn();
    proc.wait_for("ready").signal(Signal::SIGINT).wait_for("SIGINT: stopping 1 process");
    let ticks = proc.count("tick");
    proc.wait_until("350 ms of ticks", |stdout| stdout.matches("tick").count() > ticks + 7);
    let run = proc.end_by(Signal::SIGINT);
    run.dies_by(Signal::SIGINT)
        .says("not waiting any longer: SIGKILL to web.1")
        .says("web.1  | killed by SIGKILL");
}

// F22
#[test]
fn an_interrupt_after_sigterm_is_in_a_hurry() {
    let proc = Proc::start("web: ./child ignore TERM ticks 50 ready wait\n").args(["-t", "inf"]).spawn();
    proc.wait_for("ready").signal(Signal::SIGTERM).wait_for("SIGTERM: stopping 1 process");
    let ticks = proc.count("tick");
    proc.wait_until("350 ms of ticks", |stdout| stdout.matches("tick").count() > ticks + 7);
    let run = proc.end_by(Signal::SIGINT);
    run.dies_by(Signal::SIGTERM).says("not waiting any longer: SIGKILL to web.1");
}

// F21, F22
#[test]
fn a_second_interrupt_right_after_the_first_is_the_same_one_and_so_is_any_further_sigterm() {
    let proc = Proc::start("web: ./child trap TERM say asked trap USR1 exit 0 ticks 50 ready wait\n");
    let proc = proc.args(["-t", "inf"]).spawn();
    proc.wait_for("ready").signal(Signal::SIGINT).signal(Signal::SIGINT).wait_for("asked");
    let ticks = proc.count("tick");
    proc.wait_until("350 ms of ticks", |stdout| stdout.matches("tick").count() > ticks + 7);
    proc.signal(Signal::SIGTERM).signal(Signal::SIGTERM);
    let ticks = proc.count("tick");
    proc.wait_until("more ticks", |stdout| stdout.matches("tick").count() > ticks + 3);
    let run = proc.end_by(Signal::SIGUSR1);
    run.dies_by(Signal::SIGINT).says("web.1  | exited with code 0");
    assert_eq!(run.lines_of("web.1").iter().filter(|line| *line == "asked").count(), 1);
}

#[test]
fn the_whole_group_of_an_instance_is_stopped() {
    let proc = Proc::start("web: ./child hold alive fork fork ready wait end ready wait end ready wait\n");
    let alive = proc.liveness();
    let proc = proc.spawn();
    proc.wait_until("all three", |stdout| stdout.matches("ready").count() == 3);
    assert!(alive.is_held());
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("web.1  | killed by SIGTERM");
    alive.wait_for_death();
}

#[test]
fn members_of_the_group_that_outlive_their_leader_have_the_same_grace_period() {
    let proc = Proc::start("web: ./child hold alive fork ignore TERM ready wait end ready wait\n");
    let alive = proc.liveness();
    let proc = proc.args(["-t", "0.3"]).spawn();
    proc.wait_until("both", |stdout| stdout.matches("ready").count() == 2);
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("grace period over: SIGKILL to web.1");
    alive.wait_for_death();
}

#[test]
fn a_shell_between_proc_and_the_application_is_no_obstacle() {
    let proc =
        Proc::start("web: ./child hold alive trap TERM last goodbye 0 ready wait; echo shell goes on\n");
    let alive = proc.liveness();
    let proc = proc.spawn();
    proc.wait_for("ready");
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("web.1  | goodbye");
    alive.wait_for_death();
}

#[test]
fn a_descendant_in_a_session_of_its_own_is_stopped_too() {
    for (kind, verbs) in
        [("setsid", "ready wait"), ("daemon", "ready wait"), ("daemon", "ignore TERM ready wait")]
    {
        let proc = Proc::start(format!("web: ./child hold alive {kind} {verbs} end ready wait\n"));
        let alive = proc.liveness();
        let proc = proc.args(["-t", "0.5"]).spawn();
        proc.wait_until("both", |stdout| stdout.matches("ready").count() == 2);
        proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("web.1  | killed by SIGTERM");
        alive.wait_for_death();
    }
}

#[test]
fn what_a_process_leaves_behind_when_it_ends_by_itself_is_stopped_too() {
    for verbs in ["fork ready wait end", "setsid ready wait end", "daemon ready wait end"] {
        let verbs = format!("hold alive {verbs}");
        let proc = Proc::start(format!("web: ./child {verbs} trap USR1 exit 6 say leader wait\n"));
        let alive = proc.liveness();
        let proc = proc.args(["-t", "1"]).spawn();
        proc.wait_for("leader").wait_for("ready");
        let leader = nix::unistd::Pid::from_raw(proc.number_after("started with pid "));
        nix::sys::signal::kill(leader, Signal::SIGUSR1).unwrap();
        proc.finish().exits(6).says("web.1  | exited with code 6");
        alive.wait_for_death();
    }
}

#[test]
fn a_flood_that_nothing_holds_up_keeps_no_signal_waiting() {
    for format in ["text", "json"] {
        let proc = Proc::start("a: exec 9>alive; exec yes\nb: exec 9>alive; exec yes\n");
        let proc = proc.args(["a=2", "b=2", "-t", "0", "--log-format", format]);
        let alive = proc.liveness();
        let mut command = proc.command();
        command.stdin(Stdio::null()).stdout(File::create("/dev/null").unwrap()).stderr(Stdio::piped());
        let proc = proc.spawn_as(command, None);
        // In full flood: `proc` has been busy for a while.
        let supervisor = proc.supervisor();
        while cpu_ticks(supervisor) < 20 {
            std::thread::yield_now();
        }
        proc.end_by(Signal::SIGINT).dies_by(Signal::SIGINT);
        alive.wait_for_death();
    }
}

#[test]
fn what_a_shell_had_started_before_it_became_proc_is_left_alone() {
    let script =
        "exec 9>alive; sleep 60 >/dev/null 2>&1 </dev/null & echo $! >sleeper; exec 9>&-; exec \"$@\"";
    let proc = Proc::start("web: ./child exit 3\n").by_shell(script);
    let alive = proc.liveness();
    let run = proc.run();
    run.exits(3).says("web.1  | exited with code 3");
    assert!(alive.is_held(), "the sleeper was killed");
    let sleeper = std::fs::read_to_string(run.directory().join("sleeper")).unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(sleeper.trim().parse().unwrap()), Signal::SIGKILL)
        .unwrap();
    alive.wait_for_death();
}

#[test]
fn a_stopped_process_is_continued_so_that_it_can_end() {
    let proc =
        Proc::start("web: ./child trap TERM last goodbye 0 pid stop wait\n").args(["-t", "inf"]).spawn();
    let pid = proc.number_after("| pid ");
    let is_stopped = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") T ");
    while !is_stopped() {
        std::thread::yield_now();
    }
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).says("web.1  | goodbye").says("web.1  | exited with code 0");
}
