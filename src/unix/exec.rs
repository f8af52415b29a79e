//! From the words of a command to a program to execute, and why that can fail.

use super::spawn::is_temporary;
use crate::model::command::Invocation;
use crate::model::diagnostic::printable;
use crate::model::exit::code;
use nix::unistd::{AccessFlags, access};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Everything a process is started with.
#[derive(Clone)]
pub struct Program<'a> {
    /// Its words, or a text for the shell.
    pub invocation: &'a Invocation,
    /// Where it runs; an absolute path.
    pub root: &'a Path,
    /// All of its environment. Values may be secrets.
    pub environment: &'a BTreeMap<OsString, OsString>,
}

/// Why a program could not be executed.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// No such program in PATH, or at its path.
    #[error("command not found: {0}")]
    NotFound(String),
    /// There is one, and it may not be executed.
    #[error("permission denied: {0} is not an executable file")]
    NotExecutable(String),
    /// The program is a script for an interpreter that is not there.
    #[error("{0} cannot be run: the interpreter that its first line names is not there")]
    NoInterpreter(String),
    /// The place to run it in is not there.
    #[error("the working directory {} does not exist", .0.display())]
    NoDirectory(PathBuf),
    /// The place to run it in is there, and closed to us.
    #[error("permission denied: the working directory {} cannot be entered", .0.display())]
    ClosedDirectory(PathBuf),
    /// A word of the command exceeds what the system takes (128 KiB on Linux); its size in bytes.
    #[error("the command is too long: one of its words has {0} bytes")]
    TooLong(usize),
    /// Arguments and environment exceed what the system takes; the name of the largest variable and its size in bytes.
    #[error("the environment is too large; its largest variable is {name} with {bytes} bytes")]
    TooLarge {
        /// The name of the largest variable.
        name: String,
        /// The size of its value in bytes.
        bytes: usize,
    },
    /// The system says why.
    #[error("{command}: {source}")]
    Io {
        /// What was to be executed.
        command: String,
        /// Why it was not.
        source: io::Error,
    },
}

impl ExecError {
    /// The exit code that a shell has for it (POSIX 2.8.2).
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::NotFound(_) | Self::NoInterpreter(_) => code::NOT_FOUND,
            Self::NotExecutable(_)
            | Self::NoDirectory(_)
            | Self::ClosedDirectory(_)
            | Self::TooLong(_)
            | Self::TooLarge { .. }
            | Self::Io { .. } => code::NOT_EXECUTABLE,
        }
    }

    /// Whether it is so only for now: there is no room for another process.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Io { source, .. } => is_temporary(source),
            Self::NotFound(_)
            | Self::NotExecutable(_)
            | Self::NoInterpreter(_)
            | Self::NoDirectory(_)
            | Self::ClosedDirectory(_)
            | Self::TooLong(_)
            | Self::TooLarge { .. } => false,
        }
    }
}

impl Program<'_> {
    /// A command ready to be started, with nothing said about its standard streams.
    ///
    /// The program is looked for here, in the child's PATH and from the child's directory: the standard library would look in ours, or
    /// fork where it could have used `posix_spawn`.
    pub fn command(&self) -> Result<Command, ExecError> {
        let mut command = match self.invocation {
            Invocation::Direct(words) => {
                let word = words.first().map_or(OsStr::new(""), OsString::as_os_str);
                let mut command = Command::new(self.find(word)?);
                command.arg0(word).args(words.iter().skip(1));
                command
            }
            Invocation::Shell(text) => shell(text),
        };
        self.furnish(&mut command);
        Ok(command)
    }

    /// The same by way of the shell, which runs a script without a `#!` line as execvp(3) does.
    #[must_use]
    pub fn by_shell(&self) -> Option<Command> {
        let Invocation::Direct(words) = self.invocation else { return None };
        let mut command = shell("exec \"$0\" \"$@\"");
        command.args(words);
        self.furnish(&mut command);
        Some(command)
    }

    fn furnish(&self, command: &mut Command) {
        command.current_dir(self.root).env_clear().envs(self.environment);
    }

    /// The path of a program: its own if it has a slash, else the first in PATH that can be executed (POSIX 2.9.1.4).
    fn find(&self, word: &OsStr) -> Result<PathBuf, ExecError> {
        self.check_directory()?;
        if word.is_empty() {
            return Err(ExecError::NotFound("''".to_owned()));
        }
        let candidates: Vec<PathBuf> = if word.as_bytes().contains(&b'/') {
            vec![self.root.join(word)]
        } else {
            let path = self
                .environment
                .get(OsStr::new("PATH"))
                .map_or(OsStr::new("/usr/local/bin:/usr/bin:/bin"), OsString::as_os_str);
            let directories =
                path.as_bytes().split(|byte| *byte == b':').map(|each| Path::new(OsStr::from_bytes(each)));
            directories.map(|directory| self.root.join(directory).join(word)).collect()
        };
        let existing: Vec<PathBuf> = candidates.into_iter().filter(|path| path.exists()).collect();
        match existing.iter().find(|path| path.is_file() && access(path.as_path(), AccessFlags::X_OK).is_ok())
        {
            // As it was written: a script sees the `$0` that it would from a shell. The child is in its directory by then.
            Some(_) if word.as_bytes().contains(&b'/') => Ok(PathBuf::from(word)),
            Some(path) => Ok(path.clone()),
            None if existing.is_empty() => Err(ExecError::NotFound(shown(word))),
            None => Err(ExecError::NotExecutable(shown(word))),
        }
    }

    /// Whether the child can be put where it is to run.
    fn check_directory(&self) -> Result<(), ExecError> {
        if !self.root.is_dir() {
            return Err(ExecError::NoDirectory(self.root.to_owned()));
        }
        access(self.root, AccessFlags::X_OK).map_err(|_| ExecError::ClosedDirectory(self.root.to_owned()))
    }

    /// Our words for what the system said; it says "no such file" of three different things.
    #[must_use]
    pub fn explain(&self, source: io::Error) -> ExecError {
        let command = match self.invocation {
            Invocation::Direct(words) => words.first().map_or_else(String::new, |word| shown(word)),
            Invocation::Shell(_) => "/bin/sh".to_owned(),
        };
        if let Err(error) = self.check_directory() {
            return error;
        }
        match source.raw_os_error() {
            Some(libc::ENOENT) => ExecError::NoInterpreter(command),
            Some(libc::EACCES) => ExecError::NotExecutable(command),
            Some(libc::E2BIG) => self.too_large(),
            _ => ExecError::Io { command, source },
        }
    }

    fn too_large(&self) -> ExecError {
        let longest_word = match self.invocation {
            Invocation::Direct(words) => words.iter().map(|word| word.len()).max().unwrap_or(0),
            Invocation::Shell(text) => text.len(),
        };
        let largest = self.environment.iter().max_by_key(|(_, value)| value.len());
        let (name, bytes) = largest
            .map_or((String::new(), 0), |(name, value)| (name.to_string_lossy().into_owned(), value.len()));
        if longest_word > bytes {
            ExecError::TooLong(longest_word)
        } else {
            ExecError::TooLarge { name, bytes }
        }
    }

    /// Becomes the program: returns only if that failed.
    ///
    /// What it inherits is what we were given: standard streams, terminal, process group, and (the standard library sees to it) SIGPIPE at
    /// its default.
    #[must_use]
    pub fn replace_us(&self) -> ExecError {
        let mut command = match self.command() {
            Ok(command) => command,
            Err(error) => return error,
        };
        let source = command.exec();
        let again = self.by_shell().filter(|_| source.raw_os_error() == Some(libc::ENOEXEC));
        self.explain(again.map_or(source, |mut command| command.exec()))
    }
}

fn shown(word: &OsStr) -> String {
    printable(&word.to_string_lossy())
}

fn shell(text: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg0("sh").arg("-c").arg(text);
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn environment(path: &Path) -> BTreeMap<OsString, OsString> {
        BTreeMap::from([("PATH".into(), path.into())])
    }

    fn file(directory: &Path, name: &str, mode: u32) {
        let path = directory.join(name);
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn find(root: &Path, path: &Path, word: &str) -> Result<PathBuf, ExecError> {
        let invocation = Invocation::Direct(vec![word.into()]);
        Program { invocation: &invocation, root, environment: &environment(path) }.find(OsStr::new(word))
    }

    #[test]
    fn a_program_is_looked_for_in_the_path_of_the_child_and_from_its_directory() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        file(root, "tool", 0o755);
        assert_eq!(find(root, Path::new("/nowhere:."), "tool").unwrap(), root.join("./tool"));
        assert_eq!(find(root, Path::new("/nowhere:"), "tool").unwrap(), root.join("tool"));
        assert_eq!(find(root, Path::new("/nowhere"), "./tool").unwrap(), Path::new("./tool"));
        assert!(
            matches!(find(root, Path::new("/nowhere"), "tool"), Err(ExecError::NotFound(word)) if word == "tool")
        );
    }

    #[test]
    fn what_is_there_but_cannot_be_executed_is_said_to_be_so() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        file(root, "data", 0o644);
        for word in ["./data", "data", "/"] {
            let error = find(root, root, word).unwrap_err();
            assert!(matches!(error, ExecError::NotExecutable(_)), "{word}: {error}");
            assert_eq!(error.code(), 126);
        }
    }

    #[test]
    fn a_missing_directory_is_not_taken_for_a_missing_command() {
        let root = tempfile::tempdir().unwrap();
        let error = find(&root.path().join("none"), Path::new("/nowhere"), "tool").unwrap_err();
        assert!(matches!(error, ExecError::NoDirectory(_)), "{error}");
    }

    #[test]
    fn an_environment_that_is_too_large_is_answered_with_its_largest_variable() {
        let environment =
            BTreeMap::from([("SMALL".into(), "x".into()), ("BIG".into(), "secret".repeat(1000).into())]);
        let invocation = Invocation::Shell(String::new());
        let program = Program { invocation: &invocation, root: Path::new("/"), environment: &environment };
        let error = program.explain(io::Error::from_raw_os_error(libc::E2BIG));
        assert_eq!(
            error.to_string(),
            "the environment is too large; its largest variable is BIG with 6000 bytes"
        );
    }
}
