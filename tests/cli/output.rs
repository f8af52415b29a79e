//! `proc start`: bytes in, bytes out: nothing lost, torn or made up, whatever the children and our readers do.

use crate::support::{Proc, read_until};
use insta::assert_snapshot;
use nix::sys::signal::Signal;
use std::fs::File;
use std::process::Stdio;

#[test]
fn a_burst_before_the_end_is_printed_whole_and_before_the_exit() {
    let run = Proc::start("web: ./child flood 100000 exit 0\n").run();
    run.exits(0);
    let lines = run.lines_of("web.1");
    assert_eq!(lines.len(), 100_002);
    let in_order = lines[1..].iter().zip(1..=100_000).all(|(line, number)| *line == format!("line {number}"));
    assert!(in_order);
    assert_eq!(lines.last().unwrap(), "exited with code 0");
}

#[test]
fn the_bursts_of_several_processes_do_not_tear_each_other() {
    let run = Proc::start("a: ./child flood 20000 exit 0\nb: ./child flood 20000 exit 0\n");
    let run = run.args(["a=2", "b=2", "--exit-on", "all"]).run();
    run.exits(0);
    for name in ["a.1", "a.2", "b.1", "b.2"] {
        let lines = run.lines_of(name);
        assert_eq!(lines.len(), 20_002, "{name}");
        assert!(lines[1..].iter().zip(1..=20_000).all(|(line, number)| *line == format!("line {number}")));
    }
}

#[test]
fn standard_error_goes_to_the_same_stream_in_its_order() {
    let run = Proc::start("web: ./child say one err two say three err four exit 0\n").run();
    run.exits(0);
    assert_eq!(run.lines_of("web.1")[1..5], ["one", "two", "three", "four"]);
}

#[test]
fn the_time_of_a_line_is_not_before_it_was_written() {
    let proc = Proc::new("web: read x <go; date +%FT%T.%3N\n");
    let proc = proc.args(["start", "--no-port", "--timestamps", "rfc3339"]);
    let go = proc.gate();
    let proc = proc.spawn();
    proc.wait_for("started with pid");
    go.open();
    let run = proc.finish();
    run.exits(0);
    let stdout = run.stdout();
    let line = stdout.lines().nth(1).unwrap();
    let (shown, written) = line.split_once("+00:00 web.1  | ").unwrap();
    assert!(shown >= written, "{line}");
}

#[test]
fn an_unterminated_last_line_is_shown() {
    let run = Proc::start("web: ./child say first print last exit 0\n").run();
    run.exits(0);
    assert_eq!(run.lines_of("web.1")[1..], ["first", "last", "exited with code 0"]);
}

#[test]
fn a_line_longer_than_64_kib_is_cut_into_continuation_records_and_loses_nothing() {
    for length in [65_535, 65_536, 65_537, 200_000] {
        let run = Proc::start(format!("web: ./child long {length} exit 0\n")).run();
        run.exits(0);
        let lines = run.lines_of("web.1");
        let text = &lines[1..lines.len() - 1];
        assert_eq!(text.concat(), "x".repeat(length), "{length}");
        assert_eq!(text.len(), length.div_ceil(65_536), "{length}");
    }
}

#[test]
fn in_raw_form_standard_output_has_the_bytes_of_the_children_and_nothing_else() {
    let run = Proc::start("web: ./child bytes 00ff1b5b33316d0d0a80 print tail exit 0\n");
    let run = run.args(["--log-format", "raw"]).run();
    run.exits(0);
    assert_eq!(run.stdout_bytes(), b"\x00\xff\x1b[31m\r\n\x80tail");
    assert_snapshot!(run.stderr(), @r"
    web.1 | started with pid [pid]
    web.1 | exited with code 0
    ");
}

#[test]
fn in_text_form_too_bytes_that_are_not_utf_8_pass_through() {
    let run = Proc::start("web: ./child bytes 61ff620a exit 0\n").run();
    run.exits(0);
    assert!(run.stdout_bytes().windows(4).any(|bytes| bytes == b"a\xffb\n"));
}

#[test]
fn in_json_form_each_line_is_an_object() {
    let verbs = "say out err wrong bytes 61ff0a print tail exit 0";
    let run = Proc::start(format!("web: ./child {verbs}\n")).args(["--log-format", "json"]).run();
    run.exits(0);
    let objects: Vec<serde_json::Value> =
        run.stdout().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let find = |text: &str| {
        let found = objects.iter().find(|object| object["line"].as_str().unwrap().starts_with(text));
        found.unwrap_or_else(|| panic!("{text} is not in {objects:?}"))
    };
    assert_eq!(find("out")["stream"], "stdout");
    assert_eq!(find("wrong")["stream"], "stderr");
    assert_eq!(find("a\u{fffd}")["bytes_base64"], "Yf8=");
    assert_eq!(find("tail")["partial"], true);
    assert_eq!(find("out").get("partial"), None);
    assert_eq!(find("out").get("bytes_base64"), None);
    assert_eq!(find("exited with code 0")["stream"], "system");
    for object in &objects {
        assert_eq!((&object["process"], &object["type"]), (&"web.1".into(), &"web".into()));
        assert_eq!(object["index"], 1);
        assert!(object["pid"].is_u64());
        assert_eq!(object["ts"].as_str().unwrap().len(), "2026-01-01T00:00:00.000+00:00".len());
    }
}

#[test]
fn a_grandchild_that_keeps_the_pipe_open_holds_nothing_up() {
    let procfile = "web: ./child print last-words setsid ignore TERM wait end exit 0\nworker: ./child wait\n";
    let proc = Proc::start(procfile).args(["--exit-on", "all", "-t", "0.5"]).spawn();
    proc.wait_for("web.1    | exited with code 0");
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM);
    let mut lines = run.lines_of("web.1");
    lines.retain(|line| !line.contains("outside its group"));
    assert_eq!(lines[1..], ["last-words", "exited with code 0"]);
    let run =
        Proc::start("web: ./child say before hold-pipe print last-words exit 3\n").args(["-t", "1"]).run();
    run.exits(3);
    assert_eq!(run.lines_of("web.1")[1..], ["before", "last-words", "exited with code 3"]);
}

#[test]
fn a_reader_that_goes_away_ends_the_run_cleanly() {
    let proc = Proc::start("web: ./child hold alive ticks 10 wait\nworker: ./child hold alive wait\n");
    let alive = proc.liveness();
    let (proc, mut reader) = proc.spawn_into_a_pipe();
    read_until(&mut reader, "tick");
    drop(reader);
    // Finished sees to it that nothing was said on standard error either.
    proc.finish().dies_by(Signal::SIGPIPE);
    alive.wait_for_death();
}

// F100
#[test]
fn a_standard_output_that_was_never_open_ends_nothing_badly() {
    for script in ["exec \"$@\" >&-", "exec \"$@\" >&- 2>&-", "exec \"$@\" <&- >&- 2>&-"] {
        let proc = Proc::start("web: ./child hold alive fds flood 1000 exit 4\n").by_shell(script);
        let alive = proc.liveness();
        let run = proc.run();
        run.never_says("panic");
        run.stderr();
        alive.wait_for_death();
    }
}

#[test]
fn a_reader_that_does_not_read_stops_the_output_and_never_a_signal() {
    let proc = Proc::start("web: ./child hold alive flood 1000000 exit 0\n").args(["-t", "1"]);
    let alive = proc.liveness();
    let (proc, mut reader) = proc.spawn_into_a_pipe();
    read_until(&mut reader, "line 1\n");
    // Nobody reads from here on, and all the same it ends.
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).complains(" bytes of output could not be written\n");
    alive.wait_for_death();
    drop(reader);
}

// F41
#[test]
fn a_reader_of_both_streams_that_does_not_read_holds_up_no_end() {
    let proc = Proc::start("web: ./child hold alive flood 1000000 exit 0\n").args(["-t", "1"]);
    let alive = proc.liveness();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = proc.command();
    command.stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).stderr(writer);
    let proc = proc.spawn_as(command, None);
    read_until(&mut reader, "line 1\n");
    // What could not be written cannot be complained of either.
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM);
    alive.wait_for_death();
    drop(reader);
}

#[test]
fn a_slow_reader_is_waited_for_when_all_have_ended() {
    // More than our pipe takes, and less than `proc` keeps.
    let proc = Proc::start("web: ./child hold alive flood 60000 exit 0\n");
    let alive = proc.liveness();
    let (proc, mut reader) = proc.spawn_into_a_pipe();
    read_until(&mut reader, "line 1\n");
    alive.wait_for_death();
    let output = std::io::read_to_string(&mut reader).unwrap();
    proc.finish().exits(0);
    assert!(output.contains("line 60000\n") && output.ends_with("exited with code 0\n"));
}

#[test]
fn what_could_not_be_written_is_no_success() {
    let proc = Proc::start("web: ./child say lost exit 0\n");
    let run = proc.spawn_into(File::options().write(true).open("/dev/full").unwrap()).finish();
    run.exits(1).complains("No space left on device").complains(" bytes of output could not be written\n");
}

#[test]
fn an_exit_is_said_although_a_grandchild_keeps_the_pipe_open_and_the_output_is_full() {
    let verbs = "quiet: ./child hold-pipe say leader exit 0\nloud: ./child flood 1000000 wait\n";
    let proc = Proc::start(verbs).args(["--exit-on", "all"]);
    let (proc, mut reader) = proc.spawn_into_a_pipe();
    read_until(&mut reader, "quiet.1 | exited with code 0");
    proc.signal(Signal::SIGTERM);
    std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
    proc.finish().dies_by(Signal::SIGTERM);
}

#[test]
fn a_full_disk_is_said_once_and_proc_can_still_be_stopped() {
    let proc = Proc::start("web: ./child hold alive flood 10 wait\n");
    let alive = proc.liveness();
    let proc = proc.spawn_into(File::options().write(true).open("/dev/full").unwrap());
    proc.wait_for_complaint("system | failed to write the output: No space left on device");
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).complains(" bytes of output could not be written\n");
    assert_eq!(run.stderr().lines().count(), 2, "{}", run.stderr());
    alive.wait_for_death();
}
