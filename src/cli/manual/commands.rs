//! The sections of the pages of `proc run`, `proc check`, `proc env` and `proc export`.

use super::Block::{Item, Text};
use super::Section;

pub(super) const WHAT_RUN_RUNS: Section = Section {
    title: "WHAT IS RUN",
    blocks: &[
        Text(
            "If the first word is a type of the Procfile, its command is run, with the other words appended as arguments. Else the \
             first word is a command and the others are its arguments, without a shell. A single word that has blanks goes \
             to `/bin/sh -c`. The options of proc end before the first word; `--` may stand between.",
        ),
        Text(
            "No Procfile is needed: without one, only the env files count. PORT is the first port of the type, or the base \
             port for a command. Environment and env files are those of proc(1).",
        ),
    ],
};

pub(super) const EXIT_OF_RUN: Section = Section {
    title: "EXIT STATUS",
    blocks: &[
        Text("That of the command, which takes the place of proc; and:"),
        Item("2", "The command line, the Procfile or an env file is wrong."),
        Item("126", "The command cannot be executed."),
        Item("127", "The command was not found."),
    ],
};

pub(super) const WHAT_CHECK_SAYS: Section = Section {
    title: "WHAT IS CHECKED",
    blocks: &[
        Text(
            "The Procfile, `proc.toml` and the env files, as proc(1) and proc.toml(5) have their rules. Where all is well the types are named in the order \
             of the file: `valid procfile detected (web, worker)`. A line that is none of a Procfile is an error here, where \
             `proc start` only warns.",
        ),
        Text(
            "A line of an env file that the usual dotenv libraries read differently, or refuse, is a warning: apps load the same file.",
        ),
    ],
};

pub(super) const EXIT_OF_CHECK: Section = Section {
    title: "EXIT STATUS",
    blocks: &[
        Item("0", "No errors."),
        Item("1", "No errors, but warnings, and `--strict` was given."),
        Item("2", "Errors, or a command line that makes no sense."),
    ],
};

pub(super) const WHAT_ENV_SHOWS: Section = Section {
    title: "WHAT IS SHOWN",
    blocks: &[Text(
        "Each variable that the process gets, with where its value comes from: the command line, proc itself, the environment \
         or an env file. The values of secrets are masked unless `--show-secrets` is given. The order of the sources is in \
         proc(1), ENVIRONMENT FILES.",
    )],
};

pub(super) const WHAT_IS_EXPORTED: Section = Section {
    title: "WHAT IS EXPORTED",
    blocks: &[
        Text(
            "The plan of `proc start`: the types and how many there are of each, their ports, commands and directories, `depends_on`, probes, restarts, \
             stop signal and grace period. `release` goes first, once for each release; other one-offs start when they are asked for; both are there whatever `-m` names. `-m web=2..10` \
             is a range, where the target has such. What the target has no words for is listed at the end, with the reason: nothing is left out silently.",
        ),
        Text(
            "The environment is that of the env files and `-E`. What `proc` itself was started with is of this machine and not in it; where it has \
             filled in a `$NAME` of an env file, the value counts as a secret, and is listed. For another environment name other files: `-e .env,production.env`.",
        ),
        Text(
            "The values of secrets are not written, only their names and a place for each: secrets are what looks like one, what refers to one, what \
             `secrets` of `proc.toml` names, and what `.env.example` asks for and nobody sets. `--include-secret-values` writes them.",
        ),
        Text(
            "Files are made for their owner only, never through a symbolic link. If one of them is there already, nothing is written, unless `--force` is given. \
             What was filled in with secrets is never replaced, for without `--include-secret-values` no file of that name is written.",
        ),
    ],
};

pub(super) const TARGETS: Section = Section {
    title: "FORMATS",
    blocks: &[
        Item(
            "systemd",
            "A target, a template for each type, and a drop-in for each instance with its port. Hardened; each relaxation has a comment.",
        ),
        Item(
            "compose",
            "One `compose.yaml` with a service for each type; `build` with the Dockerfile of the app unless there is an `--image`.",
        ),
        Item("kubernetes", "A file for each object and a `kustomization.yaml`. Needs `--image`."),
        Item(
            "supervisord",
            "One `supervisord.conf`, and a launcher for each type that reads the environment.",
        ),
        Item("launchd", "A property list for each instance."),
        Text(
            "For Compose and Kubernetes the WORKDIR of the image is the root of the app, and its ENTRYPOINT, if it has one, runs what it gets as \
             arguments. `stop_command` takes Compose 2.30, the `start_interval` of a probe Docker Engine 25, and the drain of a service \
             Kubernetes 1.30.",
        ),
    ],
};

pub(super) const EXIT_OF_EXPORT: Section = Section {
    title: "EXIT STATUS",
    blocks: &[
        Item("0", "All files are written, or printed."),
        Item(
            "2",
            "The command line or a file of the app is wrong, the target cannot carry something that the app needs, or a file could not be written. Nothing new is left behind.",
        ),
    ],
};
