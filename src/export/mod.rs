//! What an app is where it is not run by us: the same [`Plan`](crate::model::plan::Plan) in the words of another manager.
//!
//! Pure: an [`App`] goes in, files with their contents come out, and a list of what the target has no words for. Each target has its file,
//! and its escaper; no text of the user's gets into a file but through that or a serialiser.

mod app;
mod compose;
mod container;
mod draft;
mod from_plan;
mod kubernetes;
mod launchd;
mod name;
mod shell;
mod supervisord;
mod systemd;
mod yaml;

pub use app::{App, Dependency, Instance, Process, Role, Variable};
pub use draft::{Draft, Export, ExportFile, Loss, Refusal};
pub use from_plan::Extra;
pub use name::{
    NameError, OtherNameError, app_name, check_app_name, check_host, check_image, check_namespace, check_user,
};

use crate::model::policy::Target;
use std::path::PathBuf;

/// What the command line says of an export, beyond what is in the app.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Brief {
    /// Whose processes they are to be; none: the target's own idea.
    pub user: Option<String>,
    /// The image that the app is built into.
    pub image: Option<String>,
    /// The Kubernetes namespace.
    pub namespace: Option<String>,
    /// The host name that `web` is to be reached by from outside the cluster.
    pub ingress: Option<String>,
    /// Whether the values of secrets are written too.
    pub include_secret_values: bool,
    /// Where the files are going to be; an absolute path.
    pub directory: PathBuf,
}

/// What becomes of an app in a target, or everything that it cannot say and must.
pub fn export(target: Target, app: &App, brief: &Brief) -> Result<Export, Vec<Refusal>> {
    let mut draft = Draft::default();
    app.check(target, brief, &mut draft);
    match target {
        Target::Systemd => systemd::write(app, brief, &mut draft),
        Target::Compose => compose::write(app, brief, &mut draft),
        Target::Kubernetes => kubernetes::write(app, brief, &mut draft),
        Target::Supervisord => supervisord::write(app, brief, &mut draft),
        Target::Launchd => launchd::write(app, brief, &mut draft),
    }
    draft.finish()
}
