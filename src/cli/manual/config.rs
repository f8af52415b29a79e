//! The page of `proc.toml`: each key with its default and unit. A test holds that none is missing.

use super::Block::{Code, Item, Text};
use super::Section;

/// The sections of proc.toml(5).
pub(crate) const SECTIONS: &[Section] =
    &[DESCRIPTION, VALUES, ALL, PROCESS, DEPENDS_ON, PROBES, WATCH, EXITS, PRECEDENCE];

const DESCRIPTION: Section = Section {
    title: "DESCRIPTION",
    blocks: &[
        Text(
            "A Procfile says what the processes of an app are. A file `proc.toml` beside it, which may be left out, says how they behave: in \
             which order they start, how one sees that they are ready, what follows their end. It is TOML:",
        ),
        Code(
            "stop_grace_period = \"10s\"\n\n[process.web]\nscale = 2\ndepends_on = { redis = \"healthy\", \
             release = \"completed_successfully\" }\nreadiness = { http = \"/healthz\" }\nrestart = \"on-failure\"\n\n[process.redis]\ncommand = \
             \"redis-server --port $PORT\"\nreadiness = { exec = \"redis-cli -p $PORT ping\" }",
        ),
        Text(
            "Every table `[process.NAME]` is about a type of the Procfile, or has a `command`: a backing service, for one, that exists only where \
             one develops. Those come after the types of the Procfile, in the order of this file, and their ports too.",
        ),
        Text(
            "What is wrong is reported as `proc.toml:12:3: ...` with the line and a mark, all of it and not only the first, and nothing is started. \
             A key that does not exist is an error. A key of another tool (`replicas`, `healthcheck`, `kill_timeout`) is answered with the one that is \
             meant. The file is UTF-8 and has 1 MiB at most. `proc config --schema` prints its JSON schema for editors; `#:schema` and a path in the first line names it.",
        ),
    ],
};

const VALUES: Section = Section {
    title: "VALUES",
    blocks: &[
        Item(
            "durations",
            "Strings with units, `\"200ms\"`, `\"10s\"`, `\"1m30s\"`, `\"1h\"`; a bare number is in seconds. A year at most; 10 ms at least \
             where something is done again and again. `\"inf\"` is taken by `stop_grace_period` only.",
        ),
        Item("signals", "`\"SIGTERM\"`, `\"TERM\"` or `15`."),
        Item("paths", "Relative to the root, which is the directory of the Procfile unless `-d` is given."),
        Item(
            "commands",
            "As in a Procfile: to `/bin/sh -c`, or started directly if no shell is needed; in the environment and the directory of the process.",
        ),
    ],
};

const ALL: Section = Section {
    title: "KEYS FOR ALL",
    blocks: &[
        Item("`version`", "The version of this format. There is only `1`, which is the default."),
        Item("`app`", "What the app is called. Default: the name of its directory."),
        Item(
            "`port`",
            "The base port, see proc(1), PORTS AND VARIABLES. `PORT` in the environment or an env file beats it. Default: 5000.",
        ),
        Item(
            "`env_files`",
            "The env files that are read where they exist; the later wins. `-e` beats all of them. Default: `[\".env\"]`.",
        ),
        Item(
            "`on_exit`",
            "What the end of a process does to the rest, see EXITS AND RESTARTS. Default: `\"stop\"`.",
        ),
        Item("`stop_grace_period`", "How long a stop may take before SIGKILL. Default: 5s."),
        Item(
            "`secrets`",
            "Names of variables whose values are masked, besides those that look like secrets, as in `[\"DATABASE_URL\", \"*_SEED\"]`. `*` \
             stands for any text, and case does not matter. Default: none.",
        ),
    ],
};

const PROCESS: Section = Section {
    title: "KEYS OF A PROCESS",
    blocks: &[
        Item(
            "`scale`",
            "How many instances are started where the command line does not say. Default: 1; 0 for one-offs.",
        ),
        Item("`command`", "What is run, for a type that the Procfile does not have."),
        Item("`depends_on`", "What must be so before an instance starts. Default: nothing."),
        Item("`readiness`", "What shows that an instance can do its work. Default: none."),
        Item(
            "`liveness`",
            "What shows that an instance still lives; if it does not, it is restarted. Default: none.",
        ),
        Item(
            "`restart`",
            "After which ends an instance is started again: `\"no\"`, `\"on-failure\"`, `\"always\"`. Default: `\"no\"`.",
        ),
        Item(
            "`restart_delay`",
            "How long the first wait is. Each wait is twice the one before. Default: 1s.",
        ),
        Item("`restart_max_delay`", "What a wait grows to. Default: 60s."),
        Item(
            "`max_restarts`",
            "How many restarts there may be in the `restart_window`, 1 at least; `\"inf\"` for any number. Then the instance has failed. Default: 5.",
        ),
        Item("`restart_window`", "The time in which restarts are counted. Default: 60s."),
        Item("`min_uptime`", "Whoever has run for so long begins anew with waits and counts. Default: 10s."),
        Item(
            "`success_exit_codes`",
            "Exit codes that count as success, besides 0; 128 + N is death by signal N. Default: `[]`.",
        ),
        Item("`stop_signal`", "The signal that asks it to stop. Default: SIGTERM."),
        Item("`stop_grace_period`", "How long its stop may take before SIGKILL. Default: that of all."),
        Item(
            "`stop_command`",
            "A command that stops it; the stop signal follows if that fails. Default: none.",
        ),
        Item(
            "`type`",
            "`\"oneshot\"` is a task that ends: its success ends nothing, its failure the run, with its exit status. One-offs and whoever is waited for with \
             `completed_successfully` are oneshots too. Default: none.",
        ),
        Item("`watch`", "The files that it is restarted for. Default: none."),
        Item(
            "`env`",
            "Variables for it alone, as in `{ LOG_LEVEL = \"debug\", WORKERS = 2 }`. Values are literal: `$NAME` is not filled in. They are a layer over the \
             env files, so that the environment that proc was started in beats them. Default: none.",
        ),
        Item(
            "`env_file`",
            "An env file for it alone, or an array of them; the later wins, and all beat those of all processes. They must exist. Default: none.",
        ),
        Item("`working_dir`", "Where it runs. Default: the root."),
        Item(
            "`port`",
            "The port of its first instance; the next ones follow. Default: by its place, see proc(1), PORTS AND VARIABLES.",
        ),
        Item("`tty`", "Whether it has a terminal of its own to write to. Default: as `--pty` says."),
        Item("`log`", "`\"shown\"`, or `\"hidden\"` as with `--quiet`. Default: `\"shown\"`."),
        Item(
            "`profiles`",
            "It starts only with `--profile` and one of these names, or when it is named or needed. Default: always.",
        ),
        Item("`on_exit`", "What its end does to the rest. Default: that of all."),
        Text(
            "When a process is started anew, the env files are read again, and the names of variables that have changed are said. A file that is broken then is told \
             of, and what was read before still holds.",
        ),
    ],
};

const DEPENDS_ON: Section = Section {
    title: "DEPENDENCIES",
    blocks: &[
        Text(
            "An array of names, or a table of names with what must be so of each, all instances of it that are started:",
        ),
        Code(
            "depends_on = [\"redis\"]\ndepends_on = { redis = \"healthy\" }\ndepends_on.redis = { condition = \"healthy\", restart = true }",
        ),
        Item(
            "`condition`",
            "`\"started\"`: it has a process, or had one. `\"healthy\"`: its readiness probe has succeeded. `\"completed_successfully\"`: it has ended, with success. The words of \
             compose and process-compose (`service_healthy`, `process_healthy`) are taken too. Default: `\"started\"`.",
        ),
        Item(
            "`restart`",
            "Whether a restart of what is waited for restarts the one that waits. Default: `false`.",
        ),
        Text(
            "What is needed is started too, with a notice. What is left out by name (`redis=0`, `-x redis`, `scale = 0`) is taken to run elsewhere: nobody waits for \
             it, and that is said as well. Circles, names that nobody has and conditions that can never be met are errors before anything starts.",
        ),
    ],
};

const PROBES: Section = Section {
    title: "PROBES",
    blocks: &[
        Text("`readiness` and `liveness` are tables with exactly one of these:"),
        Item(
            "`http`",
            "A path: a GET of it on the PORT of the instance, at 127.0.0.1, is answered with 200 to 399.",
        ),
        Item(
            "`tcp`",
            "`true`: a connection is taken on the PORT of the instance; a number: on that port of 127.0.0.1.",
        ),
        Item("`exec`", "A command that ends with 0."),
        Item("`log`", "A text in a line that the instance writes. Of `readiness` only."),
        Text("and with:"),
        Item("`interval`", "From one question to the next. Default: 2s for `readiness`, 10s for `liveness`."),
        Item("`timeout`", "How long an answer may take. Default: 1s."),
        Item("`retries`", "How many failures in a row count, 1 at least. Default: 3."),
        Item(
            "`start_period`",
            "How long after its start an instance may fail without that being counted. Default: 30s.",
        ),
        Item(
            "`start_interval`",
            "From one question to the next in that time, until the first success. Default: 200ms.",
        ),
        Text(
            "A command has the environment that the instance was started with. What the system has no room for is not asked, and is no failure.",
        ),
    ],
};

const WATCH: Section = Section {
    title: "FILES THAT ARE WATCHED",
    blocks: &[
        Text("`watch` is an array of paths, or a table:"),
        Item(
            "`paths`",
            "Files and directories. They must exist at first, and may be removed and made again later.",
        ),
        Item(
            "`ignore`",
            "Patterns of what is not looked at, in the words of .gitignore, besides what .gitignore says. Default: none.",
        ),
        Item("`debounce`", "How long it must be quiet after a change. Default: 300ms."),
    ],
};

const EXITS: Section = Section {
    title: "EXITS AND RESTARTS",
    blocks: &[
        Text(
            "`on_exit` is `--exit-on` of the command line in other words; `--exit-on` beats it wherever it stands:",
        ),
        Item("`\"stop\"` (`any`)", "Any end of the process stops everything."),
        Item(
            "`\"stop-on-failure\"` (`failure`)",
            "An end with an exit status that is no success, or by a signal, does.",
        ),
        Item("`\"continue\"` (`all`)", "No end does; proc ends when all have ended."),
        Text("It is asked of an end that nothing follows, and of no other:"),
        Item("`restart` starts it again", "That is no end for the rest, whatever `on_exit` says."),
        Item(
            "`restart = \"on-failure\"` and a success",
            "Is an end: with `on_exit = \"stop\"` everything stops, else the others go on.",
        ),
        Item(
            "`max_restarts` are used up",
            "The instance has failed, and that is a failure whatever its last exit status was: with `stop` and `stop-on-failure` everything stops.",
        ),
        Item(
            "a `liveness` probe that fails, a file of `watch` that changes",
            "Restart it, whatever `restart` and `on_exit` say.",
        ),
        Item("a oneshot", "Its success stops nothing, its failure everything, whatever `on_exit` says."),
        Text("Which ends are followed by a start, and what the others do to the rest:"),
        Code(
            "restart =             \"no\"          \"on-failure\"  \"always\"\n\
             success               an end        an end        starts again\n\
             failure               an end        starts again  starts again\n\
             max_restarts used up  -             a failure     a failure\n\
             liveness, watch       starts again  starts again  starts again\n\
             \n\
             on_exit =             \"stop\"        \"stop-on-failure\"  \"continue\"\n\
             success               all stop      others go on       others go on\n\
             failure               all stop      all stop           others go on\n\
             success of a oneshot  others go on  others go on       others go on\n\
             failure of a oneshot  all stop      all stop           all stop",
        ),
    ],
};

const PRECEDENCE: Section = Section {
    title: "PRECEDENCE",
    blocks: &[Text(
        "Default, then this file, then the variables `PROC_...`, then the command line. So `--timeout` beats every `stop_grace_period`, `--exit-on` every `on_exit`, \
             and a number on the command line `scale`; a name without a number (`proc start web`) says which, and `scale` how many. `proc config` shows what holds in the end, and where \
             each value is from.",
    )],
};

/// What `proc config` shows.
pub(super) const WHAT_CONFIG_SHOWS: Section = Section {
    title: "WHAT IS SHOWN",
    blocks: &[Text(
        "Each key of proc.toml(5) with the value that holds, for all and for each process type, and where that is from: `default`, `proc.toml:12`, \
         `Procfile:3`, the variable of an option, or `command line`. The values of secrets are masked unless `--show-secrets` is given. With `--json`, each value is \
         an object with `value` and `origin`. `--schema` prints the JSON schema of `proc.toml` and reads no file.",
    )],
};
