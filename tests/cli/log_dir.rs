//! `proc start --log-dir`: a file for each instance, with its bytes and nothing else, beside the terminal.

use crate::support::{Finished, Gate, Proc, Running, has_small_disks};
use nix::sys::signal::Signal;
use std::os::unix::fs::{PermissionsExt, symlink};

/// `proc start` of this Procfile, with log files in `log`.
fn logged(procfile: &str) -> Proc {
    Proc::start(procfile).args(["--log-dir", "log"])
}

/// What is in a file of a run that is over.
fn content(run: &Finished, name: &str) -> String {
    std::fs::read_to_string(run.directory().join("log").join(name)).unwrap()
}

#[test]
fn a_file_has_the_bytes_of_its_instance_and_nothing_else() {
    let run = logged("web: ./child say out err wrong bytes 00ff1b5b33316d0d0a80 print tail exit 0\n").run();
    run.exits(0).says("web.1  | out\n").says("web.1  | exited with code 0\n");
    let bytes = std::fs::read(run.directory().join("log/web.1.log")).unwrap();
    assert_eq!(bytes, b"out\nwrong\n\x00\xff\x1b[31m\r\n\x80tail");
}

#[test]
fn each_instance_has_a_file_of_its_own_and_only_its_owner_may_read_it() {
    let run = logged("web: ./child env PS exit 0\nworker: ./child env PS exit 0\n");
    let run = run.args(["web=2", "worker=1", "--exit-on", "all"]).by_shell("umask 0; exec \"$@\"").run();
    run.exits(0).says("PS=web.2");
    for name in ["web.1", "web.2", "worker.1"] {
        let file = format!("{name}.log");
        assert_eq!(content(&run, &file), format!("PS={name}\n"));
        let mode = run.directory().join("log").join(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600, "{name}");
    }
}

#[test]
fn without_the_option_there_is_no_file_and_the_variable_is_the_option() {
    let run = Proc::start("web: ./child say text exit 0\n").run();
    run.exits(0).says("text");
    assert!(!run.directory().join("log").exists());
    let run = Proc::start("web: ./child say text exit 0\n").variable("PROC_LOG_DIR", "log/deep").run();
    run.exits(0).says("text");
    assert_eq!(content(&run, "deep/web.1.log"), "text\n");
}

#[test]
fn the_directory_is_found_from_where_proc_was_called() {
    let run = Proc::without_procfile().file("app/Procfile", "web: pwd\n");
    let run = run.args(["start", "--no-port", "-d", "app", "--log-dir", "log"]).run();
    run.exits(0).says("/app\n");
    assert!(content(&run, "web.1.log").ends_with("/app\n"));
}

#[test]
fn a_type_that_is_hidden_is_logged() {
    let run = logged("web: ./child say text exit 0\n").args(["-q", "web"]).run();
    run.exits(0);
    assert_eq!(run.lines_of("web.1"), ["started with pid [pid]", "exited with code 0"]);
    assert_eq!(content(&run, "web.1.log"), "text\n");
}

#[test]
fn a_file_that_is_there_is_written_on() {
    let run = logged("web: ./child say new exit 0\n").file("log/web.1.log", "old\n").run();
    run.exits(0).says("new");
    assert_eq!(content(&run, "web.1.log"), "old\nnew\n");
}

#[test]
fn the_lines_of_a_process_that_is_started_again_begin_on_a_line_of_their_own() {
    let toml = "[process.web]\nrestart = 'always'\nrestart_delay = '10ms'\nmax_restarts = 2\n";
    for format in ["text", "json"] {
        let run = logged("web: ./child say line print tail exit 1\n").file("proc.toml", toml);
        let run = run.args(["--log-format", format]).run();
        run.exits(1).says("restarting");
        assert_eq!(content(&run, "web.1.log"), "line\ntail\nline\ntail\nline\ntail", "{format}");
    }
}

#[test]
fn in_json_form_the_lines_of_the_two_streams_do_not_tear_each_other() {
    let verbs = "print ou err wrong print t err bad say put print end exit 0";
    let run = logged(&format!("web: ./child {verbs}\n")).args(["--log-format", "json"]).run();
    run.exits(0).says("\"line\":\"output\"");
    let content = content(&run, "web.1.log");
    let mut lines: Vec<&str> = content.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["bad", "end", "output", "wrong"]);
    assert!(content.ends_with("end"), "{content:?}");
}

#[test]
fn under_a_flood_the_files_are_the_end_of_it_without_a_gap() {
    let run = logged("web: ./child flood 200000 exit 0\n");
    let run = run.args(["-q", "web", "--log-rotate", "100KiB,3"]).run();
    run.exits(0).says("exited with code 0");
    let files: Vec<String> =
        ["web.1.log.3", "web.1.log.2", "web.1.log.1", "web.1.log"].map(|name| content(&run, name)).into();
    assert!(files.iter().all(|file| file.ends_with('\n') && file.len() <= 164 * 1024));
    let flood = (1..=200_000).map(|line| format!("line {line}\n")).collect::<Vec<_>>().concat();
    assert!(files[..3].iter().map(String::len).sum::<usize>() > 3 * 98 * 1024);
    assert!(flood.ends_with(&files.concat()));
    assert!(!run.directory().join("log/web.1.log.4").exists());
}

#[test]
fn with_none_a_file_is_never_rotated() {
    let run = logged("web: ./child flood 1200000 exit 0\n").args(["-q", "web", "--log-rotate", "none"]).run();
    run.exits(0).says("exited with code 0");
    assert_eq!(content(&run, "web.1.log").lines().count(), 1_200_000);
    assert!(!run.directory().join("log/web.1.log.1").exists());
}

/// The ticks in a text, each of which is the one before and one more.
fn ticks(text: &str) -> usize {
    let numbers = text.lines().map(|line| line.strip_prefix("tick ").unwrap().parse::<usize>().unwrap());
    numbers.zip(1..).map(|(number, expected)| assert_eq!(number, expected)).count()
}

#[test]
fn a_file_that_is_moved_while_it_is_written_loses_nothing() {
    let proc = logged("web: ./child ticks 1 wait\n");
    let (path, moved) = (proc.path("log/web.1.log"), proc.path("moved"));
    let proc = proc.spawn();
    proc.wait_for("tick 20\n");
    std::fs::rename(&path, &moved).unwrap();
    let seen = proc.count("tick");
    proc.wait_until("more ticks", |stdout| stdout.matches("tick").count() > seen + 20);
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).says("killed by SIGTERM");
    let (before, after) = (std::fs::read_to_string(moved).unwrap(), content(&run, "web.1.log"));
    assert!(ticks(&(before + &after)) > seen + 20 && !after.is_empty());
}

#[test]
fn what_cannot_be_a_log_file_is_said_before_anything_starts() {
    let proc = logged("web: ./child say started wait\nworker: ./child wait\n").file("log/other", "");
    symlink("other", proc.path("log/web.1.log")).unwrap();
    let run = proc.fifo("log/worker.1.log").run();
    run.exits(2);
    insta::assert_snapshot!(run.stderr(), @r"
    error: --log-dir: failed to open log/web.1.log: it is a symbolic link, not a regular file
      hint: move away what is there, or name another directory
    error: --log-dir: failed to open log/worker.1.log: it is a FIFO, not a regular file
      hint: move away what is there, or name another directory
    ");
    let run = logged("web: ./child wait\n").file("log", "a file").run();
    run.exits(2).complains("error: --log-dir: failed to open log/web.1.log: ");
    let run = logged("web: ./child wait\n").args(["--log-rotate", "1,1"]).run();
    run.exits(2).complains("1 is too small a size to rotate at");
}

/// Runs with a small disk at `disk`, where this system lets us have one; what is written to it is gone with `proc`.
const ON_A_SMALL_DISK: &str = "\
    exec unshare --user --map-root-user --mount sh -c \
    'mount -t tmpfs -o size=4m none disk && head -c 3900000 /dev/zero > disk/ballast && exec \"$@\"' sh \"$@\"";

/// A flood that fills the disk, then the rest of a script behind a gate.
fn on_a_small_disk(rest: &str) -> (Running, Gate) {
    let proc = Proc::start(format!("web: seq 1 400000; read x <go; {rest}\n")).file("disk/here", "");
    let go = proc.gate();
    let proc = proc.args(["-q", "web", "--log-dir", "disk"]).by_shell(ON_A_SMALL_DISK).spawn();
    proc.wait_for("system | failed to write disk/web.1.log: No space left on device; trying again\n");
    (proc, go)
}

#[test]
fn a_full_disk_holds_up_nobody_and_the_file_says_what_is_missing() {
    if !has_small_disks() {
        return;
    }
    let copy = "while ! grep -q missing disk/web.1.log; do :; done; cp disk/web.1.log copy";
    let (proc, go) = on_a_small_disk(&format!("rm disk/ballast; {copy}"));
    go.open();
    let run = proc.finish();
    let stdout = run.exits(0).stdout();
    let missing = |text: &str, before: &str| -> usize {
        let rest = &text[text.find(before).unwrap() + before.len()..];
        rest[..rest.find(' ').unwrap()].parse().unwrap()
    };
    let said = missing(&stdout, "disk/web.1.log is written again; ");
    let copy = std::fs::read_to_string(run.directory().join("copy")).unwrap();
    let line = format!("[proc: {said} bytes are missing here: No space left on device]\n");
    let (before, after) = copy.split_once(&line).unwrap();
    let flood = (1..=400_000).map(|number| format!("{number}\n")).collect::<Vec<_>>().concat();
    assert!(flood.starts_with(before.strip_suffix('\n').unwrap()));
    // The line about the gap begins on a line of its own: that newline is ours where the flood was cut in the middle of a line.
    assert!(flood.ends_with(after));
    let sum = before.len() + said + after.len();
    assert!([0, 1].contains(&(sum - flood.len())), "{} + {said} + {}", before.len(), after.len());
}

#[test]
fn a_file_that_may_not_grow_is_like_a_full_disk() {
    let run = logged("web: ./child flood 20000 exit 0\n").by_shell("ulimit -f 8; exec \"$@\"").run();
    run.exits(0)
        .says("web.1  | line 20000\n")
        .says("failed to write log/web.1.log: File too large; trying again\n");
    run.says(" bytes are missing at the end of log/web.1.log: File too large\n");
}

#[test]
fn what_a_full_disk_did_not_take_is_said_at_the_end_and_is_no_failure() {
    if !has_small_disks() {
        return;
    }
    let (proc, go) = on_a_small_disk("exit 0");
    go.open();
    let run = proc.finish();
    run.exits(0).says(" bytes are missing at the end of disk/web.1.log: No space left on device\n");
}
