//! The command line as a whole: places of options, the environment, refusals, help.

use std::ffi::OsString;
use std::process;

use clap::error::ErrorKind;

use super::args::{Assignment, Awaited, Cli, Command, Options, Source};
use super::parse::{read, without_its_variable};
use super::{command, completions};
use crate::model::policy::{Grace, Timestamps};

/// Reads `line`, split at blanks, with no variable set.
fn parse(line: &str) -> Result<Cli, clap::Error> {
    let args: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
    read(&args, without_its_variable)
}

fn options(line: &str) -> Options {
    parse(line).unwrap().options
}

fn words(line: &str) -> Vec<OsString> {
    let Command::Run { words } = parse(line).unwrap().command else { panic!("not `run`: {line}") };
    words
}

fn refusal(line: &str) -> String {
    let error = parse(line).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[test]
fn the_definition_of_the_command_line_is_sound() {
    command().debug_assert();
}

#[test]
fn an_option_means_the_same_before_and_after_the_command() {
    for option in [
        "-f Procfile.dev",
        "-f -",
        "-d /srv",
        "-m web=2",
        "-c web=2",
        "--concurrency web=2",
        "-x web,worker",
        "--release",
        "--config x.toml",
        "--profile a,b",
        "-e .env,.env.local",
        "-E A=b",
        "--env-override",
        "--no-env-contract",
        "-p 3000",
        "--no-port",
        "--color never",
        "--timestamps elapsed",
        "--no-timestamps",
        "--log-format json",
        "--pty always",
        "-q web -q css",
        "--log-dir log",
        "--log-rotate 1MiB,3",
        "-t 10",
        "--exit-on failure",
        "-D",
    ] {
        let before = parse(&format!("proc {option} start")).unwrap();
        let after = parse(&format!("proc start {option}")).unwrap();
        assert_eq!(before, after, "{option}");
        assert_ne!(before.options, options("proc start"), "{option}");
    }
}

#[test]
fn of_two_places_the_later_wins_and_lists_are_put_together() {
    let options = options("proc -t 1 -x a,b -E A=1 start -t 2 -x c -E A=2");
    assert_eq!(options.timeout, "2".parse::<Grace>().unwrap());
    assert_eq!(options.except, ["a", "b", "c"]);
    let values = options.set.iter().map(|Assignment { value, .. }| value).collect::<Vec<_>>();
    assert_eq!(values, ["1", "2"]);
}

#[test]
fn what_follows_the_command_of_run_is_its_own() {
    assert_eq!(words("proc run ls -l"), ["ls", "-l"]);
    assert_eq!(words("proc run ls -f x --help"), ["ls", "-f", "x", "--help"]);
    assert_eq!(words("proc run ls -- -l"), ["ls", "--", "-l"]);
    assert_eq!(words("proc run -- -odd -- x"), ["-odd", "--", "x"]);
    assert_eq!(words("proc run -p 1 start"), ["start"]);
    assert_eq!(options("proc run ls -p 1").port, None);
    assert_eq!(refusal("proc run --bogus ls"), "error: unexpected argument '--bogus' found");
    assert_eq!(parse("proc run").unwrap_err().kind(), ErrorKind::MissingRequiredArgument);
}

#[test]
fn an_option_that_means_nothing_to_the_command_is_refused_wherever_it_stands() {
    let expected = "error: `--timeout` means nothing to `proc check`, only to `proc start`, `proc wait`, `proc config`, `proc export`";
    assert_eq!(refusal("proc check --timeout 3"), expected);
    assert_eq!(refusal("proc --timeout 3 check"), expected);
    let expected = "error: `--port` means nothing to `proc man`, only to `proc start`, `proc run`, `proc env`, `proc config`, `proc export`";
    assert_eq!(refusal("proc -p 3 man"), expected);
    assert_eq!(
        refusal("proc start --strict"),
        "error: `--strict` means nothing to `proc start`, only to `proc check`"
    );
}

#[test]
fn every_option_means_something_to_some_command() {
    for arg in command().get_arguments().filter(|arg| !["help", "version"].contains(&arg.get_id().as_str())) {
        let known = command()
            .get_subcommands()
            .any(|sub| sub.get_arguments().any(|own| own.get_id() == arg.get_id()));
        assert!(known, "{arg}");
        let name = arg.get_long().unwrap_or_default().to_uppercase().replace('-', "_");
        assert_eq!(arg.get_env(), Some(OsString::from(format!("PROC_{name}")).as_os_str()));
    }
}

#[test]
fn contradictions_are_refused() {
    for line in [
        "proc start -p 1 --no-port",
        "proc --no-port start -p 1",
        "proc --timestamps time start --no-timestamps",
    ] {
        assert!(refusal(line).ends_with("contradict each other"), "{line}");
    }
    assert_eq!(options("proc start --no-timestamps").timestamps, Timestamps::None);
}

#[test]
fn bad_values_are_refused() {
    let port = "error: invalid value '0' for '--port <N>': 0 is not in 1..=65535";
    assert_eq!(refusal("proc start -p 0"), port);
    for line in [
        "-p 65536",
        "-p x",
        "-t soon",
        "--color red",
        "--exit-on never",
        "--pty maybe",
        "--env=",
        "--log-rotate 5",
    ] {
        refusal(&format!("proc start {line}"));
    }
}

#[test]
fn a_bad_assignment_is_refused_without_being_repeated() {
    for line in ["proc start -E hunter2", "proc start -E =hunter2", "proc -E hunter2=1é start -E 1=hunter2"]
    {
        let error = parse(line).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(!format!("{error}{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn no_command_is_answered_with_help_and_an_unknown_one_with_a_suggestion() {
    let error = parse("proc").unwrap_err();
    assert_eq!((error.exit_code(), error.use_stderr()), (2, true));
    assert!(error.to_string().contains("Commands:"));
    assert_eq!(parse("proc -p 1").unwrap_err().exit_code(), 2);
    assert!(parse("proc strat").unwrap_err().to_string().contains("'start'"));
}

#[test]
fn the_version_is_that_of_the_package() {
    let answer = parse("proc --version").unwrap_err();
    assert_eq!((answer.exit_code(), answer.to_string()), (0, "proc 0.1.0\n".to_owned()));
}

#[test]
fn there_are_completions_for_each_shell_and_bash_accepts_its_own() {
    use super::args::Shell::{Bash, Fish, Zsh};
    for shell in [Bash, Zsh, Fish] {
        let script = String::from_utf8(completions::script(shell)).unwrap();
        assert!(script.contains("exit-on") && script.contains("rfc3339"), "{shell:?}");
    }
    let script = String::from_utf8(completions::script(Bash)).unwrap();
    let status = process::Command::new("bash").args(["-n", "-c", &script]).status().unwrap();
    assert!(status.success());
}

#[test]
fn behind_logs_f_is_follow_and_before_it_the_procfile() {
    let options = options("proc -f Procfile.dev logs -f -n 5 web");
    assert_eq!(options.procfile, Some("Procfile.dev".into()));
    assert_eq!((options.follow, options.lines), (true, Some(5)));
    let named = self::options("proc logs --procfile Procfile.dev --follow");
    assert_eq!((named.procfile, named.follow), (options.procfile, true));
    assert!(refusal("proc start --follow").starts_with("error: `--follow` means nothing to `proc start`"));
    assert!(refusal("proc ps --for exited").starts_with("error: `--for` means nothing to `proc ps`"));
}

#[test]
fn a_wait_has_a_time_of_its_own_and_none_by_default() {
    let wait = options("proc wait web --for exited --timeout 2");
    assert_eq!((wait.awaited, wait.timeout), (Awaited::Exited, "2".parse().unwrap()));
    assert_eq!(wait.origins.of("timeout"), Source::CommandLine);
    assert_eq!(options("proc wait").origins.of("timeout"), Source::Default);
    let wait = command().find_subcommand("wait").unwrap().clone();
    let timeout = wait.get_arguments().find(|arg| arg.get_id() == "timeout").unwrap();
    assert_eq!(timeout.get_env().unwrap(), "PROC_WAIT_TIMEOUT");
}
