//! `proc attach`: the terminal of a process from another terminal, and ours afterwards.
#![cfg(feature = "api")]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests: a panic is how they fail, and they read their own files only"
)]

#[path = "cli/support/mod.rs"]
#[expect(dead_code, reason = "the tests of the command line need more of it")]
mod support;

#[path = "cli/support/terminal.rs"]
#[expect(dead_code, reason = "the tests of terminals need more of it")]
mod terminal;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::{Path, PathBuf};
use support::{Proc, Running, skip};
use terminal::{CTRL_C, Terminal, spawn};

const CTRL_P: &[u8] = b"\x10";
const CTRL_Z: &[u8] = b"\x1a";
const CTRL_BRACKET: &[u8] = b"\x1d";

/// Says what is typed to it: once as the terminal does, and once by itself.
const ECHO: &str = "web: echo ready; exec cat\nworker: ./child wait\n";

/// What comes of a line typed to that.
const ECHOED: &str = "hello\r\nhello\r\n";

/// A run whose processes have terminals and say `ready`, and where it is.
fn run(procfile: &str) -> (Running, PathBuf) {
    begin(Proc::start(procfile).args(["--pty", "always", "--exit-on", "all"]))
}

fn begin(proc: Proc) -> (Running, PathBuf) {
    let root = proc.path("");
    let proc = proc.spawn();
    proc.wait_for("| ready\n");
    (proc, root)
}

/// A command about the run of this root.
fn ask(root: &Path, command: &[&str]) -> Proc {
    Proc::without_procfile().args(command).args(["-d"]).args([root])
}

/// Attached to an instance on a terminal of our own.
fn attach(root: &Path, name: &str) -> (Running, Terminal) {
    let (client, keyboard) = spawn(ask(root, &["attach", name]));
    client.wait_for("attached to web.1; Ctrl-] detaches").wait_for("ready");
    (client, keyboard)
}

fn leave(client: Running, mut keyboard: Terminal) {
    keyboard.press(CTRL_BRACKET);
    client.finish().exits(0).says("detached from web.1, which runs on");
}

const APP: &str = "secret = 41\nprint('ready', flush=True)\nbreakpoint()\nsecret += 1\nprint('went on with', secret, flush=True)\nimport time\ntime.sleep(60)\n";

#[test]
fn a_python_process_stopped_in_pdb_is_stepped_and_goes_on() {
    if std::process::Command::new("python3").arg("--version").output().is_err() {
        return skip("there is no python3");
    }
    let proc = Proc::start("web: python3 app.py\n").args(["--pty", "always"]).file("app.py", APP);
    let (proc, root) = begin(proc);
    let (client, mut keyboard) = attach(&root, "web");
    client.wait_for("-> secret += 1").wait_for("(Pdb) ");
    keyboard.press(b"p secret\r");
    client.wait_for("(Pdb) p secret").wait_for("\n41");
    keyboard.press(b"n\r");
    client.wait_for("-> print('went on with', secret, flush=True)");
    keyboard.press(b"p 'secret', secret\r");
    client.wait_for("('secret', 42)");
    leave(client, keyboard);
    let (client, mut keyboard) = attach(&root, "web.1");
    keyboard.press(b"c\r");
    client.wait_for("went on with 42");
    leave(client, keyboard);
    proc.wait_for("web.1  | went on with 42");
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("web.1  | killed by SIGTERM");
}

#[test]
fn one_types_and_another_watches_until_the_first_has_gone() {
    let (proc, root) = run(ECHO);
    let (first, mut keyboard) = attach(&root, "web.1");
    let (second, mut other) = spawn(ask(&root, &["attach", "web.1"]));
    second.wait_for("watching web.1, read-only: somebody else types into web.1; Ctrl-] detaches");
    second.wait_for("ready");
    other.press(b"ignored\r");
    keyboard.press(b"hello\r");
    first.wait_for(ECHOED);
    second.wait_for(ECHOED);
    leave(first, keyboard);
    let (third, mut keyboard) = attach(&root, "web.1");
    keyboard.press(b"more\r");
    third.wait_for("more\r\nmore\r\n");
    second.wait_for("more\r\nmore\r\n");
    leave(third, keyboard);
    leave(second, other);
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("| hello").never_says("ignored");
}

#[test]
fn a_restart_is_told_and_goes_on_and_an_end_is_told_and_is_the_end() {
    let (proc, root) = run("web: echo ready; read line; exit 3\nworker: ./child wait\n");
    let (client, mut keyboard) = attach(&root, "web.1");
    ask(&root, &["restart", "web.1"]).run().exits(0).says("web.1");
    client.wait_until("another start", |stdout| stdout.matches("ready").count() == 2);
    client.wait_for("[web.1 killed by SIGTERM]\r\n").wait_for("[web.1 started with pid ");
    keyboard.press(b"go\r");
    client.finish().exits(0).says("[web.1 exited with code 3]\r\n").says("detached: web.1 has ended");
    let (late, _keyboard) = spawn(ask(&root, &["attach", "web.1"]));
    late.finish().exits(1).says("web.1 is not running").says("`proc start web.1` starts it");
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("web.1    | exited with code 3");
}

#[test]
fn the_keys_that_mean_a_signal_do() {
    let (proc, root) = run("web: ./child trap INT say interrupted trap QUIT say quit ready ticks 50 wait\n");
    let (client, mut keyboard) = attach(&root, "web.1");
    keyboard.press(CTRL_C);
    client.wait_for("interrupted");
    keyboard.press(b"\x1c");
    client.wait_for("quit");
    keyboard.press(CTRL_Z);
    let ticks = proc.count("tick");
    proc.wait_until("more ticks", |stdout| stdout.matches("tick").count() > ticks + 5);
    leave(client, keyboard);
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("| interrupted\n").never_says("stopped by");
}

#[test]
fn a_process_that_has_every_key_for_itself_gets_every_key() {
    let (proc, root) = run("web: stty raw -echo; echo ready; head -c 3 | od -An -tx1; ./child wait\n");
    let (client, mut keyboard) = attach(&root, "web.1");
    keyboard.press(b"\x03\x1a\r");
    client.wait_for("03 1a 0d");
    leave(client, keyboard);
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("| ready");
}

#[test]
fn the_window_of_the_process_is_that_of_whoever_types() {
    let (proc, root) = run("web: ./child trap WINCH window ready wait\n");
    let (client, keyboard) = attach(&root, "web.1");
    proc.wait_for("| window 30 100\n");
    keyboard.resize(61, 7);
    proc.wait_for("| window 7 61\n");
    let (watcher, other) = spawn(ask(&root, &["attach", "web.1"]));
    watcher.wait_for("window 7 61");
    other.resize(50, 5);
    leave(watcher, other);
    leave(client, keyboard);
    proc.wait_for("| window 24 80\n");
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("ready").never_says("window 5 50");
}

#[test]
fn who_has_no_terminal_can_be_watched_only() {
    let (proc, root) = begin(Proc::start("web: ./child ready ticks 50 wait\n"));
    let (refused, _keyboard) = spawn(ask(&root, &["attach", "web.1"]));
    let refused = refused.finish();
    refused.exits(1).says("web.1 has no terminal to type into");
    refused.says("set `tty = true` in [process.web] of proc.toml, or start with `--pty always`");
    let (watcher, keyboard) = spawn(ask(&root, &["attach", "--read-only", "web.1"]));
    watcher.wait_for("watching web.1, read-only: as asked").wait_for("ready").wait_for("tick");
    leave(watcher, keyboard);
    let (watcher, mut keyboard) = spawn(ask(&root, &["attach", "--read-only", "web.1"]));
    watcher.wait_for("tick");
    keyboard.press(CTRL_C);
    watcher.finish().exits(0).says("detached from web.1, which runs on");
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("tick");
}

#[test]
fn a_name_of_more_than_one_instance_is_refused() {
    let proc = Proc::start("web: ./child ready wait\n").args(["web=2", "--pty", "always"]);
    let (proc, root) = begin(proc);
    let run = ask(&root, &["attach", "web"]).run();
    run.exits(2).complains("web.1, web.2");
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("ready");
}

#[test]
fn what_comes_from_a_file_is_typed_and_then_it_is_watched() {
    let (proc, root) = run(ECHO);
    let client = ask(&root, &["attach", "web.1"]).stdin("hello\n").spawn();
    client.wait_for("hello\nhello\n");
    let (watcher, keyboard) = spawn(ask(&root, &["attach", "web.1"]));
    watcher.wait_for("read-only");
    leave(watcher, keyboard);
    let run = client.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).says("ready").complains("attached to web.1\n");
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("| hello");
}

#[test]
fn the_key_that_leaves_can_be_another() {
    let (proc, root) = run(ECHO);
    let (client, mut keyboard) = spawn(ask(&root, &["attach", "web.1", "--detach-key", "ctrl-p"]));
    client.wait_for("attached to web.1; Ctrl-p detaches").wait_for("ready");
    keyboard.press(CTRL_BRACKET);
    keyboard.press(b"\r");
    client.wait_for("^]");
    keyboard.press(CTRL_P);
    client.finish().exits(0).says("detached");
    ask(&root, &["attach", "web.1", "--detach-key", "p"]).run().exits(2).complains("write `ctrl-]`");
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("ready");
}

#[test]
fn our_terminal_is_as_it_was_however_it_ends() {
    let script = "trap : INT; echo before $(stty -g); \"$@\"; echo after $(stty -g)";
    let (proc, root) = run(ECHO);
    let begin = || {
        let (client, keyboard) = spawn(ask(&root, &["attach", "web.1", "--read-only"]).by_shell(script));
        client.wait_for("ready");
        (client, keyboard)
    };
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
        let (client, _keyboard) = begin();
        kill(last(&client), signal).unwrap();
        is_as_it_was(client);
    }
    let (by_key, mut keyboard) = begin();
    keyboard.press(CTRL_BRACKET);
    is_as_it_was(by_key);
    let (by_the_end, _keyboard) = begin();
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("ready");
    is_as_it_was(by_the_end);
}

#[test]
fn our_terminal_is_as_it_was_although_the_run_is_killed() {
    let script = "echo before $(stty -g); \"$@\"; echo left with $?; echo after $(stty -g)";
    let (proc, root) = run(ECHO);
    let (client, _keyboard) = spawn(ask(&root, &["attach", "web.1"]).by_shell(script));
    client.wait_for("ready");
    kill(proc.supervisor(), Signal::SIGKILL).unwrap();
    let text = is_as_it_was(client);
    assert!(text.contains("the run has gone: it was killed") && text.contains("left with 1"), "{text}");
    proc.finish().exits(70).says("ready").complains("was lost");
}

/// The youngest of what the test has started: the client, below a shell.
fn last(client: &Running) -> Pid {
    Pid::from_raw(*client.all_processes().last().unwrap())
}

#[track_caller]
fn is_as_it_was(client: Running) -> String {
    let run = client.finish();
    let text = run.exits(0).stdout();
    let settings = |word: &str| {
        let rest = text.split_once(word).unwrap_or_else(|| panic!("{text}")).1;
        rest.lines().next().unwrap().to_owned()
    };
    assert_eq!(settings("before "), settings("after "), "{text}");
    text
}
