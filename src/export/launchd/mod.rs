//! launchd: a property list for each instance, written by a library for them.
//!
//! Values of secrets stand in files that the job's shell reads: a property list can be read by everybody.

mod check;
mod secrets;

use super::{App, Brief, Draft, Instance, Process, Role, shell};
use crate::model::policy::Grace;
use crate::model::settings::RestartWhen;
use check::check;
use plist::{Dictionary, Value, XmlWriteOptions};
use secrets::Whose;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Writes an app.
pub(super) fn write(app: &App, brief: &Brief, draft: &mut Draft) {
    let writer = Writer { app, brief };
    check_text(None, "root", &app.root.to_string_lossy(), draft);
    check::variables(None, &app.variables, draft);
    Whose::All(app).write_file(brief, draft);
    for process in &app.processes {
        if !check(process, app, draft) {
            continue;
        }
        check::variables(Some(&process.name), &process.variables, draft);
        Whose::Process(app, process).write_file(brief, draft);
        for instance in &process.instances {
            check::variables(Some(&process.name), &instance.variables, draft);
            Whose::Instance(app, process, instance).write_file(brief, draft);
            writer.job(process, instance, draft);
        }
    }
    writer.tell_what_is_next(draft);
}

struct Writer<'a> {
    app: &'a App,
    brief: &'a Brief,
}

impl Writer<'_> {
    fn label(&self, process: &Process, number: u16) -> String {
        format!("{}.{}.{number}", self.app.name, process.name)
    }

    /// The property list of an instance.
    fn job(&self, process: &Process, instance: &Instance, draft: &mut Draft) {
        let label = self.label(process, instance.number);
        let mut job = Dictionary::new();
        job.insert("Label".into(), label.clone().into());
        if let Some(user) = &self.brief.user {
            job.insert("UserName".into(), user.clone().into());
        }
        let script = self.script(process, instance);
        let words = ["/bin/sh", "-c", &script].map(|word| Value::String(word.into()));
        job.insert("ProgramArguments".into(), Value::Array(words.into()));
        let directory = process.settings.working_dir.as_ref().unwrap_or(&self.app.root);
        job.insert("WorkingDirectory".into(), directory.to_string_lossy().into_owned().into());
        job.insert("EnvironmentVariables".into(), Value::Dictionary(self.variables(process, instance)));
        write_life(process, &mut job);
        let log = format!("{}/{}.{}.log", log_directory(self.app), process.name, instance.number);
        job.insert("StandardOutPath".into(), log.clone().into());
        job.insert("StandardErrorPath".into(), log.into());
        match xml(job) {
            Ok(text) => draft.file(format!("{label}.plist"), text),
            Err(error) => draft.refuse(Some(&process.name), "plist", error.to_string(), None),
        }
    }

    /// What the shell runs: it reads the secrets, if there are any, and becomes the command.
    fn script(&self, process: &Process, instance: &Instance) -> String {
        let scopes = [
            Whose::All(self.app),
            Whose::Process(self.app, process),
            Whose::Instance(self.app, process, instance),
        ];
        let files: Vec<String> = scopes.into_iter().filter_map(Whose::installed).collect();
        let text = shell::script(&process.command).text;
        if files.is_empty() {
            return text;
        }
        let reads: String = files.iter().flat_map(|file| [". ", file, " || exit; "]).collect();
        format!("set -a; {reads}set +a; {text}")
    }

    /// The variables but for secrets, as `proc start` gives them.
    fn variables(&self, process: &Process, instance: &Instance) -> Dictionary {
        let number = instance.number;
        let mut all: BTreeMap<String, String> =
            self.app.ports.iter().map(|(name, port)| (name.clone(), port.to_string())).collect();
        all.insert("PS".into(), format!("{}.{number}", process.name));
        all.insert("PROC_TYPE".into(), process.name.clone());
        all.insert("PROC_INSTANCE".into(), number.to_string());
        all.extend(instance.port.map(|port| ("PORT".to_owned(), port.to_string())));
        let own = self.app.variables.iter().chain(&process.variables).chain(&instance.variables);
        let plain = own.filter(|(_, variable)| !variable.is_secret);
        all.extend(plain.map(|(name, variable)| (name.clone(), variable.value.clone())));
        all.into_iter().map(|(name, value)| (name, Value::String(value))).collect()
    }

    fn tell_what_is_next(&self, draft: &mut Draft) {
        let name = &self.app.name;
        let from = shell::directory(&self.brief.directory, "the directory of the export", draft);
        let owner = self.brief.user.clone().unwrap_or_else(|| "\"$USER\"".to_owned());
        draft.next(format!("sudo install -d -o {owner} {}", log_directory(self.app)));
        let paths = draft.paths();
        let secrets: Vec<&str> =
            paths.iter().filter_map(|path| path.strip_prefix(&format!("{name}/"))).collect();
        if !secrets.is_empty() {
            draft.next(format!("sudo mkdir -p {}", secrets::directory(self.app)));
        }
        for file in secrets {
            let to = format!("{}/{}", secrets::directory(self.app), file.trim_end_matches(".example"));
            let install = format!("sudo install -m 0600 -o {owner} {from}/{name}/{file}");
            draft.next(shell::install_once(self.app, file, &install, &to));
        }
        let (place, domain, sudo) = match self.brief.user {
            Some(_) => ("/Library/LaunchDaemons", "system", "sudo "),
            None => ("~/Library/LaunchAgents", "gui/$(id -u)", ""),
        };
        draft.next(format!("{sudo}cp {from}/{name}.*.plist {place}/"));
        if self.brief.user.is_some() {
            draft.next(format!("sudo chmod 0644 {place}/{name}.*.plist"));
        }
        draft.next(format!("{sudo}launchctl bootstrap {domain} {place}/{name}.*.plist"));
        for process in self.app.processes.iter().filter(|process| !process.is_asleep()) {
            let when = match process.role {
                Role::Release => "with each deploy",
                Role::OneOff => "when it is wanted",
                Role::Service | Role::Task => continue,
            };
            let label = self.label(process, 1);
            draft.next(format!("{sudo}launchctl kickstart {domain}/{label}  # {when}"));
        }
    }
}

/// Writes when it starts, what follows an end, and how long a stop may take.
fn write_life(process: &Process, job: &mut Dictionary) {
    let is_asked_for = matches!(process.role, Role::Release | Role::OneOff);
    job.insert("RunAtLoad".into(), (!is_asked_for).into());
    if process.role == Role::Service {
        let keep = match process.restart.unwrap_or(RestartWhen::Always) {
            RestartWhen::No => None,
            RestartWhen::OnFailure => Some(Value::Dictionary(
                [("SuccessfulExit".to_owned(), Value::Boolean(false))].into_iter().collect(),
            )),
            RestartWhen::Always => Some(Value::Boolean(true)),
        };
        if let Some(keep) = keep {
            job.insert("KeepAlive".into(), keep);
            let delay = whole_seconds(process.settings.restart.delay).max(1);
            job.insert("ThrottleInterval".into(), delay.into());
        }
    }
    let limit = match process.settings.stop.grace {
        // None would be one without end to launchd, as no limit is.
        Grace::For(grace) => whole_seconds(grace).max(1),
        Grace::Unlimited => 0,
    };
    job.insert("ExitTimeOut".into(), limit.into());
}

/// So many seconds, and one more for what is left over.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// Where the output goes, for launchd keeps none.
fn log_directory(app: &App) -> String {
    format!("/usr/local/var/log/{}", app.name)
}

/// A property list as XML, with our comment in it.
fn xml(job: Dictionary) -> Result<String, plist::Error> {
    let mut bytes = Vec::new();
    Value::Dictionary(job).to_writer_xml_with_options(&mut bytes, &XmlWriteOptions::default())?;
    let text =
        String::from_utf8_lossy(&bytes).replacen("<plist ", "<!-- Made by proc export. -->\n<plist ", 1);
    Ok(format!("{}\n", text.trim_end()))
}

/// Refuses a text that XML has no way to write (XML 1.0, 2.2).
fn check_text(process: Option<&str>, what: &str, text: &str, draft: &mut Draft) {
    let is_foreign = |char: char| {
        (char < ' ' && !matches!(char, '\t' | '\n' | '\r')) || matches!(char, '\u{fffe}' | '\u{ffff}')
    };
    if let Some(char) = text.chars().find(|char| is_foreign(*char)) {
        let why = format!("a property list cannot have {} in it", char.escape_unicode());
        draft.refuse(process, what, why, Some("put it into a file"));
    }
}

/// Refuses a directory that a property list cannot name.
fn check_directory(process: &str, directory: &Path, draft: &mut Draft) {
    match directory.to_str() {
        Some(text) => check_text(Some(process), "working_dir", text, draft),
        None => draft.refuse(Some(process), "working_dir", "its name is not UTF-8", Some("rename it")),
    }
}
