//! Kubernetes: a file for each object, and a kustomization of them all.
//!
//! The objects are types of `k8s-openapi`, so what they have no field for cannot be written.

mod config;
mod escape;
mod job;
mod name;
mod pod;
mod probes;
mod workload;

use super::app::{App, Process, Role};
use super::draft::Draft;
use super::shell::script;
use super::{Brief, yaml};
use crate::model::command::shell_word;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const COMMENT: &str = "Made by `proc export kubernetes`.";

/// Writes an app.
pub(super) fn write(app: &App, brief: &Brief, draft: &mut Draft) {
    app.check_containers("it is not set, and PS is the name of the pod", draft);
    let names = name::names(app, draft);
    let image = brief.image.clone().unwrap_or_default();
    let user = user(brief, draft);
    check(brief, draft);
    let mut writer =
        Writer { app, brief, names, image, user, resources: Vec::new(), secret_files: Vec::new(), draft };
    writer.write();
}

/// What the command line has to say.
fn check(brief: &Brief, draft: &mut Draft) {
    if brief.image.is_none() {
        let why = "Kubernetes runs images, and makes none";
        draft.refuse(
            None,
            "--image",
            why,
            Some("name the one that the app is built into: --image REGISTRY/APP:TAG"),
        );
    }
}

/// Whose processes they are, by number.
fn user(brief: &Brief, draft: &mut Draft) -> Option<i64> {
    let Some(text) = &brief.user else {
        let why = "no pod is to run as root, and whom the image runs as is not known here";
        let advice = "end the Dockerfile with a USER by number, or give one: --user 1000";
        draft.lose(None, "--user", why, Some(advice));
        return None;
    };
    match text.parse::<u32>() {
        Ok(0) => draft.refuse(None, "--user", "no pod is to run as root", Some("name another user")),
        Ok(user) => return Some(user.into()),
        Err(_) => {
            let why = "Kubernetes knows users by their numbers only";
            draft.refuse(None, "--user", why, Some("give its number, as in --user 1000"));
        }
    }
    None
}

struct Writer<'a> {
    app: &'a App,
    brief: &'a Brief,
    /// What the process types are called in Kubernetes, in their order.
    names: Vec<String>,
    image: String,
    user: Option<i64>,
    /// The files that the kustomization has.
    resources: Vec<String>,
    /// The files of the Secrets.
    secret_files: Vec<String>,
    draft: &'a mut Draft,
}

/// What `kubectl apply -k` reads; its type is none of the API's.
#[derive(Serialize)]
struct Kustomization<'a> {
    #[serde(rename = "apiVersion")]
    api_version: &'a str,
    kind: &'a str,
    resources: &'a [String],
}

impl Writer<'_> {
    fn write(&mut self) {
        if let Some(name) = &self.brief.namespace {
            let metadata = ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() };
            self.resource("namespace.yaml", &Namespace { metadata, ..Namespace::default() });
        }
        self.write_config();
        self.write_secrets();
        let mut release = None;
        for (index, process) in self.app.processes.iter().enumerate() {
            if !is_written(process) {
                self.lose(index);
                continue;
            }
            self.check_order(process);
            match process.role {
                Role::Service => self.write_service(index),
                Role::Task => drop(self.write_job(index)),
                Role::Release => release = Some((index, self.write_job(index))),
                Role::OneOff => {}
            }
        }
        if let Some(host) = &self.brief.ingress {
            self.write_ingress(host);
        }
        let kustomization = Kustomization {
            api_version: "kustomize.config.k8s.io/v1beta1",
            kind: "Kustomization",
            resources: &self.resources,
        };
        object("kustomization.yaml", COMMENT, &kustomization, self.draft);
        self.next(release);
    }

    fn lose(&mut self, index: usize) {
        let process = &self.app.processes[index];
        let name = Some(process.name.as_str());
        if process.is_asleep() {
            let profiles = process.profiles.join(", ");
            let why = format!("it belongs to the profile {profiles}");
            let advice = format!("`--profile {}` exports it too", process.profiles[0]);
            return self.draft.lose(name, "profiles", why, Some(&advice));
        }
        let app = self.app.processes.iter().enumerate();
        let mut services = app.filter(|(_, each)| each.role == Role::Service && is_written(each));
        let command = services.next().map(|(index, _)| {
            let namespace = self.namespace_option();
            let text = shell_word(&script(&process.command).text);
            format!("kubectl exec -it{namespace} deploy/{} -- /bin/sh -c {text}", self.object_name(index))
        });
        let why = "it runs when somebody asks for it, which no object says";
        self.draft.lose(name, "one-off", why, command.as_deref());
    }

    fn next(&mut self, release: Option<(usize, String)>) {
        let path = |file: &str| shell_word(&format!("{}/{file}", self.brief.directory.display()));
        let namespace = self.namespace_option();
        if self.brief.namespace.is_some() {
            self.draft.next(format!("kubectl apply -f {}", path("namespace.yaml")));
        }
        for file in &self.secret_files {
            if self.brief.include_secret_values {
                self.draft.next(format!("kubectl apply -f {}", path(file)));
            } else {
                self.draft.next(format!("cp {} {file}    # and fill in the copy", path(file)));
                self.draft.next(format!("kubectl apply -f {file}"));
            }
        }
        if let Some((index, job)) = release {
            self.next_before(index);
            self.draft.next(format!("kubectl apply -f {}", path(&format!("{}-job.yaml", self.names[index]))));
            self.draft
                .next(format!("kubectl wait{namespace} --for=condition=complete --timeout=15m job/{job}"));
        }
        self.draft
            .next(format!("kubectl apply -k {}", shell_word(&self.brief.directory.display().to_string())));
    }

    /// What the release task needs itself runs before it.
    fn next_before(&mut self, release: usize) {
        let needed: Vec<usize> =
            self.app.needed_by(release).into_iter().filter(|index| *index != release).collect();
        let path = |file: String| {
            format!(" -f {}", shell_word(&format!("{}/{file}", self.brief.directory.display())))
        };
        let has_file = |file: &String| self.resources.contains(file);
        let files: Vec<String> = needed
            .iter()
            .flat_map(|index| {
                ["deployment", "service", "job"].map(|kind| format!("{}-{kind}.yaml", self.names[*index]))
            })
            .filter(has_file)
            .collect();
        if files.is_empty() {
            return;
        }
        let config = Some("config.yaml".to_owned()).filter(has_file);
        let files: String = config.into_iter().chain(files).map(path).collect();
        self.draft.next(format!("kubectl apply{files}"));
        let namespace = self.namespace_option();
        for index in needed.into_iter().filter(|index| self.app.processes[*index].role == Role::Service) {
            if is_written(&self.app.processes[index]) {
                self.draft
                    .next(format!("kubectl rollout status{namespace} deploy/{}", self.object_name(index)));
            }
        }
    }

    fn namespace_option(&self) -> String {
        self.brief.namespace.as_ref().map_or(String::new(), |name| format!(" -n {}", shell_word(name)))
    }

    /// Writes an object that the kustomization has.
    fn resource(&mut self, path: &str, value: &impl Serialize) {
        object(path, COMMENT, value, self.draft);
        self.resources.push(path.to_owned());
    }

    /// What the objects of a process type are called.
    fn object_name(&self, index: usize) -> String {
        format!("{}-{}", self.app.name, self.names[index])
    }

    fn metadata(&self, name: String, of: Option<usize>) -> ObjectMeta {
        let mut labels = of.map_or_else(BTreeMap::new, |index| self.labels(index));
        if of.is_none() {
            labels.extend(self.common_labels());
        }
        ObjectMeta {
            name: Some(name),
            namespace: self.brief.namespace.clone(),
            labels: Some(labels),
            ..ObjectMeta::default()
        }
    }

    fn labels(&self, index: usize) -> BTreeMap<String, String> {
        let mut labels = self.common_labels();
        labels.insert("app.kubernetes.io/component".to_owned(), self.names[index].clone());
        labels
    }

    fn common_labels(&self) -> BTreeMap<String, String> {
        [("name", &*self.app.name), ("part-of", &*self.app.name), ("managed-by", "proc")]
            .map(|(key, value)| (format!("app.kubernetes.io/{key}"), value.to_owned()))
            .into()
    }
}

/// Whether a process type has objects.
fn is_written(process: &Process) -> bool {
    !process.is_asleep() && process.role != Role::OneOff
}

/// Writes a file with an object.
fn object(path: &str, comment: &str, value: &impl Serialize, draft: &mut Draft) {
    match yaml::document(comment, value) {
        Ok(text) => draft.file(path, text),
        Err(error) => draft.refuse(None, path, error, None),
    }
}

/// A digest of variables, that changes when one of them does; none where there are none.
fn checksum(values: &BTreeMap<String, String>) -> Option<String> {
    (!values.is_empty()).then(|| hex(values))
}

/// The first digits of a digest: enough to tell one release from another.
fn digest(value: &impl Serialize) -> String {
    hex(value)[..8].to_owned()
}

fn hex(value: &impl Serialize) -> String {
    // What is made of maps with names as keys has a form in JSON.
    let json = serde_json::to_vec(value).unwrap_or_default();
    Sha256::digest(&json).iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
}
