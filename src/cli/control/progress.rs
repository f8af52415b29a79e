//! How far a run is that was just started: whether all of it is up.

use super::super::args::Awaited;
use super::super::error::{CliError, CliErrorKind};
use super::super::load::Surroundings;
use super::find::at;
use super::wait;
use crate::api::client::Client;
use crate::model::instance::Pid;
use crate::model::snapshot::{PhaseName, Snapshot};
use std::path::{Path, PathBuf};

/// The run of a process that was started a moment ago.
pub(in super::super) struct Progress {
    root: PathBuf,
    pid: Pid,
    client: Option<Client>,
}

impl Progress {
    /// That of this process, of an app with this root.
    pub(in super::super) fn of(root: &Path, pid: Pid) -> Self {
        Self { root: root.to_owned(), pid, client: None }
    }

    /// What there is to say of it, once all is up or cannot be any more.
    pub(in super::super) fn look(&mut self, around: &Surroundings) -> Option<Result<String, CliError>> {
        // Whatever is not there yet will be at the next look, or the process ends.
        if self.client.is_none() {
            self.client = at(&self.root, around).ok().flatten().and_then(|mut found| found.client().ok());
        }
        let Ok(snapshot) = self.client.as_mut()?.get::<Snapshot>("/run") else {
            self.client = None;
            return None;
        };
        if snapshot.is_stopping || i64::from(snapshot.pid) != i64::from(self.pid.0) {
            return None;
        }
        match wait::open(&snapshot.instances, Awaited::Healthy, false) {
            Ok(open) if open.is_empty() => Some(Ok(up(&snapshot))),
            Ok(_) => None,
            Err(hopeless) => {
                let error = CliError::new(CliErrorKind::Refused, hopeless);
                let rest = format!("the rest runs on in the background (pid {})", self.pid.0);
                Some(Err(error.hint(rest).hint("`proc ps` shows it, `proc down` ends it")))
            }
        }
    }
}

/// That all is up, and what to do next.
fn up(snapshot: &Snapshot) -> String {
    let running = snapshot.instances.iter().filter(|each| each.phase == PhaseName::Running).count();
    let processes = if running == 1 { "process runs" } else { "processes run" };
    format!(
        "{running} {processes} in the background (pid {}): `proc logs -f` follows, `proc down` ends\n",
        snapshot.pid
    )
}
