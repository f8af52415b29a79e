//! Eight processes flood at once, and every line is looked at: none lost, torn, mislabelled or out of order, whoever reads. And what a
//! flood must not do: hold up a process that says little, or take memory.
//!
//! What comes is checked as it comes and not kept. `cargo test --release --test flood` sends ten million lines, a debug build fewer.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests: a panic is how they fail, and they read /proc and their own files only"
)]

#[path = "../cli/support/mod.rs"]
#[expect(dead_code, reason = "the tests of the command line need more of it")]
mod support;

#[path = "../fixture/checked.rs"]
mod checked;

mod ledger;
mod memory;

use ledger::Ledger;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::Signal;
use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read};
use std::time::Instant;
use support::{LIMIT, Proc, has_small_disks, is_readable};

/// The processes of every flood.
const NAMES: [&str; 8] = ["a.1", "a.2", "a.3", "a.4", "b.1", "b.2", "b.3", "b.4"];

/// More lines in all than fit into our pipe, the queue of `proc` and the pipes of the processes: some 28 MB.
const MORE_THAN_FITS: u64 = 304_000;

/// That many lines in all, by eight processes.
fn flood(lines: u64) -> Proc {
    eight(&format!("./child flood-checked {} exit 0", lines / 8))
}

fn eight(command: &str) -> Proc {
    let proc = Proc::start(format!("a: {command}\nb: {command}\n"));
    proc.args(["a=4", "b=4", "--exit-on", "all"])
}

fn ledger(lines: u64) -> Ledger {
    Ledger::new(&NAMES, lines / 8)
}

/// Both ends of a FIFO, so that the first of its writers that ends is not its end.
fn both_ends(proc: &Proc, fifo: &str) -> File {
    File::options().read(true).write(true).open(proc.path(fifo)).unwrap()
}

/// Reads the next bytes; none at the end.
#[track_caller]
fn read_some<'a>(from: &mut PipeReader, buffer: &'a mut [u8]) -> &'a [u8] {
    assert!(is_readable(from), "nothing comes any more");
    let count = from.read(buffer).unwrap();
    &buffer[..count]
}

/// Reads to the end.
#[track_caller]
fn read_all(from: &mut PipeReader, mut each: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 65_536];
    loop {
        let bytes = read_some(from, &mut buffer);
        if bytes.is_empty() {
            return;
        }
        each(bytes);
    }
}

/// Reads on until this text has come, however much comes before it; how many bytes that was.
#[track_caller]
fn read_past(from: &mut PipeReader, text: &str) -> usize {
    let deadline = Instant::now() + LIMIT;
    let (mut buffer, mut window, mut count) = (vec![0; 65_536], Vec::new(), 0);
    while memchr::memmem::find(&window, text.as_bytes()).is_none() {
        assert!(
            Instant::now() < deadline,
            "waited for {text:?}: {count} bytes came, and it is not among them"
        );
        window.drain(..window.len().saturating_sub(text.len()));
        let bytes = read_some(from, &mut buffer);
        assert!(!bytes.is_empty(), "waited for {text:?}, and the end came");
        window.extend_from_slice(bytes);
        count += bytes.len();
    }
    count
}

#[test]
fn every_line_of_eight_floods_comes_whole_in_its_order_and_under_its_name() {
    let lines = if cfg!(debug_assertions) { 400_000 } else { 10_000_000 };
    let (mut reader, writer) = std::io::pipe().unwrap();
    let proc = flood(lines).spawn_into(writer);
    let mut ledger = ledger(lines);
    read_all(&mut reader, |bytes| ledger.text(bytes));
    proc.finish().exits(0);
    ledger.is_complete();
}

/// Whoever is restarted meanwhile costs the others nothing.
#[test]
fn every_line_of_eight_floods_comes_while_another_process_is_restarted_again_and_again() {
    let lines = if cfg!(debug_assertions) { 160_000 } else { 4_000_000 };
    let command = format!("./child flood-checked {} exit 0", lines / 8);
    let proc = Proc::start(format!("a: {command}\nb: {command}\nother: ./child wait\n"));
    let proc = proc.args(["a=4", "b=4", "other", "--exit-on", "all"]);
    let directory = proc.path(".");
    let (mut reader, writer) = std::io::pipe().unwrap();
    let proc = proc.spawn_into(writer);
    let ask = move |word: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_proc"));
        command.args([word, "other"]).current_dir(&directory).env_clear();
        command.output().unwrap().status.success()
    };
    let restarts = std::thread::spawn(move || {
        let restarts = (0..20).filter(|_| ask("restart")).count();
        // It stays down, so that the run ends with the others.
        ask("stop");
        restarts
    });
    let mut ledger = ledger(lines).without("other.1");
    read_all(&mut reader, |bytes| ledger.text(bytes));
    proc.finish().exits(0);
    ledger.is_complete();
    assert!(restarts.join().unwrap() > 0);
}

#[test]
fn every_line_of_eight_floods_comes_in_json_too() {
    let lines = if cfg!(debug_assertions) { 40_000 } else { 1_000_000 };
    let (mut reader, writer) = std::io::pipe().unwrap();
    let proc = flood(lines).args(["--log-format", "json"]).spawn_into(writer);
    let mut ledger = ledger(lines);
    read_all(&mut reader, |bytes| ledger.json(bytes));
    proc.finish().exits(0);
    ledger.is_complete();
}

/// Floods into this pipe, of which 1 MB is read, and the rest when all processes wait for it.
fn is_complete_although_the_reader_pauses(mut reader: PipeReader, writer: PipeWriter) {
    let verbs = format!("./child flood-held-up {} held-up exit 0", MORE_THAN_FITS / 8);
    let proc = eight(&verbs).fifo("held-up");
    let mut held_up = both_ends(&proc, "held-up");
    let proc = proc.spawn_into(writer);
    let (mut ledger, mut buffer, mut seen) = (ledger(MORE_THAN_FITS), vec![0; 65_536], 0);
    while seen < 1_000_000 {
        let bytes = read_some(&mut reader, &mut buffer);
        ledger.text(bytes);
        seen += bytes.len();
    }
    for _ in NAMES {
        assert!(is_readable(&held_up), "the processes write on, although nobody reads");
        held_up.read_exact(&mut [0]).unwrap();
    }
    read_all(&mut reader, |bytes| ledger.text(bytes));
    proc.finish().exits(0);
    ledger.is_complete();
}

#[test]
fn a_reader_that_pauses_until_all_processes_wait_for_it_misses_nothing() {
    let (reader, writer) = std::io::pipe().unwrap();
    is_complete_although_the_reader_pauses(reader, writer);
}

#[test]
fn a_standard_output_that_somebody_made_non_blocking_loses_nothing() {
    let (reader, writer) = std::io::pipe().unwrap();
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_WRONLY | OFlag::O_NONBLOCK)).unwrap();
    is_complete_although_the_reader_pauses(reader, writer);
}

/// What may come before a line that has been written: all of `--buffer` (4 MiB), and what two turns of four pipes make of lines of two bytes.
const BEFORE_A_LINE: usize = 8 << 20;

#[test]
fn a_quiet_process_is_heard_beside_endless_floods() {
    let quiet = "read x <go; echo first; read x <go; echo second; echo >written; read x <go";
    let proc =
        Proc::start(format!("loud: yes\nquiet: {quiet}\n")).args(["loud=5", "quiet=1"]).fifo("written");
    let (go, written) = (proc.gate(), both_ends(&proc, "written"));
    let (mut reader, writer) = std::io::pipe().unwrap();
    let proc = proc.spawn_into(writer);
    for name in ["loud.1", "loud.2", "loud.3", "loud.4", "loud.5"] {
        read_past(&mut reader, &format!("{name}  | y\n"));
    }
    go.open();
    read_past(&mut reader, "quiet.1 | first\n");
    // Nobody reads while it writes the second line, so what comes before that is what was written before.
    go.open();
    assert!(is_readable(&written), "a process that says little is held up");
    let before = read_past(&mut reader, "quiet.1 | second\n");
    assert!(before < BEFORE_A_LINE, "{before} bytes came before the line");
    proc.signal(Signal::SIGTERM);
    read_all(&mut reader, |_| {});
    proc.finish().dies_by(Signal::SIGTERM);
}

/// What `proc` may take at most, in KiB; `--buffer` is 4 MiB of it, the log that is kept 8 MiB, and a debug build itself 20 MiB.
const MOST_MEMORY: u64 = if cfg!(debug_assertions) { 44 << 10 } else { 26 << 10 };

#[test]
fn an_endless_line_takes_no_memory_and_comes_whole() {
    // A debug build is slower: a shorter line, and the same bound.
    let length = if cfg!(debug_assertions) { 64 << 20 } else { 1 << 30 };
    let proc = Proc::start(format!("web: head -c {length} /dev/zero; echo; read x <go\n"));
    let go = proc.gate();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let proc = proc.spawn_into(writer);
    let (mut buffer, mut come) = (vec![0; 65_536], 0);
    let zeros = |bytes: &[u8]| memchr::memchr_iter(0, bytes).count();
    while come < length {
        let bytes = read_some(&mut reader, &mut buffer);
        assert!(!bytes.is_empty(), "the end came after {come} bytes");
        come += zeros(bytes);
    }
    let peak = memory::peak(&proc);
    go.open();
    read_all(&mut reader, |bytes| come += zeros(bytes));
    proc.finish().exits(0);
    assert_eq!(come, length);
    assert!(peak < MOST_MEMORY, "{peak} KiB");
}

/// A disk of 16 MiB of which 1 MiB is free, in a mount namespace that ends with `proc`, and the output on it.
const ONTO_A_SMALL_DISK: &str = r#"exec unshare -Urm sh -euc '
    mount -t tmpfs -o size=16m tmpfs disk
    head -c 15m /dev/zero >disk/filling
    exec "$@" >disk/out' sh "$@""#;

#[test]
fn a_disk_that_was_full_and_has_space_again_holds_everything() {
    if !has_small_disks() {
        return;
    }
    let lines = 80_000;
    let proc = flood(lines).file("disk/.keep", "").by_shell(ONTO_A_SMALL_DISK);
    let disk = proc.path("disk");
    let proc = proc.spawn();
    proc.wait_for_complaint("system | failed to write the output: No space left on device");
    let disk = format!("/proc/{}/root{}", proc.pid(), disk.display());
    // Opened before the disk goes: what is open stays.
    let mut out = File::open(format!("{disk}/out")).unwrap();
    std::fs::remove_file(format!("{disk}/filling")).unwrap();
    let run = proc.finish();
    run.exits(0);
    assert_eq!(run.stderr().lines().count(), 1, "{}", run.stderr());
    let mut text = Vec::new();
    out.read_to_end(&mut text).unwrap();
    let mut ledger = ledger(lines);
    ledger.text(&text);
    ledger.is_complete();
}
