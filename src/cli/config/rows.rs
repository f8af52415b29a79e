//! The values that hold in the end, each with its origin.

use crate::cli::args::{Options, Source};
use crate::cli::load::App;
use crate::model::command::Command;
use crate::model::config::{At, Probe as Written, ProcToml, Process, Word};
use crate::model::environment::Origin;
use crate::model::policy::Seconds;
use crate::model::port;
use crate::model::settings::{self, Check, DEFAULTS, Settings};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::time::Duration;

/// A value, what it is called, and where it is from.
pub(super) struct Row {
    pub(super) path: Vec<String>,
    pub(super) value: Value,
    pub(super) origin: String,
}

/// The values of all, or of one process type.
pub(super) struct Section {
    pub(super) name: Option<String>,
    pub(super) rows: Vec<Row>,
}

impl Section {
    fn add(&mut self, key: &str, value: impl Into<Value>, origin: impl Into<String>) {
        self.add_below(&[key], value, origin);
    }

    fn add_below(&mut self, path: &[&str], value: impl Into<Value>, origin: impl Into<String>) {
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        self.rows.push(Row { path, value: value.into(), origin: origin.into() });
    }
}

/// What the rows are made of.
pub(super) struct Reader<'a> {
    pub(super) options: &'a Options,
    pub(super) app: &'a App,
    /// How many there are of each process type.
    pub(super) counts: &'a [u16],
}

impl Reader<'_> {
    /// The values that hold for all.
    pub(super) fn all(&self) -> Section {
        let none = ProcToml::default();
        let file = self.app.config.as_ref().map_or(&none, |config| &config.file);
        let mut section = Section { name: None, rows: Vec::new() };
        let directory = || self.app.root.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = file.app.as_ref().map(|at| at.value.clone()).or_else(directory);
        section.add("app", name, self.place(file.app.as_ref()));
        section.add("port", self.app.base_port, self.origin_of_base(file));
        let files: Vec<&str> = self.app.environment.files.iter().map(|named| named.name.as_str()).collect();
        section.add(
            "env_files",
            files,
            self.option("env").unwrap_or_else(|| self.place(file.env_files.as_ref())),
        );
        let on_exit = self.option("exit_on").unwrap_or_else(|| self.place(file.on_exit.as_ref()));
        section.add("on_exit", self.app.exit_on.word(), on_exit);
        let grace = file.stop_grace_period.as_ref();
        let value =
            grace.filter(|_| self.option("timeout").is_none()).map_or(self.options.timeout, |at| at.value);
        section.add(
            "stop_grace_period",
            value.to_string(),
            self.option("timeout").unwrap_or_else(|| self.place(grace)),
        );
        section.add("secrets", self.app.secrets.patterns.clone(), self.place(file.secrets.as_ref()));
        let origin = self.option("profile").unwrap_or_else(|| DEFAULT.to_owned());
        section.add("profiles", self.options.profile.clone(), origin);
        section
    }

    /// The values of one process type.
    pub(super) fn process(&self, index: usize) -> Section {
        let none = Process::default();
        let process = self.app.table(index).unwrap_or(&none);
        let settings = self.app.settings.get(index).unwrap_or(&DEFAULTS);
        let mut section = Section { name: Some(self.app.types[index].name.clone()), rows: Vec::new() };
        self.add_what_runs(&mut section, index, process, settings);
        self.add_probe(&mut section, "readiness", process.readiness.as_ref(), settings.readiness.as_ref());
        self.add_probe(&mut section, "liveness", process.liveness.as_ref(), settings.liveness.as_ref());
        self.add_restart(&mut section, process, settings);
        self.add_end(&mut section, process, settings);
        self.add_surroundings(&mut section, process, settings);
        section
    }

    fn add_what_runs(&self, section: &mut Section, index: usize, process: &Process, settings: &Settings) {
        let each = &self.app.types[index];
        let in_procfile = || format!("{}:{}", self.app.procfile.as_deref().unwrap_or("Procfile"), each.line);
        let command = process.command.as_ref();
        let place = command.map_or_else(in_procfile, |command| self.place(Some(command)));
        section.add("command", each.command.text(), place);
        section.add("scale", self.counts.get(index).copied(), self.origin_of_scale(index, process));
        let port = self.app.base_port.and_then(|base| port::of(base, &self.app.settings, index, 1));
        let of_base = || {
            self.app.config.as_ref().map_or_else(
                || self.origin_of_base(&ProcToml::default()),
                |config| self.origin_of_base(&config.file),
            )
        };
        let is_own = process.port.is_some() && port.is_some();
        section.add("port", port, if is_own { self.place(process.port.as_ref()) } else { of_base() });
        let kind = if settings.is_oneshot { "oneshot" } else { "none" };
        section.add("type", kind, self.place(process.kind.as_ref()));
        for dependency in &settings.depends_on {
            let name = &self.app.types[dependency.process].name;
            let list = process.depends_on.as_ref().map(|at| &at.value[..]).unwrap_or_default();
            let written = list.iter().find(|written| written.name.value == *name);
            let restart = if dependency.restart { ", restart" } else { "" };
            let value = format!("{}{restart}", dependency.condition.word());
            section.add_below(&["depends_on", name], value, self.place(written.map(|written| &written.name)));
        }
        let profiles = process.profiles.as_ref();
        section.add("profiles", texts(profiles.map(|at| &at.value[..])), self.place(profiles));
    }

    fn add_probe(
        &self,
        section: &mut Section,
        name: &str,
        written: Option<&At<Written>>,
        probe: Option<&settings::Probe>,
    ) {
        let (Some(written), Some(probe)) = (written.map(|at| &at.value), probe) else { return };
        let (key, value, place) = match &probe.check {
            Check::Http(path) => ("http", path.as_str().into(), self.place(written.http.as_ref())),
            Check::Tcp(None) => ("tcp", true.into(), self.place(written.tcp.as_ref())),
            Check::Tcp(Some(port)) => ("tcp", Value::from(*port), self.place(written.tcp.as_ref())),
            Check::Exec(command) => ("exec", command.text().into(), self.place(written.exec.as_ref())),
            Check::Log(text) => ("log", text.as_str().into(), self.place(written.log.as_ref())),
        };
        section.add_below(&[name, key], value, place);
        for (key, duration, written) in [
            ("interval", probe.interval, &written.interval),
            ("timeout", probe.timeout, &written.timeout),
            ("start_period", probe.start_period, &written.start_period),
            ("start_interval", probe.start_interval, &written.start_interval),
        ] {
            section.add_below(&[name, key], seconds(duration), self.place(written.as_ref()));
        }
        section.add_below(&[name, "retries"], probe.retries, self.place(written.retries.as_ref()));
    }

    fn add_restart(&self, section: &mut Section, process: &Process, settings: &Settings) {
        let restart = settings.restart;
        section.add("restart", restart.when.word(), self.place(process.restart.as_ref()));
        section.add("restart_delay", seconds(restart.delay), self.place(process.restart_delay.as_ref()));
        section.add(
            "restart_max_delay",
            seconds(restart.max_delay),
            self.place(process.restart_max_delay.as_ref()),
        );
        let most = restart.max_restarts.map_or_else(|| "inf".into(), Value::from);
        section.add("max_restarts", most, self.place(process.max_restarts.as_ref()));
        section.add("restart_window", seconds(restart.window), self.place(process.restart_window.as_ref()));
        section.add("min_uptime", seconds(restart.min_uptime), self.place(process.min_uptime.as_ref()));
        if let (Some(watch), Some(written)) = (&settings.watch, process.watch.as_ref()) {
            let paths: Vec<String> = watch.paths.iter().map(|path| path.display().to_string()).collect();
            section.add_below(&["watch", "paths"], paths, self.place(written.value.paths.as_ref()));
            section.add_below(
                &["watch", "ignore"],
                watch.ignore.clone(),
                self.place(written.value.ignore.as_ref()),
            );
            section.add_below(
                &["watch", "debounce"],
                seconds(watch.debounce),
                self.place(written.value.debounce.as_ref()),
            );
        }
    }

    fn add_end(&self, section: &mut Section, process: &Process, settings: &Settings) {
        let codes: Vec<u8> = settings.success_exit_codes.iter().copied().collect();
        section.add("success_exit_codes", codes, self.place(process.success_exit_codes.as_ref()));
        section.add(
            "stop_signal",
            settings.stop.signal.to_string(),
            self.place(process.stop_signal.as_ref()),
        );
        let all = self.app.config.as_ref().map(|config| &config.file);
        let grace = process.stop_grace_period.as_ref().or(all.and_then(|all| all.stop_grace_period.as_ref()));
        let origin = self.option("timeout").unwrap_or_else(|| self.place(grace));
        section.add("stop_grace_period", settings.stop.grace.to_string(), origin);
        let command = settings.stop.command.as_ref().map(Command::text);
        section.add("stop_command", command, self.place(process.stop_command.as_ref()));
        let on_exit = process.on_exit.as_ref().or(all.and_then(|all| all.on_exit.as_ref()));
        let origin = self.option("exit_on").unwrap_or_else(|| self.place(on_exit));
        section.add("on_exit", settings.on_exit.unwrap_or(self.app.exit_on).word(), origin);
    }

    fn add_surroundings(&self, section: &mut Section, process: &Process, settings: &Settings) {
        let directory = settings.working_dir.as_ref().unwrap_or(&self.app.root);
        let origin = if process.working_dir.is_some() {
            self.place(process.working_dir.as_ref())
        } else {
            self.option("root").unwrap_or_else(|| DEFAULT.to_owned())
        };
        section.add("working_dir", directory.display().to_string(), origin);
        let files = process.env_file.as_ref();
        section.add("env_file", texts(files.map(|at| &at.value[..])), self.place(files));
        for entry in process.env.as_ref().map(|at| &at.value[..]).unwrap_or_default() {
            let name = &entry.key.value;
            let value = self.app.secrets.masked(name, &entry.value).into_owned();
            let value = if self.options.show_secrets { entry.value.clone() } else { value };
            section.add_below(&["env", name], value, self.place(Some(&entry.key)));
        }
        let tty = settings.tty.map_or_else(|| json!(format!("as --pty {}", self.options.pty)), Value::from);
        section.add("tty", tty, self.place(process.tty.as_ref()));
        let log = if settings.is_hidden { "hidden" } else { "shown" };
        section.add("log", log, self.place(process.log.as_ref()));
    }

    /// Where a value of `proc.toml` stands, or that it is the default.
    fn place<T>(&self, at: Option<&At<T>>) -> String {
        let config = self.app.config.as_ref().zip(at);
        config.map_or_else(|| DEFAULT.to_owned(), |(config, at)| format!("{}:{}", config.name, at.line))
    }

    /// Where an option has its value from, if it was given.
    fn option(&self, id: &str) -> Option<String> {
        match self.options.origins.of(id) {
            Source::Default => None,
            Source::Variable => Some(format!("PROC_{}", id.to_ascii_uppercase())),
            Source::CommandLine => Some("command line".to_owned()),
        }
    }

    fn origin_of_base(&self, file: &ProcToml) -> String {
        if let Some(origin) = self.option(if self.options.no_port { "no_port" } else { "port" }) {
            return origin;
        }
        let environment = &self.app.environment;
        let resolved = environment.resolve(&[]).unwrap_or_default();
        let variable = resolved.get(OsStr::new("PORT")).filter(|variable| !variable.value.is_empty());
        match variable.map(|variable| variable.origin) {
            None => self.place(file.port.as_ref()),
            Some(Origin::Inherited) => "PORT".to_owned(),
            Some(origin @ (Origin::Set | Origin::Proc | Origin::File { .. })) => {
                environment.describe(&origin)
            }
        }
    }

    fn origin_of_scale(&self, index: usize, process: &Process) -> String {
        let name = &self.app.types[index].name;
        if self.options.except.iter().any(|except| except.trim() == name) {
            return self.option("except").unwrap_or_default();
        }
        if let Some(origin) = self.option("formation").filter(|_| !self.options.formation.is_empty()) {
            return origin;
        }
        let is_asleep = self.app.shares.get(index).is_some_and(|share| share.is_asleep);
        if is_asleep { self.place(process.profiles.as_ref()) } else { self.place(process.scale.as_ref()) }
    }
}

const DEFAULT: &str = "default";

fn seconds(duration: Duration) -> String {
    Seconds(duration).to_string()
}

fn texts(list: Option<&[At<String>]>) -> Vec<String> {
    list.unwrap_or_default().iter().map(|at| at.value.clone()).collect()
}
