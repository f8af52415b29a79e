//! `proc start` on a terminal: Ctrl-C once and twice, Ctrl-Z, prompts, colours, and a terminal that goes away.
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
use support::{Proc, read_until};
use terminal::{on_a_terminal, spawn};

const CTRL_C: &[u8] = b"\x03";
const CTRL_Z: &[u8] = b"\x1a";

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
