//! The command line as a whole: places of options, the environment, refusals, help.

use std::ffi::OsString;
use std::process;

use clap::error::ErrorKind;

use super::args::{Assignment, Cli, Command, Options};
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
    let expected = "error: `--timeout` means nothing to `proc check`, only to `proc start`, `proc config`";
    assert_eq!(refusal("proc check --timeout 3"), expected);
    assert_eq!(refusal("proc --timeout 3 check"), expected);
    let expected = "error: `--port` means nothing to `proc man`, only to `proc start`, `proc run`, `proc env`, `proc config`";
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

/// The long help of a command, 100 columns wide whatever the terminal is, without blanks at the ends of lines.
fn long_help(name: Option<&str>) -> String {
    let mut root = command().term_width(100).mut_subcommands(|sub| sub.term_width(100));
    root.build();
    let help = match name {
        None => root.render_long_help(),
        Some(name) => root.find_subcommand_mut(name).unwrap().render_long_help(),
    };
    help.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[test]
#[expect(clippy::too_many_lines, reason = "a page of help")]
fn the_help_of_proc() {
    insta::assert_snapshot!(long_help(None), @r"
    A twelve-factor process manager: runs the processes of a Procfile, writes their output as one
    stream, loses none of it, and leaves nothing running.

    Usage: proc [OPTIONS] <COMMAND>

    Commands:
      start        Run the processes of the Procfile in the foreground
      run          Run one command in the app's environment
      check        Check the Procfile, proc.toml and the env files
      env          Show the environment a process gets, and where each variable is from
      config       Show what holds in the end, and where each value is from
      completions  Print the completions for a shell
      man          Print the man page, or write them all
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    What runs:
      -f, --procfile <FILE>
              The Procfile; `-` is standard input [default: Procfile, else Procfile.dev]

      -d, --root <DIR>
              The directory that processes run in and `.env` is looked up in [default: the Procfile's]

          --config <FILE>
              The file that says how processes behave [default: proc.toml beside the Procfile]

      -m, --formation <LIST>
              How many of each type, as in `web=2,worker=1` or `all=1,web=0`; types not named are not
              started

              [aliases: -c, --concurrency]

      -x, --except <TYPE>
              Leave out this type; repeatable, or a list with commas

          --profile <NAME>
              Start what has this profile in proc.toml too; repeatable, or a list with commas

          --release
              First run the type `release` to its end; if it fails, start nothing

          --strict
              Exit with 1 if there are warnings (`proc check`)

          --json
              Print JSON (`proc config`)

          --schema
              Print the JSON schema of proc.toml instead (`proc config`)

    Environment:
      -e, --env <FILE[,FILE]>
              Read these env files; repeatable, the later file wins [default: those of proc.toml, else
              .env]

      -E, --set <KEY=VALUE>
              Set a variable; repeatable, beats everything else

          --env-override
              Let the env files beat the inherited environment, as foreman does

          --no-env-contract
              Do not ask for the variables that `.env.example` names without a value

      -p, --port <N>
              The port of the first type; the next types get 100 more each [default: PORT, else
              proc.toml's, else 5000]

          --no-port
              Set no PORT

          --show-secrets
              Show the values of secrets (`proc env`)

    Output:
          --color <WHEN>
              When to colour

              [default: auto]
              [possible values: auto, always, never]

          --timestamps <FORM>
              What to put before each line

              [default: time]
              [possible values: time, rfc3339, elapsed, none]

          --no-timestamps
              The same as `--timestamps none`

          --log-format <FORM>
              How to write the lines: with a prefix, as JSON objects, or as they come

              [default: text]
              [possible values: text, json, raw]

          --pty <WHEN>
              Whether each process has a terminal of its own to write to, or a pipe

              [default: auto]
              [possible values: auto, always, never]

      -q, --quiet <TYPE>
              Hide the lines of this type; repeatable, or a list with commas

          --buffer <SIZE>
              How much output may wait for a slow reader, as in `512KiB`; beyond that the processes wait

              [default: 4MiB]

          --log-dir <DIR>
              Write what each process writes to a file of its own in this directory too, as in
              `web.1.log`

          --log-rotate <SIZE[,N]>
              Rename a log file before it has more than SIZE, and keep N old ones beside it; `none` lets
              it grow

              [default: 10MiB,5]

    The end:
      -t, --timeout <DURATION>
              How long a stop may take before SIGKILL: seconds, or as in `500ms`, `1m30s`, `inf`; 0
              kills at once

              [default: 5s]

          --exit-on <WHEN>
              Stop everything when any process exits, when one fails, or only when all have ended

              [default: any]
              [possible values: any, failure, all]

    Options may stand before or after the command. Each can also be set by an environment variable,
    PROC_ and its name: PROC_TIMEOUT=10s is `--timeout 10s`, PROC_NO_PORT=1 is `--no-port`. The command
    line wins.

    Examples:
      proc start                run everything in the Procfile; Ctrl-C stops it
      proc start web=2 worker   run two of web and one of worker, nothing else
      proc run console          run a type of the Procfile once, on this terminal
      proc run rake db:migrate  run any command in the app's environment
      proc check                look for errors in Procfile, proc.toml and env files
      proc env web              show what web gets, and where each variable is from
    ");
}

#[test]
fn the_help_of_start() {
    insta::assert_snapshot!(long_help(Some("start")), @r"
    Run the processes of the Procfile in the foreground

    Their output becomes one stream on standard output. When one of them exits (see `--exit-on`) or proc
    is told to stop, all of them are stopped, and nothing is left running.

    Usage: proc start [OPTIONS] [TYPE[=N]]...

    Arguments:
      [TYPE[=N]]...
              Start only these types, N instances of each

    Options:
      -h, --help
              Print help (see a summary with '-h')

    What runs:
      -f, --procfile <FILE>
              The Procfile; `-` is standard input [default: Procfile, else Procfile.dev]

      -d, --root <DIR>
              The directory that processes run in and `.env` is looked up in [default: the Procfile's]

          --config <FILE>
              The file that says how processes behave [default: proc.toml beside the Procfile]

      -m, --formation <LIST>
              How many of each type, as in `web=2,worker=1` or `all=1,web=0`; types not named are not
              started

              [aliases: -c, --concurrency]

      -x, --except <TYPE>
              Leave out this type; repeatable, or a list with commas

          --profile <NAME>
              Start what has this profile in proc.toml too; repeatable, or a list with commas

          --release
              First run the type `release` to its end; if it fails, start nothing

    Environment:
      -e, --env <FILE[,FILE]>
              Read these env files; repeatable, the later file wins [default: those of proc.toml, else
              .env]

      -E, --set <KEY=VALUE>
              Set a variable; repeatable, beats everything else

          --env-override
              Let the env files beat the inherited environment, as foreman does

          --no-env-contract
              Do not ask for the variables that `.env.example` names without a value

      -p, --port <N>
              The port of the first type; the next types get 100 more each [default: PORT, else
              proc.toml's, else 5000]

          --no-port
              Set no PORT

    Output:
          --color <WHEN>
              When to colour

              [default: auto]
              [possible values: auto, always, never]

          --timestamps <FORM>
              What to put before each line

              [default: time]
              [possible values: time, rfc3339, elapsed, none]

          --no-timestamps
              The same as `--timestamps none`

          --log-format <FORM>
              How to write the lines: with a prefix, as JSON objects, or as they come

              [default: text]
              [possible values: text, json, raw]

          --pty <WHEN>
              Whether each process has a terminal of its own to write to, or a pipe

              [default: auto]
              [possible values: auto, always, never]

      -q, --quiet <TYPE>
              Hide the lines of this type; repeatable, or a list with commas

          --buffer <SIZE>
              How much output may wait for a slow reader, as in `512KiB`; beyond that the processes wait

              [default: 4MiB]

          --log-dir <DIR>
              Write what each process writes to a file of its own in this directory too, as in
              `web.1.log`

          --log-rotate <SIZE[,N]>
              Rename a log file before it has more than SIZE, and keep N old ones beside it; `none` lets
              it grow

              [default: 10MiB,5]

    The end:
      -t, --timeout <DURATION>
              How long a stop may take before SIGKILL: seconds, or as in `500ms`, `1m30s`, `inf`; 0
              kills at once

              [default: 5s]

          --exit-on <WHEN>
              Stop everything when any process exits, when one fails, or only when all have ended

              [default: any]
              [possible values: any, failure, all]

    Examples:
      proc start                                     one of each type, but no one-offs
      proc start web=2 worker                        two of web and one of worker
      proc start -m all=1,web=2                      two of web and one of each other type
      proc start -x worker -q css                    all but worker; css runs, but its lines are hidden
      proc start -f Procfile.dev -e .env,.env.local  another Procfile and its env files
      proc start -p 3000 -E DEBUG=1                  ports from 3000 on, and a variable for all
      proc start --release --exit-on failure         run `release` first; a process may end with 0
      proc start --log-format json | jq .line        the output for a program to read
    ");
}
