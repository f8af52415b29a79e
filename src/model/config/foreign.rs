//! Keys that other tools have for what a `proc.toml` says, and what to write instead.

use super::file::Table;
use Table::{Dependency, Probe, Process, Top, Watch};

/// A key of others (in any case, `_` and `-` alike), the tables it is tried in, and the answer.
type Foreign = (&'static [&'static str], &'static [Table], &'static str);

/// Units stand where theirs differ: a bare number is seconds here.
const FOREIGN: &[Foreign] = &[
    // How many: supervisor, pm2, process-compose and Kubernetes, compose.
    (&["numprocs", "instances", "replicas", "concurrency", "formation"], &[Process], "write `scale = N`"),
    (&["deploy"], &[Process], "`deploy.replicas` is `scale = N` here"),
    // What is run.
    (
        &["cmd", "exec", "run", "shell", "entrypoint", "exec_start", "script"],
        &[Process],
        "write `command = \"…\"`, for what the Procfile does not have",
    ),
    (
        &["directory", "cwd", "workdir", "working_directory", "chdir", "dir"],
        &[Process],
        "write `working_dir = \"…\"`",
    ),
    (&["environment", "env_vars", "environ", "variables"], &[Process], "write `env = { NAME = \"value\" }`"),
    (
        &["environment", "env", "env_vars"],
        &[Top],
        "variables of all go into an env file (`env_files`), those of one into `[process.NAME] env = { … }`",
    ),
    (
        &["env_files", "environment_file", "envfile", "env_from"],
        &[Process],
        "write `env_file = \"…\"`; `env_files` is for all processes",
    ),
    (
        &["env_file", "envfile", "dotenv"],
        &[Top],
        "write `env_files = [\"…\"]`; `env_file` is for one process",
    ),
    (&["is_tty", "pty", "stdin_open"], &[Process], "write `tty = true`"),
    (&["namespace", "group", "groups"], &[Process], "write `profiles = [\"…\"]`"),
    (
        &["disabled", "autostart", "enabled"],
        &[Process],
        "write `scale = 0`, or `profiles = [\"…\"]` to start it with `--profile`",
    ),
    (&["ports", "listen", "expose"], &[Process], "write `port = N`, which the process finds in PORT"),
    (&["base_port"], &[Top], "write `port = N`"),
    (&["name", "project", "project_name"], &[Top], "write `app = \"…\"`"),
    (
        &["processes", "process_types", "services", "programs", "program", "apps"],
        &[Top],
        "write a table `[process.NAME]` for each",
    ),
    (&["user", "group_add", "run_as"], &[Process], "a process runs as whoever starts proc"),
    // Probes: compose, process-compose, Kubernetes, devenv.
    (
        &["healthcheck", "health_check", "ready", "startup_probe"],
        &[Process],
        "write `readiness = { http = \"/healthz\" }`; `liveness` restarts",
    ),
    (&["readiness_probe"], &[Process], "write `readiness = { … }`"),
    (&["liveness_probe"], &[Process], "write `liveness = { … }`"),
    (&["ready_log_line"], &[Process], "write `readiness = { log = \"text\" }`"),
    (
        &["http_get", "url", "path"],
        &[Probe],
        "write `http = \"/path\"`: host and port are those of the process",
    ),
    (&["tcp_socket", "port"], &[Probe], "write `tcp = true` for its PORT, or `tcp = N`"),
    (&["command", "cmd", "test"], &[Probe], "write `exec = \"…\"`"),
    (&["log_line", "pattern"], &[Probe], "write `log = \"text\"`"),
    (&["period", "period_seconds"], &[Probe], "write `interval = N`, in seconds"),
    (&["timeout_seconds"], &[Probe], "write `timeout = N`, in seconds"),
    (&["failure_threshold"], &[Probe], "write `retries = N`"),
    (
        &["initial_delay", "initial_delay_seconds", "grace_period"],
        &[Probe],
        "write `start_period = N`, in seconds; failures in that time do not count",
    ),
    (&["success_threshold"], &[Probe], "one success is enough"),
    // Restart: compose, systemd, process-compose, supervisor, pm2.
    (
        &["availability"],
        &[Process],
        "write `restart`, `restart_delay` and `max_restarts` in the table of the process",
    ),
    (
        &["autorestart", "auto_restart", "restart_policy"],
        &[Process],
        "write `restart = \"always\"` or `\"on-failure\"`",
    ),
    (
        &["backoff_seconds", "restart_sec", "backoff", "exp_backoff_restart_delay"],
        &[Process],
        "write `restart_delay = N`, in seconds (pm2's are milliseconds); it doubles with each restart",
    ),
    (
        &["restart_max_delay_sec", "restart_steps", "max_backoff"],
        &[Process],
        "write `restart_max_delay = N`, in seconds",
    ),
    (&["start_limit_burst", "startretries", "max_retries"], &[Process], "write `max_restarts = N`"),
    (
        &["start_limit_interval_sec", "start_limit_interval"],
        &[Process],
        "write `restart_window = N`, in seconds",
    ),
    (&["startsecs"], &[Process], "write `min_uptime = N`, in seconds"),
    (
        &["exitcodes", "success_exit_status", "stop_exit_codes"],
        &[Process],
        "write `success_exit_codes = [N]`",
    ),
    (
        &["exit_on_end", "exit_on_failure", "exit_on_skipped"],
        &[Process],
        "write `on_exit = \"stop\"` or `\"stop-on-failure\"`",
    ),
    (
        &["exit_on", "exit_mode"],
        &[Top, Process],
        "write `on_exit`: `stop` for `any`, `stop-on-failure` for `failure`, `continue` for `all`",
    ),
    // Stop: compose, systemd, Kubernetes, supervisor, pm2, fly.
    (&["stopsignal", "kill_signal", "kill_mode"], &[Process], "write `stop_signal = \"SIGTERM\"`"),
    (
        &["kill_timeout"],
        &[Top, Process],
        "write `stop_grace_period`: milliseconds of pm2 as in `\"1600ms\"`, a bare number is seconds",
    ),
    (
        &[
            "stopwaitsecs",
            "timeout_stop_sec",
            "timeoutstopsec",
            "termination_grace_period_seconds",
            "timeout",
            "stop_timeout",
            "grace_period",
            "shutdown_timeout",
        ],
        &[Top, Process],
        "write `stop_grace_period = N`, in seconds",
    ),
    (
        &["shutdown", "exec_stop", "stop", "pre_stop"],
        &[Process],
        "write `stop_command = \"…\"`, `stop_signal` and `stop_grace_period`",
    ),
    // The rest.
    (
        &["requires", "after", "wants", "needs", "dependencies", "links"],
        &[Process],
        "write `depends_on = { NAME = \"healthy\" }`",
    ),
    (
        &["required"],
        &[Dependency],
        "every dependency is required; leave one out by name (`-x NAME`) where it runs elsewhere",
    ),
    (&["develop", "reload", "watch_paths"], &[Process], "write `watch = [\"src\"]`"),
    (&["ignore_watch"], &[Process], "write `watch = { paths = [\"src\"], ignore = [\"*.log\"] }`"),
    (&["path", "dirs", "files"], &[Watch], "write `paths = [\"src\"]`"),
    (&["exclude", "ignored", "ignore_watch"], &[Watch], "write `ignore = [\"*.log\"]`"),
    (
        &["delay", "watch_delay"],
        &[Watch],
        "write `debounce`: milliseconds as in `\"300ms\"`, a bare number is seconds",
    ),
    (&["quiet", "silent", "hidden"], &[Process], "write `log = \"hidden\"`"),
    (&["oneshot", "one_off"], &[Process], "write `type = \"oneshot\"`"),
    (&["profile"], &[Process], "write `profiles = [\"…\"]`"),
    (&["mask", "redact"], &[Top], "write `secrets = [\"*_TOKEN\"]`"),
];

/// What to write for a key of somebody else's.
pub(super) fn hint(key: &str, table: Table) -> Option<&'static str> {
    let is_meant = |names: &[&str]| names.iter().any(|name| letters(name) == letters(key));
    FOREIGN
        .iter()
        .find(|(names, tables, _)| tables.contains(&table) && is_meant(names))
        .map(|(_, _, hint)| *hint)
}

/// A key without what differs between the ways of writing it: `TimeoutStopSec`, `timeout_stop_sec`, `timeout-stop-sec`.
fn letters(key: &str) -> String {
    key.chars().filter(|char| !matches!(char, '_' | '-')).map(|char| char.to_ascii_lowercase()).collect()
}
