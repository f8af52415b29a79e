//! `proc start` on a terminal: Ctrl-C once and twice, Ctrl-Z, prompts, colours, what a process may not do to it, and a terminal that goes away.
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
use std::fs::File;
use std::io::Write;
use support::{Proc, read_until};
use terminal::{CTRL_C, on_a_terminal, rows, screen, spawn};

const CTRL_Z: &[u8] = b"\x1a";
const CTRL_BACKSLASH: &[u8] = b"\x1c";

// F20
#[test]
fn one_ctrl_c_is_one_stop_signal_for_each_child_and_proc_dies_by_sigint() {
    let procfile = "web: ./child trap INT say interrupted trap TERM last asked 0 ready wait\n";
    let (proc, mut keyboard) = spawn(Proc::start(procfile).args(["web=2"]));
    proc.wait_until("both", |stdout| stdout.matches("ready").count() == 2);
    keyboard.press(CTRL_C);
    let run = proc.finish();
    run.dies_by(Signal::SIGINT).never_says("interrupted").says("SIGINT: stopping 2 processes");
    assert_eq!(run.stdout().matches("| asked").count(), 2);
}

// F21
#[test]
fn a_second_ctrl_c_kills_what_is_left() {
    let proc = Proc::start("web: ./child hold alive ignore TERM ready ticks 100 wait\n").args(["-t", "inf"]);
    let alive = proc.liveness();
    let (proc, mut keyboard) = spawn(proc);
    proc.wait_for("ready");
    keyboard.press(CTRL_C);
    proc.wait_for("SIGINT: stopping 1 process");
    let ticks = proc.count("tick");
    proc.wait_until("half a second of ticks", |stdout| stdout.matches("tick").count() > ticks + 5);
    keyboard.press(CTRL_C);
    let run = proc.finish();
    run.dies_by(Signal::SIGINT).says("not waiting any longer: SIGKILL to web.1").says("killed by SIGKILL");
    alive.wait_for_death();
}

// F24
#[test]
fn ctrl_backslash_is_for_the_processes_and_proc_stays() {
    let procfile = "web: ./child trap QUIT say quit ready wait\n";
    let (proc, mut keyboard) = spawn(Proc::start(procfile).args(["web=2"]));
    proc.wait_until("both", |stdout| stdout.matches("ready").count() == 2);
    keyboard.press(CTRL_BACKSLASH);
    proc.wait_until("both", |stdout| stdout.matches("| quit").count() == 2);
    keyboard.press(CTRL_C);
    let run = proc.finish();
    run.dies_by(Signal::SIGINT);
    assert_eq!(run.stdout().matches("| quit").count(), 2);
}

// F25
#[test]
fn ctrl_z_stops_the_children_and_proc_and_fg_continues_them() {
    // As a shell with job control does it, the keys pressed by us. It survives the Ctrl-C of its job, whatever it was started with.
    let script = "trap : INT; set -m; \"$@\"; echo now it is stopped; read key; fg; echo it ended with $?";
    let proc = Proc::start("web: ./child trap CONT say continued ready ticks 50 wait\n").by_shell(script);
    let (proc, mut keyboard) = spawn(proc);
    proc.wait_for("ready");
    keyboard.press(CTRL_Z);
    proc.wait_for("now it is stopped");
    let (ticks, continued) = (proc.count("tick"), proc.count("continued"));
    keyboard.press(b"\n");
    proc.wait_until("word of it", |stdout| stdout.matches("continued").count() > continued);
    proc.wait_until("more ticks", |stdout| stdout.matches("tick").count() > ticks);
    keyboard.press(CTRL_C);
    let run = proc.finish();
    run.exits(0).says("SIGINT: stopping 1 process").says("it ended with 130");
}

#[test]
fn a_prompt_without_a_newline_is_shown_while_the_process_waits() {
    let (proc, mut keyboard) = spawn(Proc::start("web: ./child print password: wait\n"));
    proc.wait_for("web.1  | password:");
    keyboard.press(CTRL_C);
    let run = proc.finish();
    // Where the terminal puts its echo of the key is its own affair.
    let stdout = run.dies_by(Signal::SIGINT).stdout().replace("^C", "");
    assert!(stdout.contains("password:\r\nsystem | SIGINT"), "{stdout}");
}

#[test]
fn there_is_colour_on_a_terminal_that_can_and_none_where_it_is_not_wanted() {
    for (variables, args, expected) in [
        (&[("TERM", "xterm")][..], &[][..], true),
        (&[("TERM", "dumb")], &[], false),
        (&[("TERM", "xterm"), ("NO_COLOR", "1")], &[], false),
        (&[("TERM", "xterm")], &["--color", "never"], false),
        (&[("TERM", "dumb")], &["--color", "always"], true),
    ] {
        let proc = Proc::start("web: ./child say hello exit 0\n").args(args);
        let proc = variables.iter().fold(proc, |proc, (name, value)| proc.variable(name, value));
        let (proc, _keyboard) = spawn(proc);
        let run = proc.finish();
        run.exits(0).says("hello");
        let text = run.stdout();
        assert_eq!(
            text.contains("\u{1b}[0;36mweb.1  | \u{1b}[0mhello"),
            expected,
            "{variables:?} {args:?} {text:?}"
        );
        assert_eq!(text.contains('\u{1b}'), expected, "{variables:?} {args:?} {text:?}");
    }
}

// F23
#[test]
fn what_a_process_writes_is_shown_and_neither_moves_nor_clears_nor_asks_anything_of_the_terminal() {
    let written = [
        ("clears", "\x1b[2J\x1b[3J\x1b[H", "␛[2J␛[3J␛[H"),
        ("title", "\x1b]0;mine\x07\x1b]2;mine\x1b\\", "␛]0;mine␇␛]2;mine␛\\"),
        ("clipboard", "\x1b]52;c;cm0gLXJm\x07\x1b]52;c;?\x07", "␛]52;c;cm0gLXJm␇␛]52;c;?␇"),
        ("moves", "\x1b[3A\x1b[9D\x1b[2;2Hx\x08\x1bM", "␛[3A␛[9D␛[2;2Hx␈␛M"),
        ("deletes", "\x1b[1J\x1b[9M\x1b[9P\x1b[9L\x1b[9S", "␛[1J␛[9M␛[9P␛[9L␛[9S"),
        ("modes", "\x1b[?1049h\x1b[?25l\x1b[?1003h\x1b[?2004h", "␛[?1049h␛[?25l␛[?1003h␛[?2004h"),
        ("asks", "\x1b[6n\x1b[c\x05\x07", "␛[6n␛[c␅␇"),
        ("resets", "\x1bc\x1b[!p\x1b(0\x0e", "␛c␛[!p␛(0␎"),
        ("in one character", "\u{9b}2J\u{9d}0;mine\u{9c}", "\\u{9b}2J\\u{9d}0;mine\\u{9c}"),
    ];
    let sent: Vec<String> = written.iter().map(|(what, bytes, _)| format!("{what}: {bytes}.\n")).collect();
    let shown = written.iter().map(|(what, _, shown)| format!("web.1  | {what}: {shown}."));
    let shown: Vec<String> = shown.chain(["web.1  | exited with code 0".to_owned()]).collect();
    for pty in ["always", "never"] {
        let proc = Proc::start("web: cat sent\n").args(["--pty", pty]).file("sent", sent.concat());
        let (proc, _keyboard) = spawn(proc.variable("TERM", "xterm"));
        let run = proc.finish();
        let screen = screen(run.exits(0));
        let rows = rows(&screen);
        assert!(rows[0].starts_with("web.1  | started with pid "), "{rows:?}");
        assert_eq!(rows[1..], shown, "--pty {pty}");
        assert_eq!(screen.cursor_position(), (11, 0));
        let plain = vt100::Parser::default();
        assert_eq!(screen.input_mode_formatted(), plain.screen().input_mode_formatted());
    }
}

#[test]
fn a_colour_left_on_is_that_of_the_next_line_of_its_stream_and_of_nothing_else() {
    let procfile =
        "web: cat red; read x <go; echo second; cat reset\njob: read x <next; echo between; read x <next\n";
    let proc = Proc::start(procfile).file("red", "\x1b[31mfirst\n").file("reset", "\x1b[0mthird\n");
    let proc = proc.fifo("next").variable("TERM", "xterm");
    let (go, mut next) =
        (proc.gate(), File::options().read(true).write(true).open(proc.path("next")).unwrap());
    let (proc, _keyboard) = spawn(proc);
    proc.wait_for("first");
    next.write_all(b"\n").unwrap();
    proc.wait_for("between");
    go.open();
    let run = proc.finish();
    let screen = screen(run.exits(0));
    let rows = rows(&screen);
    let colours = |text: &str| {
        let row = rows.iter().position(|row| row.ends_with(text)).unwrap();
        let colour = |column| screen.cell(row.try_into().unwrap(), column).unwrap().fgcolor();
        (colour(0), colour("web.1  | ".len().try_into().unwrap()))
    };
    let [red, cyan, yellow] = [1, 6, 3].map(vt100::Color::Idx);
    assert_eq!(colours("| first"), (cyan, red));
    assert_eq!(colours("| between"), (yellow, vt100::Color::Default));
    assert_eq!(colours("| second"), (cyan, red));
    assert_eq!(colours("| third"), (cyan, vt100::Color::Default));
    assert_eq!(colours("| exited with code 0"), (cyan, vt100::Color::Default));
}

#[test]
fn a_terminal_that_goes_away_stops_everything() {
    let procfile =
        "web: ./child hold alive ready ticks 20 wait\nworker: ./child hold alive ignore HUP wait\n";
    let proc = Proc::start(procfile);
    let alive = proc.liveness();
    let (terminal, command) = on_a_terminal(&proc);
    let mut output = terminal.another_end();
    let proc = proc.spawn_as(command, Some(File::open("/dev/null").unwrap()));
    read_until(&mut output, "ready");
    drop(output);
    drop(terminal);
    proc.finish().dies_by(Signal::SIGHUP);
    alive.wait_for_death();
}

#[test]
fn the_settings_of_the_terminal_are_as_they_were() {
    let script = "echo before $(stty -g); \"$@\"; echo after $(stty -g)";
    let (proc, _keyboard) = spawn(Proc::start("web: ./child say hello exit 0\n").by_shell(script));
    let run = proc.finish();
    run.exits(0).says("hello");
    let text = run.stdout();
    let settings = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    assert_eq!(settings("before "), settings("after "));
}
