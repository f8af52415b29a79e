//! What a kill of either of the two processes of `proc start` leaves behind: nothing. And what the guard is otherwise.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests: a panic is how they fail, and they read /proc and their own files only"
)]

#[path = "cli/support/mod.rs"]
#[expect(dead_code, reason = "the tests of the command line need more of it")]
mod support;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpgid, getsid};
use std::time::{Duration, Instant};
use support::random::Random;
use support::{LIMIT, Proc, Running};

/// What a process may have below it, all of it deaf to the stop signal (`faults.md` 4).
const SHAPES: [(&str, &str); 6] = [
    ("plain", "fork hold alive ready wait end fork hold alive ready wait end hold alive ready wait"),
    ("setpgid", "hold alive setpgid ready wait end ready wait"),
    ("setsid", "hold alive setsid ready wait end ready wait"),
    ("daemon", "hold alive daemon ready wait end ready wait"),
    ("a daemon whose leader goes", "hold alive daemon ready wait end ready"),
    ("a shell between", "hold alive ready wait; true"),
];

/// Which of our two processes is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Guard,
    Supervisor,
}

impl Victim {
    fn of(self, proc: &Running) -> Pid {
        match self {
            Self::Guard => proc.pid(),
            Self::Supervisor => proc.supervisor(),
        }
    }
}

fn application(verbs: &str) -> Proc {
    // The second type sees to it that the run goes on when a leader goes.
    let procfile = format!("web: ./child ignore TERM ignore HUP {verbs}\nworker: ./child hold alive wait\n");
    Proc::start(procfile).args(["web=2", "worker=1", "--exit-on", "all"])
}

// F14, F15
#[test]
fn whichever_of_the_two_is_killed_everything_of_every_shape_dies() {
    for (shape, verbs) in SHAPES {
        for victim in [Victim::Guard, Victim::Supervisor] {
            let proc = application(verbs);
            let alive = proc.liveness();
            let proc = proc.spawn();
            let expected = 2 * verbs.matches("ready").count();
            proc.wait_until(shape, |stdout| stdout.matches("| ready").count() == expected);
            kill(victim.of(&proc), Signal::SIGKILL).unwrap();
            let run = proc.finish();
            alive.wait_for_death();
            match victim {
                Victim::Guard => {
                    run.dies_by(Signal::SIGKILL).says("system   | the guard of this run was killed")
                }
                Victim::Supervisor => {
                    run.stdout();
                    run.exits(70).complains("the supervisor of this run was lost (killed by SIGKILL)")
                }
            };
        }
    }
}

/// How many kills at a random moment each victim gets (`PROC_TEST_KILLS`, for a long run).
fn kills() -> usize {
    std::env::var("PROC_TEST_KILLS").map_or(12, |text| text.parse().unwrap())
}

// F14, F15
#[test]
fn a_kill_at_any_moment_leaves_nothing_behind() {
    let mut random = Random::new(0x6a7d);
    for victim in [Victim::Supervisor, Victim::Guard] {
        let mut times: Vec<Duration> =
            (0..kills()).map(|round| kill_once(victim, round, &mut random)).collect();
        times.sort();
        let at = |share: usize| times[(times.len() - 1) * share / 100];
        eprintln!(
            "{victim:?}: {} kills, all dead after {:?} (median), {:?} (p99), {:?} (worst)",
            times.len(),
            at(50),
            at(99),
            at(100)
        );
    }
}

/// Kills at a random moment in the first fifth of a second; how long it took until all had gone.
fn kill_once(victim: Victim, round: usize, random: &mut Random) -> Duration {
    let (shape, verbs) = SHAPES[round % SHAPES.len()];
    let proc = application(verbs);
    let alive = proc.liveness();
    let proc = proc.spawn();
    let prey = victim.of(&proc);
    // The moment is what this is about: it is waited for, on something that does not come.
    proc.is_over_within(Duration::from_micros(random.below(200_000)));
    let begin = Instant::now();
    // Neither is reaped yet: the guard by us, the supervisor by the guard, which has no reason to be gone.
    kill(prey, Signal::SIGKILL).unwrap();
    assert!(alive.is_dead_within(LIMIT), "{shape} outlives the {victim:?} (round {round})");
    let time = begin.elapsed();
    let run = proc.finish();
    run.stdout();
    run.stderr();
    time
}

#[test]
fn the_guard_is_small_and_alone() {
    let proc = Proc::start("web: ./child ready wait\n").spawn();
    // Something to do in its first half second is no reason to stay large.
    proc.wait_for("ready").signal(Signal::SIGWINCH);
    let guard = proc.pid();
    assert_eq!(std::fs::read_dir(format!("/proc/{guard}/task")).unwrap().count(), 1, "threads");
    // After half a second of quiet it lets go of what it does not need.
    let give_up_at = Instant::now() + LIMIT;
    let limit = if cfg!(debug_assertions) { 6144 } else { 1536 };
    while pss(guard) >= limit {
        assert!(Instant::now() < give_up_at, "{} KiB of PSS", pss(guard));
        std::thread::yield_now();
    }
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).stdout();
}

/// The memory of a process, in KiB, with its share of what it has in common with others (proc(5)).
fn pss(pid: Pid) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

// F16, F20, F26
#[test]
fn the_supervisor_has_a_session_of_its_own_where_no_key_of_the_terminal_reaches_it() {
    let proc = Proc::start("web: ./child ready wait\n").spawn();
    proc.wait_for("ready");
    let (guard, supervisor) = (proc.pid(), proc.supervisor());
    assert_eq!(getsid(Some(supervisor)), Ok(supervisor));
    assert_eq!(getpgid(Some(supervisor)), Ok(supervisor));
    assert_ne!(getsid(Some(guard)), Ok(supervisor));
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).stdout();
}

#[test]
fn a_signal_to_both_at_once_as_pkill_sends_it_counts_once() {
    let proc =
        Proc::start("web: ./child trap TERM say asked trap USR1 say used trap USR2 exit 0 ready wait\n");
    let proc = proc.args(["-t", "inf"]).spawn();
    proc.wait_for("ready");
    let both = [proc.pid(), proc.supervisor()];
    for signal in [Signal::SIGUSR1, Signal::SIGINT] {
        for pid in both {
            kill(pid, signal).unwrap();
        }
        proc.wait_for(if signal == Signal::SIGINT { "asked" } else { "used" });
    }
    let run = proc.end_by(Signal::SIGUSR2);
    run.dies_by(Signal::SIGINT).never_says("SIGKILL");
    for word in ["asked", "used"] {
        assert_eq!(run.lines_of("web.1").iter().filter(|line| *line == word).count(), 1, "{word}");
    }
}

// F29
#[test]
fn deaths_are_heard_of_even_if_proc_was_started_to_ignore_them() {
    let proc = Proc::start("web: ./child exit 3\n").by_shell("exec env --ignore-signal=CHLD \"$@\"");
    let begin = Instant::now();
    proc.run().exits(3).says("web.1  | exited with code 3");
    // The guard hears of the supervisor's: else it would wait for five seconds.
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

// F21
#[test]
fn the_third_interrupt_needs_no_supervisor_any_more() {
    let proc = Proc::start("web: ./child hold alive ignore TERM ready wait\n").args(["-t", "inf"]);
    let alive = proc.liveness();
    let proc = proc.spawn();
    proc.wait_for("ready");
    // As one that hangs.
    kill(proc.supervisor(), Signal::SIGSTOP).unwrap();
    for _ in 0..2 {
        proc.signal(Signal::SIGINT);
        // Longer than what is taken for the same Ctrl-C.
        assert!(!alive.is_dead_within(Duration::from_millis(400)), "too early");
    }
    proc.end_by(Signal::SIGINT).dies_by(Signal::SIGINT).stdout();
    alive.wait_for_death();
}

#[test]
fn what_a_shell_had_started_before_it_became_proc_is_spared_by_the_guard() {
    let script = "exec 9>alive; ./child wait & exec 9>&-; echo sleeper $!; exec \"$@\"";
    let proc = Proc::start("web: ./child pid ready wait\n").by_shell(script);
    let alive = proc.liveness();
    let proc = proc.spawn();
    proc.wait_for("ready");
    let sleeper = Pid::from_raw(proc.number_after("sleeper "));
    let web = Pid::from_raw(proc.number_after("| pid "));
    kill(proc.supervisor(), Signal::SIGKILL).unwrap();
    proc.wait_for_complaint("all processes were killed");
    assert_eq!(kill(web, None), Err(Errno::ESRCH));
    assert!(alive.is_held(), "the sleeper was killed");
    kill(sleeper, Signal::SIGKILL).unwrap();
    proc.finish().exits(70).complains("lost").stdout();
}
