//! The tables of a `proc.toml`: which keys each has, and what is read from them.

use super::error::ConfigError;
use super::file::{At, Dependency, DependsOn, EnvEntry, Probe, ProcToml, Process, Table, Watch};
use super::reader::{Reader, Value, in_order, span, span_of};
use super::value::{
    boolean, duration, exit_codes, grace, interval, list, max_restarts, path, port, retries, scale, signal,
    tcp, text, texts, version, word,
};
use crate::model::env_file::is_key;
use crate::model::procfile::is_valid_name;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The file itself.
pub(super) fn file<'t>(reader: &mut Reader<'_>, table: &'t Spanned<DeTable<'t>>) -> ProcToml {
    let mut keys = reader.top(table.get_ref());
    let file = ProcToml {
        version: keys.take("version", version),
        app: keys.take("app", text),
        port: keys.take("port", port),
        env_files: keys.take("env_files", list),
        on_exit: keys.take("on_exit", word),
        stop_grace_period: keys.take("stop_grace_period", grace),
        secrets: keys.take("secrets", list),
        process: keys.take("process", processes).map(|at| at.value).unwrap_or_default(),
    };
    keys.finish();
    file
}

/// `[process.NAME]`, all of them.
fn processes(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Vec<(At<String>, Process)>> {
    let DeValue::Table(table) = value.get_ref() else {
        return reader.wrong_type(value, "a table", Some("write a table `[process.NAME]` for each"));
    };
    let mut processes = Vec::new();
    for (name, value) in in_order(table) {
        let place = span(name.span());
        if is_valid_name(name.get_ref()) {
            let name = reader.at(name.get_ref().clone().into_owned(), place);
            processes.extend(process(reader, value).map(|process| (name, process)));
        } else {
            reader.problem(place, ConfigError::BadName(name.get_ref().clone().into_owned()));
        }
    }
    Some(processes)
}

fn process(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Process> {
    let hint = "write a table `[process.NAME]`; a command alone is `command = \"…\"` in it";
    let mut keys = reader.table(value, Table::Process, Some(hint))?;
    let process = Process {
        scale: keys.take("scale", scale),
        command: keys.take_even_if_wrong("command", text),
        depends_on: keys.take("depends_on", depends_on),
        readiness: keys.take_even_if_wrong("readiness", probe),
        liveness: keys.take_even_if_wrong("liveness", liveness),
        restart: keys.take("restart", word),
        restart_delay: keys.take("restart_delay", interval),
        restart_max_delay: keys.take("restart_max_delay", interval),
        max_restarts: keys.take("max_restarts", max_restarts),
        restart_window: keys.take("restart_window", interval),
        min_uptime: keys.take("min_uptime", duration),
        success_exit_codes: keys.take("success_exit_codes", exit_codes),
        stop_signal: keys.take("stop_signal", signal),
        stop_grace_period: keys.take("stop_grace_period", grace),
        stop_command: keys.take("stop_command", text),
        kind: keys.take("type", word),
        watch: keys.take("watch", watch),
        env: keys.take("env", env),
        env_file: keys.take("env_file", texts),
        working_dir: keys.take("working_dir", text),
        port: keys.take("port", port),
        tty: keys.take("tty", boolean),
        log: keys.take("log", word),
        profiles: keys.take("profiles", list),
        on_exit: keys.take("on_exit", word),
    };
    keys.finish();
    Some(process)
}

fn probe(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Probe> {
    let mut keys = reader.table(value, Table::Probe, Some("as in `{ http = \"/healthz\" }`"))?;
    let given = ["http", "tcp", "exec", "log"]
        .into_iter()
        .filter(|key| keys.value(key).is_some())
        .collect::<Vec<_>>();
    let probe = Probe {
        http: keys.take("http", path),
        tcp: keys.take("tcp", tcp),
        exec: keys.take("exec", text),
        log: keys.take("log", text),
        interval: keys.take("interval", interval),
        timeout: keys.take("timeout", interval),
        retries: keys.take("retries", retries),
        start_period: keys.take("start_period", duration),
        start_interval: keys.take("start_interval", interval),
    };
    keys.finish();
    match given[..] {
        [] => reader.problem(span_of(value), ConfigError::NoCheck),
        [_] => {}
        _ => reader.problem(span_of(value), ConfigError::ManyChecks(given)),
    }
    Some(probe)
}

/// A probe that is asked for as long as the instance runs.
fn liveness(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Probe> {
    let probe = probe(reader, value)?;
    if let Some(log) = &probe.log {
        reader.problem(log.span, ConfigError::LogLiveness);
    }
    Some(probe)
}

/// An array of names, or a table of names and what must be so of each.
fn depends_on(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Vec<DependsOn>> {
    let DeValue::Table(table) = value.get_ref() else {
        let hint = matches!(value.get_ref(), DeValue::String(_)).then_some("put it in brackets: `[\"…\"]`");
        if hint.is_some() {
            return reader.wrong_type(value, "an array or a table", hint);
        }
        let names = reader.array(value, "an array or a table", text)?;
        return Some(
            names.into_iter().map(|name| DependsOn { name, condition: None, restart: None }).collect(),
        );
    };
    let mut list = Vec::new();
    for (name, value) in in_order(table) {
        let name = reader.at(name.get_ref().clone().into_owned(), span(name.span()));
        let dependency = match value.get_ref() {
            DeValue::Table(_) => dependency(reader, value),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => word(reader, value).map(|condition| {
                let condition = Some(reader.at(condition, span_of(value)));
                Dependency { condition, restart: None }
            }),
        };
        list.extend(dependency.map(|Dependency { condition, restart }| DependsOn {
            name,
            condition,
            restart,
        }));
    }
    Some(list)
}

fn dependency(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Dependency> {
    let mut keys = reader.table(value, Table::Dependency, None)?;
    let dependency =
        Dependency { condition: keys.take("condition", word), restart: keys.take("restart", boolean) };
    keys.finish();
    Some(dependency)
}

/// An array of paths, or a table.
fn watch(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Watch> {
    let DeValue::Table(_) = value.get_ref() else {
        let paths = list(reader, value)?;
        let paths = Some(reader.at(paths, span_of(value)));
        return with_paths(reader, value, Watch { paths, ..Watch::default() });
    };
    let mut keys = reader.table(value, Table::Watch, None)?;
    let has_paths = keys.value("paths").is_some();
    let watch = Watch {
        paths: keys.take("paths", list),
        ignore: keys.take("ignore", list),
        debounce: keys.take("debounce", duration),
    };
    keys.finish();
    // Those that are there and wrong have been complained of.
    if has_paths && watch.paths.is_none() { None } else { with_paths(reader, value, watch) }
}

fn with_paths(reader: &mut Reader<'_>, value: &Value<'_>, watch: Watch) -> Option<Watch> {
    let has_paths = watch.paths.as_ref().is_some_and(|paths| !paths.value.is_empty());
    if has_paths { Some(watch) } else { reader.refuse(value, ConfigError::NoPaths) }
}

/// Variables: texts, numbers and booleans as they stand.
fn env(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Vec<EnvEntry>> {
    let DeValue::Table(table) = value.get_ref() else {
        return reader.wrong_type(value, "a table", Some("as in `env = { NAME = \"value\" }`"));
    };
    let mut entries = Vec::new();
    for (key, value) in in_order(table) {
        if !is_key(key.get_ref()) {
            reader.problem(span(key.span()), ConfigError::BadVariable);
            continue;
        }
        let text = match value.get_ref() {
            DeValue::String(text) if text.contains('\0') => reader.refuse(value, ConfigError::Nul),
            DeValue::String(text) => Some(text.clone().into_owned()),
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) => Some(reader.source(value)),
            DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
                reader.wrong_type(value, "a string, a number or a boolean", None)
            }
        };
        let key = reader.at(key.get_ref().clone().into_owned(), span(key.span()));
        entries.extend(text.map(|value| EnvEntry { key, value }));
    }
    Some(entries)
}
