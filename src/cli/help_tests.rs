//! The help, as users see it.

use super::command;

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
      ps           Show how the instances of the run stand
      logs         Show what the processes have written last, and follow it
      restart      Stop instances and start them again
      stop         Stop instances; the rest runs on
      signal       Send a signal to instances
      scale        Change how many instances there are of each type, or show it
      wait         Wait until instances are healthy, or have ended
      why          Say what an instance is waiting for, or why it ended
      attach       Have the terminal of a process: type into it, and see all that it writes
      events       Print what happens in the run, as it happens
      reload       Read the Procfile, proc.toml and the env files again
      down         End the run
      run          Run one command in the app's environment
      check        Check the Procfile, proc.toml and the env files
      env          Show the environment a process gets, and where each variable is from
      config       Show what holds in the end, and where each value is from
      export       Write files with which systemd, Compose, Kubernetes or others run the app
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
              Print JSON

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

          --no-keys
              Do not listen for keys in the terminal that it is started in

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

    Control:
          --listen <ADDRESS>
              Let the run be controlled over this port too, by whoever knows the token: 127.0.0.1:PORT

          --history <SIZE>
              How much of the latest output is kept for `proc logs` and `proc attach`, of all processes
              together

              [default: 8MiB]

      -D, --detach
              Start in the background, and return when all are healthy

          --follow
              Go on with what is written from now on; `-f` behind `proc logs`

      -n, --lines <N>
              Show the last N lines only [default: all that is kept; with `--follow` 100]

          --since <DURATION>
              Show only what was written this long ago or later, as in `5m`

          --grep <REGEX>
              Show only lines that this regular expression is found in

      -C, --context <N>
              Show N lines of the same instance before and after each that `--grep` finds

          --read-only
              Only watch; another may type (`proc attach`)

          --detach-key <KEY>
              The key that leaves, as in `ctrl-p` (`proc attach`)

              [default: ctrl-]]

          --for <WHAT>
              What to wait for

              [default: healthy]
              [possible values: healthy, exited]

    The end:
      -t, --timeout <DURATION>
              How long a stop may take before SIGKILL: seconds, or as in `500ms`, `1m30s`, `inf`; 0
              kills at once

              [default: 5s]

          --exit-on <WHEN>
              Stop everything when any process exits, when one fails, or only when all have ended

              [default: any]
              [possible values: any, failure, all]

    Export:
      -a, --app <NAME>
              What the app is called there [default: proc.toml's app, else the name of its directory]

      -u, --user <USER>
              Whose processes they are there [default: NAME for systemd]

          --image <IMAGE>
              The image that the app is built into (compose, kubernetes)

          --namespace <NAME>
              The namespace (kubernetes)

          --ingress <HOST>
              The host name that web is reached by from outside (kubernetes)

          --include-secret-values
              Write the values of secrets too

          --dry-run
              Print the files to standard output; write none

          --force
              Replace files that are there

          --report <FORM>
              How to say what was written and what was not carried over; JSON goes to standard output

              [default: text]
              [possible values: text, json]

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
      proc start --detach       in the background; `proc down` ends it
      proc ps                   from another terminal: how the processes stand
      proc restart web          restart one type, while the rest runs on
    ");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a page of help")]
fn the_help_of_start() {
    insta::assert_snapshot!(long_help(Some("start")), @r"
    Run the processes of the Procfile in the foreground

    Their output becomes one stream on standard output. When one of them exits (see `--exit-on`) or proc
    is told to stop, all of them are stopped, and nothing is left running. Where a run of the app goes
    on already, types or instances that are named without a number are started in that.

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

          --no-keys
              Do not listen for keys in the terminal that it is started in

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

    Control:
          --listen <ADDRESS>
              Let the run be controlled over this port too, by whoever knows the token: 127.0.0.1:PORT

          --history <SIZE>
              How much of the latest output is kept for `proc logs` and `proc attach`, of all processes
              together

              [default: 8MiB]

      -D, --detach
              Start in the background, and return when all are healthy

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
      proc start --detach                            return when all are healthy; `proc down` ends it
      proc start worker                              start worker again in a run that is there
    ");
}
