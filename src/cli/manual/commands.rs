//! The sections of the pages of `proc run`, `proc check` and `proc env`.

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
