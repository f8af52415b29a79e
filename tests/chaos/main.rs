//! Runs of `proc start` that are put together at random: what the processes do, what happens to us, and when.
//!
//! Whatever it is, nothing outlives the run, it ends, and its exit code is the manual's. `PROC_CHAOS_SCHEDULES` says how many there are,
//! `PROC_CHAOS_SEED` which is the first; alone, it is the only one.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests: a panic is how they fail; they look at the time, /proc and their own environment, and show what went wrong"
)]

#[path = "../cli/support/mod.rs"]
#[expect(dead_code, reason = "the tests of the command line need more of it")]
mod support;

mod run;
mod schedule;
mod verdict;

use schedule::Schedule;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

const SCHEDULES: u64 = 200;

#[test]
fn whatever_happens_the_run_ends_as_the_manual_says_and_nothing_outlives_it() {
    let seed = number("PROC_CHAOS_SEED");
    let first = seed.unwrap_or(1);
    let count = number("PROC_CHAOS_SCHEDULES").unwrap_or(if seed.is_some() { 1 } else { SCHEDULES });
    let next = AtomicU64::new(first);
    let failed = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().unwrap().get() * 2;
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    if !passes(seed) {
                        failed.lock().unwrap().push(seed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {count} schedules failed: {failed:?}", failed.len());
    println!("{count} schedules passed");
}

/// Whether a schedule goes as it should; if not, it is shown.
fn passes(seed: u64) -> bool {
    let schedule = Schedule::new(seed);
    let result = catch_unwind(AssertUnwindSafe(|| run::run(&schedule)));
    if result.is_err() {
        println!("^^^ {schedule}\nonce more: PROC_CHAOS_SEED={seed} cargo test --test chaos\n");
    }
    result.is_ok()
}

/// A variable of ours that holds a number.
fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value} is no number")))
}
