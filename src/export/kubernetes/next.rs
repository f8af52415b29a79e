//! What is to be done with the objects, in order, and what runs without one.

use super::{Writer, is_written};
use crate::export::app::{Process, Role};
use crate::export::container::run;
use crate::model::command::shell_word;

/// What is larger than this, in bytes, is applied by the server: kubectl would keep a copy of it in an annotation, which has room for
/// 256 KiB, and the copy may be several times as long.
const LARGE: usize = 40 * 1024;

impl Writer<'_> {
    /// Notes a process type that has no objects.
    pub(super) fn lose(&mut self, index: usize) {
        let process = &self.app.processes[index];
        let name = Some(process.name.as_str());
        if process.is_asleep() {
            let profiles = process.profiles.join(", ");
            let why = format!("it belongs to the profile {profiles}");
            let advice = format!("`--profile {}` exports it too", process.profiles[0]);
            return self.draft.lose(name, "profiles", why, Some(&advice));
        }
        let mut all = self.app.processes.iter().enumerate();
        let host = all.find(|(_, each)| each.role == Role::Service && is_written(each));
        let command = host.map(|(host, _)| self.exec(process, host));
        let why = "it runs when somebody asks for it, which no object says";
        self.draft.lose(name, "one-off", why, command.as_deref());
        process.check_one_off(process.restart, self.draft);
        if let Some((_, host)) = host {
            self.check_host(process, host);
        }
    }

    /// Runs a one-off in a pod of a service, in its own directory.
    fn exec(&self, process: &Process, host: usize) -> String {
        let run = run(&process.command, self.app.below(process).as_deref());
        let words: Vec<String> = run.words.iter().map(|word| shell_word(word)).collect();
        let namespace = self.namespace_option();
        format!("kubectl exec -it{namespace} deploy/{} -- {}", self.object_name(host), words.join(" "))
    }

    /// A one-off has the variables of the pod that it runs in.
    fn check_host(&mut self, process: &Process, host: &Process) {
        let (own, there) = (process.own_variables(), host.own_variables());
        let names: Vec<&str> = own
            .iter()
            .filter(|(name, variable)| there.get(*name) != Some(*variable))
            .map(|(name, _)| name.as_str())
            .collect();
        if names.is_empty() {
            return;
        }
        let why =
            format!("it has the variables of {} there, and not its own: {}", host.name, names.join(", "));
        self.draft.lose(Some(&process.name), "env", why, Some("put `env NAME=VALUE` before its command"));
    }

    /// Says what is to be done.
    pub(super) fn next(&mut self) {
        if self.brief.namespace.is_some() {
            self.draft.next(format!("{} -f {}", self.apply(), self.path("namespace.yaml")));
        }
        for secret in &self.secrets {
            let path = self.path(&secret.path());
            if !secret.is_filled {
                // What is there is filled in already.
                let example = self.path(&secret.example());
                self.draft.next(format!("cp -n {example} {path}    # and fill in the copy"));
            }
            self.draft.next(format!("{} -f {path}", self.apply()));
        }
        let release = self.app.processes.iter().position(|process| process.role == Role::Release);
        if let Some(release) = release.filter(|index| self.jobs.contains_key(index)) {
            self.next_before(release);
            let job = self.path(&format!("{}-job.yaml", self.names[release]));
            self.draft.next(format!("{} -f {job}", self.apply()));
            self.next_wait(release);
        }
        let directory = shell_word(&self.brief.directory.display().to_string());
        self.draft.next(format!("{} -k {directory}", self.apply()));
    }

    /// What the release task needs itself runs before it.
    fn next_before(&mut self, release: usize) {
        let needed: Vec<usize> =
            self.app.needed_by(release).into_iter().filter(|index| *index != release).collect();
        let kinds = ["deployment", "service", "job"];
        let files =
            needed.iter().flat_map(|index| kinds.map(|kind| format!("{}-{kind}.yaml", self.names[*index])));
        let files: Vec<String> = files.filter(|file| self.resources.contains(file)).collect();
        if files.is_empty() {
            return;
        }
        let config = Some("config.yaml".to_owned()).filter(|file| self.resources.contains(file));
        let files = config.into_iter().chain(files).map(|file| format!(" -f {}", self.path(&file)));
        let files: String = files.collect();
        self.draft.next(format!("{}{files}", self.apply()));
        let namespace = self.namespace_option();
        for index in needed.into_iter().filter(|index| is_written(&self.app.processes[*index])) {
            match self.app.processes[index].role {
                Role::Service => {
                    let name = self.object_name(index);
                    self.draft.next(format!("kubectl rollout status{namespace} deploy/{name}"));
                }
                Role::Task => self.next_wait(index),
                Role::Release | Role::OneOff => {}
            }
        }
    }

    /// kubectl waits for one condition only, so a Job that has failed is waited for as long as one that runs.
    fn next_wait(&mut self, index: usize) {
        let Some(job) = self.jobs.get(&index) else { return };
        let namespace = self.namespace_option();
        let wait = format!("kubectl wait{namespace} --for=condition=complete --timeout=15m job/{job}");
        self.draft
            .next(format!("{wait}    # also after a failure: look with kubectl get{namespace} job/{job}"));
    }

    fn apply(&self) -> &'static str {
        if self.largest > LARGE { "kubectl apply --server-side" } else { "kubectl apply" }
    }

    fn path(&self, file: &str) -> String {
        shell_word(&format!("{}/{file}", self.brief.directory.display()))
    }

    fn namespace_option(&self) -> String {
        self.brief.namespace.as_ref().map_or(String::new(), |name| format!(" -n {}", shell_word(name)))
    }
}
