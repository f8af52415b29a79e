//! What `proc` as a whole can do: throughput beside that of `cat`, latency of a quiet process among loud ones, memory.
//!
//! The processes that write are this program itself, called with a verb; what `proc` writes goes into a pipe that is read
//! all the time. `cargo bench --bench end_to_end`; with `-- spawns 100000` only what so many spawns leave behind,
//! with `-- idle` only what probes cost, with `-- control` only what it costs to ask a run from elsewhere.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench: a panic is how it fails, a table how it succeeds; it reads the clock and /proc"
)]

mod child;
mod control;
mod idle;
mod run;
mod spawns;

use run::Run;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// How many processes write.
const PROCESSES: usize = 4;

/// How often throughput is measured; the best counts, since whatever else runs can only slow it down.
const ATTEMPTS: usize = 3;

/// How long the reader that stands still does so.
const STANDSTILL: Duration = Duration::from_secs(2);

fn main() {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some("child") => child::perform(&mut args),
        Some("spawns") => spawn(args.next().map_or(10_000, |count| count.parse().unwrap())),
        Some("idle") => idle(),
        Some("control") => control(),
        // Cargo says so; a `cargo test` of all targets comes without it.
        Some(_) if std::env::args().any(|arg| arg == "--bench") => measure(),
        Some(_) | None => {}
    }
}

/// Prints what many spawns leave behind.
fn spawn(count: usize) {
    let begin = Instant::now();
    let (early, late) = spawns::spawn(count);
    println!("{count} spawns in {:.1?}: {early:?} after a tenth, {late:?} after all", begin.elapsed());
}

/// Prints what the supervisor takes for processes that do nothing but answer.
fn idle() {
    println!("cost of 50 idle processes, in percent of a core");
    for (what, settings, said) in [
        ("nobody asks", "", "started with pid"),
        ("tcp, every 2 s", "readiness = { tcp = true }", "healthy after"),
        ("http, every 2 s", "readiness = { http = '/' }", "healthy after"),
        ("exec, every 2 s", "readiness = { exec = 'true' }", "healthy after"),
    ] {
        println!("  {what:28} {:7.2} %", idle::cost(settings, said));
    }
}

/// Prints what those take who ask a run from elsewhere, and what the others notice of it.
fn control() {
    println!("latency of a line every 5 ms, from before it is written until it is read");
    let others = "other: exec sleep 600\n";
    latency("nobody asks", others);
    let count = latency_while("another restarts all the time", others, |directory| {
        control::restart(directory, "other")
    });
    println!("  ({count} restarts)");
    let (median, longest) = control::ps();
    println!("\n`proc ps` with 50 processes: p50 {median:.1?}, max {longest:.1?}");
    let (written, shown) = control::follow();
    println!("\na flood of {written} lines/s: `proc logs -f` shows {shown} of them");
    println!();
    idle();
}

fn measure() {
    println!(
        "throughput of {PROCESSES} processes that write lines of 100 bytes; prefix, time and colour on; best of {ATTEMPTS}"
    );
    let peak = throughput("65500 bytes a write", 64 << 20, 65_500);
    throughput("a line a write", 8 << 20, 100);
    println!("\nlatency of a line every 5 ms, from before it is written until it is read");
    latency("nobody else writes", "");
    latency("three others flood", "a: ./child child flood\nb: ./child child flood\nc: ./child child flood\n");
    println!("\npeak memory of proc (VmHWM)");
    println!("  {:28} {:7} KiB", "four flood", peak);
    println!("  {:28} {:7} KiB", "one line of 1 GiB", of_an_endless_line());
    println!("  {:28} {:7} KiB", "the reader stands still", of_a_standstill());
    println!();
    idle();
}

/// Four types of a process that does this.
fn four(verbs: &str) -> String {
    ["a", "b", "c", "d"].map(|name| format!("{name}: ./child child {verbs}\n")).concat()
}

/// Prints a row; returns the peak memory of `proc`.
fn throughput(what: &str, bytes: usize, write: usize) -> u64 {
    let verbs = format!("lines {bytes} {write}");
    let (mut ours, mut cats, mut peak) = (0, 0, 0);
    for _ in 0..ATTEMPTS {
        let (rate, kib) = rate_of_proc(&verbs, bytes);
        ours = ours.max(rate);
        peak = peak.max(kib);
        cats = cats.max(rate_of_cat(&verbs, bytes));
    }
    println!("  {what:28} proc {ours:5} MB/s   cat {cats:5} MB/s   {:3} %", ours * 100 / cats);
    peak
}

/// MB/s of what the processes write, and the peak memory in KiB.
fn rate_of_proc(verbs: &str, bytes: usize) -> (u128, u64) {
    let begin = Instant::now();
    let mut run = Run::start(&four(verbs), &["--exit-on", "all"]);
    let count = run.drain(|_| {});
    let rate = rate(bytes, begin);
    assert!(count > bytes * PROCESSES, "{count} bytes came");
    (rate, run.end())
}

/// The same processes into one pipe, and `cat` from there to us.
fn rate_of_cat(verbs: &str, bytes: usize) -> u128 {
    let begin = Instant::now();
    let (reader, writer) = std::io::pipe().unwrap();
    let mut children: Vec<Child> = std::iter::repeat_with(|| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.arg("child").args(verbs.split(' ')).stdout(writer.try_clone().unwrap()).spawn().unwrap()
    })
    .take(PROCESSES)
    .collect();
    drop(writer);
    let mut cat = Command::new("cat").stdin(reader).stdout(Stdio::piped()).spawn().unwrap();
    let count = run::drain(&mut cat.stdout.take().unwrap(), |_| {});
    let rate = rate(bytes, begin);
    children.push(cat);
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
    assert!(count >= bytes / 100 * 100 * PROCESSES, "{count} bytes came");
    rate
}

/// Bytes in a microsecond are megabytes in a second.
fn rate(bytes: usize, since: Instant) -> u128 {
    (bytes * PROCESSES) as u128 / since.elapsed().as_micros().max(1)
}

/// Prints a row: a process that ticks, beside those of this Procfile.
fn latency(what: &str, others: &str) {
    latency_while(what, others, |_| ());
}

/// The same while something else is done in the directory of the run; what came of that.
fn latency_while<T: Send + 'static>(
    what: &str,
    others: &str,
    other: impl FnOnce(&Path) -> T + Send + 'static,
) -> T {
    let mut run = Run::start(&format!("quiet: ./child child ticks 1000\n{others}"), &["--exit-on", "any"]);
    let directory = run.directory().to_owned();
    run.wait_for("tick", 1);
    let other = std::thread::spawn(move || other(&directory));
    let (mut latencies, mut rest) = (Vec::new(), Vec::new());
    run.drain(|bytes| {
        let now = SystemTime::now();
        rest.extend_from_slice(bytes);
        let whole = memchr::memrchr(b'\n', &rest).map_or(0, |end| end + 1);
        latencies
            .extend(child::ticks_in(&rest[..whole]).map(|tick| now.duration_since(tick).unwrap_or_default()));
        rest.drain(..whole);
    });
    run.end();
    assert!(latencies.len() > 900, "{} came", latencies.len());
    latencies.sort();
    let at = |percent: usize| latencies[latencies.len() * percent / 100];
    println!(
        "  {what:28} p50 {:9.3?}   p99 {:9.3?}   max {:9.3?}",
        at(50),
        at(99),
        latencies[latencies.len() - 1]
    );
    other.join().unwrap()
}

fn of_an_endless_line() -> u64 {
    let mut run = Run::start("a: ./child child endless 1073741824\n", &[]);
    assert!(run.drain(|_| {}) > 1 << 30);
    run.end()
}

fn of_a_standstill() -> u64 {
    let mut run = Run::start(&four("lines 33554432 65500"), &["--exit-on", "all"]);
    let mut seen = 0;
    run.drain(|bytes| {
        if seen < 1 << 20 && seen + bytes.len() >= 1 << 20 {
            std::thread::sleep(STANDSTILL);
        }
        seen += bytes.len();
    });
    run.end()
}
