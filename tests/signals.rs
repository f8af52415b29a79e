//! Signals to `proc start`, each row of the manual's table; and that one at any moment of the start leaves nothing behind.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests: a panic is how they fail, and they read /proc and their own files only"
)]

#[path = "cli/support/mod.rs"]
#[expect(dead_code, reason = "the tests of the command line need more of it")]
mod support;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use support::random::Random;
use support::{LIMIT, Proc, Running};

/// Waits until `proc` has been stopped; what comes of it stays to be waited for.
#[track_caller]
fn wait_until_stopped(proc: &Running) {
    let id = Id::Pid(proc.pid());
    let (report, reported) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _ = report.send(waitid(id, WaitPidFlag::WSTOPPED | WaitPidFlag::WNOWAIT));
    });
    let stopped = reported.recv_timeout(LIMIT).unwrap().unwrap();
    assert!(matches!(stopped, WaitStatus::Stopped(..)), "{stopped:?}");
}

/// The state of a process, as /proc has it: `S` sleeps, `T` is stopped.
fn state(pid: i32) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat[stat.rfind(')').unwrap() + 2..].chars().take(1).collect()
}

/// Waits until a process is in a state; the limit is that of the child's life.
fn wait_for_state(pid: i32, expected: &str) {
    while state(pid) != expected {
        std::thread::yield_now();
    }
}

// F22, F23
#[test]
fn interrupt_terminate_and_hang_up_each_stop_everything_and_are_what_proc_dies_by() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let proc = Proc::start("web: ./child hold alive trap TERM last asked 0 ready wait\n");
        let alive = proc.liveness();
        let proc = proc.args(["web=2"]).spawn();
        proc.wait_until("both", |stdout| stdout.matches("ready").count() == 2);
        let run = proc.end_by(signal);
        run.dies_by(signal).says(&format!("system | {signal}: stopping 2 processes"));
        for name in ["web.1", "web.2"] {
            assert_eq!(run.lines_of(name).iter().filter(|line| *line == "asked").count(), 1);
        }
        alive.wait_for_death();
    }
}

// F24, F36
#[test]
fn who_has_sent_a_stop_signal_is_said() {
    let proc = Proc::start("web: ./child ready wait\n").spawn();
    proc.wait_for("ready").signal(Signal::SIGTERM);
    proc.wait_for(&format!("(grace period 5s; sent by pid {} (", std::process::id()));
    proc.finish().dies_by(Signal::SIGTERM).stdout();
}

#[test]
fn quit_and_the_user_signals_are_forwarded_and_proc_stays() {
    for (signal, name) in [(Signal::SIGQUIT, "QUIT"), (Signal::SIGUSR1, "USR1"), (Signal::SIGUSR2, "USR2")] {
        let verbs = format!("trap {name} say heard fork trap {name} say heard ready wait end ready wait");
        let proc = Proc::start(format!("web: ./child {verbs}\n")).spawn();
        proc.wait_until("both", |stdout| stdout.matches("ready").count() == 2);
        proc.signal(signal);
        proc.wait_until("the whole group", |stdout| stdout.matches("heard").count() == 2);
        proc.signal(signal);
        proc.wait_until("the whole group again", |stdout| stdout.matches("heard").count() == 4);
        proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("web.1  | killed by SIGTERM");
    }
}

// F29
#[test]
fn what_a_shell_starts_in_the_background_can_be_interrupted_although_the_shell_has_it_ignore_that() {
    let script = "\"$@\" & echo $! >background; wait $!";
    let proc = Proc::start("web: ./child ready wait\n").by_shell(script);
    let file = proc.path("background");
    let proc = proc.spawn();
    proc.wait_for("ready");
    let pid = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
    // Not reaped as long as the shell waits.
    kill(Pid::from_raw(pid), Signal::SIGINT).unwrap();
    proc.finish().exits(130).says("SIGINT: stopping 1 process").says("web.1  | killed by SIGTERM");
}

#[test]
fn a_process_that_dies_by_a_forwarded_signal_ends_the_run_as_any_other() {
    let proc = Proc::start("web: ./child ready wait\n").spawn();
    proc.wait_for("ready");
    proc.end_by(Signal::SIGUSR1).exits(128 + Signal::SIGUSR1 as i32).says("web.1  | killed by SIGUSR1");
}

// F25
#[test]
fn a_terminal_stop_stops_the_groups_and_proc_and_continuing_it_continues_them() {
    for pty in ["never", "always"] {
        let proc = Proc::start("web: ./child pid trap CONT say continued ready wait\n");
        let proc = proc.args(["--pty", pty]).spawn();
        let pid = proc.wait_for("ready").number_after("| pid ");
        for round in 1..=2 {
            proc.signal(Signal::SIGTSTP);
            wait_until_stopped(&proc);
            wait_for_state(pid, "T");
            proc.signal(Signal::SIGCONT);
            proc.wait_until("word of it", |stdout| stdout.matches("continued").count() == round);
        }
        proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("web.1  | killed by SIGTERM");
    }
}

// F26
#[test]
fn a_terminal_stop_at_any_moment_while_processes_are_started_holds_nothing_up() {
    for round in 1..=5 {
        let proc = Proc::start("web: ./child hold alive wait\n");
        let alive = proc.liveness();
        let proc = proc.args(["web=60", "--pty", if round == 1 { "always" } else { "never" }]).spawn();
        while proc.count("started") < 60 {
            proc.signal(Signal::SIGTSTP);
            wait_until_stopped(&proc);
            proc.signal(Signal::SIGCONT);
            // Some more are started before it is stopped again.
            let started = proc.count("started");
            proc.wait_until("the next", |stdout| {
                stdout.matches("started").count() >= (started + round).min(60)
            });
        }
        proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).stdout();
        alive.wait_for_death();
    }
}

// F25
#[test]
fn a_terminal_stop_that_is_undone_at_once_stops_nobody_for_ever() {
    for _ in 0..20 {
        let proc = Proc::start("web: ./child ready ticks 5 wait\n").spawn();
        proc.wait_for("ready").signal(Signal::SIGTSTP).signal(Signal::SIGCONT);
        let ticks = proc.count("tick");
        proc.wait_until("more ticks", |stdout| stdout.matches("tick").count() > ticks + 2);
        proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).stdout();
    }
}

// F25
#[test]
fn a_grace_period_stands_still_while_proc_is_stopped() {
    let proc = Proc::start("web: ./child ignore TERM trap CONT say continued pid ready wait\n");
    let proc = proc.args(["-t", "1"]).spawn();
    let pid = proc.wait_for("ready").number_after("| pid ");
    proc.signal(Signal::SIGTERM).wait_for("SIGTERM: stopping 1 process").signal(Signal::SIGTSTP);
    wait_until_stopped(&proc);
    wait_for_state(pid, "T");
    // Longer than the grace period, told by the ticks of a clock of our own.
    let clock = Proc::start("clock: ./child ticks 100 wait\n").spawn();
    clock.wait_for("tick 15\n");
    clock.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).stdout();
    let continued = proc.count("continued");
    proc.signal(Signal::SIGCONT);
    proc.wait_until("what is left of it", |stdout| stdout.matches("continued").count() > continued);
    let run = proc.finish();
    run.dies_by(Signal::SIGTERM).says("grace period over: SIGKILL to web.1");
}

// F27, F36
#[test]
fn a_change_of_the_window_and_other_signals_that_mean_nothing_to_proc_do_nothing() {
    let proc = Proc::start("web: ./child ticks 20 ready wait\n").spawn();
    proc.wait_for("ready").signal(Signal::SIGWINCH).signal(Signal::SIGCHLD).signal(Signal::SIGCONT);
    let ticks = proc.count("tick");
    proc.wait_until("three more ticks", |stdout| stdout.matches("tick").count() >= ticks + 3);
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM);
    assert_eq!(run.lines_of("system").len(), 1, "{}", run.stdout());
}

#[test]
fn of_two_different_signals_the_first_is_what_proc_dies_by() {
    let proc = Proc::start("web: ./child trap TERM say asked trap USR1 exit 0 ready wait\n")
        .args(["-t", "inf"])
        .spawn();
    proc.wait_for("ready")
        .signal(Signal::SIGTERM)
        .wait_for("asked")
        .signal(Signal::SIGHUP)
        .signal(Signal::SIGUSR1);
    proc.finish().dies_by(Signal::SIGTERM).says("web.1  | exited with code 0");
}

// F31
#[test]
fn a_signal_at_any_moment_of_the_start_leaves_nothing_behind() {
    let mut random = Random::new(0x5eed);
    let verbs = "hold alive fork wait end setsid wait end wait";
    for round in 0..50 {
        let proc = Proc::start(format!("web: ./child {verbs}\nshell: ./child {verbs}; true\n"));
        let alive = proc.liveness();
        let pty = ["never", "always"][usize::try_from(round % 2).unwrap()];
        let proc = proc.args(["web=3", "shell=2", "-t", "20", "--pty", pty]).spawn();
        // No wait for anything: a stretch of work that takes from nothing to some milliseconds.
        let work = random.below(8_000_000);
        std::hint::black_box((0..work).fold(round, |sum, each| std::hint::black_box(sum ^ each)));
        let signal =
            [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP][usize::try_from(random.below(3)).unwrap()];
        let run = proc.end_by(signal);
        run.dies_by(signal).never_says("SIGKILL").stdout();
        alive.wait_for_death();
    }
}

// F37
#[test]
fn a_signal_while_everything_ends_by_itself_leaves_nothing_behind_either() {
    let mut random = Random::new(0xfade);
    for _ in 0..20 {
        let proc = Proc::start("web: ./child hold alive ready exit 3\nworker: ./child hold alive wait\n");
        let alive = proc.liveness();
        let proc = proc.spawn();
        if random.below(2) == 0 {
            proc.wait_for("ready");
        } else {
            proc.wait_for("exited with code 3");
        }
        // It may be over already: then the number is still that of our child, which nobody has reaped.
        let _ = kill(proc.pid(), Signal::SIGTERM);
        let run = proc.finish();
        run.says("worker.1 | killed by SIGTERM");
        alive.wait_for_death();
    }
}
