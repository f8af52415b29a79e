//! `proc run`: a one-off in our place.

use crate::support::Proc;
use insta::assert_snapshot;
use nix::sys::signal::Signal;
use std::os::unix::fs::PermissionsExt;

/// `proc run` with these words, in an application with a type of each kind.
fn run(words: &[&str]) -> Proc {
    let procfile =
        "web: ./child args\nmigrate: ./child args --all && exit 3 #\nshell: exec ./child args \"$NAME\"\n";
    Proc::new(procfile).args(["run"]).args(words)
}

#[test]
fn a_type_is_run_with_the_arguments_after_its_command_as_shell_words() {
    for (words, expected) in [
        (&["web"][..], "\n"),
        (&["web", "one", "two"], "[one] [two]\n"),
        (&["web", "a b", "$HOME", "it's", "*", ""], "[a b] [$HOME] [it's] [*] []\n"),
        (&["web", "--port", "-x", "--"], "[--port] [-x] [--]\n"),
        (&["shell", "more", "a;b"], "[words here] [more] [a;b]\n"),
    ] {
        let run = run(words).variable("NAME", "words here").run();
        run.exits(0);
        assert_eq!(run.stdout(), expected, "{words:?}");
    }
}

#[test]
fn a_command_is_run_with_its_arguments_and_no_shell() {
    let run = run(&["./child", "args", "$HOME", "a b", "*", "--help", "-f"]).run();
    run.exits(0);
    assert_eq!(run.stdout(), "[$HOME] [a b] [*] [--help] [-f]\n");
}

#[test]
fn one_word_with_blanks_is_for_the_shell() {
    let run = run(&["./child args \"$NAME\" | tr w W; exit 4"]).variable("NAME", "words here").run();
    run.exits(4);
    assert_eq!(run.stdout(), "[Words here]\n");
}

#[test]
fn the_exit_code_is_the_commands_own() {
    for code in [0, 1, 2, 77, 255] {
        run(&["./child", "exit", &code.to_string()]).run().exits(code);
    }
    run(&["sh", "-c", "exit 9"]).run().exits(9);
    let run = run(&["migrate"]).run();
    run.exits(3);
    assert_eq!(run.stdout(), "[--all]\n");
}

#[test]
fn death_by_a_signal_is_the_commands_own() {
    run(&["./child", "die", "TERM"]).run().dies_by(Signal::SIGTERM);
    run(&["./child", "die", "KILL"]).run().dies_by(Signal::SIGKILL);
}

#[test]
fn the_command_takes_the_place_of_proc() {
    let proc =
        run(&["./child", "pid", "pgid", "trap", "TERM", "last", "asked", "5", "ready", "wait"]).spawn();
    proc.wait_for("ready");
    assert_eq!(proc.number_after("pid "), proc.pid().as_raw());
    assert_eq!(proc.number_after("pgid "), proc.pid().as_raw());
    proc.end_by(Signal::SIGTERM).exits(5).says("asked");
}

#[test]
fn standard_input_goes_to_the_command_and_the_streams_stay_apart() {
    let run = run(&["./child", "input", "err", "wrong", "exit", "0"]).stdin("typed\n").run();
    run.exits(0);
    assert_eq!((run.stdout().as_str(), run.stderr().as_str()), ("read \"typed\\n\"\n", "wrong\n"));
}

#[test]
fn a_command_that_does_not_exist_is_127_and_named() {
    let run = run(&["no-such-command", "x"]).run();
    run.exits(127);
    assert_snapshot!(run.stderr(), @"error: command not found: no-such-command");
}

#[test]
fn a_name_near_that_of_a_type_is_answered_with_it() {
    let run = run(&["migrte"]).run();
    run.exits(127);
    assert_snapshot!(run.stderr(), @r"
    error: command not found: migrte
      hint: did you mean the process type `migrate`?
    ");
}

#[test]
fn a_file_that_cannot_be_executed_is_126_and_named() {
    let run = run(&["./data"]).file("data", "text").run();
    run.exits(126);
    assert_snapshot!(run.stderr(), @"error: permission denied: ./data is not an executable file");
    let proc = run_script("#!/no/such/interpreter\n").run();
    proc.exits(127).complains("./script cannot be run: the interpreter");
}

/// `proc run ./script`, which has this text.
fn run_script(text: &str) -> Proc {
    let proc = run(&["./script"]).file("script", text);
    std::fs::set_permissions(proc.path("script"), PermissionsExt::from_mode(0o755)).unwrap();
    proc
}

#[test]
fn a_script_without_an_interpreter_line_is_run_by_the_shell() {
    let run = run_script("echo from the shell\n").run();
    run.exits(0);
    assert_eq!(run.stdout(), "from the shell\n");
}

#[test]
fn an_environment_that_is_too_large_names_the_largest_variable() {
    let run =
        run(&["./child", "exit", "0"]).file(".env", format!("HUGE={}\n", "canary".repeat(50_000))).run();
    run.exits(126).never_says("canary");
    assert_snapshot!(run.stderr(), @"error: the environment is too large; its largest variable is HUGE with 300000 bytes");
}

#[test]
fn it_needs_no_procfile() {
    let run = Proc::without_procfile()
        .file(".env", "NAME=from the file\n")
        .args(["run", "./child", "env", "NAME", "cwd", "exit", "0"])
        .run();
    run.exits(0);
    assert_eq!(run.stdout(), "NAME=from the file\n[dir]\n");
}

#[test]
fn the_port_is_the_first_of_the_type_or_the_base() {
    let env = |words: &[&str]| {
        let run = Proc::new("web: ./child env PORT env PS exit 0\nworker: ./child env PORT env PS exit 0\n");
        let run = run.args(["run"]).args(words).run();
        run.exits(0);
        run.stdout()
    };
    assert_eq!(env(&["-p", "7000", "web"]), "PORT=7000\nPS=web.1\n");
    assert_eq!(env(&["-p", "7000", "worker"]), "PORT=7100\nPS=worker.1\n");
    assert_eq!(env(&["-p", "7000", "./child", "env", "PORT", "exit", "0"]), "PORT=7000\n");
    assert_eq!(env(&["--no-port", "./child", "env", "PORT", "exit", "0"]), "PORT is unset\n");
}

#[test]
fn a_broken_procfile_is_an_error_here_too() {
    let run = Proc::new("web: a\nweb: b\n").args(["run", "./child", "say", "started"]).run();
    run.exits(2).complains("Procfile:2:1: process type `web` is already on line 1");
}

#[test]
fn a_missing_working_directory_says_so() {
    let run = run(&["-d", "nowhere", "./child"]).run();
    run.exits(2).complains("the working directory [dir]/nowhere does not exist");
}
