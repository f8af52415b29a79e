//! The commands that are run beside the instances: those that probes ask, and those that stop. Their output is read, and all but its end dropped.
//!
//! They are started and reaped like every process, so `children` knows their groups; this knows what they are for and how long they may take.

use super::strays::Owner;
use crate::model::answer::Answer;
use crate::model::diagnostic::printable;
use crate::model::exit::Exit;
use crate::model::instance::Pid;
use crate::model::policy::Seconds;
use crate::supervisor::{Event, ProbeKind};
use crate::unix::fds::{Poller, Received, receive};
use crate::unix::limits::Limits;
use crate::unix::{fds, spawn};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};
use tokio::io::unix::AsyncFd;

/// How much is read of a command at a time, and kept of its end.
const CHUNK: usize = 16 * 1024;

/// How many chunks are read at most of what a command that has ended may have left: what a pipe holds.
const MOST_LAST_CHUNKS: usize = 4;

/// How much of the end of the output is kept.
const TAIL: usize = 1024;

/// How much of the last line is shown, in bytes.
const SHOWN: usize = 200;

/// How much of the text of a command is shown, in bytes.
const SHOWN_OF_COMMAND: usize = 80;

/// What a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Its exit is the answer to the question of a probe.
    Probe(ProbeKind),
    /// It stops the instance.
    Stop,
}

/// The commands that run.
#[derive(Debug)]
pub(super) struct Commands {
    poller: AsyncFd<Poller>,
    running: BTreeMap<Pid, Running>,
    /// Whose output was found readable.
    ready: Vec<u64>,
    buffer: Vec<u8>,
}

/// A command before it is started.
#[derive(Debug)]
pub(super) struct Order {
    /// Which spawn of which instance it is for.
    pub(super) of: Owner,
    /// What it is for.
    pub(super) purpose: Purpose,
    /// What it is called.
    pub(super) text: String,
    /// How long it may take.
    pub(super) limit: Option<Duration>,
}

#[derive(Debug)]
struct Running {
    order: Order,
    /// Our end of its output, for as long as it has one.
    output: Option<OwnedFd>,
    /// What it has written last.
    tail: Vec<u8>,
    kill_at: Option<Instant>,
    /// Whether its answer is given: what is left is to reap it.
    is_answered: bool,
}

/// A pipe for the output of a command; none from our reserve of descriptors.
pub(super) fn pipe(limits: &Limits) -> io::Result<(OwnedFd, spawn::Outputs)> {
    let (ours, theirs) = fds::output_pipe()?;
    if !limits.leave_reserve(&theirs) {
        return Err(io::Error::from_raw_os_error(libc::EMFILE));
    }
    Ok((ours, spawn::Outputs { stdout: theirs, stderr: None, are_terminals: false }))
}

impl Commands {
    /// None yet. Needs a runtime to be entered.
    pub(super) fn new() -> io::Result<Self> {
        let poller = Poller::new()?.watch()?;
        Ok(Self { poller, running: BTreeMap::new(), ready: Vec::new(), buffer: vec![0; CHUNK] })
    }

    /// Takes up a command that was started.
    pub(super) fn add(&mut self, pid: Pid, order: Order, output: OwnedFd, now: Instant) {
        let is_watched = self.poller.get_ref().add(&output, key(pid)).is_ok();
        // One that nobody can read is better off without: it is told so when it writes.
        let output = is_watched.then_some(output);
        let kill_at = order.limit.map(|limit| now + limit);
        let running = Running { order, output, tail: Vec::new(), kill_at, is_answered: false };
        self.running.insert(pid, running);
    }

    /// The command that is there already for this purpose, be it that it was killed and has not gone.
    pub(super) fn find(&self, of: Owner, purpose: Purpose) -> Option<Pid> {
        let is_meant = |each: &Running| each.order.of == of && each.order.purpose == purpose;
        self.running.iter().find(|(_, each)| is_meant(each)).map(|(pid, _)| *pid)
    }

    /// The commands that are for a spawn of an instance.
    pub(super) fn of(&self, of: Owner) -> impl Iterator<Item = (Pid, Purpose)> {
        let meant = self.running.iter().filter(move |(_, each)| each.order.of == of);
        meant.map(|(pid, each)| (*pid, each.order.purpose))
    }

    /// When the next has had its time.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.running.values().filter_map(|each| each.kill_at).min()
    }

    /// Those whose time is over, each with its answer: they are to be killed.
    pub(super) fn overdue(&mut self, now: Instant) -> Vec<(Pid, Event)> {
        let due = self.running.iter_mut().filter(|(_, each)| each.kill_at.is_some_and(|at| at <= now));
        due.map(|(pid, each)| {
            each.kill_at = None;
            each.is_answered = true;
            let limit = Seconds(each.order.limit.unwrap_or_default());
            let why = format!("{} did not end within {limit}", each.order.name());
            (*pid, each.order.answer(Err(why.into())))
        })
        .collect()
    }

    /// Takes leave of one that has ended; its answer, if that is not known.
    pub(super) fn end(&mut self, pid: Pid, exit: Exit) -> Option<Event> {
        let mut ended = self.running.remove(&pid)?;
        for _ in 0..MOST_LAST_CHUNKS {
            match ended.read(&mut self.buffer) {
                Received::Bytes(_) => {}
                Received::Nothing | Received::End => break,
            }
        }
        if let Some(output) = &ended.output {
            self.poller.get_ref().remove(output);
        }
        let result = if exit.is_success() { Ok(()) } else { Err(ended.complaint(exit).into()) };
        (!ended.is_answered).then(|| ended.order.answer(result))
    }

    /// Resolves when one has written something.
    pub(super) async fn readable(&mut self) {
        while self.ready.is_empty() {
            let Ok(mut guard) = self.poller.readable_mut().await else { return };
            self.ready = guard.get_inner_mut().ready();
            if self.ready.is_empty() {
                guard.clear_ready();
            }
        }
    }

    /// Takes a chunk of what each has written: one that writes without end holds up nobody.
    pub(super) fn read(&mut self) {
        if self.running.is_empty() {
            return;
        }
        let found = std::mem::take(&mut self.ready);
        let ready = if found.is_empty() { self.poller.get_mut().ready() } else { found };
        for ready in ready {
            let found = self.running.iter_mut().find(|(pid, _)| key(**pid) == ready);
            let Some((_, each)) = found else { continue };
            if each.read(&mut self.buffer) == Received::End
                && let Some(output) = each.output.take()
            {
                self.poller.get_ref().remove(&output);
            }
        }
    }
}

impl Running {
    /// Reads a chunk, and keeps the end of all that was written.
    fn read(&mut self, buffer: &mut [u8]) -> Received {
        let Some(output) = &self.output else { return Received::End };
        let received = receive(output, buffer);
        if let Received::Bytes(count) = received {
            let fresh = &buffer[count.saturating_sub(TAIL)..count];
            let surplus = (self.tail.len() + fresh.len()).saturating_sub(TAIL);
            self.tail.drain(..surplus);
            self.tail.extend_from_slice(fresh);
        }
        received
    }

    /// How it ended, and its last line.
    fn complaint(&self, exit: Exit) -> String {
        let how = match self.order.purpose {
            Purpose::Probe(_) => format!("{} {exit}", self.order.name()),
            Purpose::Stop => exit.to_string(),
        };
        last_line(&self.tail).map_or(how.clone(), |line| format!("{how}: {line}"))
    }
}

impl Order {
    /// What it is called in a message.
    fn name(&self) -> String {
        printable(&shortened(&self.text, SHOWN_OF_COMMAND))
    }

    /// What its end comes to.
    pub(super) fn answer(&self, result: Answer) -> Event {
        let (instance, generation) = self.of;
        match self.purpose {
            Purpose::Probe(kind) => Event::Probed { instance, generation, kind, result },
            Purpose::Stop => {
                let result = result.map_err(|failure| failure.reason().to_owned());
                Event::StopCommandEnded { instance, generation, result }
            }
        }
    }
}

/// The last line of an output that has something on it, fit to be shown.
fn last_line(output: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(output);
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    Some(printable(&shortened(line, SHOWN)))
}

/// A text of so many bytes at most, and a mark where something is missing.
fn shortened(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(most)])
}

fn key(pid: Pid) -> u64 {
    u64::from(pid.0.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::answer::Failure;
    use crate::model::instance::{Generation, InstanceId};
    use std::io::Write;

    const WEB: Owner = (InstanceId { process: 0, number: 1 }, Generation(1));
    const PROBE: Purpose = Purpose::Probe(ProbeKind::Readiness);

    /// A command that has written this, and how it ended.
    fn end(purpose: Purpose, text: &str, written: &[u8], exit: Exit) -> Event {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _entered = runtime.enter();
        let mut commands = Commands::new().unwrap();
        let (ours, theirs) = fds::output_pipe().unwrap();
        let order = Order { of: WEB, purpose, text: text.to_owned(), limit: None };
        commands.add(Pid(1), order, ours, crate::engine::clock::Clock::start().now());
        std::fs::File::from(theirs).write_all(written).unwrap();
        commands.end(Pid(1), exit).unwrap()
    }

    fn why(event: Event) -> String {
        let (Event::Probed { result: Err(Failure::Bad(why)), .. }
        | Event::StopCommandEnded { result: Err(why), .. }) = event
        else {
            panic!("{event:?}");
        };
        why
    }

    #[test]
    fn what_a_command_wrote_last_says_why_it_failed() {
        for (written, said) in [
            (&b""[..], ""),
            (b"first\nCould not connect\n\n", ": Could not connect"),
            (b"no newline", ": no newline"),
            (b"\x1b[31mred\x1b[0m\xff\n", ": \\u{1b}[31mred\\u{1b}[0m\u{fffd}"),
        ] {
            let event = end(PROBE, "ping $PORT", written, Exit::Code(1));
            assert_eq!(why(event), format!("ping $PORT exited with code 1{said}"));
        }
        let long = [vec![b'x'; 60_000], "é".repeat(150).into_bytes()].concat();
        let said = why(end(Purpose::Stop, "stop", &long, Exit::Code(3)));
        assert!(said.starts_with("exited with code 3: ") && said.ends_with('…'), "{said}");
        assert!(said.len() < 250, "{said}");
    }

    #[test]
    fn success_needs_no_words_whatever_was_written() {
        let event = end(PROBE, "ping", b"all is lost", Exit::Code(0));
        assert!(matches!(event, Event::Probed { result: Ok(()), .. }), "{event:?}");
    }

    #[test]
    fn a_command_is_called_by_the_beginning_of_its_text() {
        let text = "sh -c 'a\nb' ".repeat(20);
        let said = why(end(PROBE, &text, b"", Exit::Code(1)));
        assert!(said.starts_with("sh -c 'a\\u{a}b'") && said.ends_with("… exited with code 1"), "{said}");
    }
}
