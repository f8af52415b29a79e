//! systemd: a target for the app, one for each process type, and a template that its instances are made of.
//!
//! The port of an instance is in a drop-in and not in its name, so that it can change without another unit coming into being. All that is
//! the app's text goes through `escape` (units) or `env_file`.

mod env_file;
mod escape;
mod hardening;
mod names;
mod needs;
mod service;
mod unit;
mod variables;

use super::{App, Brief, Dependency, Draft, Instance, Process, Role, shell};
use crate::model::settings::Condition;
use escape::word;
use names::Names;
use needs::Needs;
use unit::Unit;
use variables::Whose;

/// The longest name of a user, in bytes (useradd(8)).
const LONGEST_USER: usize = 31;

/// Writes an app.
pub(super) fn write(app: &App, brief: &Brief, draft: &mut Draft) {
    let writer = Writer { app, brief, names: Names { app: &app.name } };
    writer.check_names(draft);
    writer.app_target(draft);
    for (index, process) in app.processes.iter().enumerate() {
        if process.is_asleep() {
            let profile = process.profiles.first().map_or("", String::as_str);
            let why = format!("it belongs to the profile {profile}");
            draft.lose(
                Some(&process.name),
                "profiles",
                why,
                Some(&format!("--profile {profile} exports it, too")),
            );
            continue;
        }
        service::check(process, is_waited_for(app, index), draft);
        writer.process(index, process, draft);
    }
    Whose::All(app).write_files(writer.names, brief, draft);
    for process in app.processes.iter().filter(|process| !process.is_asleep()) {
        Whose::Process(process).write_files(writer.names, brief, draft);
        for instance in &process.instances {
            Whose::Instance(process, instance).write_files(writer.names, brief, draft);
        }
    }
    writer.tell_what_is_next(draft);
}

struct Writer<'a> {
    app: &'a App,
    brief: &'a Brief,
    names: Names<'a>,
}

impl Writer<'_> {
    /// Refuses units that are systemd's own, and a user of the system's own that nobody has asked for.
    fn check_names(&self, draft: &mut Draft) {
        let advice = Some("give the app another name: --app NAME");
        for unit in self.names.clashes(&self.app.processes) {
            draft.refuse(None, &unit, "a unit of systemd's own has this name", advice);
        }
        if self.app.name.starts_with("systemd") {
            draft.refuse(None, &self.names.app_target(), "such names are for units of systemd's own", advice);
        }
        if self.brief.user.is_none() && names::is_account(self.user()) {
            let why =
                format!("by the name of the app it would be {}, an account of the system's own", self.user());
            draft.refuse(None, "user", why, Some("--user NAME says whose it is"));
        }
    }

    /// Whose the processes are: a user of the app's own where nobody has said so, whose name is as long as Linux takes.
    fn user(&self) -> &str {
        let name = &self.app.name;
        let own = name.get(..LONGEST_USER).unwrap_or(name).trim_end_matches('-');
        self.brief.user.as_deref().unwrap_or(own)
    }

    fn app_target(&self, draft: &mut Draft) {
        let is_wanted = |process: &&Process| !process.is_asleep() && process.role != Role::OneOff;
        let wanted = self.app.processes.iter().filter(is_wanted).map(|process| self.names.unit(process));
        let wanted: Vec<String> = wanted.collect();
        let target = self.names.app_target();
        let mut unit = Unit::new(&format!(
            "The whole of {}; `systemctl restart {target}` after a deploy.",
            self.app.name
        ));
        unit.section("Unit");
        unit.set("Description", &self.app.name);
        unit.name_units("Wants", &wanted);
        unit.section("Install");
        unit.set("WantedBy", "multi-user.target");
        draft.file(target, unit.finish());
    }

    fn process(&self, index: usize, process: &Process, draft: &mut Draft) {
        let mut needs = Needs::of(self.app, index, self.names, draft);
        match process.role {
            Role::Service => {
                needs.be_part_of(self.names.unit(process));
                self.type_target(process, draft);
                self.service(index, process, &needs, draft);
                for instance in &process.instances {
                    self.drop_in(process, instance, draft);
                }
            }
            Role::Task | Role::Release => {
                needs.be_part_of(self.names.app_target());
                self.task(process, &needs, draft);
            }
            Role::OneOff => self.task(process, &needs, draft),
        }
    }

    fn type_target(&self, process: &Process, draft: &mut Draft) {
        let name = self.names.unit(process);
        let mut unit = Unit::new(&format!("All instances of {}.", process.name));
        unit.section("Unit");
        unit.set("Description", &format!("{} {}", self.app.name, process.name));
        unit.set("PartOf", &self.names.app_target());
        unit.name_units("Wants", &self.names.parts(process));
        draft.file(name, unit.finish());
    }

    /// The template of instances.
    fn service(&self, index: usize, process: &Process, needs: &Needs, draft: &mut Draft) {
        let comment =
            format!("An instance of {}; what only one of them has stands in a drop-in.", process.name);
        let mut unit = self.begin(&comment, process, "%i", needs);
        service::write_limit(process, &mut unit);
        unit.section("Service");
        unit.set("Type", "exec");
        self.write_run(process, "%i", &mut unit, draft);
        if is_waited_for(self.app, index) {
            service::write_readiness(process, &mut unit);
        }
        service::write_restart(process, &mut unit);
        service::write_stop(process, &mut unit);
        service::write_success(process, &mut unit);
        hardening::write(self.app, process, self.brief, &mut unit);
        draft.file(self.names.service(process), unit.finish());
    }

    /// What runs and ends: once at each start, or when somebody asks for it.
    fn task(&self, process: &Process, needs: &Needs, draft: &mut Draft) {
        let name = self.names.service(process);
        let comment = match process.role {
            Role::OneOff => format!("It runs when it is asked for: `systemctl start {name}`."),
            Role::Release => {
                "It runs once at each start of the app, before the others; a restart of the app is a release."
                    .to_owned()
            }
            Role::Task | Role::Service => "It runs once at each start of the app.".to_owned(),
        };
        let mut unit = self.begin(&comment, process, "1", needs);
        unit.section("Service");
        unit.set("Type", "oneshot");
        if process.role != Role::OneOff {
            unit.set("RemainAfterExit", "yes");
        }
        self.write_run(process, "1", &mut unit, draft);
        service::write_stop(process, &mut unit);
        service::write_success(process, &mut unit);
        hardening::write(self.app, process, self.brief, &mut unit);
        draft.file(name, unit.finish());
    }

    fn begin(&self, comment: &str, process: &Process, number: &str, needs: &Needs) -> Unit {
        let mut unit = Unit::new(comment);
        unit.section("Unit");
        unit.set("Description", &format!("{} {}.{number}", self.app.name, process.name));
        needs.write(&mut unit);
        unit
    }

    /// Who runs what, where, and with which variables.
    fn write_run(&self, process: &Process, number: &str, unit: &mut Unit, draft: &mut Draft) {
        let name = &process.name;
        unit.set("User", self.user());
        service::write_directory(process, &self.app.root, unit, draft);
        unit.set("Environment", &format!("PS={name}.{number} PROC_TYPE={name} PROC_INSTANCE={number}"));
        let ports: Vec<String> = self.app.ports.iter().map(|(name, port)| format!("{name}={port}")).collect();
        if !ports.is_empty() {
            unit.set("Environment", &ports.join(" "));
        }
        Whose::All(self.app).name_files(self.names, unit);
        Whose::Process(process).name_files(self.names, unit);
        // An instance of a template has its own in a drop-in.
        for instance in process.instances.iter().filter(|_| process.role != Role::Service) {
            write_own(self.names, process, instance, unit);
        }
        service::write_command(process, unit);
        unit.set("SyslogIdentifier", &format!("{}-{name}.{number}", self.app.name));
    }

    fn drop_in(&self, process: &Process, instance: &Instance, draft: &mut Draft) {
        let mut unit = Unit::new(&format!("What only {}.{} has.", process.name, instance.number));
        unit.section("Service");
        if write_own(self.names, process, instance, &mut unit) {
            let name = self.names.instance(process, instance.number);
            draft.file(format!("{name}.d/port.conf"), unit.finish());
        }
    }

    fn tell_what_is_next(&self, draft: &mut Draft) {
        let name = &self.app.name;
        let from = shell::directory(&self.brief.directory, "the directory of the export", draft);
        if self.brief.user.is_none() {
            let (user, home) = (self.user(), shell::directory(&self.app.root, "root", draft));
            let add = format!("sudo useradd --system --home-dir {home} --shell /usr/sbin/nologin {user}");
            draft.next(format!("id {user} || {add}"));
        }
        variables::tell_what_is_next(self.app, &from, draft);
        let paths = draft.paths();
        let has = |ending: &str| paths.iter().any(|path| path.ends_with(ending));
        let has_targets = paths.iter().filter(|path| path.ends_with(".target")).count() > 1;
        let kinds = [("-*.target", has_targets), ("-*.service", true), ("-*.service.d", has(".conf"))];
        let kinds =
            kinds.iter().filter(|(_, is_there)| *is_there).map(|(kind, _)| format!(" {from}/{name}{kind}"));
        let units = format!("{from}/{name}.target{}", kinds.collect::<String>());
        draft.next(format!("sudo cp --recursive --no-preserve=mode {units} /etc/systemd/system/"));
        draft.next("sudo systemctl daemon-reload".to_owned());
        draft.next(format!("sudo systemctl enable --now {}", self.names.app_target()));
    }
}

/// Whether another process type starts only when this one is healthy.
fn is_waited_for(app: &App, index: usize) -> bool {
    let waits = |each: &Dependency| each.process == index && each.condition == Condition::Healthy;
    app.processes.iter().any(|process| !process.is_asleep() && process.depends_on.iter().any(waits))
}

/// Writes what is an instance's own, if there is something.
fn write_own(names: Names<'_>, process: &Process, instance: &Instance, unit: &mut Unit) -> bool {
    let whose = Whose::Instance(process, instance);
    let before = unit.len();
    if let Some(port) = instance.port {
        unit.set("Environment", &format!("PORT={port}"));
    }
    for (name, variable) in whose.in_unit() {
        unit.set("Environment", &word(&format!("{name}={}", variable.value)));
    }
    whose.name_files(names, unit);
    unit.len() > before
}
