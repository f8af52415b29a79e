//! What a process of a test waits at: a FIFO that it reads a line from (`read x <go`), which comes when the test says so.

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Both ends of the FIFO: open for as long as the test has it, so that neither side waits to open its own.
pub(crate) struct Gate(File);

impl Gate {
    pub(super) fn make(path: &Path) -> Self {
        mkfifo(path, Mode::S_IRWXU).unwrap();
        Self(File::options().read(true).write(true).open(path).unwrap())
    }

    /// Lets one reader pass.
    pub(crate) fn open(&self) {
        (&self.0).write_all(b"\n").unwrap();
    }
}
