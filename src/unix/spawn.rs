//! Starting a process: in a group of its own, with a terminal in a session of its own; with nothing else on its standard input.

use super::exec::{ExecError, Program};
use super::file::in_spite_of_signals;
use super::limits::Limits;
use crate::model::instance::Pid;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::setsid;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Where a child's output goes: the child's ends of our pipes or pseudo-terminals. What it reads comes from its terminal, if it has one.
#[derive(Debug)]
pub struct Outputs {
    /// Standard output.
    pub stdout: OwnedFd,
    /// Standard error; the same pipe as standard output where there is none, which keeps the order between the two.
    pub stderr: Option<OwnedFd>,
    /// Whether they are pseudo-terminals.
    pub are_terminals: bool,
}

/// Starts a process whose group has its own number, with the limits that we were given.
///
/// With pipes, all that is asked for is what `posix_spawn` can do: a hook before `exec` would make it a real fork, which is a hundred times
/// slower in a large process (`faults.md` 4.4). The standard library has no other way to a session, nor we to the limits of a child while we have
/// more open than they allow. The handle is dropped: the process is reaped by [`reap`](super::reap), with all others.
pub fn spawn(program: &Program<'_>, outputs: &Outputs, limits: &Limits) -> Result<Pid, ExecError> {
    let mut command = program.command()?;
    let source = match start(&mut command, outputs, limits) {
        Ok(pid) => return Ok(pid),
        Err(source) => source,
    };
    match program.by_shell().filter(|_| source.raw_os_error() == Some(libc::ENOEXEC)) {
        Some(mut command) => start(&mut command, outputs, limits).map_err(|source| program.explain(source)),
        None => Err(program.explain(source)),
    }
}

fn start(command: &mut Command, outputs: &Outputs, limits: &Limits) -> io::Result<Pid> {
    let stdin = if outputs.are_terminals { outputs.stdout.try_clone()? } else { nothing()? };
    let stdout = outputs.stdout.try_clone()?;
    let stderr = outputs.stderr.as_ref().unwrap_or(&outputs.stdout).try_clone()?;
    let is_lendable = [&stdin, &stdout, &stderr].into_iter().all(|fd| limits.are_lendable_beside(fd));
    command.stdin(stdin).stdout(stdout).stderr(stderr);
    if outputs.are_terminals {
        lead_session(command);
    } else {
        command.process_group(0);
    }
    let child = if is_lendable && !outputs.are_terminals {
        limits.lend(|| command.spawn())?
    } else {
        give_limits_back(command, *limits);
        command.spawn()?
    };
    Ok(Pid(child.id().cast_signed()))
}

/// What has nothing to read.
fn nothing() -> io::Result<OwnedFd> {
    // Not `Stdio::null`, which would open it while the limits are the child's.
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    Ok(in_spite_of_signals(|| open("/dev/null", flags, Mode::empty()))?)
}

/// Has the child lead a session, and with it a group of its own number.
///
/// Whoever has a terminal of its own has nothing to do with ours: it has no `/dev/tty`. Nor is its own its controlling terminal: the kernel
/// would hang up (SIGHUP) what is left of the group as soon as the leader has ended, and of `cd web && npm start` the shell ends at the stop
/// signal, while the server behind it has its grace period.
#[expect(unsafe_code, reason = "only the child can do it, between fork and exec")]
fn lead_session(command: &mut Command) {
    // SAFETY: the hook makes one system call and touches no memory but its own stack, so it needs no lock that another thread may have
    // held when we forked.
    unsafe { command.pre_exec(|| setsid().map(|_| ()).map_err(io::Error::from)) };
}

/// Has the child set the limits that we were given, where ours cannot be changed around its start.
#[expect(unsafe_code, reason = "only the child can do it, between fork and exec")]
fn give_limits_back(command: &mut Command, limits: Limits) {
    let hook = move || {
        limits.give_back();
        Ok(())
    };
    // SAFETY: the hook makes two system calls and touches no memory but its own copy of four numbers, so it needs no lock that another thread
    // may have held when we forked.
    unsafe { command.pre_exec(hook) };
}

/// Whether a process could not be started only for now: no room for it, its pipes or its terminal (processes, memory, open files, terminals).
#[must_use]
pub fn is_temporary(error: &io::Error) -> bool {
    let number = error.raw_os_error().unwrap_or_default();
    [libc::EAGAIN, libc::ENOMEM, libc::EMFILE, libc::ENFILE, libc::ENOSPC].contains(&number)
}
