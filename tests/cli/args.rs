//! The command line itself: where options stand, what the environment adds, what is refused.

use crate::support::Proc;
use insta::assert_snapshot;

const WEB: &str = "web: ./child env NAME exit 0\n";

#[test]
fn an_option_may_stand_before_or_after_the_command() {
    for args in [
        &["--no-port", "-E", "NAME=x", "start", "--no-timestamps"][..],
        &["start", "--no-timestamps", "--no-port", "-E", "NAME=x"],
        &["--no-timestamps", "start", "-E", "NAME=x", "--no-port", "web"],
        &["--no-timestamps", "start", "web", "--no-port", "--set=NAME=x"],
    ] {
        Proc::new(WEB).args(args).run().exits(0).says("web.1  | NAME=x\n");
    }
    let run = Proc::new("web: ./child env A env B exit 0\n")
        .args(["-E", "A=1", "start", "--no-port", "-E", "B=2"])
        .run();
    run.exits(0).says("| A=1\n").says("| B=2\n");
    Proc::new(WEB)
        .args(["-E", "NAME=early", "start", "--no-port", "-E", "NAME=late"])
        .run()
        .exits(0)
        .says("NAME=late");
}

#[test]
fn every_option_has_a_variable_and_the_command_line_beats_it() {
    let start = || Proc::new(WEB).args(["start", "--no-port"]);
    start().variable("PROC_SET", "NAME=x").run().exits(0).says("| NAME=x\n");
    start().variable("PROC_TIMESTAMPS", "none").run().exits(0).says("\nweb.1  | NAME is unset\n");
    start().variable("PROC_NO_TIMESTAMPS", "1").run().exits(0).says("\nweb.1  | NAME is unset\n");
    start().variable("PROC_LOG_FORMAT", "json").run().exits(0).says("\"line\":\"NAME is unset\"");
    let run = start().variable("PROC_LOG_FORMAT", "json").args(["--log-format", "raw"]).run();
    assert_eq!(
        run.exits(0).complains("started with").stdout(),
        "NAME is unset
"
    );
    start().variable("PROC_COLOR", "always").run().exits(0).says("\u{1b}[0;36m");
    start().variable("PROC_QUIET", "web").run().exits(0).never_says("NAME is unset").stdout();
    start().variable("PROC_EXCEPT", "web").run().exits(2).complains("nothing to start");
    start()
        .variable("PROC_FORMATION", "web=2")
        .args(["--exit-on", "all"])
        .run()
        .exits(0)
        .says("web.2  | NAME is unset");
    start().variable("PROC_FORMATION", "nothing=2").args(["web"]).run().exits(0).stdout();
    let elsewhere = Proc::without_procfile().file("app/Other", WEB).file("app/other.env", "NAME=x\n");
    let elsewhere = elsewhere.variable("PROC_PROCFILE", "app/Other").variable("PROC_ENV", "app/other.env");
    elsewhere
        .variable("PROC_NO_PORT", "true")
        .args(["start"])
        .variable("PROC_ROOT", ".")
        .run()
        .exits(0)
        .says("| NAME=x\n");
    let run = Proc::new("web : a\n").variable("PROC_STRICT", "1").args(["check"]).run();
    run.exits(1).complains("white space").says("valid");
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let run = Proc::new(WEB)
        .args(["start", "--no-port"])
        .variable("PROC_TIMEOUT", "")
        .variable("PROC_FORMATION", "")
        .run();
    run.exits(0).says("NAME is unset");
}

#[test]
fn the_options_of_proc_are_not_read_from_an_env_file() {
    let file = "PROC_LOG_FORMAT=json\nPROC_FORMATION=web=3\nPROC_TIMEOUT=nonsense\nPROC_PROCFILE=nowhere\n";
    let run = Proc::start("web: ./child env PROC_FORMATION exit 0\n").file(".env", file).run();
    run.exits(0).says("web.1  | PROC_FORMATION=web=3\n").never_says("web.2");
}

#[test]
fn bad_usage_is_2_and_says_what_is_wrong() {
    for (args, expected) in [
        (&["start", "--nonsense"][..], "unexpected argument '--nonsense'"),
        (&["strat"], "unrecognized subcommand 'strat'"),
        (&["start", "-t", "soon"], "`soon` is not a duration"),
        (&["start", "--exit-on", "never"], "invalid value 'never'"),
        (&["start", "--color", "blue"], "invalid value 'blue'"),
        (&["start", "--log-format", "xml"], "invalid value 'xml'"),
        (&["start", "--timestamps", "iso"], "invalid value 'iso'"),
        (&["start", "--port", "5000", "--no-port"], "`--no-port` and `--port` contradict each other"),
        (&["check", "--timeout", "5"], "`--timeout` means nothing to `proc check`"),
        (&["run"], "<NAME-OR-COMMAND>"),
        (&["completions", "tcsh"], "invalid value 'tcsh'"),
    ] {
        let run = Proc::new(WEB).args(args).run();
        run.exits(2).complains(expected);
    }
}

#[test]
fn a_bad_value_of_a_variable_names_the_variable() {
    let run = Proc::new(WEB).args(["start"]).variable("PROC_TIMEOUT", "soon").run();
    run.exits(2).complains("PROC_TIMEOUT");
}

#[test]
fn a_value_of_set_is_in_no_error_message() {
    for value in ["c4n4ry", "1BAD=c4n4ry", "=c4n4ry", "A B=c4n4ry"] {
        let run = Proc::new(WEB).args(["start", "-E", value]).run();
        run.exits(2).never_says("c4n4ry");
        assert!(run.stderr().contains("a value of `--set`"), "{}", run.stderr());
    }
}

#[test]
fn no_command_is_bad_usage_with_the_help() {
    let run = Proc::new(WEB).run();
    run.exits(2).complains("Usage: proc");
}

#[test]
fn help_and_version_are_asked_for_and_succeed() {
    for args in
        [&["--help"][..], &["-h"], &["help"], &["start", "--help"], &["run", "-h"], &["help", "check"]]
    {
        Proc::without_procfile().args(args).run().exits(0).says("Usage: proc");
    }
    let run = Proc::without_procfile().args(["--version"]).run();
    run.exits(0);
    assert_eq!(run.stdout(), format!("proc {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn help_whose_reader_has_gone_is_no_failure() {
    Proc::without_procfile().args(["--help"]).by_shell("\"$@\" | :").run().exits(0);
}

#[test]
fn completions_and_man_pages_are_printed() {
    for shell in ["bash", "zsh", "fish"] {
        Proc::without_procfile().args(["completions", shell]).run().exits(0).says("proc");
    }
    Proc::without_procfile().args(["man"]).run().exits(0).says(".TH PROC 1");
    let run = Proc::without_procfile().args(["man", "pages"]).run();
    run.exits(0);
    assert!(run.directory().join("pages/proc-start.1").exists());
}

#[test]
fn the_short_help_of_start_lists_every_option() {
    let run = Proc::without_procfile().args(["start", "-h"]).run();
    run.exits(0);
    assert_snapshot!(run.stdout(), @r"
    Run the processes of the Procfile in the foreground

    Usage: proc start [OPTIONS] [TYPE[=N]]...

    Arguments:
      [TYPE[=N]]...  Start only these types, N instances of each

    Options:
      -h, --help  Print help (see more with '--help')

    What runs:
      -f, --procfile <FILE>   The Procfile; `-` is standard input [default: Procfile, else Procfile.dev]
      -d, --root <DIR>        The directory that processes run in and `.env` is looked up in [default:
                              the Procfile's]
          --config <FILE>     The file that says how processes behave [default: proc.toml beside the
                              Procfile]
      -m, --formation <LIST>  How many of each type, as in `web=2,worker=1` or `all=1,web=0`; types not
                              named are not started [aliases: -c, --concurrency]
      -x, --except <TYPE>     Leave out this type; repeatable, or a list with commas
          --profile <NAME>    Start what has this profile in proc.toml too; repeatable, or a list with
                              commas
          --release           First run the type `release` to its end; if it fails, start nothing

    Environment:
      -e, --env <FILE[,FILE]>  Read these env files; repeatable, the later file wins [default: those of
                               proc.toml, else .env]
      -E, --set <KEY=VALUE>    Set a variable; repeatable, beats everything else
          --env-override       Let the env files beat the inherited environment, as foreman does
          --no-env-contract    Do not ask for the variables that `.env.example` names without a value
      -p, --port <N>           The port of the first type; the next types get 100 more each [default:
                               PORT, else proc.toml's, else 5000]
          --no-port            Set no PORT

    Output:
          --color <WHEN>           When to colour [default: auto] [possible values: auto, always, never]
          --timestamps <FORM>      What to put before each line [default: time] [possible values: time,
                                   rfc3339, elapsed, none]
          --no-timestamps          The same as `--timestamps none`
          --log-format <FORM>      How to write the lines: with a prefix, as JSON objects, or as they
                                   come [default: text] [possible values: text, json, raw]
          --pty <WHEN>             Whether each process has a terminal of its own to write to, or a pipe
                                   [default: auto] [possible values: auto, always, never]
          --no-keys                Do not listen for keys in the terminal that it is started in
      -q, --quiet <TYPE>           Hide the lines of this type; repeatable, or a list with commas
          --buffer <SIZE>          How much output may wait for a slow reader, as in `512KiB`; beyond
                                   that the processes wait [default: 4MiB]
          --log-dir <DIR>          Write what each process writes to a file of its own in this directory
                                   too, as in `web.1.log`
          --log-rotate <SIZE[,N]>  Rename a log file before it has more than SIZE, and keep N old ones
                                   beside it; `none` lets it grow [default: 10MiB,5]

    Control:
          --listen <ADDRESS>  Let the run be controlled over this port too, by whoever knows the token:
                              127.0.0.1:PORT
          --history <SIZE>    How much of the latest output is kept for `proc logs` and `proc attach`,
                              of all processes together [default: 8MiB]
      -D, --detach            Start in the background, and return when all are healthy

    The end:
      -t, --timeout <DURATION>  How long a stop may take before SIGKILL: seconds, or as in `500ms`,
                                `1m30s`, `inf`; 0 kills at once [default: 5s]
          --exit-on <WHEN>      Stop everything when any process exits, when one fails, or only when all
                                have ended [default: any] [possible values: any, failure, all]
    ");
}
