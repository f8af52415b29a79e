//! The sections about a run that is asked from elsewhere.

use super::Block::{Code, Item, Text};
use super::Section;

pub(super) const CONTROL: Section = Section {
    title: "CONTROL",
    blocks: &[
        Text(
            "While `proc start` runs it can be asked from another terminal, by a script or by any program: through an HTTP API over a Unix \
             socket that only its user can open. The commands `ps`, `logs`, `restart`, `stop`, `signal`, `scale`, `wait`, `why`, \
             `attach`, `events`, `reload` and `down` are clients of it. The socket, with the lock of the run, is in the directory \
             `$XDG_RUNTIME_DIR/proc/HASH`, where HASH follows from the root of the app; without such a directory of the user's in \
             `.proc` below the root itself. Both are open to nobody else.",
        ),
        Text(
            "The run is found from the root of the app and from every folder below it: the nearest one above counts. With `-d DIR` or \
             `--procfile FILE` it is that root and no other.",
        ),
        Text(
            "Instances are named by their type, `web`, or each for itself, `web.1`. `*` stands for any characters, in either part: `worker.*`, \
             `'*'`. A name that nobody has is an error, with a suggestion.",
        ),
        Text(
            "Each app has one run at a time. A second `proc start` ends with 3 and names the pid of the first, unless it names only types or instances \
             without a number: then these are started in the run that is there, as `proc start worker` after `proc stop worker`.",
        ),
        Text(
            "Who was stopped by `proc stop` stays down until somebody starts it, and its end does not end the run. `proc restart` starts again \
             at once; it does not count as a restart of the policy, and the waits of that begin anew.",
        ),
        Text(
            "With `--json` the answers are those of the API. docs/control.md shows every command, and the API with curl.",
        ),
    ],
};

pub(super) const EXIT_OF_CONTROL: Section = Section {
    title: "EXIT STATUS",
    blocks: &[
        Item("0", "It was done. `proc down` without a run has nothing to do."),
        Item(
            "1",
            "There is no run, or it refuses: it is ending, a port is taken, a file is wrong (`proc reload`). Nothing was changed. \
             `proc wait`: an instance has failed or ended, so that it will not be what is waited for.",
        ),
        Item(
            "2",
            "The command line makes no sense: a name that nobody has, no signal, no regular expression.",
        ),
        Item("124", "`proc wait`: the time is over."),
    ],
};

pub(super) const DETACHED: Section = Section {
    title: "IN THE BACKGROUND",
    blocks: &[
        Text(
            "With `--detach` the files are read as always, and what is wrong with them is said. Then the run goes on in the background, in a session of its \
             own that no terminal, pipe or login holds or is held by, with `/dev/null` as its input. What it writes is shown until each \
             instance is healthy, runs if it has no readiness probe, or has ended with 0 if it is a task. Then proc names the pid and exits with 0; \
             `proc logs -f` follows, `proc down` ends it.",
        ),
        Text(
            "If the run ends before that, proc ends as it would have in the foreground. Ctrl-C until then ends the run, as do SIGTERM \
             and SIGHUP. If an instance fails and the run goes on without it, proc says so and exits with 1. If a run of the app goes on already, that is said, and the status is 0.",
        ),
        Text(
            "The output of a run in the background is kept for `proc logs` as any other; `--log-dir` writes all of it to files.",
        ),
    ],
};

pub(super) const LOGS: Section = Section {
    title: "WHAT IS SHOWN",
    blocks: &[
        Text(
            "The last 8 MiB (`--history`) that all processes have written are kept, and the lines of proc itself among them. Without an option all of that is shown, oldest first. \
             `-f` shows the last 100 lines and goes on until the run is over; `-n` and `--since` say otherwise. The lines are counted after \
             names and `--grep` have chosen among them. `-C` puts no `--` between those that do not follow each other.",
        ),
        Text(
            "Prefix, colours, timestamps and formats are those of `proc start`, and what a terminal must not be given is not given to it here either; `--json` is \
             `--log-format json`. A reader that is slower than the processes holds nobody up: what it has missed is counted in a line, in JSON as `{\"dropped\": N}`.",
        ),
        Text("`-f` is `--follow` here, so a Procfile is named by `--procfile`."),
    ],
};

pub(super) const SCALE: Section = Section {
    title: "HOW MANY",
    blocks: &[
        Text(
            "`web=4` is four of it, `worker+1` one more, `worker-1` one less; several changes are made together, or none is.",
        ),
        Code("$ proc scale web=3 worker+1\nweb=3 worker=2 clock=1 redis=1"),
        Text(
            "Those with the highest numbers go. Who is new gets the port of its number, as if it had been there from the start: see PORTS in proc(1). \
             What is printed can be given to `proc start` and `proc scale` as it is.",
        ),
    ],
};

pub(super) const WAIT: Section = Section {
    title: "WHAT IS WAITED FOR",
    blocks: &[
        Item(
            "`--for healthy`",
            "Each is healthy, as its readiness probe has it; without one, it runs; a task has ended with 0. Without names, who was stopped is not waited for. \
             An instance that has failed or ended ends the wait at once, and it is said why.",
        ),
        Item(
            "`--for exited`",
            "Each has ended, however, and is not started again: how is printed. The end of the run is theirs too.",
        ),
        Text(
            "`--timeout` is how long at most; its variable is PROC_WAIT_TIMEOUT, for PROC_TIMEOUT is that of `proc start`.",
        ),
    ],
};

pub(super) const ATTACH: Section = Section {
    title: "A TERMINAL",
    blocks: &[
        Text(
            "What the process has written last (16 KiB) comes first, then what it writes, byte by byte, and what proc says about it, in brackets. What is typed \
             goes to the terminal that it has of its own (`tty = true` in proc.toml, or `--pty`), which has the window of ours meanwhile. The log has all of it \
             as ever.",
        ),
        Item(
            "Ctrl-]",
            "Leaves; the process runs on. So does Ctrl-C where one only watches. `--detach-key` names another key with Ctrl: `ctrl-p`.",
        ),
        Item(
            "Ctrl-C, Ctrl-\\",
            "Send SIGINT and SIGQUIT to the group of the process, unless it has every key for itself, as editors and some prompts have. Ctrl-Z does nothing \
             then: who would continue it?",
        ),
        Text(
            "One types at a time: whoever came first. Others watch, and are told so; with `--read-only` one watches anyway, and that needs no terminal of the \
             process. A restart is told and gone along with. When the process has ended and is not started again, so has proc, with 0.",
        ),
        Text(
            "If standard input is no terminal, it is typed as it is to its end, and then the output is shown until the process ends or proc is stopped: \
             `echo help | proc attach web.1`. Programs see a newline, as if Enter had been pressed.",
        ),
        Text(
            "Our terminal is as it was afterwards, whatever ends proc but SIGKILL. A slow terminal holds up nobody: how many lines it has missed is said.",
        ),
    ],
};

pub(super) const KEYS: Section = Section {
    title: "KEYS",
    blocks: &[
        Text(
            "Where `proc start` is in the foreground of a terminal, with standard input and output, it hears keys:",
        ),
        Item(
            "r",
            "Restart a process: its number in the list, or its name and Enter; Esc asks no more. If there is only one, at once.",
        ),
        Item(
            "f",
            "Show what one process writes and nothing of the others; once more, all. Log files and `proc logs` have all of it as ever.",
        ),
        Item("s", "Show how the processes stand."),
        Item("q", "Stop all, as `proc down` does: the exit status is 0."),
        Item("?", "Show what the keys are."),
        Text(
            "Ctrl-C, Ctrl-Z and Ctrl-\\ are what they are. In the background (`proc start &`, `bg`) nothing that is typed is read; after `fg` keys are heard within a second. \
             The terminal is as it was at the end, and while proc is suspended. `--no-keys` switches the keys off.",
        ),
    ],
};

pub(super) const RELOAD: Section = Section {
    title: "WHAT IS CHANGED",
    blocks: &[
        Text(
            "A process type whose command, environment or settings differ is restarted; one that is new is started, one that has gone is stopped. All \
             others run on. Options and variables are those that `proc start` was given.",
        ),
        Text(
            "If a file is wrong, the mistakes are printed with their places, nothing is changed, and the status is 1.",
        ),
    ],
};
