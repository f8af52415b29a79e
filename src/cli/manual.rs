//! The sections of the man pages that no option can say: the rules for files, formation, ports, output and the end.
//!
//! What stands between back-quotes is set in bold. ASCII only: not every roff reads more.

mod commands;
mod config;
mod control;

use commands::{
    EXIT_OF_CHECK, EXIT_OF_EXPORT, EXIT_OF_RUN, TARGETS, WHAT_CHECK_SAYS, WHAT_ENV_SHOWS, WHAT_IS_EXPORTED,
    WHAT_RUN_RUNS,
};
pub(crate) use config::SECTIONS as CONFIG;
use config::WHAT_CONFIG_SHOWS;
use control::{CONTROL, DETACHED, EXIT_OF_CONTROL};

/// A section of a page.
pub(crate) struct Section {
    /// Its heading.
    pub(crate) title: &'static str,
    /// What it says.
    pub(crate) blocks: &'static [Block],
}

/// A piece of a section.
pub(crate) enum Block {
    /// A paragraph.
    Text(&'static str),
    /// A term and what it means.
    Item(&'static str, &'static str),
    /// Lines to be shown as they are.
    Code(&'static str),
}

use Block::{Code, Item, Text};

/// The sections of a page by the name of its command, before the examples.
pub(crate) fn sections(command: &str) -> &'static [&'static Section] {
    match command {
        "proc" => &[
            &PROCFILE,
            &ENV_FILES,
            &CONTRACT,
            &FORMATION,
            &PORTS,
            &OUTPUT,
            &THE_END,
            &CONTROL,
            &LIMITS,
            &EXIT_STATUS,
            &FILES,
            &ENVIRONMENT,
        ],
        "start" => &[
            &CONTRACT,
            &FORMATION,
            &PORTS,
            &OUTPUT,
            &control::KEYS,
            &THE_END,
            &DETACHED,
            &LIMITS,
            &EXIT_STATUS,
        ],
        "ps" | "restart" | "stop" | "signal" | "why" | "events" | "down" => &[&CONTROL, &EXIT_OF_CONTROL],
        "logs" => &[&control::LOGS, &CONTROL, &EXIT_OF_CONTROL],
        "scale" => &[&control::SCALE, &CONTROL, &EXIT_OF_CONTROL],
        "wait" => &[&control::WAIT, &CONTROL, &EXIT_OF_CONTROL],
        "attach" => &[&control::ATTACH, &CONTROL, &EXIT_OF_CONTROL],
        "reload" => &[&control::RELOAD, &CONTROL, &EXIT_OF_CONTROL],
        "run" => &[&WHAT_RUN_RUNS, &EXIT_OF_RUN],
        "check" => &[&WHAT_CHECK_SAYS, &CONTRACT, &EXIT_OF_CHECK],
        "env" => &[&WHAT_ENV_SHOWS],
        "config" => &[&WHAT_CONFIG_SHOWS],
        "export" => &[&WHAT_IS_EXPORTED, &TARGETS, &EXIT_OF_EXPORT],
        _ => &[],
    }
}

const PROCFILE: Section = Section {
    title: "PROCFILE",
    blocks: &[
        Text("A Procfile names the process types of an app, one `name: command` a line:"),
        Code("web: bundle exec puma -p $PORT\nworker: bundle exec sidekiq\nrelease: rake db:migrate"),
        Text(
            "A name is made of ASCII letters, digits, `_` and `-`, and has 63 bytes at most. White space around it is taken \
             with a warning. After the colon there may be any white space, or none; trailing white space is dropped. Lines end in \
             LF or CRLF, the last one may end in nothing, and a UTF-8 byte order mark is skipped. So are blank lines and \
             lines whose first visible character is `#`. A backslash at the end of a line continues the command on the \
             next.",
        ),
        Text(
            "The command goes to `/bin/sh -c` untouched: proc substitutes nothing in it, and a `#` inside it is the shell's. A \
             simple command is started directly instead and found through the PATH of the process: one that has only words \
             of letters, digits and `_ . / : = , @ % + -`, the first of them without `=` and neither a builtin nor a reserved \
             word of the shell. It gets the same arguments, and the pid that is shown is its own.",
        ),
        Text(
            "What is wrong is reported as `Procfile:3:5: ...` with the line and a mark, all of it and not only the first:",
        ),
        Item(
            "a line that is none of these",
            "A warning of `proc start` and `proc run`, which ignore the line; an error of `proc check`.",
        ),
        Item("a name twice", "An error that names both lines."),
        Item("a name without a command", "An error."),
        Item("no process at all", "The error `no processes defined`."),
        Item(
            "not UTF-8, a NUL byte, more than 1 MiB, or not a regular file",
            "An error. A FIFO or a device is not waited for. Standard input can be read with `-f -`.",
        ),
    ],
};

const ENV_FILES: Section = Section {
    title: "ENVIRONMENT FILES",
    blocks: &[
        Text(
            "Without `-e`, the file `.env` in the root directory is read if it is there, or those that `env_files` of proc.toml(5) names. A file \
             named with `-e` must exist. The value that a process sees is the first of these:",
        ),
        Item("1.", "`-E KEY=VALUE`. So `-E PORT=...` beats the port that proc assigns, for every process."),
        Item("2.", "What proc sets itself: see PORTS AND VARIABLES."),
        Item("3.", "The environment that proc was started in."),
        Item(
            "4.",
            "The files, a later one over an earlier one, and in a file the last line over those before; over those of all what a process \
             has in `proc.toml` (`env_file`, `env`).",
        ),
        Text(
            "`--env-override` puts the files above the environment that proc was started in, as foreman has it.",
        ),
        Text("A file holds these lines:"),
        Item(
            "`K=v`, `export K=v`, `K = v`",
            "The value is `v`. Blanks before the key are skipped. A value without quotes keeps the blanks inside it and loses \
             those at its end.",
        ),
        Item("`K=`", "The variable is set, to nothing."),
        Item("`K=v # text`", "A comment. It needs a blank before it: the value of `K=v#text` is `v#text`."),
        Item("`K='...'`", "The value as it stands; it may span lines."),
        Item(
            "`K=\"...\"`",
            "`\\n`, `\\r`, `\\t`, `\\\\`, `\\\"` and `\\$` are escapes, any other backslash stays. It may span lines, and `#` is \
             part of it.",
        ),
        Item(
            "`$NAME`, `${NAME}`, `${NAME:-default}`",
            "Without quotes or in double quotes: what the process would see so far. A variable that is not set is empty.",
        ),
        Item("back-quotes, `$(...)`", "Taken literally; nothing is ever run."),
        Item("a blank line, `# text`", "Skipped."),
        Text(
            "A key is a letter or `_` followed by letters, digits, `_`, `.` and `-`. Another key, a line without `=`, a quote \
             that is not closed, text after a closing quote and a NUL byte are errors, `.env:7:1: ...`, and nothing is started: a \
             file is read whole or not at all. A byte order mark and CRLF are accepted. Values are secrets: proc never \
             shows them in an error.",
        ),
        Text(
            "`proc start` and `proc check` warn of a file that everybody on the machine can read and that has something in it that looks like a \
             secret; `chmod 600 .env` ends that. What only a group can read is not warned of, nor is an example (`.env.example`). To start an app is to \
             run what its files say: root is warned of a Procfile or an env file that everybody can change.",
        ),
    ],
};

const CONTRACT: Section = Section {
    title: "THE CONTRACT",
    blocks: &[
        Text(
            "Where there is a `.env.example` in the root directory, it says which variables the app needs. It has the form of an environment \
             file, and what it means goes by the value:",
        ),
        Item(
            "`NAME=`",
            "Has to be set; a comment behind it is no value, nor are empty quotes. `proc start` refuses to start without it (exit status 2), and names \
             all that are missing with their lines. The environment, an environment file, `-E` and what proc sets itself count alike, and \
             so does a variable that is set to nothing.",
        ),
        Item("`NAME=value`", "Shows what it may look like. It need not be set, and the value is not used."),
        Item("`# NAME=value`", "The same, in a comment."),
        Text(
            "`proc check` reports what is missing too, and warns of names that an environment file has and `.env.example` lacks. It asks git \
             whether it tracks `.env`, and warns if so where there is a `.env.example`, or something in `.env` looks like a secret; where git has no answer \
             within three seconds, nothing is said.",
        ),
        Text(
            "A `.env.example` that cannot be read as an environment file holds nobody to anything: what is wrong with it is a warning of `proc start` and an \
             error of `proc check`. `--no-env-contract` turns all of this off; `proc run` and `proc env` never ask for it.",
        ),
    ],
};

const FORMATION: Section = Section {
    title: "FORMATION",
    blocks: &[
        Text(
            "The formation says how many instances of each type are started; `web.2` is the second of `web`. `proc start` \
             alone starts one of each type but the one-offs, or as many as `scale` in proc.toml(5) says.",
        ),
        Item(
            "`proc start web=2 worker`",
            "Two of `web`, one of `worker`, and nothing else. `-m web=2,worker=1` says the same.",
        ),
        Item(
            "`-m all=1,web=2`",
            "`all` (or `*`) is the number for the types that are not named. Without it they are not started.",
        ),
        Item("`web=0`, `-x web`", "Leaves the type out."),
        Text(
            "Numbers are whole and not negative. A type that is not in the Procfile, or what is no number, is an error that \
             names the types there are. White space in lists is fine.",
        ),
        Text(
            "`release`, `postdeploy`, `migrate` and `console` are one-offs: they start only when they are named (`proc start \
             migrate web`, `-m migrate=1`) or another depends on them, and `all` does not mean them. A notice says which were left out. They are meant for \
             `proc run`. `--release` runs the type `release` first (after what it depends on itself) and to its end; if it fails, its exit status is that of \
             proc and nothing else is started.",
        ),
    ],
};

const PORTS: Section = Section {
    title: "PORTS AND VARIABLES",
    blocks: &[
        Text(
            "The base port is that of `-p`, else the variable `PORT` as the environment and the env files give it, else `port` of proc.toml(5), else 5000. \
             The types of the Procfile get 100 ports each, in the order of the file and whether they are started or not: the \
             first from the base on, the second from base + 100 on. A type that has a `port` of its own in `proc.toml` counts from there. The instances of a type follow one another. A port above \
             65535, and two instances that would get the same port, are errors before anything is started.",
        ),
        Text(
            "A port that is in use is reported before anything is started, with the process that holds it where the system \
             tells. It is an error for the type `web` and for commands that mention PORT, and a warning for others.",
        ),
        Text("Each instance gets:"),
        Item("`PORT`", "Its port, unless `--no-port` is given."),
        Item("`PS`", "Its name, as in `web.1`."),
        Item("`PROC_TYPE`, `PROC_INSTANCE`", "The parts of the name, as in `web` and `1`."),
        Item(
            "`PROC_<TYPE>_PORT`",
            "The port of the first instance of each process type, so that one can find another. The name of the type is in \
             upper case, with `_` for `-`.",
        ),
    ],
};

const OUTPUT: Section = Section {
    title: "OUTPUT",
    blocks: &[
        Text(
            "The processes' standard output and standard error become one stream on the standard output of proc:",
        ),
        Code(
            "12:00:01 system   | ...\n12:00:01 web.1    | started with pid 4321\n12:00:02 web.1    | what web wrote",
        ),
        Text(
            "Names are padded to the longest that is started, six characters at least. The colour of a name goes by its type's place in the Procfile. What proc says about an instance carries the \
             instance's name, what it says about the whole carries `system`. Errors of the command line go to standard error.",
        ),
        Text(
            "The bytes of a line are passed on as they are: not decoded, dropped or reordered within a stream. A line longer \
             than 64 KiB is cut in parts. A line without an end is shown when its process ends.",
        ),
        Text(
            "On a terminal, where a control sequence is obeyed and not seen, only text and colours pass. Every other control is shown: a \
             screen cannot be cleared by what somebody sent to your server, nor your clipboard be written. A colour that is left on is off in \
             the prefix and in other processes' lines, and on again in the next line of its own. An unfinished line is shown after 200 ms; one that is written over \
             and over (a progress bar) in its last state, at most ten times a second. Pipes and files get the bytes, and with `--log-format raw` a terminal does.",
        ),
        Text(
            "What a process wrote is shown before the line that says that it ended. At most 4 MiB (`--buffer`) wait for a slow reader of the \
             output; then the processes wait, and signals do not. When all have ended, the reader is waited for until a signal asks for the end. `proc start | head -1` ends cleanly.",
        ),
        Item(
            "`--log-format text`",
            "Time, name and line, as above. `--timestamps` chooses the time: `time` is HH:MM:SS, `rfc3339` \
             the date too, `elapsed` counts from the start, `none` leaves it out.",
        ),
        Item(
            "`--log-format json`",
            "One object a line, with `ts`, `process`, `type`, `index`, `pid`, `stream` and `line`; `pid` is null for what is about no process, `partial` is true for a \
             part of a line, and `bytes_base64` holds what is not UTF-8.",
        ),
        Item(
            "`--log-format raw`",
            "The lines of the processes and nothing before them. What proc says goes to standard error.",
        ),
        Item(
            "`--pty WHEN`",
            "Where the output of proc goes to a terminal and is not JSON, `auto` gives each process a pseudo-terminal of its own to \
             write to: it colours, writes line by line and draws progress bars as it would by itself. `always` does so \
             everywhere, `never` gives it pipes. Its window is as wide as what the prefix leaves of ours, 20 columns at least, and \
             changes with it; where proc writes to no terminal it has 80 columns and 24 lines. With JSON there are two \
             terminals, one for each output. What the process reads comes from its terminal, too: what somebody types with `proc attach`, nothing otherwise.",
        ),
        Item("`--quiet TYPE`", "Hides what the processes of that type write, not what proc says about them."),
        Text(
            "There are no log files unless they are asked for: the output is a stream for others to keep. `--log-dir DIR` writes a file for each instance beside \
             the stream, as in `DIR/web.1.log`, with the bytes that the instance wrote and nothing else, but for a newline \
             where a process is started again whose last line had none. It is written on if it is there; \
             DIR is made if it is not, below the directory that proc is called in. What proc makes only its owner can read. What is not a regular file, a \
             symbolic link too, is an error before anything is started. What a process does on a terminal of its own is in its file too: `--pty never` \
             keeps colours out of it.",
        ),
        Item(
            "`--log-rotate 10MiB,5`",
            "The default: before a file has more than 10 MiB, `web.1.log` becomes `web.1.log.1`, that becomes `web.1.log.2`, and so on; what was \
             `web.1.log.5` goes. It happens between two lines, for which a file may be up to 64 KiB longer. KiB, MiB and GiB (also K, KB and so on) \
             are powers of 1024; without a unit a size is in bytes.",
        ),
        Item(
            "`--log-rotate none`",
            "Leaves the file to grow, or to logrotate. No signal is needed: a file that is moved or removed is opened anew by the next line, and one \
             that is cut is written on from its new end.",
        ),
        Text(
            "A slow disk is waited for, as a slow reader is. A full one stops nothing: proc says so, keeps up to 1 MiB, and drops what is \
             beyond that. When the disk has space again, a line of the file says how many bytes are missing in it, `[proc: 4096 bytes are missing here: \
             No space left on device]`. What is still missing at the end of the run is said then; it does not change the exit status. With `--log-format json` the lines of standard \
             output and standard error do not tear each other in the file, but a line longer than 64 KiB may be torn.",
        ),
    ],
};

const THE_END: Section = Section {
    title: "THE END",
    blocks: &[
        Text(
            "With `--exit-on any`, the default, everything is stopped when any process exits; with `failure`, when one exits \
             with another status than 0 or by a signal; with `all`, proc ends when all have ended. What `restart` of proc.toml(5) starts again \
             has not ended.",
        ),
        Text(
            "To stop means: every process gets SIGTERM at once, with its whole process group, and has the time of \
             `--timeout` (5 s), one deadline for all. Where proc.toml(5) has `depends_on`, who depends on others is stopped first, and each has \
             that time from when it is asked. What is left then gets SIGKILL, grandchildren too. proc exits \
             when nothing is left. `--timeout 0` kills at once, `--timeout inf` waits as long as it takes.",
        ),
        Text("Signals to proc:"),
        Item("SIGINT (Ctrl-C), SIGTERM, SIGHUP", "Stops everything. So does closing the terminal."),
        Item(
            "SIGINT again",
            "Kills everything now. A Ctrl-C less than 300 ms after the first counts as the same one: some terminals and \
             wrappers send two.",
        ),
        Item("SIGINT once more", "Ends proc even if it hangs: what is left of its output is not waited for."),
        Item("SIGTERM again", "Does nothing more."),
        Item("SIGQUIT, SIGUSR1, SIGUSR2", "Are passed on to the processes; proc stays."),
        Item(
            "SIGTSTP (Ctrl-Z), SIGCONT",
            "Suspends the processes and proc, and continues them. Deadlines do not run meanwhile.",
        ),
        Item(
            "SIGKILL",
            "Kills proc, and all it has started: proc is two processes, of which either kills everything when the other has \
             gone (exit status 70, if it is the one that you did not start). Only whoever kills both at once leaves processes behind.",
        ),
        Text(
            "Each instance is a process group of its own, and with a terminal of its own (`--pty`) a session, without `/dev/tty`. Its standard input is that terminal, else `/dev/null`; its signals have their default \
             meaning, and it inherits no open files but its three standard streams.",
        ),
        Text(
            "A process that leaves its group (`setsid`, a daemon) still belongs to its instance. proc looks for such processes \
             after a second, then every few seconds, and when the process that was started has ended; it says \
             `left 1 process outside its group: pid 4321 (sleep)`, and stops them with their instance. What they start, and what they leave \
             behind, belongs to them as well. Where all traces are gone (parents ended, environment cleared) proc cannot tell whose a \
             process is, and stops it at the end of the run. A process that was stopped (`SIGSTOP`, or `SIGTTIN`: it reads from a terminal) is told of too.",
        ),
        Text(
            "What is alive five seconds after SIGKILL is named, with the reason if that can be told (`owned by root`, `in an uninterruptible \
             sleep`), and proc exits with 1. Work that was handed to somebody else, such as `systemd-run` or `docker run`, is not below proc, and not stopped.",
        ),
    ],
};

const LIMITS: Section = Section {
    title: "LIMITS",
    blocks: &[
        Text(
            "Where the system has no room for another process (processes, memory, open files, terminals), the instance is tried again after 0.1 s, then \
             after twice as long each time, 5 s at most. That is said, and is no exit; a stop ends it. So a lack of room that never passes \
             (`ulimit -v` or `-u` too low for the command) is tried again for as long as the run goes on. A command that is not there or cannot \
             be executed is not tried again.",
        ),
        Text(
            "proc itself uses as many open files as its hard limit permits: one for each process, two with JSON, twice that where processes \
             have terminals, and one more with a log file. If they cannot all run at once, that is an error before anything is started; with `--exit-on \
             failure` and `all` it is a warning, and those that have no room wait until others end.",
        ),
        Text(
            "Processes get the limits that proc was given. proc itself writes no core dump, and other users' programs cannot look into its memory.",
        ),
    ],
};

const EXIT_STATUS: Section = Section {
    title: "EXIT STATUS",
    blocks: &[
        Text("Of `proc start`:"),
        Item("0", "All processes ended with 0."),
        Item(
            "the status of a process",
            "A process ended with another status than 0 and that made proc stop; with `--exit-on all`, the first that failed. \
             For one that died of signal N it is 128 + N.",
        ),
        Item(
            "130, 143, 129",
            "proc was stopped by SIGINT, SIGTERM or SIGHUP: after a clean stop it dies of that signal itself. \
             As process 1 of a container, which no signal of its own ends, it exits with that status.",
        ),
        Item("141", "Nobody reads the output any more; it dies of SIGPIPE after a clean stop."),
        Item("127, 126", "A command was not found, or could not be executed; the others were stopped."),
        Item(
            "1",
            "A process could not be killed, and is named; or all ended with 0 and some of their output could not be written.",
        ),
        Item(
            "2",
            "The command line, the Procfile, an env file or a port is wrong, or a variable is missing. Nothing was started.",
        ),
        Item("3", "A run of the app goes on already, and is named. Nothing was started."),
        Item(
            "70",
            "A bug of proc, or somebody killed the part of it that does the work. All processes were killed.",
        ),
        Text("The pages of the other commands have theirs."),
    ],
};

const FILES: Section = Section {
    title: "FILES",
    blocks: &[
        Item("`Procfile`", "The process types, in the directory that proc is started in."),
        Item("`Procfile.dev`", "Read where there is no `Procfile`, with a notice."),
        Item(
            "`proc.toml`",
            "How the processes behave, see proc.toml(5); beside the Procfile, or in the root directory. `--config /dev/null` reads none.",
        ),
        Item(
            "`.env`",
            "The environment file, in the root directory, which is that of the Procfile unless `-d` is given.",
        ),
        Item("`.env.example`", "What the app needs to have set: see THE CONTRACT."),
    ],
};

const ENVIRONMENT: Section = Section {
    title: "ENVIRONMENT",
    blocks: &[
        Text(
            "Every option can be set by the variable that is named with it above: `PROC_` and the name of the option, in upper \
             case and with `_` for `-`. The command line wins, and an empty variable counts as unset. A switch is off if its variable \
             is `0`, `false`, `no` or `off`, and on otherwise. `PROC_SET` holds one KEY=VALUE; lists have commas. These \
             variables are read from the environment that proc is started in, never from an env file, and a variable of an \
             option that means nothing to the command is ignored.",
        ),
        Item("`PORT`", "The base port, if there is no `-p`."),
        Item(
            "`NO_COLOR`, `CLICOLOR_FORCE`, `FORCE_COLOR`, `TERM`",
            "With `--color auto`: no colours if NO_COLOR is set; else colours if one of the FORCE variables is set and not \
             `0`; else none if TERM is `dumb`; else colours on a terminal only.",
        ),
    ],
};
