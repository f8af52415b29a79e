//! Pods: one container with a process of the app, and as few rights as it can do with.
//!
//! The root file system stays writable: ordinary apps write pid files, caches and uploads where they are.
//!
//! The first process of a pid namespace has no default for the stop signal, and the zombies of its children are its own. So a pod shares
//! one (`shareProcessNamespace`): then that is the pause container of the pod, which reaps. With one container in it there is nobody else
//! to be seen, and the container gets no right by it. Not where the command stays a shell: that would end at once, and all else with it,
//! while it has the grace period so. What has to be the first process itself (the init of s6 or systemd) cannot be the ENTRYPOINT.

use super::escape::{escaped, words};
use super::probes::{Probes, probes};
use super::workload::has_service;
use super::{Writer, checksum};
use crate::export::app::{Process, Role};
use crate::export::container::{run, shell};
use crate::model::command::shell_word;
use crate::model::signal::Signal;
use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapEnvSource, Container, ContainerPort, EnvFromSource, EnvVar, EnvVarSource,
    ExecAction, Lifecycle, LifecycleHandler, ObjectFieldSelector, PodSecurityContext, PodSpec,
    PodTemplateSpec, ResourceRequirements, SeccompProfile, SecretEnvSource, SecurityContext, SleepAction,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a pod that is to stop goes on before it is told: for so long requests may still come, until all have heard that it is no
/// longer behind its Service.
const DRAIN: i64 = 5;

/// What a pod asks for where it is scaled by what it uses of it: a guess.
const CPU: &str = "100m";

impl Writer<'_> {
    /// The pods of a process type.
    pub(super) fn pods(&mut self, index: usize) -> PodTemplateSpec {
        let process = &self.app.processes[index];
        let is_service = process.role == Role::Service;
        let annotations = is_service.then(|| checksum(&self.config())).flatten();
        self.check_stop(process);
        let lifecycle = is_service.then(|| self.lifecycle(process)).flatten();
        let drain = if has_service(process) { DRAIN } else { 0 };
        let is_one_process = run(&process.command, self.app.below(process).as_deref()).is_one_process;
        let spec = PodSpec {
            automount_service_account_token: Some(false),
            // Without it Kubernetes sets a variable for each Service, and some of them are what apps have for themselves (`REDIS_PORT`).
            enable_service_links: Some(false),
            restart_policy: (!is_service).then(|| "Never".to_owned()),
            security_context: Some(self.pod_security()),
            share_process_namespace: is_one_process.then_some(true),
            termination_grace_period_seconds: Some(drain + seconds(process.grace())),
            containers: vec![self.container(index, lifecycle)],
            ..PodSpec::default()
        };
        let metadata = ObjectMeta {
            labels: Some(self.labels(index)),
            annotations: annotations.map(|sum| BTreeMap::from([("checksum/config".to_owned(), sum)])),
            ..ObjectMeta::default()
        };
        PodTemplateSpec { metadata: Some(metadata), spec: Some(spec) }
    }

    fn container(&mut self, index: usize, lifecycle: Option<Lifecycle>) -> Container {
        let process = &self.app.processes[index];
        let is_service = process.role == Role::Service;
        let run = run(&process.command, self.app.below(process).as_deref());
        let Probes { readiness, liveness, startup } = if is_service {
            probes(self.app, process, self.draft)
        } else {
            self.check_no_probes(process);
            Probes::default()
        };
        let environment = self.environment(process);
        let is_web = process.name == "web";
        Container {
            name: self.names[index].clone(),
            image: Some(self.image.clone()),
            args: Some(words(&run.words)),
            env: (!environment.is_empty()).then_some(environment),
            env_from: self.sources(index),
            lifecycle,
            liveness_probe: liveness,
            readiness_probe: readiness,
            startup_probe: startup,
            ports: process.port().filter(|_| has_service(process)).map(|port| {
                let name = is_web.then(|| "http".to_owned());
                vec![ContainerPort { container_port: port.into(), name, ..ContainerPort::default() }]
            }),
            resources: process.most.filter(|_| is_service).map(|_| ResourceRequirements {
                requests: Some(BTreeMap::from([("cpu".to_owned(), Quantity(CPU.to_owned()))])),
                ..ResourceRequirements::default()
            }),
            security_context: Some(SecurityContext {
                allow_privilege_escalation: Some(false),
                capabilities: Some(Capabilities { add: None, drop: Some(vec!["ALL".to_owned()]) }),
                ..SecurityContext::default()
            }),
            ..Container::default()
        }
    }

    fn pod_security(&self) -> PodSecurityContext {
        PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: self.user,
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                ..SeccompProfile::default()
            }),
            ..PodSecurityContext::default()
        }
    }

    /// Where the variables come from that are not the pod's alone. A Job has its own: it belongs to one release, and hooks run before
    /// there is a `ConfigMap`.
    fn sources(&self, index: usize) -> Option<Vec<EnvFromSource>> {
        let mut sources = Vec::new();
        if self.app.processes[index].role == Role::Service && !self.config().is_empty() {
            let config_map_ref = Some(ConfigMapEnvSource { name: self.config_name(), optional: None });
            sources.push(EnvFromSource { config_map_ref, ..EnvFromSource::default() });
        }
        for (name, keys) in [
            (self.secret_name(), self.secrets()),
            (self.missing_name(), self.missing()),
            (self.own_secret_name(index), self.own_secrets(index)),
        ] {
            if !keys.is_empty() {
                let secret_ref = Some(SecretEnvSource { name, optional: None });
                sources.push(EnvFromSource { secret_ref, ..EnvFromSource::default() });
            }
        }
        (!sources.is_empty()).then_some(sources)
    }

    /// What is the pod's alone. It beats what comes from elsewhere.
    fn environment(&self, process: &Process) -> Vec<EnvVar> {
        let mut variables = if process.role == Role::Service { BTreeMap::new() } else { self.config() };
        variables.extend(process.identity(self.app));
        let own = process.own_variables();
        for (name, variable) in &own {
            // A secret comes from elsewhere, which nothing here may beat.
            variables.remove(name);
            if !variable.is_secret {
                variables.insert(name.clone(), variable.value.clone());
            }
        }
        let is_known = |name: &str| own.contains_key(name) || self.app.variables.contains_key(name);
        let mut environment: Vec<EnvVar> = variables
            .into_iter()
            .map(|(name, value)| EnvVar { name, value: Some(escaped(&value)), value_from: None })
            .collect();
        if !process.is_alone() && !is_known("PS") {
            let field_ref = ObjectFieldSelector { api_version: None, field_path: "metadata.name".to_owned() };
            let value_from = EnvVarSource { field_ref: Some(field_ref), ..EnvVarSource::default() };
            environment.push(EnvVar { name: "PS".to_owned(), value: None, value_from: Some(value_from) });
        }
        environment
    }

    /// What happens before the stop signal.
    fn lifecycle(&mut self, process: &Process) -> Option<Lifecycle> {
        let drains = has_service(process);
        let handler = if let Some(command) = &process.settings.stop.command {
            let why = "the stop signal follows it in any case, not only when it fails";
            self.draft.lose(Some(&process.name), "stop_command", why, None);
            let run = run(command, self.app.below(process).as_deref());
            let run = if drains {
                let command: Vec<String> = run.words.iter().map(|word| shell_word(word)).collect();
                shell(format!("sleep {DRAIN}; {}", command.join(" ")))
            } else {
                run.words
            };
            let exec = Some(ExecAction { command: Some(run) });
            LifecycleHandler { exec, ..LifecycleHandler::default() }
        } else if drains {
            LifecycleHandler { sleep: Some(SleepAction { seconds: DRAIN }), ..LifecycleHandler::default() }
        } else {
            return None;
        };
        Some(Lifecycle { pre_stop: Some(handler), ..Lifecycle::default() })
    }

    fn check_stop(&mut self, process: &Process) {
        let name = Some(process.name.as_str());
        let stop = &process.settings.stop;
        if stop.signal != Signal::TERM {
            let why = "Kubernetes sends what the image says, SIGTERM if that says nothing";
            let advice = format!("write `STOPSIGNAL {}` into the Dockerfile", stop.signal);
            self.draft.lose(name, "stop_signal", why, Some(&advice));
        }
        let grace = process.grace();
        if grace.subsec_nanos() > 0 {
            let why = format!("it is {}s there: it takes whole seconds", seconds(grace));
            self.draft.lose(name, "stop_grace_period", why, None);
        }
    }

    fn check_no_probes(&mut self, process: &Process) {
        let settings = &process.settings;
        for (what, probe) in [("readiness", &settings.readiness), ("liveness", &settings.liveness)] {
            if probe.is_some() {
                self.draft.lose(
                    Some(&process.name),
                    what,
                    "a Job is asked nothing: it is done or it is not",
                    None,
                );
            }
        }
    }
}

/// Whole seconds, more rather than less.
fn seconds(duration: Duration) -> i64 {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
