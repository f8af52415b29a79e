//! Where the run of an app is to be found: a directory that follows from the app's root.

use super::error::{CliError, CliErrorKind};
use super::load::Surroundings;
use crate::unix::file::runtime_dir;
use crate::unix::process::is_alive;
use crate::unix::run_dir::{Lock, Locking, RunDir};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a run that was killed may take to be gone: its guard kills what is left of it.
const FAREWELL: Duration = Duration::from_secs(10);

/// How long one may take to answer that has just begun, or to be gone if it does not answer any more.
const SILENCE: Duration = Duration::from_secs(1);

/// How often it is looked at.
const GLANCE: Duration = Duration::from_millis(10);

/// The directory in the root of an app, where the user has none for what runs.
const HIDDEN: &str = ".proc";

/// The bytes of the digest in the name of a directory.
const NAME_BYTES: usize = 16;

/// The directory of the run of an app with this root: below the user's runtime directory, else `.proc` in the root itself.
pub(super) fn run_dir(root: &Path, around: &Surroundings) -> PathBuf {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let named = around.variable("XDG_RUNTIME_DIR").map(PathBuf::from);
    match runtime_dir(named.as_deref()) {
        Some(runtime) => runtime.join("proc").join(name(&root)),
        None => root.join(HIDDEN),
    }
}

/// A name for a root that no other has.
fn name(root: &Path) -> String {
    let digest = Sha256::digest(root.as_os_str().as_bytes());
    digest.iter().take(NAME_BYTES).fold(String::new(), |mut name, byte| {
        // Writing to a string does not fail.
        let _ = write!(name, "{byte:02x}");
        name
    })
}

/// The place of a run of ours, while that goes on.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) dir: RunDir,
    pub(super) lock: Lock,
}

impl Place {
    /// Leaves nothing behind.
    pub(super) fn clear(&self) {
        self.dir.clear(&self.lock);
    }
}

/// Takes the place of the run of this root, unless another run has it.
///
/// A run that was killed may still be on its way out: it is waited for. Where there can be no such directory (a root that cannot be written to),
/// the run goes on without, and says why.
pub(super) fn take(root: &Path, around: &Surroundings) -> Result<Result<Place, String>, CliError> {
    let path = run_dir(root, around);
    let mut waited = Duration::ZERO;
    loop {
        let dir = match RunDir::make(&path) {
            Ok(dir) => dir,
            Err(error) => return Ok(Err(error.to_string())),
        };
        match dir.lock(std::process::id()) {
            Ok(Locking::Locked(lock)) => return Ok(Ok(settled(dir, lock))),
            Ok(Locking::Held(pid)) if waited >= FAREWELL || runs(&dir, pid, waited) => {
                return Err(taken(pid));
            }
            Ok(Locking::Gone) if waited >= FAREWELL => {
                return Ok(Err(format!("`{}` goes away again and again", path.display())));
            }
            // Either its guard was killed, or it has not written its pid yet, or it is at its very end.
            Ok(Locking::Held(_) | Locking::Gone) => {
                std::thread::sleep(GLANCE);
                waited += GLANCE;
            }
            Err(error) => return Ok(Err(format!("`{}` cannot be locked: {error}", path.display()))),
        }
    }
}

/// Whether a run goes on: its process is there, and answers or is not about to.
fn runs(dir: &RunDir, pid: Option<i32>, waited: Duration) -> bool {
    pid.is_some_and(is_alive) && (waited >= SILENCE || dir.connect().is_ok_and(|stream| stream.is_some()))
}

/// The place as the run finds it.
fn settled(dir: RunDir, lock: Lock) -> Place {
    if dir.path().ends_with(HIDDEN) {
        // Whoever sees it in a list of new files is told no secret by it.
        drop(dir.hide(&lock));
    }
    Place { dir, lock }
}

/// That a run is there, with this pid.
pub(super) fn taken(pid: Option<i32>) -> CliError {
    let by = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
    CliError::new(CliErrorKind::Running, format!("`proc start` runs here already{by}"))
        .hint("`proc ps` shows it, `proc down` ends it")
}
