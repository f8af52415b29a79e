//! Starting a process: in a group of its own, with nothing on its standard input.

use super::exec::{ExecError, Program};
use crate::model::instance::Pid;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Where a child's output goes: the child's ends of our pipes.
#[derive(Debug)]
pub struct Outputs {
    /// Standard output.
    pub stdout: OwnedFd,
    /// Standard error; the same pipe as standard output where there is none, which keeps the order between the two.
    pub stderr: Option<OwnedFd>,
}

/// Starts a process whose group has its own number.
///
/// All that is asked for here is what `posix_spawn` can do: a hook before `exec` would make it a real fork, which is a hundred times slower
/// in a large process (`faults.md` 4.4). The handle is dropped: the process is reaped by [`reap`](super::reap), with all others.
pub fn spawn(program: &Program<'_>, outputs: &Outputs) -> Result<Pid, ExecError> {
    let mut command = program.command()?;
    let source = match start(&mut command, outputs) {
        Ok(pid) => return Ok(pid),
        Err(source) => source,
    };
    match program.by_shell().filter(|_| source.raw_os_error() == Some(libc::ENOEXEC)) {
        Some(mut command) => start(&mut command, outputs).map_err(|source| program.explain(source)),
        None => Err(program.explain(source)),
    }
}

fn start(command: &mut Command, outputs: &Outputs) -> io::Result<Pid> {
    let stderr = outputs.stderr.as_ref().unwrap_or(&outputs.stdout).try_clone()?;
    command.process_group(0).stdin(Stdio::null()).stdout(outputs.stdout.try_clone()?).stderr(stderr);
    let child = command.spawn()?;
    Ok(Pid(child.id().cast_signed()))
}
