//! Kubernetes: a file for each object, and a kustomization of them all.
//!
//! The objects are types of `k8s-openapi`, so what they have no field for cannot be written.

mod config;
mod escape;
mod job;
mod name;
mod next;
mod pod;
mod probes;
mod workload;

use super::app::{App, Process, Role};
use super::draft::Draft;
use super::{Brief, yaml};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The most that an object can have, in bytes: what etcd takes.
const LARGEST: usize = 1_500_000;

const COMMENT: &str = "Made by `proc export kubernetes`.";

/// Writes an app.
pub(super) fn write(app: &App, brief: &Brief, draft: &mut Draft) {
    app.check_containers("it is not set, and PS is the name of the pod", draft);
    let names = name::names(app, draft);
    let image = brief.image.clone().unwrap_or_default();
    let user = user(brief, draft);
    check(brief, draft);
    let mut writer = Writer {
        app,
        brief,
        names,
        image,
        user,
        resources: Vec::new(),
        secrets: Vec::new(),
        jobs: BTreeMap::new(),
        largest: 0,
        draft,
    };
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
    /// The Secrets.
    secrets: Vec<SecretFile>,
    /// What the Jobs are called, by process type.
    jobs: BTreeMap<usize, String>,
    /// How large the largest object is, in bytes.
    largest: usize,
    draft: &'a mut Draft,
}

/// A Secret among the files.
struct SecretFile {
    /// Its file, without what is behind the first dot.
    stem: String,
    /// Whether it has values; otherwise it is an example, to be filled in elsewhere.
    is_filled: bool,
}

impl SecretFile {
    /// The file that is applied.
    fn path(&self) -> String {
        format!("{}.yaml", self.stem)
    }

    /// The file without values.
    fn example(&self) -> String {
        format!("{}.example.yaml", self.stem)
    }
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
        for (index, process) in self.app.processes.iter().enumerate() {
            if !is_written(process) {
                self.lose(index);
                continue;
            }
            self.check_order(process);
            match process.role {
                Role::Service => self.write_service(index),
                Role::Task | Role::Release => self.write_job(index),
                Role::OneOff => {}
            }
        }
        if let Some(host) = &self.brief.ingress {
            self.write_ingress(host);
        }
        let kustomization = Kustomization {
            api_version: "kustomize.config.k8s.io/v1beta1",
            kind: "Kustomization",
            resources: &self.resources.clone(),
        };
        self.object("kustomization.yaml", COMMENT, &kustomization);
        self.next();
    }

    /// Writes an object that the kustomization has.
    fn resource(&mut self, path: &str, value: &impl Serialize) {
        self.object(path, COMMENT, value);
        self.resources.push(path.to_owned());
    }

    /// Writes a file with an object.
    fn object(&mut self, path: &str, comment: &str, value: &impl Serialize) {
        let text = match yaml::document(comment, value) {
            Ok(text) => text,
            Err(error) => return self.draft.refuse(None, path, error, None),
        };
        if text.len() > LARGEST {
            let why = format!("it would have {} bytes: no object can have more than 1.5 MB", text.len());
            self.draft.refuse(None, path, why, Some("put what is large into files of the image"));
        }
        self.largest = self.largest.max(text.len());
        self.draft.file(path, text);
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
