//! The log files of `proc start`, open before anything runs.

use super::args::Options;
use super::error::CliError;
use super::load::Surroundings;
use super::problems::Problems;
use crate::model::instance::InstanceId;
use crate::model::plan::Plan;
use crate::output::Logs;
use crate::unix::log_file::LogFile;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// The bytes that wait for a slow disk at most, those of all files together; and as many again are kept for one that fails.
const LIMIT: usize = 1 << 20;

/// A log file for each instance of the plan; none without `--log-dir`. All that cannot be opened are named.
pub(super) fn open(
    options: &Options,
    plan: &Plan,
    around: &Surroundings,
) -> Result<Option<Arc<Logs>>, CliError> {
    let Some(directory) = &options.log_dir else { return Ok(None) };
    let mut problems = Problems::default();
    let (mut names, mut files) = (BTreeMap::new(), BTreeMap::new());
    for id in plan.instances.keys() {
        let path = directory.join(format!("{}.log", plan.name(*id)));
        let name = path.display().to_string();
        match LogFile::open(around.directory.join(&path), options.log_rotate) {
            Ok(file) => drop(files.insert(*id, file)),
            Err(error) => {
                problems.error(format!("--log-dir: failed to open {name}: {error}"));
                problems.hint("move away what is there, or name another directory");
            }
        }
        names.insert(*id, name);
    }
    problems.settle()?;
    let write = move |id: InstanceId, bytes: &[u8]| match files.get_mut(&id) {
        Some(file) => file.write(bytes),
        None => Err(io::ErrorKind::NotFound.into()),
    };
    let logs = Logs::start(write, names, LIMIT);
    logs.map(|logs| Some(Arc::new(logs))).map_err(|error| {
        CliError::internal(format!("failed to start the thread that writes the log files: {error}"))
    })
}
