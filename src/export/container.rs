//! What Compose and Kubernetes have in common: an app in containers that are made of one image.
//!
//! A container has a network of its own, so all instances of a process type have the port of its first: what was different from one to the
//! next is not carried over. Where a command is given here the image keeps its ENTRYPOINT, which may have to set up what the command needs
//! (those of buildpacks do). The image is expected to have its WORKDIR in the root of the app.

use super::app::{App, Process, Role, Variable};
use super::draft::Draft;
use super::shell::{Script, script};
use crate::model::command::{Command, Invocation, shell_word};
use crate::model::policy::{Grace, Seconds};
use crate::model::settings::{Probe, RestartPolicy, RestartWhen};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Component;
use std::time::Duration;

/// What stands for a grace period without an end: a year.
const ENDLESS: Duration = Duration::from_hours(365 * 24);

/// What a target makes of the number of restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tries {
    /// It counts them as we do.
    Counted,
    /// It goes on.
    Endless,
}

/// What a container runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    /// The words, none of which any shell reads again but the one that is among them.
    pub(super) words: Vec<String>,
    /// Whether the first process is the application, so that it gets the stop signal.
    pub(super) is_one_process: bool,
}

/// How a container runs a command, in a directory below that of the image where there is one.
pub(super) fn run(command: &Command, below: Option<&str>) -> Run {
    if let (Invocation::Direct(words), None) = (command.invocation(), below) {
        let words = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        return Run { words, is_one_process: true };
    }
    let script = script(command);
    let text = match below {
        None => script.text,
        Some(below) => inside(below, &script),
    };
    Run { words: shell(text), is_one_process: script.is_one_process }
}

/// A script that is run in a directory. What is more than one command has a shell of its own, so that all of it is meant.
fn inside(below: &str, script: &Script) -> String {
    // `./` before it: a name may begin with `-`, and the CDPATH of an image means nothing to it.
    let directory = shell_word(&format!("./{below}"));
    if script.is_one_process {
        format!("cd {directory} && {}", script.text)
    } else {
        format!("cd {directory} && exec /bin/sh -c {}", shell_word(&script.text))
    }
}

/// The words that have a shell run a text.
pub(super) fn shell(text: String) -> Vec<String> {
    vec!["/bin/sh".to_owned(), "-c".to_owned(), text]
}

impl App {
    /// The directory that a process type runs in, below the root; none: the root, or one outside of it.
    pub(super) fn below(&self, process: &Process) -> Option<String> {
        let path = process.settings.working_dir.as_ref()?.strip_prefix(&self.root).ok()?;
        let mut names = Vec::new();
        for part in path.components() {
            match part {
                Component::CurDir => {}
                Component::Normal(name) => names.push(name.to_str()?),
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
            }
        }
        (!names.is_empty()).then(|| names.join("/"))
    }

    /// A process type and all that it waits for, as indices.
    pub(super) fn needed_by(&self, process: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open = vec![process];
        while let Some(index) = open.pop() {
            if found.insert(index) {
                open.extend(self.processes[index].depends_on.iter().map(|dependency| dependency.process));
            }
        }
        found
    }

    /// Notes what containers lose, wherever they run; of copies also what becomes of their names.
    pub(super) fn check_containers(&self, names: &str, draft: &mut Draft) {
        check_values(None, &self.variables, draft);
        for process in &self.processes {
            check_values(Some(&process.name), &process.variables, draft);
            process.check_container(self, names, draft);
        }
    }
}

impl Process {
    /// What it is called and where it listens, as far as that is known before it runs, unless somebody set it otherwise.
    pub(super) fn identity(&self, app: &App) -> BTreeMap<String, String> {
        let mut identity = BTreeMap::from([("PROC_TYPE".to_owned(), self.name.clone())]);
        if let Some(port) = self.port() {
            identity.insert("PORT".to_owned(), port.to_string());
        }
        if self.is_alone() {
            identity.insert("PS".to_owned(), format!("{}.1", self.name));
            identity.insert("PROC_INSTANCE".to_owned(), "1".to_owned());
        }
        identity.retain(|name, _| !app.variables.contains_key(name));
        identity
    }

    /// Whether there is never more than one.
    pub(super) fn is_alone(&self) -> bool {
        self.count() == 1 && self.most.is_none()
    }

    /// The variables that it has for itself: its own, and those of its first instance.
    pub(super) fn own_variables(&self) -> BTreeMap<String, Variable> {
        let mut variables = self.variables.clone();
        variables.extend(self.instances.first().into_iter().flat_map(|first| first.variables.clone()));
        variables
    }

    /// How long it has to stop.
    pub(super) fn grace(&self) -> Duration {
        match self.settings.stop.grace {
            Grace::For(duration) => duration,
            Grace::Unlimited => ENDLESS,
        }
    }

    fn check_container(&self, app: &App, names: &str, draft: &mut Draft) {
        let name = Some(self.name.as_str());
        let settings = &self.settings;
        if settings.working_dir.as_ref().is_some_and(|path| *path != app.root) && app.below(self).is_none() {
            let why = "it is not below the root of the app, so the image does not have it";
            draft.lose(name, "working_dir", why, Some("it runs in the WORKDIR of the image"));
        }
        if self.role == Role::Service && !run(&self.command, app.below(self).as_deref()).is_one_process {
            let why = "the stop signal reaches the shell only, not what it starts";
            draft.lose(name, "command", why, Some("put `exec` before the last command"));
        }
        if settings.stop.grace == Grace::Unlimited {
            draft.lose(name, "stop_grace_period", "there must be an end to it: it is a year", None);
        }
        if !settings.success_exit_codes.is_empty() {
            draft.lose(name, "success_exit_codes", "there only 0 is success", None);
        }
        if settings.on_exit.is_some() {
            draft.lose(name, "on_exit", "there the end of one process type does not end the others", None);
        }
        self.check_copies(names, draft);
    }

    /// What instances know of themselves, and copies do not.
    fn check_copies(&self, names: &str, draft: &mut Draft) {
        let name = Some(self.name.as_str());
        if !self.is_alone() && self.role == Role::Service {
            draft.lose(name, "PROC_INSTANCE", format!("all copies have the same environment: {names}"), None);
        }
        if self.is_alone() {
            return;
        }
        for variable in self.instances.iter().flat_map(|instance| instance.variables.keys()) {
            let why = format!(
                "it differs from instance to instance, and copies are all alike: they have that of {}.1",
                self.name
            );
            draft.lose(name, variable, why, None);
        }
    }

    /// Notes that the numbers of a restart policy are the target's own. The number of restarts counts wherever `restart` is said.
    pub(super) fn check_restarts(&self, custom: &str, tries: Tries, draft: &mut Draft) {
        let RestartPolicy { when: _, delay, max_delay, max_restarts, window, min_uptime } =
            self.settings.restart;
        let default = RestartPolicy::default();
        let is_endless = match (tries, self.restart) {
            (Tries::Counted, _) => true,
            (Tries::Endless, Some(RestartWhen::OnFailure | RestartWhen::Always)) => max_restarts.is_none(),
            (Tries::Endless, None | Some(RestartWhen::No)) => max_restarts == default.max_restarts,
        };
        for (key, is_default) in [
            ("restart_delay", delay == default.delay),
            ("restart_max_delay", max_delay == default.max_delay),
            ("restart_window", window == default.window),
            ("min_uptime", min_uptime == default.min_uptime),
        ] {
            if !is_default {
                draft.lose(Some(&self.name), key, custom, None);
            }
        }
        if !is_endless {
            let why = "there is no end to the restarts there";
            draft.lose(Some(&self.name), "max_restarts", why, Some("watch for what starts again and again"));
        }
    }

    /// Notes that what somebody asks for is not started again.
    pub(super) fn check_one_off(&self, said: Option<RestartWhen>, draft: &mut Draft) {
        match said {
            None | Some(RestartWhen::No) => {}
            Some(RestartWhen::OnFailure | RestartWhen::Always) => {
                let why = "who asks for it sees how it ends: it is not started again";
                draft.lose(Some(&self.name), "restart", why, None);
            }
        }
    }
}

/// No process can have a NUL in its environment, and what formats make of one differs.
fn check_values(process: Option<&str>, variables: &BTreeMap<String, Variable>, draft: &mut Draft) {
    for (name, _) in variables.iter().filter(|(_, variable)| variable.value.contains('\0')) {
        draft.refuse(process, name, "its value has a NUL in it: no process can have that", None);
    }
}

/// Whole seconds, more rather than less, at least 1.
pub(super) fn whole_seconds(duration: Duration) -> u64 {
    let rest = u64::from(duration.subsec_nanos() > 0);
    (duration.as_secs() + rest).max(1)
}

/// Notes which times of a probe become longer where there are whole seconds only.
pub(super) fn check_seconds(process: &str, what: &str, probe: &Probe, draft: &mut Draft) {
    // What nobody asked for becomes a second without a word.
    let start = Some(("start_interval", probe.start_interval))
        .filter(|(_, interval)| what == "liveness" && *interval != Probe::START_INTERVAL);
    for (key, duration) in [("interval", probe.interval), ("timeout", probe.timeout)].into_iter().chain(start)
    {
        let whole = Duration::from_secs(whole_seconds(duration));
        if whole != duration {
            let why = format!("{} is {} there: it takes whole seconds", Seconds(duration), Seconds(whole));
            draft.lose(Some(process), &format!("{what}.{key}"), why, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, below: Option<&str>) -> Vec<String> {
        run(&Command::new(text), below).words
    }

    #[test]
    fn a_simple_command_is_run_without_a_shell() {
        assert_eq!(words("node server.js", None), ["node", "server.js"]);
        assert_eq!(words("node $PORT", None), ["/bin/sh", "-c", "exec node $PORT"]);
        assert_eq!(words("a && b", None), ["/bin/sh", "-c", "a && b"]);
    }

    #[test]
    fn all_of_a_command_runs_in_its_directory() {
        assert_eq!(words("node s.js", Some("a b")), ["/bin/sh", "-c", "cd './a b' && exec node s.js"]);
        assert_eq!(words("a || b", Some("-x")), ["/bin/sh", "-c", "cd ./-x && exec /bin/sh -c 'a || b'"]);
    }

    #[test]
    fn seconds_are_whole_and_never_less() {
        for (millis, seconds) in [(0, 1), (1, 1), (200, 1), (1000, 1), (1001, 2), (2500, 3)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds, "{millis}");
        }
    }
}
