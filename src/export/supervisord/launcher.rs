//! The launcher of a process type: a script that reads the variables, and becomes the command.
//!
//! Variables and commands would not survive supervisord's configuration. A shell reads them back exactly.

use super::super::shell::script;
use super::super::{App, Brief, Process};
use super::variables::Sources;
use crate::model::command::shell_word;
use crate::model::policy::Grace;
use crate::model::signal::Signal;
use std::fmt::Write as _;
use std::time::Duration;

/// The script, for `/bin/sh`.
pub(super) fn launcher(app: &App, brief: &Brief, process: &Process, sources: &Sources) -> String {
    let mut text = format!(
        "# What supervisord runs for {} of {}. Made by `proc export supervisord`.\nset -a\n",
        process.name, app.name
    );
    if let Some(user) = &brief.user {
        text += &be(user);
    }
    for file in &sources.shared {
        read(&mut text, file);
    }
    text += &sources.own.assignments;
    if let Some(file) = &sources.own.file {
        read(&mut text, file);
    }
    if !sources.by_instance.is_empty() {
        text += "case $PROC_INSTANCE in\n";
        for (number, source) in &sources.by_instance {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{number})\n{}", source.assignments.trim_end_matches('\n'));
            if let Some(file) = &source.file {
                read(&mut text, file);
            }
            text += ";;\n";
        }
        text += "esac\n";
    }
    text += "set +a\n\n";
    text += &run(process);
    text
}

/// What a user finds in the environment: supervisord only changes whose process it is, and leaves it a home that may be root's.
fn be(user: &str) -> String {
    let is_number = user.bytes().all(|byte| byte.is_ascii_digit());
    let (name, home) = if is_number {
        ("\"$(id -un)\"", "eval \"HOME=~$USER\"".to_owned())
    } else {
        // A user has letters, digits, `_`, `.` and `-` only: see `check_user`.
        (user, format!("HOME=~{user}"))
    };
    format!(
        "\
# supervisord leaves these as they are for itself.
USER={name}
LOGNAME=$USER
{home}
case $HOME in /*) ;; *) HOME=/ ;; esac
"
    )
}

/// A file beside the launcher; `$0` is absolute, for supervisord is told so.
fn read(text: &mut String, file: &str) {
    let _ = writeln!(text, ". \"${{0%/*}}/{file}\"");
}

/// The command: the shell becomes it, or stays until all that it started has gone.
fn run(process: &Process) -> String {
    let script = script(&process.command);
    if script.is_one_process {
        return format!("{}\n", script.text);
    }
    let command = format!("/bin/sh -c {}", shell_word(&script.text));
    match stop_signal(process) {
        Some(signal) => stay(&command, &signal),
        None => format!("exec {command}\n"),
    }
}

/// The stop signal, if there is time between it and SIGKILL.
fn stop_signal(process: &Process) -> Option<String> {
    let stop = &process.settings.stop;
    let is_kill = matches!(stop.signal, Signal::KILL | Signal::STOP);
    let has_time = stop.grace != Grace::For(Duration::ZERO);
    let name = stop.signal.to_string();
    (has_time && !is_kill).then(|| name.strip_prefix("SIG").map(str::to_owned))?
}

/// A shell that is told to stop ends before what it started. So one more waits: everybody holds descriptor 4, the end of a pipe, and when
/// the last has gone `cat` reads its end of file. A command that ends by itself is not waited for, or a daemon of its would keep it from being
/// restarted.
fn stay(command: &str, signal: &str) -> String {
    format!(
        "\
# The command is more than one process. When they are told to stop (all of them are), this shell stays until the last has gone,
# which is when nobody holds descriptor 4 any more: so supervisord waits for them, and kills them at the end of stopwaitsecs.
trap : {signal}
exec 3>&1
{{
    trap 'told=yes' {signal}
    # A shell has a word for the death of a child (`Terminated`), which is no line of the log.
    exec 5>&2 2>/dev/null
    (exec {command} 2>&5 5>&- 4>&1 >&3 3>&-)
    echo \"$? $told\"
}} | {{
    trap '' {signal}
    read -r code told
    if [ \"$told\" ]; then
        cat >/dev/null
    elif [ \"$SUPERVISOR_ENABLED\" ]; then
        # supervisord gives each program a group of its own.
        kill -s {signal} 0
    fi
    exit \"$code\"
}}
"
    )
}
