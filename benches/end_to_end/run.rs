//! A run of `proc` whose output is read here.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// After how many reads the memory is looked at: it is a peak, but it is gone with the process.
const LOOK_EVERY: usize = 256;

/// A `proc` that runs.
pub(crate) struct Run {
    proc: Child,
    directory: TempDir,
    peak: u64,
}

impl Run {
    /// Starts `proc` with these arguments in a directory with this Procfile; `./child` is this program.
    pub(crate) fn start(procfile: &str, args: &[&str]) -> Self {
        Self::start_with(procfile, "", &[&["--no-port"], args].concat())
    }

    /// The same with ports, and with this `proc.toml`.
    pub(crate) fn start_with(procfile: &str, settings: &str, args: &[&str]) -> Self {
        let ours_alone = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        let directory =
            tempfile::Builder::new().prefix("proc-bench-").permissions(ours_alone).tempdir().unwrap();
        std::fs::write(directory.path().join("Procfile"), procfile).unwrap();
        std::fs::write(directory.path().join("proc.toml"), settings).unwrap();
        std::os::unix::fs::symlink(std::env::current_exe().unwrap(), directory.path().join("child")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_proc"));
        command.args(["start", "--color", "always", "--timestamps", "time"]).args(args);
        command.current_dir(directory.path()).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
        // Where the run is asked; a directory that is ours alone, and goes with the run.
        command.env("XDG_RUNTIME_DIR", directory.path());
        let proc = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        Self { proc, directory, peak: 0 }
    }

    /// Where it runs.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Reads until this text has come so often.
    pub(crate) fn wait_for(&mut self, text: &str, times: usize) {
        let stdout = self.proc.stdout.as_mut().unwrap();
        let mut seen = String::new();
        let mut buffer = vec![0; 65_536];
        while seen.matches(text).count() < times {
            let read = stdout.read(&mut buffer).unwrap();
            assert!(read > 0, "{seen}");
            seen += &String::from_utf8_lossy(&buffer[..read]);
        }
    }

    /// The process that does the work: the one below ours.
    pub(crate) fn supervisor(&self) -> u32 {
        let ours = self.proc.id();
        let children = std::fs::read_to_string(format!("/proc/{ours}/task/{ours}/children")).unwrap();
        children.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Stops it.
    pub(crate) fn stop(mut self) {
        kill(Pid::from_raw(self.proc.id().cast_signed()), Signal::SIGTERM).unwrap();
        self.drain(|_| {});
        self.proc.wait().unwrap();
    }

    /// Reads to the end; the number of bytes.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(&[u8])) -> usize {
        let mut stdout = self.proc.stdout.take().unwrap();
        let mut reads = 0;
        drain(&mut stdout, |bytes| {
            each(bytes);
            reads += 1;
            if reads % LOOK_EVERY == 0 {
                self.peak = self.peak.max(peak(self.proc.id()));
            }
        })
    }

    /// Waits for the end, which must be a good one; the peak memory in KiB.
    pub(crate) fn end(mut self) -> u64 {
        assert!(self.proc.wait().unwrap().success());
        self.peak
    }
}

/// Reads to the end; the number of bytes.
pub(crate) fn drain(from: &mut impl Read, mut each: impl FnMut(&[u8])) -> usize {
    let mut buffer = vec![0; 65_536];
    let mut count = 0;
    while let read @ 1.. = from.read(&mut buffer).unwrap() {
        each(&buffer[..read]);
        count += read;
    }
    count
}

/// The most memory that a process has had, in KiB; 0 if it has gone.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
