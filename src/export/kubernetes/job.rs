//! Jobs: what runs once for each release. What is to run is part of the name, as a digest: a Job cannot be changed, so another one follows.

use super::{Writer, digest};
use crate::export::app::{Process, Role};
use crate::export::container::Tries;
use crate::model::settings::RestartWhen;
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use std::collections::BTreeMap;

/// A finished Job is kept for a week, for its logs.
const KEPT: i32 = 7 * 24 * 3600;

impl Writer<'_> {
    /// Writes the Job of a task, and notes what it is called.
    pub(super) fn write_job(&mut self, index: usize) {
        let process = &self.app.processes[index];
        self.check_own_names(index);
        let spec = JobSpec {
            backoff_limit: Some(tries(process)),
            ttl_seconds_after_finished: Some(KEPT),
            template: self.pods(index),
            ..JobSpec::default()
        };
        let name = format!("{}-{}", self.object_name(index), digest(&spec));
        let mut metadata = self.metadata(name.clone(), Some(index));
        if process.role == Role::Release {
            metadata.annotations = Some(hooks());
        }
        self.resource(
            &format!("{}-job.yaml", self.names[index]),
            &Job { metadata, spec: Some(spec), status: None },
        );
        self.check_job(process);
        self.jobs.insert(index, name);
    }

    fn check_job(&mut self, process: &Process) {
        let name = Some(process.name.as_str());
        if tries(process) > 0 {
            let custom = "a Job waits 10 s before another try, twice as long each time up to six minutes";
            process.check_restarts(custom, Tries::Counted, self.draft);
        }
        match process.role {
            Role::Release => {
                let why = "nothing waits for it where all is applied at once, and an apply after a week runs it again";
                let advice = "run it first, as below; Helm and Argo CD do, by its annotations";
                self.draft.lose(name, "release", why, Some(advice));
            }
            Role::Task => {
                let why = "a Job runs once for each release, not at each start, and nothing waits for it";
                self.draft.lose(name, "type", why, None);
            }
            Role::Service | Role::OneOff => {}
        }
    }
}

/// How many times it is tried again after a failure.
fn tries(process: &Process) -> i32 {
    match process.restart {
        None | Some(RestartWhen::No) => 0,
        Some(RestartWhen::OnFailure | RestartWhen::Always) => {
            let most = process.settings.restart.max_restarts;
            most.and_then(|most| i32::try_from(most).ok()).unwrap_or(i32::MAX)
        }
    }
}

/// By these Helm and Argo CD run it before everything else, and replace the one before.
fn hooks() -> BTreeMap<String, String> {
    [
        ("argocd.argoproj.io/hook", "PreSync"),
        ("argocd.argoproj.io/hook-delete-policy", "BeforeHookCreation"),
        ("helm.sh/hook", "pre-install,pre-upgrade"),
        ("helm.sh/hook-delete-policy", "before-hook-creation"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}
