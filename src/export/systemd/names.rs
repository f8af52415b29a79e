//! What the units and files of an app are called.

use crate::export::{Process, Role};

/// The names of an app's units and files. They are made of names that the parsers of Procfile and command line have found harmless.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    /// The name of the app.
    pub(super) app: &'a str,
}

impl Names<'_> {
    /// The target of the app.
    pub(super) fn app_target(self) -> String {
        format!("{}.target", self.app)
    }

    /// The unit that stands for all of a process type: a target where it has instances.
    pub(super) fn unit(self, process: &Process) -> String {
        let kind = if process.role == Role::Service { "target" } else { "service" };
        format!("{}-{}.{kind}", self.app, process.name)
    }

    /// The unit file that says how an instance runs.
    pub(super) fn service(self, process: &Process) -> String {
        let at = if process.role == Role::Service { "@" } else { "" };
        format!("{}-{}{at}.service", self.app, process.name)
    }

    /// The unit of an instance.
    pub(super) fn instance(self, process: &Process, number: u16) -> String {
        format!("{}-{}@{number}.service", self.app, process.name)
    }

    /// The units that are started and restarted of a process type.
    pub(super) fn parts(self, process: &Process) -> Vec<String> {
        if process.role == Role::Service {
            process.instances.iter().map(|each| self.instance(process, each.number)).collect()
        } else {
            vec![self.unit(process)]
        }
    }

    /// Where an env file of the app is, on the machine that it runs on.
    pub(super) fn installed(self, file: &str) -> String {
        format!("/etc/{}/{file}", self.app)
    }
}
