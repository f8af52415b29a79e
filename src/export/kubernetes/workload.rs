//! What runs for as long as the app does: Deployments, and what belongs to each.

use super::Writer;
use crate::export::app::{Process, Role};
use crate::export::container::Tries;
use crate::model::settings::{Condition, RestartWhen};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricSpec,
    MetricTarget, ResourceMetricSource,
};
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend,
    IngressSpec, ServiceBackendPort,
};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// How much of the CPU that they ask for pods use on average before there are more of them, in per cent.
const UTILIZATION: i32 = 70;

impl Writer<'_> {
    /// Writes all objects of a service.
    pub(super) fn write_service(&mut self, index: usize) {
        let process = &self.app.processes[index];
        self.check_own_names(index);
        self.write_deployment(index);
        if has_service(process) {
            self.write_cluster_ip(index);
        }
        if let Some(most) = process.most {
            self.write_autoscaler(index, most);
        }
        if process.count() > 1 {
            self.write_budget(index);
        }
        self.check_service(process);
    }

    fn write_deployment(&mut self, index: usize) {
        let process = &self.app.processes[index];
        // Where an autoscaler says how many there are, each apply would set that back.
        let replicas = process.most.is_none().then(|| number(process.count()));
        let spec = DeploymentSpec {
            replicas,
            selector: self.selector(index),
            strategy: Some(DeploymentStrategy {
                type_: Some("RollingUpdate".to_owned()),
                rolling_update: Some(RollingUpdateDeployment {
                    max_surge: Some(IntOrString::Int(1)),
                    max_unavailable: Some(IntOrString::Int(0)),
                }),
            }),
            template: self.pods(index),
            ..DeploymentSpec::default()
        };
        let metadata = self.metadata(self.object_name(index), Some(index));
        let path = format!("{}-deployment.yaml", self.names[index]);
        self.resource(&path, &Deployment { metadata, spec: Some(spec), status: None });
    }

    /// `web` is found at port 80, as a web server is; the others where they listen at home.
    fn write_cluster_ip(&mut self, index: usize) {
        let process = &self.app.processes[index];
        let Some(own) = process.port() else { return };
        let (port, name, target) = if process.name == "web" {
            (80, Some("http".to_owned()), IntOrString::String("http".to_owned()))
        } else {
            (own.into(), None, IntOrString::Int(own.into()))
        };
        let spec = ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: self.selector(index).match_labels,
            ports: Some(vec![ServicePort {
                port,
                name,
                target_port: Some(target),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        };
        let metadata = self.metadata(self.object_name(index), Some(index));
        let path = format!("{}-service.yaml", self.names[index]);
        self.resource(&path, &Service { metadata, spec: Some(spec), status: None });
    }

    fn write_autoscaler(&mut self, index: usize, most: u16) {
        let process = &self.app.processes[index];
        let metric = ResourceMetricSource {
            name: "cpu".to_owned(),
            target: MetricTarget {
                type_: "Utilization".to_owned(),
                average_utilization: Some(UTILIZATION),
                ..MetricTarget::default()
            },
        };
        let spec = HorizontalPodAutoscalerSpec {
            scale_target_ref: CrossVersionObjectReference {
                api_version: Some("apps/v1".to_owned()),
                kind: "Deployment".to_owned(),
                name: self.object_name(index),
            },
            min_replicas: Some(number(process.count())),
            max_replicas: most.into(),
            metrics: Some(vec![MetricSpec {
                type_: "Resource".to_owned(),
                resource: Some(metric),
                ..MetricSpec::default()
            }]),
            behavior: None,
        };
        let metadata = self.metadata(self.object_name(index), Some(index));
        let path = format!("{}-hpa.yaml", self.names[index]);
        self.resource(&path, &HorizontalPodAutoscaler { metadata, spec: Some(spec), status: None });
        let why = "what it is scaled by is a guess: 70 % of the 100m of CPU that each asks for";
        let advice = "measure, and set resources.requests.cpu";
        self.draft.lose(Some(&process.name), "formation", why, Some(advice));
    }

    fn write_budget(&mut self, index: usize) {
        let spec = PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(self.selector(index)),
            ..PodDisruptionBudgetSpec::default()
        };
        let metadata = self.metadata(self.object_name(index), Some(index));
        let path = format!("{}-pdb.yaml", self.names[index]);
        self.resource(&path, &PodDisruptionBudget { metadata, spec: Some(spec), status: None });
    }

    /// Writes the way in from outside the cluster.
    pub(super) fn write_ingress(&mut self, host: &str) {
        let web = self.app.processes.iter().position(|process| process.name == "web" && has_service(process));
        let Some(index) = web else {
            let why = "it leads to `web`, and there is none that listens";
            return self.draft.refuse(None, "--ingress", why, None);
        };
        let service = IngressServiceBackend {
            name: self.object_name(index),
            port: Some(ServiceBackendPort { name: Some("http".to_owned()), number: None }),
        };
        let path = HTTPIngressPath {
            path: Some("/".to_owned()),
            path_type: "Prefix".to_owned(),
            backend: IngressBackend { service: Some(service), resource: None },
        };
        let rule = IngressRule {
            host: Some(host.to_owned()),
            http: Some(HTTPIngressRuleValue { paths: vec![path] }),
        };
        let spec = IngressSpec { rules: Some(vec![rule]), ..IngressSpec::default() };
        let metadata = self.metadata(self.object_name(index), Some(index));
        self.resource("ingress.yaml", &Ingress { metadata, spec: Some(spec), status: None });
    }

    fn selector(&self, index: usize) -> LabelSelector {
        let mut labels = self.labels(index);
        labels.retain(|key, _| key.ends_with("/name") || key.ends_with("/component"));
        LabelSelector { match_labels: Some(labels), match_expressions: None }
    }

    fn check_service(&mut self, process: &Process) {
        let name = Some(process.name.as_str());
        if process.listens && process.port().is_none() {
            let why = "it listens on a port that is not known, so it has no Service";
            self.draft.lose(name, "port", why, Some("say -p, or `port` in proc.toml"));
        }
        match process.restart {
            None | Some(RestartWhen::Always) => {}
            Some(RestartWhen::No) => {
                let why = "a Deployment starts whatever ends again";
                self.draft.lose(name, "restart", why, Some("if it is meant to end: `type = \"oneshot\"`"));
            }
            Some(RestartWhen::OnFailure) => {
                let why = "a Deployment starts whatever ends again, after a success too";
                self.draft.lose(name, "restart", why, None);
            }
        }
        let custom = "Kubernetes waits 10 s before a restart, twice as long each time up to five minutes";
        process.check_restarts(custom, Tries::Endless, self.draft);
    }

    /// Notes each thing that is waited for elsewhere, and not here.
    pub(super) fn check_order(&mut self, process: &Process) {
        for dependency in &process.depends_on {
            let other = &self.app.processes[dependency.process].name;
            let is = match dependency.condition {
                Condition::Started => "started",
                Condition::Healthy => "healthy",
                Condition::CompletedSuccessfully => "done",
            };
            let why = format!("pods do not wait for each other: it starts before {other} is {is}, too");
            let advice = "have it end with an error, or wait, while what it needs is not there";
            self.draft.lose(Some(&process.name), "depends_on", why, Some(advice));
        }
    }
}

/// Whether others find it by a name.
pub(super) fn has_service(process: &Process) -> bool {
    process.role == Role::Service && process.listens && process.port().is_some()
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
