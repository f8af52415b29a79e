//! `proc start --pty`: the terminal that each process has of its own, and that nothing of what it writes there is lost.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests: a panic is how they fail, and they read their own files only"
)]

#[path = "cli/support/mod.rs"]
#[expect(dead_code, reason = "the tests of the command line need more of it")]
mod support;
#[path = "cli/support/terminal.rs"]
mod terminal;

use nix::sys::signal::Signal;
use std::os::unix::fs::PermissionsExt;
use support::{Proc, read_until};
use terminal::{CTRL_C, rows, screen, spawn};

/// For a shell: waits until the test opens the gate.
const UNTIL_GO: &str = "read x <go";

/// `proc start --pty always`, into a pipe.
fn always(procfile: &str) -> Proc {
    Proc::start(procfile).args(["--pty", "always"])
}

#[test]
fn processes_have_terminals_where_proc_has_one_or_always_or_never() {
    for (args, on_a_terminal, into_a_pipe) in [
        (&[][..], "terminals 0 1 2", "no terminals"),
        (&["--pty", "auto"], "terminals 0 1 2", "no terminals"),
        (&["--pty", "always"], "terminals 0 1 2", "terminals 0 1 2"),
        (&["--pty", "never"], "no terminals", "no terminals"),
        (&["--log-format", "raw"], "terminals 0 1 2", "no terminals"),
        (&["--log-format", "json"], "no terminals", "no terminals"),
        (&["--log-format", "json", "--pty", "always"], "terminals 0 1 2", "terminals 0 1 2"),
    ] {
        let proc = || Proc::start("web: ./child tty\n").args(args);
        let (on_terminal, _keyboard) = spawn(proc());
        on_terminal.finish().exits(0).says(on_a_terminal);
        let run = proc().run();
        run.exits(0).says(into_a_pipe);
        run.stderr();
    }
}

#[test]
fn the_choice_can_come_from_the_environment() {
    Proc::start("web: ./child tty\n").variable("PROC_PTY", "always").run().exits(0).says("terminals 0 1 2");
}

#[test]
fn a_process_leads_a_session_and_can_open_its_terminal_by_name() {
    let procfile =
        "web: ./child pid sid wait\nworker: tty <&1; exec 3<&1; echo opened >$(tty <&3); ./child wait\n";
    let proc = always(procfile).spawn();
    assert_eq!(proc.number_after("| pid "), proc.number_after("| sid "));
    proc.wait_for("worker.1 | opened\n");
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("worker.1 | /dev/pts/");
}

// F34
#[test]
fn a_process_cannot_ask_at_our_terminal() {
    let (proc, _keyboard) =
        spawn(Proc::start("web: if (: </dev/tty) 2>/dev/null; then echo open; else echo none; fi\n"));
    proc.finish().exits(0).says("web.1  | none");
}

#[test]
fn the_window_of_a_process_is_what_the_prefix_leaves_of_ours() {
    for (args, prefix) in [
        (&[][..], "worker.1 | "),
        (&["--timestamps", "time"], "12:00:00 worker.1 | "),
        (&["--timestamps", "elapsed"], "    0.000s worker.1 | "),
        (&["--log-format", "raw"], ""),
    ] {
        // The last value of an option counts, and `--no-timestamps` is one of every test.
        let proc = Proc::new("web: ./child window\nworker: ./child window\n");
        let defaults = if args.contains(&"--timestamps") { &[][..] } else { &["--no-timestamps"] };
        let proc = proc.args(["start", "--no-port", "--exit-on", "all"]).args(defaults).args(args);
        let (proc, _keyboard) = spawn(proc);
        let run = proc.finish();
        let columns = 100 - prefix.len();
        assert_eq!(run.exits(0).stdout().matches(&format!("window 30 {columns}")).count(), 2, "{args:?}");
    }
}

#[test]
fn a_window_is_never_too_narrow_to_draw_in_and_without_a_terminal_it_is_the_usual_one() {
    always("web: ./child window\n").run().exits(0).says("| window 24 80\n");
    let (proc, terminal) = spawn(Proc::start("web: ./child trap WINCH window ready wait\n"));
    proc.wait_for("ready");
    terminal.resize(25, 5);
    proc.wait_for("window 5 20");
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("killed by SIGTERM");
}

// F27
#[test]
fn a_change_of_our_window_is_one_of_every_process() {
    let verbs = "./child trap WINCH window window wait";
    for (args, margin) in [(&[][..], 11), (&["--log-format", "json", "--pty", "always"], 0)] {
        let proc = Proc::start(format!("web: {verbs}\nworker: {verbs}\n")).args(args);
        let (proc, mut terminal) = spawn(proc);
        for (columns, rows) in [(100, 30), (120, 40), (60, 20)] {
            terminal.resize(columns, rows);
            let text = format!("window {rows} {}", columns - margin);
            let has_said =
                |stdout: &str, name| stdout.lines().any(|line| line.contains(name) && line.contains(&text));
            proc.wait_until(&text, |stdout| has_said(stdout, "web.1") && has_said(stdout, "worker.1"));
        }
        terminal.press(CTRL_C);
        proc.finish().dies_by(Signal::SIGINT).says("killed by SIGTERM");
    }
}

#[test]
fn what_is_drawn_as_wide_as_the_window_stays_on_one_line_of_ours() {
    let bar =
        "set -- $(stty size <&2); for step in 1 2 3; do printf \"\\r%0$2d\" $step; read x <go; done; echo";
    let proc = Proc::start(format!("web: {bar}\n")).args(["--color", "never"]);
    let go = proc.gate();
    let (proc, _keyboard) = spawn(proc.variable("TERM", "xterm"));
    for step in 1..=3 {
        proc.wait_for(&format!("{step:0>91}"));
        go.open();
    }
    let run = proc.finish();
    let rows = rows(&screen(run.exits(0)));
    assert!(rows[0].starts_with("web.1  | started with pid "));
    assert_eq!(rows[1], format!("web.1  | {:0>91}", 3));
    assert_eq!(rows[2], "web.1  | exited with code 0");
}

#[test]
fn bytes_pass_through_a_terminal_as_they_are_and_an_unterminated_last_line_is_kept() {
    let run = always("web: ./child bytes 00ff1b5b33316d0d0a800908040a print tail exit 0\n")
        .args(["--log-format", "raw"])
        .run();
    run.exits(0);
    assert_eq!(run.stdout_bytes(), b"\x00\xff\x1b[31m\r\n\x80\t\x08\x04\ntail");
    assert!(run.stderr().ends_with("exited with code 0\n"));
    let run = always("web: ./child say first print last exit 0\n").run();
    run.exits(0);
    assert_eq!(run.lines_of("web.1")[1..], ["first", "last", "exited with code 0"]);
}

#[test]
fn a_burst_before_the_end_is_whole_every_time_and_comes_before_the_exit() {
    for _ in 0..8 {
        let run = always("web: ./child flood 100000 exit 0\n").run();
        run.exits(0);
        let lines = run.lines_of("web.1");
        assert_eq!(lines.len(), 100_002);
        let in_order =
            lines[1..].iter().zip(1..=100_000).all(|(line, number)| *line == format!("line {number}"));
        assert!(in_order);
        assert_eq!(lines.last().unwrap(), "exited with code 0");
        assert!(!run.stdout_bytes().contains(&b'\r'));
    }
}

#[test]
fn in_json_form_the_two_outputs_have_a_terminal_each() {
    let run =
        always("web: ./child tty say out err wrong print tail exit 0\n").args(["--log-format", "json"]).run();
    run.exits(0);
    let objects: Vec<serde_json::Value> =
        run.stdout().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let stream = |text: &str| &objects.iter().find(|object| object["line"] == text).unwrap()["stream"];
    assert_eq!(stream("terminals 0 1 2"), "stdout");
    assert_eq!(stream("out"), "stdout");
    assert_eq!(stream("wrong"), "stderr");
    assert_eq!(stream("tail"), "stdout");
    assert_eq!(objects.last().unwrap()["line"], "exited with code 0");
}

#[test]
fn a_process_that_turns_its_output_away_keeps_its_terminal_and_is_not_hung_up() {
    let web = format!(
        "exec 3<&1; pts=$(tty <&3); exec 3<&-; trap 'echo hung up >>away' HUP; exec >away 2>&1; {UNTIL_GO}; cat away; exec >$pts; echo back again"
    );
    let procfile = format!("web: {web}\nclock: ./child ticks 50 wait\n");
    let proc = always(&procfile).args(["--exit-on", "all"]);
    let (away, go) = (proc.path("away"), proc.gate());
    let proc = proc.spawn();
    // Ten looks at the terminal that nobody but us has open.
    proc.wait_until("the output is turned away", |_| away.exists());
    let ticks = proc.count("tick");
    proc.wait_until("ten more ticks", |stdout| stdout.matches("tick").count() > ticks + 10);
    go.open();
    proc.wait_for("web.1   | exited with code 0");
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).says("web.1   | back again\n");
    assert_eq!(run.lines_of("web.1")[1..], ["back again", "exited with code 0"]);
}

#[test]
fn a_grandchild_that_keeps_the_terminal_open_holds_nothing_up() {
    let web = format!("./child hold alive setsid ignore TERM ticks 1 wait end; {UNTIL_GO}; echo last words");
    let proc = always(&format!("web: {web}\nworker: ./child wait\n"));
    let (alive, go) = (proc.liveness(), proc.gate());
    let proc = proc.args(["--exit-on", "all", "-t", "0.5"]).spawn();
    proc.wait_for("tick");
    go.open();
    proc.wait_for("web.1    | exited with code 0");
    let ticks = proc.count("tick");
    proc.wait_until("more ticks", |stdout| stdout.matches("tick").count() > ticks + 10);
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).says("web.1    | last words\n");
    alive.wait_for_death();
}

#[test]
fn a_server_has_its_grace_period_although_the_shell_before_it_dies_at_once() {
    let verbs = "trap HUP last hung-up 1 trap TERM say asked trap USR1 last in-my-own-time 0 ready wait";
    let proc = always(&format!("web: ./child {verbs}; true\n")).args(["-t", "inf"]).spawn();
    proc.wait_for("ready").signal(Signal::SIGTERM);
    proc.wait_for("asked").wait_for("killed by SIGTERM").signal(Signal::SIGUSR1);
    proc.finish().dies_by(Signal::SIGTERM).says("in-my-own-time").never_says("hung-up");
}

#[test]
fn nothing_is_left_running_of_a_session_of_its_own() {
    let verbs = "hold alive fork wait end setsid wait end daemon wait end ready wait";
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let proc = always(&format!("web: ./child {verbs}\nshell: ./child {verbs}; true\n"));
        let alive = proc.liveness();
        let proc = proc.spawn();
        proc.wait_until("both", |stdout| stdout.matches("ready").count() == 2);
        proc.end_by(signal).dies_by(signal).says("web.1   | killed by SIGTERM");
        alive.wait_for_death();
    }
}

#[test]
fn what_ignores_everything_but_sigkill_is_killed_by_a_second_ctrl_c() {
    let stubborn = "ignore TERM ignore HUP";
    let proc = Proc::start(format!(
        "web: ./child hold alive {stubborn} fork {stubborn} wait end ready ticks 100 wait\n"
    ))
    .args(["-t", "inf"]);
    let alive = proc.liveness();
    let (proc, mut terminal) = spawn(proc);
    proc.wait_for("ready");
    terminal.press(CTRL_C);
    proc.wait_for("SIGINT: stopping 1 process");
    let ticks = proc.count("tick");
    proc.wait_until("half a second of ticks", |stdout| stdout.matches("tick").count() > ticks + 5);
    terminal.press(CTRL_C);
    proc.finish().dies_by(Signal::SIGINT).says("killed by SIGKILL");
    alive.wait_for_death();
}

#[test]
fn a_reader_that_does_not_read_stops_what_comes_from_terminals_and_never_a_signal() {
    // The first flood is more than a pipe holds, and less than waits for a reader.
    let proc = always("web: ./child hold alive flood 100000 exit 0; ./child flood 1000000; true\n");
    let alive = proc.liveness();
    let (proc, mut reader) = proc.spawn_into_a_pipe();
    read_until(&mut reader, "line 1\n");
    alive.wait_for_death();
    // Nobody reads from here on, and all the same it ends.
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).complains(" bytes of output could not be written\n");
    drop(reader);
}

#[test]
fn an_exit_is_said_although_a_grandchild_keeps_the_terminal_open_and_the_output_is_full() {
    let quiet = format!("./child setsid say held wait end; {UNTIL_GO}; echo leader");
    let proc = always(&format!("quiet: {quiet}\nloud: ./child flood 1000000 wait\n"));
    let go = proc.gate();
    let (proc, mut reader) = proc.args(["--exit-on", "all"]).spawn_into_a_pipe();
    read_until(&mut reader, "held");
    go.open();
    read_until(&mut reader, "quiet.1 | exited with code 0");
    proc.signal(Signal::SIGTERM);
    std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
    proc.finish().dies_by(Signal::SIGTERM);
}

#[test]
fn a_script_without_an_interpreter_line_has_its_terminal_at_the_second_attempt() {
    let proc = always("web: ./script\n").file("script", "tty <&1 && ./child tty window\n");
    std::fs::set_permissions(proc.path("script"), PermissionsExt::from_mode(0o755)).unwrap();
    let run = proc.run();
    run.exits(0).says("| /dev/pts/").says("| terminals 0 1 2\n").says("| window 24 80\n");
}

#[test]
fn a_command_that_cannot_be_started_says_the_same_with_a_terminal() {
    let run = always("web: ./child wait\nworker: pumma\n").run();
    run.exits(127).says("worker.1 | could not be started: command not found: pumma\n");
}

#[test]
fn who_cannot_have_a_terminal_is_told_of_pipes() {
    // Whatever it is that finds no descriptor.
    for limit in 45..51 {
        let script = format!("ulimit -n {limit}; exec \"$@\"");
        let all =
            |exit_on| always("web: ./child wait\n").args(["web=50", "--exit-on", exit_on]).by_shell(&script);
        all("any")
            .run()
            .exits(2)
            .complains("raise the limit (`ulimit -n 140`), or use pipes (`--pty never`)\n");
        let proc = all("all").spawn();
        proc.wait_for(
            "could not be started: too many open files for us: start fewer, \
             raise the limit (`ulimit -n`), or use pipes (`--pty never`, `tty = false`); trying again in 0.1s\n",
        );
        proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).complains("50 processes need 140").stdout();
    }
}
