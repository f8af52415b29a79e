//! Compose: one file, a service for each process type.
//!
//! Secrets are asked for by `${KEY:?}`, so that Compose starts nothing without them; they come from `.env` beside the file or from the
//! environment. A container's first process has no default for the stop signal, and the zombies of its children are its own: docker's init
//! comes before it (`init`), so that it is as at home. Not where the command stays a shell: that would end at once, and all else with it,
//! while it has the grace period so.

mod environment;
mod file;
mod health;
mod order;
mod text;

use super::app::{App, Process, Role};
use super::container::{Tries, run, shell};
use super::draft::Draft;
use super::{Brief, yaml};
use crate::model::command::shell_word;
use crate::model::policy::Seconds;
use crate::model::settings::{RestartPolicy, RestartWhen};
use crate::model::signal::Signal;
use file::{Build, Hook, Ordered, Project, Service};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use text::Text;

/// The profile of what runs when somebody asks for it, unless the app has one that is called so.
const ONE_OFF: &str = "one-off";

/// Writes an app.
pub(super) fn write(app: &App, brief: &Brief, draft: &mut Draft) {
    app.check_containers("it is not set, and neither is PS", draft);
    let mut writer = Writer {
        app,
        brief,
        build: None,
        one_off: one_off(app),
        differing: environment::differing(app),
        asked: BTreeMap::new(),
        draft,
    };
    writer.build = writer.build();
    let services = writer.services();
    let asked = writer.asked;
    let project = Project { name: app.name.clone(), services: Ordered(services) };
    match yaml::document("Made by `proc export compose`.", &project) {
        Ok(text) => draft.file("compose.yaml", text),
        Err(error) => draft.refuse(None, "compose.yaml", error, None),
    }
    next(app, brief, &asked, draft);
}

fn next(app: &App, brief: &Brief, asked: &BTreeMap<String, String>, draft: &mut Draft) {
    let directory = brief.directory.display().to_string();
    let file = shell_word(&format!("{directory}/compose.yaml"));
    if !asked.is_empty() {
        // No example of it is written: beside a Procfile that would be the app's own.
        let names = asked.keys().map(|name| format!("{name}=")).collect::<Vec<_>>().join(" ");
        let env = shell_word(&format!("{directory}/.env"));
        draft.next(format!("${{EDITOR:-vi}} {env}    # put values behind {names}"));
    }
    let build = if brief.image.is_none() { " --build" } else { "" };
    draft.next(format!("docker compose -f {file} up -d{build}"));
    for process in app.processes.iter().filter(|process| process.role == Role::OneOff) {
        draft.next(format!("docker compose -f {file} run --rm {}    # when it is wanted", process.name));
    }
}

struct Writer<'a> {
    app: &'a App,
    brief: &'a Brief,
    /// How the image is made; none: it has been.
    build: Option<Build>,
    /// The profile of one-offs.
    one_off: String,
    /// The variables whose values differ from one process type to another.
    differing: BTreeSet<String>,
    /// The variables that are asked for, and whose value each stands for.
    asked: BTreeMap<String, String>,
    draft: &'a mut Draft,
}

impl Writer<'_> {
    fn build(&mut self) -> Option<Build> {
        if self.brief.image.is_some() {
            return None;
        }
        let why = "no image is named: Compose makes one with the Dockerfile in the root of the app";
        self.draft.lose(None, "--image", why, Some("write one, or name the image"));
        let path = relative(&self.brief.directory, &self.app.root);
        let Some(context) = path.to_str() else {
            self.draft.refuse(None, "--image", "the path of the app is not UTF-8", Some("name an image"));
            return None;
        };
        // Without a dot in front of it `github.com/me/app` is a repository to Compose.
        let dot = if context.starts_with('.') { "" } else { "./" };
        Some(Build { context: Text::from(format!("{dot}{context}")) })
    }

    fn services(&mut self) -> Vec<(String, Service)> {
        let app = self.app;
        let checks: Vec<_> =
            app.processes.iter().map(|process| health::check(app, process, self.draft)).collect();
        let is_asked: Vec<bool> = checks.iter().map(Option::is_some).collect();
        let mut services = Vec::new();
        for ((index, process), check) in app.processes.iter().enumerate().zip(checks) {
            let mut service = self.service(process);
            service.healthcheck = check;
            service.depends_on = order::depends_on(app, index, &is_asked, self.draft);
            services.push((process.name.clone(), service));
        }
        services
    }

    fn service(&mut self, process: &Process) -> Service {
        let run = run(&process.command, self.app.below(process).as_deref());
        let signal = process.settings.stop.signal;
        Service {
            profiles: match process.role {
                Role::OneOff => vec![Text::from(self.one_off.clone())],
                Role::Service | Role::Task | Role::Release => {
                    process.profiles.iter().cloned().map(Text::from).collect()
                }
            },
            image: self.brief.image.clone().map(Text::from),
            build: self.build.clone(),
            init: run.is_one_process.then_some(true),
            command: run.words.into_iter().map(Text::from).collect(),
            user: self.brief.user.clone().map(Text::from),
            scale: (process.count() > 1).then(|| process.count()),
            ports: self.published(process),
            expose: exposed(process),
            environment: self.environment(process),
            healthcheck: None,
            depends_on: None,
            restart: self.restart(process),
            stop_signal: (signal != Signal::TERM).then(|| self.signal(process, signal)).flatten(),
            stop_grace_period: Seconds(process.grace()).to_string(),
            pre_stop: self.pre_stop(process),
        }
    }

    /// A task is tried again as often as there are restarts. For a service that would be a number for all its life, while ours begins
    /// anew: it goes on.
    fn restart(&mut self, process: &Process) -> String {
        let RestartPolicy { max_restarts, .. } = process.settings.restart;
        let custom = "Docker waits 100 ms before a restart, twice as long each time up to a minute";
        match (process.role, process.restart) {
            (_, Some(RestartWhen::No)) | (Role::Task | Role::Release, None) => "no".to_owned(),
            (Role::OneOff, said) => {
                process.check_one_off(said, self.draft);
                "no".to_owned()
            }
            (Role::Task | Role::Release, Some(RestartWhen::OnFailure | RestartWhen::Always)) => {
                process.check_restarts(custom, Tries::Counted, self.draft);
                max_restarts.map_or_else(|| "on-failure".to_owned(), |most| format!("on-failure:{most}"))
            }
            (Role::Service, said) => {
                process.check_restarts(custom, Tries::Endless, self.draft);
                match said {
                    Some(RestartWhen::OnFailure) => "on-failure",
                    Some(RestartWhen::Always) => "always",
                    None | Some(RestartWhen::No) => "unless-stopped",
                }
                .to_owned()
            }
        }
    }

    /// `web` is for those outside; a range where there is more than one.
    fn published(&mut self, process: &Process) -> Vec<String> {
        let name = Some(process.name.as_str());
        if process.listens && process.port().is_none() {
            let why = "it listens on a port that is not known, so nobody outside of its container finds it";
            self.draft.lose(name, "port", why, Some("say -p, or `port` in proc.toml"));
        }
        let (true, Some(port)) = (process.name == "web" && process.listens, process.port()) else {
            return Vec::new();
        };
        let last = usize::from(port) + process.count() - 1;
        match process.count() {
            1 => vec![format!("{port}:{port}")],
            _ => vec![format!("{port}-{last}:{port}")],
        }
    }

    /// A signal as Docker names it; one without a name is none to it.
    fn signal(&mut self, process: &Process, signal: Signal) -> Option<String> {
        let name = signal.to_string();
        if name.starts_with("SIG") {
            return Some(name);
        }
        self.draft.lose(Some(&process.name), "stop_signal", "it has no name: SIGTERM stops it", None);
        None
    }

    /// A stop command comes before the signal. Its failure would call off the stop.
    fn pre_stop(&mut self, process: &Process) -> Vec<Hook> {
        let Some(command) = &process.settings.stop.command else { return Vec::new() };
        let why = "the stop signal follows it in any case, not only when it fails";
        self.draft.lose(Some(&process.name), "stop_command", why, None);
        let words = run(command, self.app.below(process).as_deref()).words;
        let words: Vec<String> = words.iter().map(|word| shell_word(word)).collect();
        let command = shell(format!("{} || true", words.join(" ")));
        vec![Hook { command: command.into_iter().map(Text::from).collect() }]
    }
}

/// A profile that no process type has.
fn one_off(app: &App) -> String {
    let mut name = ONE_OFF.to_owned();
    while app.processes.iter().any(|process| process.profiles.contains(&name)) {
        name.push('s');
    }
    name
}

/// The others are for the other services.
fn exposed(process: &Process) -> Vec<String> {
    let is_for_others = process.name != "web" && process.listens;
    process.port().filter(|_| is_for_others).map(|port| port.to_string()).into_iter().collect()
}

/// The way from one directory to another, both absolute.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let (from, to) = (plain(from), plain(to));
    let common = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = from[common..].iter().map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to[common..].iter().copied()).collect();
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path }
}

/// The parts of a path, without those that `..` takes back.
fn plain(path: &Path) -> Vec<Component<'_>> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(parts.pop()),
            Component::CurDir => {}
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => parts.push(part),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_app_is_relative() {
        for (from, to, way) in [
            ("/app/deploy/compose", "/app", "../.."),
            ("/app", "/app", "."),
            ("/app/../out/./here", "/app", "../../app"),
            ("/out", "/home/me/app", "../home/me/app"),
        ] {
            assert_eq!(relative(Path::new(from), Path::new(to)), Path::new(way), "{from} {to}");
        }
    }
}
