//! The examples of help and man pages.

/// A command line and what it does.
pub(crate) type Example = (&'static str, &'static str);

/// The examples for `command` (`proc` is the program itself); there may be none.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn of(command: &str) -> &'static [Example] {
    match command {
        "proc" => &[
            ("proc start", "run everything in the Procfile; Ctrl-C stops it"),
            ("proc start web=2 worker", "run two of web and one of worker, nothing else"),
            ("proc run console", "run a type of the Procfile once, on this terminal"),
            ("proc run rake db:migrate", "run any command in the app's environment"),
            ("proc check", "look for errors in Procfile, proc.toml and env files"),
            ("proc env web", "show what web gets, and where each variable is from"),
            ("proc start --detach", "in the background; `proc down` ends it"),
            ("proc ps", "from another terminal: how the processes stand"),
            ("proc restart web", "restart one type, while the rest runs on"),
        ],
        "start" => &[
            ("proc start", "one of each type, but no one-offs"),
            ("proc start web=2 worker", "two of web and one of worker"),
            ("proc start -m all=1,web=2", "two of web and one of each other type"),
            ("proc start -x worker -q css", "all but worker; css runs, but its lines are hidden"),
            ("proc start -f Procfile.dev -e .env,.env.local", "another Procfile and its env files"),
            ("proc start -p 3000 -E DEBUG=1", "ports from 3000 on, and a variable for all"),
            ("proc start --release --exit-on failure", "run `release` first; a process may end with 0"),
            ("proc start --log-format json | jq .line", "the output for a program to read"),
            ("proc start --detach", "return when all are healthy; `proc down` ends it"),
            ("proc start worker", "start worker again in a run that is there"),
        ],
        "ps" => &[
            ("proc ps", "all instances"),
            ("proc ps 'worker.*'", "those of worker"),
            ("proc ps --json | jq '.instances[].pid'", "for a program to read"),
        ],
        "logs" => &[
            ("proc logs", "all that is kept"),
            ("proc logs -f web", "the last of web, and what follows"),
            (
                "proc logs --since 5m --grep 'ERROR|WARN' -C 3",
                "what went wrong in the last five minutes, and around it",
            ),
            ("proc logs -n 20 web.1 worker.1", "the last 20 lines of both together"),
        ],
        "restart" => &[
            ("proc restart web.1", "one instance"),
            ("proc restart web worker", "all of two types"),
            ("proc restart '*'", "all of them"),
        ],
        "stop" => &[
            ("proc stop worker", "all of worker; `proc start worker` starts them again"),
            ("proc stop web.2", "one instance"),
        ],
        "signal" => &[
            ("proc signal HUP web", "have web read its configuration again"),
            ("proc signal USR1 worker.2", "one instance"),
        ],
        "scale" => &[
            ("proc scale", "how many there are"),
            ("proc scale web=4 worker+1", "four of web, and one more worker"),
        ],
        "wait" => &[
            ("proc wait", "until all are healthy"),
            ("proc wait web --timeout 30s", "until web is, or 124 after half a minute"),
            ("proc wait release --for exited", "until a task has ended"),
        ],
        "why" => &[("proc why web.1", "what it waits for, or why it ended"), ("proc why", "the same of all")],
        "events" => &[("proc events", "as lines"), ("proc events --json | jq -r .event", "an object a line")],
        "attach" => &[
            ("proc attach web", "type into the debugger that web has stopped in; Ctrl-] leaves"),
            ("proc attach --read-only worker.2", "see all that it writes, and no more"),
        ],
        "reload" => &[("proc reload", "after a change to the Procfile, proc.toml or .env")],
        "down" => &[("proc down", "end the run"), ("proc down -d ~/shop", "end that of an app elsewhere")],
        "run" => &[
            ("proc run migrate", "run the type migrate of the Procfile"),
            ("proc run web --help", "run the command of web with one more argument"),
            ("proc run ls -l", "run a command; its options are its own"),
            ("proc run 'echo $PORT'", "one argument with blanks goes to the shell"),
        ],
        "check" => &[
            ("proc check", "names the types, or every error"),
            ("proc check --strict", "for continuous integration: warnings count"),
        ],
        "env" => &[
            ("proc env", "what all processes share"),
            ("proc env web.2", "what the second web gets"),
            ("proc env web --show-secrets", "with the values of secrets"),
        ],
        "config" => &[
            ("proc config", "what holds for all, and for each process type"),
            ("proc config --json | jq .process.web", "the same for a program to read"),
            (
                "proc config --schema > proc.schema.json",
                "for an editor: `#:schema ./proc.schema.json` in the first line of proc.toml",
            ),
        ],
        "export" => &[
            ("proc export systemd -m all=1,web=2", "units in deploy/systemd"),
            ("proc export compose --dry-run", "print the file; write none"),
            ("proc export kubernetes --image shop:42", "manifests and a kustomization"),
            ("proc export launchd ~/launchd --report json", "what is written and what not, for a program"),
        ],
        "completions" => &[
            (
                "proc completions bash > ~/.local/share/bash-completion/completions/proc",
                "for bash, from the next shell on",
            ),
            ("proc completions fish > ~/.config/fish/completions/proc.fish", "for fish"),
        ],
        "man" => &[
            ("proc man | man -l -", "read the page"),
            ("proc man ~/.local/share/man/man1", "install the pages"),
        ],
        _ => &[],
    }
}

/// The end of the long help of `command`: its examples, and for the program itself what holds for all commands.
pub(crate) fn help(command: &str) -> String {
    let mut lines = Vec::new();
    if command == "proc" {
        lines.push(EVERYWHERE.to_owned());
        lines.push(String::new());
    }
    if !of(command).is_empty() {
        lines.push("Examples:".to_owned());
    }
    let width = of(command).iter().map(|(line, _)| line.len()).max().unwrap_or_default();
    let fits = width <= 50;
    for (line, meaning) in of(command) {
        if fits {
            lines.push(format!("  {line:width$}  {meaning}"));
        } else {
            lines.push(format!("  {line}\n      {meaning}"));
        }
    }
    lines.join("\n")
}

/// What holds for the options of every command.
const EVERYWHERE: &str = "\
Options may stand before or after the command. Each can also be set by an environment variable, PROC_ and its name: \
PROC_TIMEOUT=10s is `--timeout 10s`, PROC_NO_PORT=1 is `--no-port`. The command line wins.";
