//! What the system gives only so much of: descriptors, processes; and what the children find of it.

use crate::support::{Proc, Running, skip};
use insta::assert_snapshot;
use nix::sys::signal::Signal;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

/// So few descriptors that some of 100 processes find none.
const FEW: &str = "ulimit -n 72; exec \"$@\"";

/// One that says `tick`, and 99 that end when the gate is opened for them.
const HUNDRED: &str = "clock: ./child ticks 20 wait\nweb: read x <go; echo passed\n";

fn hundred(exit_on: &str) -> Proc {
    Proc::start(HUNDRED).args(["-m", "clock=1,web=99", "--exit-on", exit_on]).by_shell(FEW)
}

/// Waits until the clock has ticked twice more.
fn wait_for_ticks(proc: &Running) {
    let before = proc.count("| tick");
    proc.wait_until("more ticks", |stdout| stdout.matches("| tick").count() > before + 1);
}

// F64
#[test]
fn who_finds_no_descriptor_is_started_when_others_have_ended_and_those_that_run_are_not_disturbed() {
    let proc = hundred("all");
    let gate = proc.gate();
    let proc = proc.spawn();
    proc.wait_for("could not be started: too many open files for us: start fewer, or raise the limit (`ulimit -n`); trying again in 0.2s");
    wait_for_ticks(&proc);
    (0..99).for_each(|_| gate.open());
    proc.wait_until("all to have passed", |stdout| stdout.matches("| passed").count() == 99);
    wait_for_ticks(&proc);
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).stdout();
    assert_snapshot!(run.stderr(), @"warning: 100 processes need 140 open files of ours, and the limit is 72; those that have no room wait until others end");
}

// F64
#[test]
fn a_stop_does_not_wait_for_who_could_not_be_started() {
    let proc = hundred("failure");
    let _gate = proc.gate();
    let proc = proc.spawn();
    proc.wait_for("trying again in 0.1s");
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).complains("those that have no room wait");
    let after = run.stdout().split_once("SIGTERM: stopping").unwrap().1.to_owned();
    assert!(!after.contains("started with"), "{after}");
}

// F64, F76
#[test]
fn too_many_processes_to_run_at_once_are_an_error_where_none_may_end() {
    let run = hundred("any").run();
    run.exits(2);
    assert_snapshot!(run.stderr(), @r"
    error: 100 processes need 140 open files of ours, and the limit is 72
      hint: start fewer, or raise the limit (`ulimit -n 140`)
    ");
    let run = hundred("any").args(["--log-format", "json", "--log-dir", "logs"]).run();
    run.exits(2).complains("100 processes need 340 open files");
    assert!(!run.directory().join("logs").exists());
    let one = |script| Proc::start("web: ./child exit 0\n").args(["--exit-on", "all"]).by_shell(script).run();
    one("ulimit -n 40; exec \"$@\"").exits(2).complains("1 process needs 41 open files");
    one("ulimit -n 41; exec \"$@\"").exits(0).never_says("open files").stdout();
}

// F76
#[test]
fn more_instances_than_anybody_means_are_an_error() {
    Proc::start("web: ./child wait\n").args(["web=70000"]).run().exits(2).complains("from 0 to 10000");
}

/// A user that nobody is, who can run `proc` in a directory of a test; none where that cannot be had.
fn as_somebody_else(proc: Proc, then: &str) -> Option<Proc> {
    let user = 50_000 + std::process::id() % 10_000;
    let change = format!("setpriv --reuid={user} --regid={user} --clear-groups");
    std::fs::set_permissions(proc.path(""), PermissionsExt::from_mode(0o755)).unwrap();
    let mut words: Vec<&str> = change.split(' ').collect();
    words.extend([env!("CARGO_BIN_EXE_proc"), "--version"]);
    let probe = Command::new("/usr/bin/env").args(words).output();
    if probe.is_ok_and(|probe| probe.status.success()) {
        return Some(proc.by_shell(&format!("exec {change} {then} \"$@\"")));
    }
    skip("no setpriv(1), or no right to be somebody else");
    None
}

/// Lets everybody read and write a file of the test.
fn share(proc: &Proc, name: &str) {
    std::fs::set_permissions(proc.path(name), PermissionsExt::from_mode(0o666)).unwrap();
}

// F65
#[test]
fn who_finds_no_room_for_a_process_is_started_when_others_have_ended() {
    let proc = Proc::start("web: read x <go; echo passed\n").args(["web=12", "--exit-on", "all"]);
    let gate = proc.gate();
    share(&proc, "go");
    let Some(proc) = as_somebody_else(proc, "prlimit --nproc=9") else { return };
    let proc = proc.spawn();
    proc.wait_for(
        "could not be started: /bin/sh: Resource temporarily unavailable (os error 11); trying again in 0.1s",
    );
    (0..12).for_each(|_| gate.open());
    let run = proc.finish();
    run.exits(0);
    assert_eq!(run.stdout().matches("| passed").count(), 12);
}

/// Prints the limits and what else is handed down, one a line.
const INHERITED: &str =
    "ulimit -a; ulimit -Hn; ulimit -Hc; umask; nice; cat /proc/self/oom_score_adj /proc/self/cgroup";

/// Limits and more that differ from the usual, as far as we may set them.
const UNUSUAL: &str =
    "ulimit -Sn 256; ulimit -Sc 1000; ulimit -Ss 4096; umask 027; echo 100 >/proc/self/oom_score_adj";

// F64, F85, F92
#[test]
fn a_child_has_the_limits_and_all_else_that_proc_was_given() {
    let script = format!("({UNUSUAL}) 2>/dev/null || exit 9; {UNUSUAL}; {INHERITED}");
    let plain = Command::new("/usr/bin/nice").args(["-n", "5", "/bin/sh", "-c", &script]).output().unwrap();
    if plain.status.code() == Some(9) {
        return skip("limits or priorities that cannot be changed");
    }
    let plain = String::from_utf8(plain.stdout).unwrap();
    assert!(plain.contains("256"), "{plain}");
    for pty in ["never", "always"] {
        let run = Proc::start(format!("web: {INHERITED}; exit 0\n")).args(["--pty", pty]);
        let run = run.by_shell(&format!("{UNUSUAL}; exec nice -n 5 \"$@\"")).run();
        run.exits(0);
        let lines = run.lines_of("web.1");
        assert_eq!(lines[1..lines.len() - 1].join("\n"), plain.trim_end(), "--pty {pty}");
    }
}

/// The processes that are `proc`: what the test started, and those below it that have not become something else.
fn ours(proc: &Running) -> Vec<i32> {
    let is_ours =
        |pid: &i32| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "proc\n");
    proc.all_processes().into_iter().filter(is_ours).collect()
}

// F85
#[test]
fn proc_itself_writes_no_core_dump_and_takes_the_descriptors_there_are() {
    let proc = Proc::start("web: ./child ready wait\n")
        .by_shell("ulimit -Sc unlimited; ulimit -Sn 256; exec \"$@\"");
    let proc = proc.spawn();
    proc.wait_for("ready");
    for pid in ours(&proc) {
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let of = |name: &str| {
            let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(of("Max core file size")[0], "0");
        assert_eq!(of("Max open files")[0], of("Max open files")[1]);
    }
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).stdout();
}

// F85
#[test]
fn a_user_who_is_not_root_is_served_as_well_although_nobody_may_look_into_proc() {
    let proc = Proc::start("web: ./child setsid hold alive ready wait end wait\n");
    let liveness = proc.liveness();
    share(&proc, "alive");
    let Some(proc) = as_somebody_else(proc, "") else { return };
    let proc = proc.spawn();
    proc.wait_for("ready");
    for pid in ours(&proc) {
        // The kernel gives what nobody may look into to root.
        assert_eq!(std::fs::metadata(format!("/proc/{pid}/environ")).unwrap().uid(), 0);
    }
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).stdout();
    liveness.wait_for_death();
}

// F64: while a process is started, our limit is that of the children, and another thread may need a descriptor.
#[test]
fn log_files_are_opened_anew_while_processes_are_started_with_fewer_descriptors_than_we_have() {
    let proc = Proc::start("web: ./child flood 2000 exit 0\n").args(["web=60", "--exit-on", "all"]);
    let proc = proc.args(["--log-dir", "logs", "--log-rotate", "1KiB,1"]).args(["--quiet", "web"]);
    let run = proc.by_shell("ulimit -Sn 20; exec \"$@\"").run();
    run.exits(0).never_says("open files").never_says("--log-dir");
    let last = |number| std::fs::read_to_string(run.directory().join(format!("logs/web.{number}.log")));
    assert!((1..=60).all(|number| last(number).unwrap().ends_with("line 2000\n")), "{}", run.stdout());
    run.stdout();
}

// F64, F76
#[test]
fn a_thousand_instances_start_and_stop() {
    let proc = Proc::start("web: sleep 110\n").args(["web=1000", "-t", "25"]);
    let proc = proc.by_shell("[ $(ulimit -Hn) = unlimited ] || [ $(ulimit -Hn) -gt 1100 ] || exit 9; ulimit -Sn 256; exec \"$@\"").spawn();
    if !proc.comes_to("started with pid") {
        proc.finish().exits(9);
        return skip("a hard limit of more than 1100 descriptors is wanted");
    }
    proc.wait_until("all to have started", |stdout| stdout.matches("started with pid").count() == 1000);
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM);
    assert_eq!(run.stdout().matches("killed by SIGTERM").count(), 1000);
}
