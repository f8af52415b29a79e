//! `proc start`: commands that cannot be started, and what a child finds when it is.

use crate::support::Proc;
use insta::assert_snapshot;
use nix::sys::signal::{SigSet, Signal};
use std::os::unix::fs::PermissionsExt;

/// A file that may be executed.
fn executable(proc: Proc, name: &str, text: &str) -> Proc {
    let proc = proc.file(name, text);
    std::fs::set_permissions(proc.path(name), PermissionsExt::from_mode(0o755)).unwrap();
    proc
}

#[test]
fn a_missing_command_is_127_with_the_command_named_and_the_others_are_stopped() {
    let run = Proc::start("web: ./child wait\nworker: pumma --port 1\n").run();
    run.exits(127).says("web.1    | killed by SIGTERM");
    assert_eq!(run.lines_of("worker.1"), ["could not be started: command not found: pumma"]);
    assert_snapshot!(run.lines_of("system").join("\n"), @r"
    worker.1 could not be started: stopping 1 process (grace period 5s)
    exiting with 127: worker.1 could not be started
    ");
    let run = Proc::start("web: pumma --port $PORT\n").run();
    run.exits(127).says("pumma");
}

#[test]
fn a_script_is_called_by_the_name_that_stands_in_the_procfile() {
    for word in ["./script", "bin/script"] {
        let proc = executable(Proc::start(format!("web: {word} one\n")), word, "#!/bin/sh\necho \"$0 $1\"\n");
        assert_eq!(proc.run().lines_of("web.1")[1], format!("{word} one"));
    }
}

#[test]
fn a_file_that_is_not_executable_is_126() {
    let run = Proc::start("web: ./data\n").file("data", "text").run();
    run.exits(126);
    assert_snapshot!(run.stdout(), @r"
    web.1  | could not be started: permission denied: ./data is not an executable file
    system | exiting with 126: web.1 could not be started
    ");
    Proc::start("web: ./\n").run().exits(126).says("permission denied");
}

#[test]
fn a_missing_interpreter_is_said_to_be_missing() {
    let run = executable(Proc::start("web: ./script\n"), "script", "#!/no/such/interpreter\n").run();
    run.exits(127);
    assert_snapshot!(run.stdout(), @r"
    web.1  | could not be started: ./script cannot be run: the interpreter that its first line names is not there
    system | exiting with 127: web.1 could not be started
    ");
}

#[test]
fn a_script_without_an_interpreter_line_is_run_by_the_shell() {
    let run = executable(Proc::start("web: ./script\n"), "script", "echo from the shell\n").run();
    run.exits(0).says("web.1  | from the shell");
}

#[test]
fn a_missing_working_directory_says_so_and_nothing_is_started() {
    let run = Proc::start("web: ./child wait\n").args(["-d", "nowhere"]).run();
    run.exits(2);
    assert_snapshot!(run.stderr(), @"error: the working directory [dir]/nowhere does not exist");
}

#[test]
fn an_environment_that_is_too_large_names_the_largest_variable_and_not_its_value() {
    let huge = "canary".repeat(100_000);
    let env = format!("SMALL=1\nHUGE={huge}\n");
    let run = Proc::start("web: ./child wait\n").file(".env", env).run();
    run.exits(126).never_says("canary");
    assert_snapshot!(run.stdout(), @r"
    web.1  | could not be started: the environment is too large; its largest variable is HUGE with 600000 bytes
    system | exiting with 126: web.1 could not be started
    ");
}

#[test]
fn a_command_that_is_too_long_is_not_blamed_on_the_environment() {
    let run = Proc::start(format!("web: ./child say {}\n", "x".repeat(200_000))).run();
    run.exits(126)
        .says("web.1  | could not be started: the command is too long: one of its words has 200000 bytes");
}

#[test]
fn a_builtin_of_the_shell_goes_to_the_shell() {
    Proc::start("web: chdir /\n").run().exits(0).says("web.1  | exited with code 0");
}

#[test]
fn a_working_directory_that_is_a_file_says_so() {
    let run = Proc::start("web: ./child wait\n").args(["-d", "Procfile"]).run();
    run.exits(2);
    assert_snapshot!(run.stderr(), @"error: the working directory [dir]/Procfile is not a directory");
}

#[test]
fn processes_that_run_elsewhere_are_told_so_by_pwd() {
    let proc = Proc::new("web: printenv PWD\n").file("app/.keep", "").variable("PWD", "/stale");
    let run = proc.args(["start", "--no-port", "--no-timestamps", "-d", "app", "-f", "Procfile"]).run();
    let expected = run.directory().canonicalize().unwrap().join("app");
    assert_eq!(
        run.lines_of("web.1")[1].replace("[dir]", &run.directory().display().to_string()),
        expected.display().to_string()
    );
}

// F35
#[test]
fn standard_input_is_empty_whatever_that_of_proc_is() {
    let run = Proc::start("web: ./child input exit 0\n").stdin("for proc, not for the child").run();
    run.exits(0).says("web.1  | read \"\"");
}

// F28, F29
#[test]
fn signals_are_at_their_defaults_in_the_child_whatever_proc_inherited() {
    // glibc keeps 32 and 33 to itself, and posix_spawn ignores them.
    let standard = |line: &String| {
        let (name, mask) = line.split_once(":\t")?;
        let mask = u64::from_str_radix(mask, 16).ok().filter(|_| name != "SigQ")?;
        name.starts_with("Sig").then(|| format!("{name} {:x}", mask & 0x7fff_ffff))
    };
    let everything = (1..32).filter(|signal| ![1, 9, 19].contains(signal)).map(|signal| signal.to_string());
    let script = format!("trap '' {}; exec \"$@\"", everything.collect::<Vec<_>>().join(" "));
    let web = || Proc::start("web: cat /proc/self/status\n");
    for proc in [web(), web().by_shell(&script)] {
        let run = proc.run();
        run.exits(0);
        let masks: Vec<String> = run.lines_of("web.1").iter().filter_map(standard).collect();
        assert_eq!(masks, ["SigPnd 0", "SigBlk 0", "SigIgn 0", "SigCgt 0"]);
    }
}

// F30
#[test]
fn a_signal_mask_that_proc_inherited_is_not_handed_down() {
    // A child has the mask of the thread that starts it.
    let test = std::thread::spawn(|| {
        SigSet::all().thread_block().unwrap();
        let proc = Proc::start("web: ./child trap TERM exit 0 ready wait\n").spawn();
        proc.wait_for("ready");
        proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("web.1  | exited with code 0");
    });
    test.join().unwrap();
}

#[test]
fn a_child_has_three_descriptors_even_if_proc_was_given_more() {
    let web = || Proc::start("web: ./child fds exit 0\n");
    web().run().exits(0).says("web.1  | fds 0 1 2\n");
    web()
        .by_shell("exec 3</dev/null 7>/dev/null 9</dev/null; exec \"$@\"")
        .run()
        .exits(0)
        .says("| fds 0 1 2\n");
    web().args(["--log-format", "json"]).run().exits(0).says("\"fds 0 1 2\"");
}

// F67: the others' pipes, the log files, and both ways to start a process: with as few descriptors as this, the later ones are forked.
#[test]
fn a_child_has_three_descriptors_however_many_proc_has() {
    for pty in ["never", "always"] {
        let proc =
            Proc::start("web: ./child fds exit 0\n").args(["web=50", "--exit-on", "all", "--pty", pty]);
        let run = proc.args(["--log-dir", "logs"]).by_shell("ulimit -Sn 100; exec \"$@\"").run();
        run.exits(0);
        assert_eq!(run.stdout().matches("| fds 0 1 2\n").count(), 50, "{}", run.stdout());
    }
}

#[test]
fn each_instance_leads_a_group_of_its_own() {
    let run = Proc::start("web: ./child pid pgid exit 0\nsh: ./child pgid exit 0; exit 0\n")
        .args(["--exit-on", "all"]);
    let proc = run.spawn();
    let (pid, group) = (proc.number_after("web.1  | pid "), proc.number_after("web.1  | pgid "));
    let (shell, of_shell) =
        (proc.number_after("sh.1   | started with pid "), proc.number_after("sh.1   | pgid "));
    proc.finish().exits(0).stdout();
    assert_eq!((pid, shell), (group, of_shell));
    assert_ne!(group, of_shell);
}

#[test]
fn a_command_that_needs_no_shell_gets_none_and_any_other_is_the_shells_business() {
    let run = Proc::start(concat!(
        "plain: ./child args a=b ./c d:e,f\n",
        "quoted: ./child args 'one word' \"two $NAME\" # comment\n",
        "listed: NAME=inside ./child env NAME && ./child say after\n",
    ))
    .variable("NAME", "words")
    .args(["--exit-on", "all"])
    .run();
    run.exits(0);
    assert_eq!(run.lines_of("plain.1")[1], "[a=b] [./c] [d:e,f]");
    assert_eq!(run.lines_of("quoted.1")[1], "[one word] [two words]");
    assert_eq!(run.lines_of("listed.1")[1..3], ["NAME=inside", "after"]);
}
