//! What everybody on the machine could read or change of the files that a run is made of.
//!
//! Everybody, and not a group: to share with a group is a decision, and most users are alone in theirs. Each is a warning and never an error:
//! in a container, where one often is root, permissions can be odd and mean nothing.

use super::load::Located;
use super::problems::Problems;
use crate::model::env_file::EnvFile;
use crate::model::secret::Secrets;
use crate::unix::file::{Exposure, are_we_root, exposure};
use std::path::Path;

/// Parts of a name that make an env file one to be copied from: no secret in it is one.
const EXAMPLES: [&str; 4] = ["dist", "example", "sample", "template"];

/// Warns of secrets that everybody can read.
pub(super) fn check_secrets(
    Located { path, name }: &Located,
    file: &EnvFile,
    secrets: &Secrets,
    problems: &mut Problems,
) {
    let parts = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().split('.');
    if parts.into_iter().any(|part| EXAMPLES.contains(&part)) {
        return;
    }
    let Some(secret) = file.entries.iter().find(|entry| entry.holds_secret(secrets)) else { return };
    if exposure(path).is_readable {
        problems.warning(format!(
            "everybody on this machine can read {name}, and line {} of it looks like a secret ({}): `chmod 600 {name}`",
            secret.line, secret.key
        ));
    }
}

/// Warns of files that everybody can change when what they say is done as root.
pub(super) fn check_authors(path: &Path, name: &str, problems: &mut Problems) {
    let Exposure { is_changeable, .. } = exposure(path);
    if are_we_root() && is_changeable {
        problems.warning(format!(
            "everybody on this machine can change {name}, and root does what it says: take away the permission to write (`chmod o-w`) from \
             it and from its directory"
        ));
    }
}
