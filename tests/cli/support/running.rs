//! A `proc` that runs: its output as it comes, signals to it, and its end.

use super::{Finished, LIMIT};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, getsid};
use std::fs::File;
use std::io::{Read, Write};
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The process and what came out of it so far. Dropping it kills it and what is below it.
pub(crate) struct Running {
    child: Option<Child>,
    directory: Option<TempDir>,
    stdout: Stream,
    stderr: Stream,
}

impl Running {
    pub(super) fn new(mut child: Child, directory: TempDir, stdin: &[u8], terminal: Option<File>) -> Self {
        if let Some(mut pipe) = child.stdin.take() {
            // What is not read is not missed. Tests send less than a pipe holds, so this does not wait.
            drop(pipe.write_all(stdin));
        }
        let stdout = match terminal {
            Some(terminal) => Stream::read(terminal),
            None => child.stdout.take().map_or_else(Stream::elsewhere, Stream::read),
        };
        let stderr = child.stderr.take().map_or_else(Stream::elsewhere, Stream::read);
        Self { child: Some(child), directory: Some(directory), stdout, stderr }
    }

    /// The process id of `proc`: the guard's.
    pub(crate) fn pid(&self) -> Pid {
        pid(self.child.as_ref().unwrap())
    }

    /// The ids of what the test started and of everything below it, a parent before its children.
    pub(crate) fn all_processes(&self) -> Vec<i32> {
        std::iter::once(self.pid()).chain(below(self.pid())).map(Pid::as_raw).collect()
    }

    /// Whether standard output comes to have this text in it before it ends.
    pub(crate) fn comes_to(&self, text: &str) -> bool {
        self.stdout.wait(|bytes, _| String::from_utf8_lossy(bytes).contains(text))
    }

    /// The process id of the supervisor as it is now: none before it is there and after it was reaped.
    pub(crate) fn supervisor_now(&self) -> Option<Pid> {
        children(self.pid()).into_iter().find(|child| getsid(Some(*child)) == Ok(*child))
    }

    /// The process id of the guard's child that does the work, in a session of its own; waited for.
    #[track_caller]
    pub(crate) fn supervisor(&self) -> Pid {
        let give_up_at = Instant::now() + LIMIT;
        while Instant::now() < give_up_at {
            if let Some(pid) = self.supervisor_now() {
                return pid;
            }
            std::thread::yield_now();
        }
        panic!("no supervisor\n{}", self.story());
    }

    /// Waits until standard output has this text in it.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> &Self {
        self.wait_until(&format!("{text:?}"), |stdout| stdout.contains(text))
    }

    /// Waits until standard output is as it should be.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, condition: impl Fn(&str) -> bool) -> &Self {
        let found = self.stdout.wait(|bytes, _| condition(&String::from_utf8_lossy(bytes)));
        assert!(found, "waited for {what}\n{}", self.story());
        self
    }

    /// Waits until standard error has this text in it.
    #[track_caller]
    pub(crate) fn wait_for_complaint(&self, text: &str) -> &Self {
        let found = self.stderr.wait(|bytes, _| String::from_utf8_lossy(bytes).contains(text));
        assert!(found, "waited for {text:?}\n{}", self.story());
        self
    }

    /// How often standard output has this text in it so far.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.stdout.text().matches(text).count()
    }

    /// The number that stands behind this text on standard output, waited for.
    #[track_caller]
    pub(crate) fn number_after(&self, text: &str) -> i32 {
        self.number_between(text, "\n")
    }

    /// The number that stands between these texts on standard output, waited for.
    #[track_caller]
    pub(crate) fn number_between(&self, text: &str, end: &str) -> i32 {
        let find = |stdout: &str| {
            let rest = &stdout[stdout.find(text)? + text.len()..];
            rest[..rest.find(end)?].trim().parse().ok()
        };
        self.wait_until(&format!("a number after {text:?}"), |stdout| find(stdout).is_some());
        find(&self.stdout.text()).unwrap()
    }

    /// Waits until nobody has our standard error any more, so that the run is over, or this time has passed; whether it is over.
    pub(crate) fn is_over_within(&self, limit: Duration) -> bool {
        self.stderr.wait_for(limit, |_, is_over| is_over)
    }

    /// Sends a signal to `proc` alone.
    pub(crate) fn signal(&self, signal: Signal) -> &Self {
        // Not reaped before `finish`: the number is nobody else's.
        kill(self.pid(), signal).unwrap();
        self
    }

    /// Sends a signal to `proc` alone and waits for its end.
    #[track_caller]
    pub(crate) fn end_by(self, signal: Signal) -> Finished {
        self.signal(signal);
        self.finish()
    }

    /// Waits for the end, and for all that was written.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Finished {
        let ended = self.wait();
        assert!(ended.is_some(), "does not end\n{}", self.story());
        let closed = [&self.stdout, &self.stderr].iter().all(|stream| stream.wait(|_, is_over| is_over));
        assert!(closed, "ended, and somebody else still has its standard output\n{}", self.story());
        let status = self.child.take().unwrap().wait().unwrap();
        Finished::new(status, self.stdout.bytes(), self.stderr.bytes(), self.directory.take().unwrap())
    }

    /// Waits for the end of `proc`, which stays to be reaped; none if it does not come.
    fn wait(&self) -> Option<WaitStatus> {
        let id = Id::Pid(self.pid());
        let (report, reported) = std::sync::mpsc::channel();
        // If it does not come this thread goes on waiting until the process is killed.
        std::thread::spawn(move || {
            let _ = report.send(waitid(id, WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT));
        });
        reported.recv_timeout(LIMIT).ok()?.ok()
    }

    fn story(&self) -> String {
        format!("--- stdout\n{}\n--- stderr\n{}", self.stdout.text(), self.stderr.text())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(child) = &mut self.child else { return };
        // Stopped first, so that it starts nothing more and reaps nobody whose number is in the list.
        let _ = kill(pid(child), Signal::SIGSTOP);
        for descendant in below(pid(child)) {
            let _ = kill(descendant, Signal::SIGKILL);
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

/// Everything below a process.
fn below(pid: Pid) -> Vec<Pid> {
    children(pid).into_iter().flat_map(|child| [vec![child], below(child)].concat()).collect()
}

fn children(pid: Pid) -> Vec<Pid> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .map(Pid::from_raw)
        .collect()
}

/// One output stream, read as it comes.
#[derive(Clone, Default)]
struct Stream(Arc<(Mutex<Content>, Condvar)>);

#[derive(Default)]
struct Content {
    bytes: Vec<u8>,
    is_over: bool,
}

impl Stream {
    /// One that does not come to us.
    fn elsewhere() -> Self {
        let stream = Self::default();
        stream.change(|content| content.is_over = true);
        stream
    }

    fn read(mut from: impl Read + Send + 'static) -> Self {
        let stream = Self::default();
        let ours = stream.clone();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                ours.change(|content| content.bytes.extend_from_slice(&buffer[..count]));
            }
            ours.change(|content| content.is_over = true);
        });
        stream
    }

    fn change(&self, change: impl FnOnce(&mut Content)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    /// Waits for a condition; false if it does not come true in time, or cannot any more.
    fn wait(&self, condition: impl Fn(&[u8], bool) -> bool) -> bool {
        self.wait_for(LIMIT, condition)
    }

    fn wait_for(&self, limit: Duration, condition: impl Fn(&[u8], bool) -> bool) -> bool {
        let content = self.0.0.lock().unwrap();
        let goes_on = |content: &mut Content| !condition(&content.bytes, content.is_over) && !content.is_over;
        let (content, _) = self.0.1.wait_timeout_while(content, limit, goes_on).unwrap();
        condition(&content.bytes, content.is_over)
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.0.lock().unwrap().bytes.clone()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }
}
