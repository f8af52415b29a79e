//! Finds the run that is meant: the one of the root that was named, else the nearest one above where we were called.

use super::super::args::Options;
use super::super::error::{CliError, CliErrorKind};
use super::super::load::Surroundings;
use super::super::place::run_dir;
use super::failed;
use crate::api::client::{Client, ClientError};
use crate::unix::run_dir::RunDir;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A run that answers.
#[derive(Debug)]
pub(super) struct Found {
    dir: Arc<RunDir>,
    /// The connection that it was found by.
    stream: Option<UnixStream>,
}

impl Found {
    /// Its directory.
    pub(super) fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// A connection to it.
    pub(super) fn client(&mut self) -> Result<Client, CliError> {
        self.connect().map_err(failed)?.ok_or_else(over)
    }

    /// The same; none if nobody listens any more.
    pub(super) fn connect(&mut self) -> Result<Option<Client>, ClientError> {
        let stream = match self.stream.take() {
            Some(stream) => Some(stream),
            None => self.dir.connect()?,
        };
        stream.map(Client::over).transpose()
    }

    /// The same run, for another thread to ask.
    pub(super) fn again(&self) -> Self {
        Self { dir: Arc::clone(&self.dir), stream: None }
    }
}

/// The run that is meant; an error says where it was looked for.
pub(super) fn find(options: &Options, around: &Surroundings) -> Result<Found, CliError> {
    look(options, around)?.ok_or_else(|| {
        let looked = match named_root(options, around) {
            Some(root) => format!("looked for one of {}", root.display()),
            None => format!("looked in {} and the folders above", around.directory.display()),
        };
        let error = "no run of this app: `proc start` begins one";
        let error = CliError::new(CliErrorKind::Refused, error).hint(looked);
        match options.root {
            Some(_) => error,
            None => error.hint("one that was started with `-d DIR` is found with `-d DIR`"),
        }
    })
}

/// The run that is meant, if there is one.
pub(super) fn look(options: &Options, around: &Surroundings) -> Result<Option<Found>, CliError> {
    let roots = match named_root(options, around) {
        Some(root) => vec![root],
        None => around.directory.ancestors().map(Path::to_owned).collect(),
    };
    let mut unusable = None;
    for root in roots {
        match at(&root, around) {
            Ok(Some(found)) => return Ok(Some(found)),
            Ok(None) => {}
            // What others put in the way above us is none of ours, as long as there is a run that is.
            Err(error) => unusable = unusable.or(Some(error)),
        }
    }
    unusable.map_or(Ok(None), Err)
}

/// The run that `proc start` would be the second of. Also one above us, if there is no app here, for those who only want to add to it.
pub(super) fn of_start(
    options: &Options,
    around: &Surroundings,
    to_add: bool,
) -> Result<Option<Found>, CliError> {
    let here = &around.directory;
    let is_app = ["Procfile", "Procfile.dev"].iter().any(|name| here.join(name).exists());
    match named_root(options, around) {
        Some(root) => at(&root, around),
        None if to_add && !is_app => look(options, around),
        None => at(here, around),
    }
}

/// The run of an app with this root, if there is one.
pub(super) fn at(root: &Path, around: &Surroundings) -> Result<Option<Found>, CliError> {
    let refused =
        |error: Box<dyn std::error::Error + Send + Sync>| CliError::new(CliErrorKind::Refused, error);
    let Some(dir) = RunDir::open(&run_dir(root, around)).map_err(|error| refused(error.into()))? else {
        return Ok(None);
    };
    let stream = dir.connect().map_err(|error| failed(error.into()))?;
    Ok(stream.map(|stream| Found { dir: Arc::new(dir), stream: Some(stream) }))
}

/// The root that the command line names, by itself or by the place of its Procfile.
fn named_root(options: &Options, around: &Surroundings) -> Option<PathBuf> {
    if let Some(root) = &options.root {
        return Some(around.directory.join(root));
    }
    let procfile = options.procfile.as_ref().filter(|path| *path != Path::new("-"))?;
    around.directory.join(procfile).parent().map(Path::to_owned)
}

fn over() -> CliError {
    CliError::new(CliErrorKind::Refused, "the run is over")
}
