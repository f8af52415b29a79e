//! What every test of the program needs: an application in a directory of its own, `proc` in it, and nothing that can hang.
//!
//! No test sleeps: it waits for a line or an exit, and after [`LIMIT`] it kills what it started and shows what came out so far.

mod finished;
mod gate;
mod liveness;
pub(crate) mod random;
mod running;

pub(crate) use finished::Finished;
pub(crate) use gate::Gate;
pub(crate) use liveness::Liveness;
pub(crate) use running::Running;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How long anything may take: much, because it only matters to a test that fails.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// The PATH of every test.
pub(crate) const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// An application and a command line of `proc`, to be run in it.
pub(crate) struct Proc {
    directory: TempDir,
    args: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    stdin: Vec<u8>,
    wrapper: Option<String>,
}

impl Proc {
    /// An application with this Procfile; `./child` in it is the fixture.
    pub(crate) fn new(procfile: impl AsRef<[u8]>) -> Self {
        Self::without_procfile().file("Procfile", procfile)
    }

    /// `proc start` without ports and timestamps, as most tests want it.
    pub(crate) fn start(procfile: impl AsRef<[u8]>) -> Self {
        Self::new(procfile).args(["start", "--no-port", "--no-timestamps"])
    }

    /// A directory without a Procfile.
    pub(crate) fn without_procfile() -> Self {
        // Nobody else's business, so that no secret of a test is warned of.
        let only_ours = PermissionsExt::from_mode(0o700);
        let directory =
            tempfile::Builder::new().prefix("proc-test-").permissions(only_ours).tempdir().unwrap();
        std::os::unix::fs::symlink(fixture(), directory.path().join("child")).unwrap();
        Self { directory, args: Vec::new(), variables: Vec::new(), stdin: Vec::new(), wrapper: None }
    }

    /// With this file, directories above it included.
    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    /// With this FIFO.
    pub(crate) fn fifo(self, name: &str) -> Self {
        nix::unistd::mkfifo(&self.path(name), nix::sys::stat::Mode::S_IRWXU).unwrap();
        self
    }

    /// With these arguments after those there are.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// With this variable in the environment of `proc`.
    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.into(), value.as_ref().into()));
        self
    }

    /// With these bytes on standard input, which is empty otherwise.
    pub(crate) fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        bytes.as_ref().clone_into(&mut self.stdin);
        self
    }

    /// Called by a shell: `script` ends in `exec "$@"`, what it does before that is inherited.
    pub(crate) fn by_shell(mut self, script: &str) -> Self {
        self.wrapper = Some(script.to_owned());
        self
    }

    /// The path of a file of the application.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A FIFO called `go`, for processes to wait at: `read x <go`.
    pub(crate) fn gate(&self) -> Gate {
        Gate::make(&self.path("go"))
    }

    /// The read end of a FIFO called `alive`, for children to `hold`.
    pub(crate) fn liveness(&self) -> Liveness {
        Liveness::make(self.path("alive"))
    }

    /// Runs to the end.
    pub(crate) fn run(self) -> Finished {
        self.spawn().finish()
    }

    /// Starts it, its output to be waited for.
    pub(crate) fn spawn(self) -> Running {
        let mut command = self.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.spawn_as(command, None)
    }

    /// Starts it with this as its standard output.
    pub(crate) fn spawn_into(self, stdout: impl Into<Stdio>) -> Running {
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped());
        self.spawn_as(command, None)
    }

    /// Starts it with a pipe of the test's as its standard output; nobody else reads that.
    pub(crate) fn spawn_into_a_pipe(self) -> (Running, PipeReader) {
        let (reader, writer) = std::io::pipe().unwrap();
        (self.spawn_into(writer), reader)
    }

    /// Starts it in the form of this command, whose output comes by `terminal` if that is given.
    pub(crate) fn spawn_as(self, mut command: Command, terminal: Option<File>) -> Running {
        Running::new(command.spawn().unwrap(), self.directory, &self.stdin, terminal)
    }

    /// The command with nothing said about its standard streams.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.wrapped();
        command.current_dir(self.directory.path()).env_clear();
        command.env("PATH", PATH).env("HOME", self.directory.path()).env("TZ", "UTC");
        command.env("COLUMNS", "100").env("TERM", "dumb");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        // A group of its own: a signal that the test runner is sent is not `proc`'s.
        command.process_group(0);
        command
    }

    fn wrapped(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_proc");
        let mut command = match &self.wrapper {
            None => Command::new(program),
            Some(script) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", script, "sh", program]);
                shell
            }
        };
        command.args(&self.args);
        command
    }
}

/// The fixture child, which cargo builds beside the program.
fn fixture() -> PathBuf {
    let child = Path::new(env!("CARGO_BIN_EXE_proc")).with_file_name("examples").join("child");
    assert!(child.exists(), "{} is not there: run `cargo build --examples`", child.display());
    child
}

/// The first of `count` ports, 100 apart, on which nobody listens now.
pub(crate) fn free_ports(count: u16) -> u16 {
    let is_free = |port| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    let candidates = std::iter::repeat_with(|| {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.local_addr().unwrap().port()
    });
    let fits = |base: &u16| {
        u32::from(*base) + u32::from(count) * 100 < 65_536
            && (0..count).all(|index| is_free(base + index * 100) && is_free(base + index * 100 + 1))
    };
    candidates.take(1000).find(fits).unwrap()
}

/// The processor time that a process has used, in hundredths of a second (proc(5): `utime` and `stime`).
pub(crate) fn cpu_ticks(pid: Pid) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2);
    fields.map(|field| field.parse::<u64>().unwrap()).sum()
}

/// Says why a test proves nothing here.
pub(crate) fn skip(reason: &str) {
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    // Not `eprintln`: what a test prints that passes is seen by nobody.
    let _ = std::io::stderr().write_all(format!("skipped: {name}: {reason}\n").as_bytes());
}

/// Whether there are small disks to be had: a mount namespace of our own, and leave to mount in it. Says so if not.
pub(crate) fn has_small_disks() -> bool {
    let script = "unshare --user --map-root-user --mount mount -t tmpfs none /mnt";
    let had = Command::new("/bin/sh").args(["-c", script]).output().unwrap().status.success();
    if !had {
        skip("no small disk can be mounted here");
    }
    had
}

/// Waits until something can be read, be it the end; false if nothing comes.
pub(crate) fn is_readable(from: &impl AsFd) -> bool {
    let mut fds = [PollFd::new(from.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::try_from(LIMIT).unwrap()).unwrap() > 0
}

/// Reads on until this text has come, and no further than the chunk that has the end of it.
#[track_caller]
pub(crate) fn read_until(from: &mut (impl Read + AsFd), text: &str) -> String {
    let mut seen = String::new();
    let mut buffer = [0; 1024];
    while !seen.contains(text) {
        let count = if is_readable(from) { from.read(&mut buffer).unwrap() } else { 0 };
        assert!(count > 0, "waited for {text:?}\n{seen}");
        seen += &String::from_utf8_lossy(&buffer[..count]);
    }
    seen
}
