//! The pipes and pseudo-terminals that the children write to: a limb, it moves bytes and decides nothing.

use super::channel::Channel;
use super::copies::Copies;
use super::search::Search;
use crate::model::instance::{Generation, InstanceId};
use crate::output::{Label, Mux, Stream, StreamId};
use crate::unix::fds::{Poller, Received, is_readable, receive, receive_more, waiting};
use crate::unix::limits::Limits;
use crate::unix::pty::{self, Window};
use crate::unix::spawn::Outputs;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;
use tokio::io::unix::AsyncFd;

/// How much is taken from a pipe at a time: all that a pipe holds by default (pipe(7)).
pub(super) const CHUNK: usize = 64 * 1024;

/// The same where an empty line becomes an object of 150 bytes: a chunk of them is not to outgrow the buffers.
pub(super) const SMALL_CHUNK: usize = 16 * 1024;

/// What the leader of a pseudo-terminal may have written and we not read, at most: the kernel does not say how much it is (today it keeps 12 KiB).
const MOST_LAST_WORDS: usize = 1 << 20;

/// One spawn of an instance: whose output it is.
pub(super) type Writer = (InstanceId, Generation);

/// Our ends of all pipes and pseudo-terminals.
#[derive(Debug)]
pub(super) struct Pipes {
    poller: AsyncFd<Poller>,
    open: BTreeMap<u64, Pipe>,
    next_key: u64,
    /// The pipes that were found readable and have not had their turn.
    ready: VecDeque<u64>,
    buffer: Vec<u8>,
    /// Where else the bytes go.
    copies: Copies,
    /// Those whose output has had the text in it that was looked for.
    found: Vec<Writer>,
}

#[derive(Debug)]
struct Pipe {
    fd: OwnedFd,
    kind: Kind,
    writer: Writer,
    origin: Origin,
    /// How many bytes are left of what the leader wrote before it ended; none while it lives.
    last_words: Option<usize>,
    /// The text that is looked for in it, until it is found or the leader has ended.
    search: Option<Search>,
}

#[derive(Debug)]
enum Kind {
    Pipe,
    /// A pseudo-terminal, and the child's end of it while the leader lives. A leader that closes its own (`exec >file`) would be the last to
    /// have it open otherwise, and the terminal would count as gone.
    Pty {
        theirs: Option<OwnedFd>,
    },
}

/// Both ends of the terminal of a process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminal<'a> {
    pub(super) ours: &'a OwnedFd,
    pub(super) theirs: &'a OwnedFd,
}

/// What the mux needs to know of a stream.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) label: Label,
    pub(super) pid: Option<u32>,
    pub(super) is_hidden: bool,
    pub(super) stream: Stream,
}

/// The pipes of one process before it is started.
pub(super) struct NewPipes {
    stdout: OwnedFd,
    stderr: Option<OwnedFd>,
    pub(super) theirs: Outputs,
}

impl NewPipes {
    /// One pipe for both outputs, which keeps the order between them; two where they have to be told apart. None from our reserve of
    /// descriptors: without it we could not see who is below us any more.
    pub(super) fn make(
        channel: Channel,
        window: Window,
        told_apart: bool,
        limits: &Limits,
    ) -> io::Result<Self> {
        let (stdout, their_stdout) = channel.open(window)?;
        let (stderr, their_stderr) =
            if told_apart { Some(channel.open(window)?).unzip() } else { (None, None) };
        if !limits.leave_reserve(their_stderr.as_ref().unwrap_or(&their_stdout)) {
            return Err(io::Error::from_raw_os_error(libc::EMFILE));
        }
        let are_terminals = channel != Channel::Pipe;
        let theirs = Outputs { stdout: their_stdout, stderr: their_stderr, are_terminals };
        Ok(Self { stdout, stderr, theirs })
    }

    /// Our ends, in the order of their keys.
    fn ours(&self) -> impl Iterator<Item = &OwnedFd> {
        std::iter::once(&self.stdout).chain(&self.stderr)
    }

    /// Our ends in the same order, each with what has to be kept beside it; the child has its own by now.
    fn into_ours(self) -> impl Iterator<Item = (OwnedFd, Kind, Stream)> {
        let Outputs { stdout, stderr, are_terminals } = self.theirs;
        let kind = move |theirs| if are_terminals { Kind::Pty { theirs } } else { Kind::Pipe };
        let stdout = (self.stdout, kind(Some(stdout)), Stream::Stdout);
        let stderr = self.stderr.map(|ours| (ours, kind(stderr), Stream::Stderr));
        std::iter::once(stdout).chain(stderr)
    }
}

impl Pipes {
    /// No pipes yet; what comes out of them, `chunk` bytes at a time, goes into `copies` too. Needs a runtime to be entered.
    pub(super) fn new(chunk: usize, copies: Copies) -> io::Result<Self> {
        let poller = Poller::new()?.watch()?;
        Ok(Self {
            poller,
            open: BTreeMap::new(),
            next_key: 0,
            ready: VecDeque::new(),
            buffer: vec![0; chunk],
            copies,
            found: Vec::new(),
        })
    }

    /// Watches the pipes of a process that is about to be started, under the keys that `add` gives them; all or none.
    ///
    /// Before the next are watched they have to be added, or not to be watched any more.
    pub(super) fn watch(&self, pipes: &NewPipes) -> io::Result<()> {
        let poller = self.poller.get_ref();
        let watched = pipes.ours().zip(self.next_key..).try_for_each(|(fd, key)| poller.add(fd, key));
        watched.inspect_err(|_| self.unwatch(pipes))
    }

    /// Watches pipes no longer, whose process could not be started.
    pub(super) fn unwatch(&self, pipes: &NewPipes) {
        pipes.ours().for_each(|fd| self.poller.get_ref().remove(fd));
    }

    /// Takes up the pipes of a process that was started, which are watched; `origin` is of its standard output.
    pub(super) fn add(&mut self, pipes: NewPipes, writer: Writer, origin: &Origin, mux: &mut Mux) {
        for (fd, kind, stream) in pipes.into_ours() {
            let key = self.next_key;
            self.next_key += 1;
            let origin = Origin { stream, ..origin.clone() };
            self.copies.open(StreamId(key), writer, &origin);
            let pipe = Pipe { fd, kind, writer, origin, last_words: None, search: None };
            pipe.open(key, mux);
            self.open.insert(key, pipe);
        }
    }

    /// Looks for a text in all that a process writes.
    pub(super) fn look_for(&mut self, text: &str, writer: Writer) {
        let search = Search::new(text);
        for pipe in self.open.values_mut().filter(|pipe| pipe.writer == writer) {
            pipe.search = Some(search.clone());
        }
    }

    /// Those who have written the text that was looked for, each once.
    pub(super) fn found(&mut self) -> Vec<Writer> {
        let found = std::mem::take(&mut self.found);
        if !found.is_empty() {
            self.open
                .values_mut()
                .filter(|pipe| found.contains(&pipe.writer))
                .for_each(|pipe| pipe.search = None);
        }
        found
    }

    /// Gives the pseudo-terminals of these instances this window; who has to be told.
    pub(super) fn resize(&self, window: Window, is_meant: impl Fn(InstanceId) -> bool) -> BTreeSet<Writer> {
        let is_meant = |pipe: &&Pipe| matches!(pipe.kind, Kind::Pty { .. }) && is_meant(pipe.writer.0);
        let ptys = self.open.values().filter(is_meant);
        let resized = ptys.map(|pipe| {
            // It fails only for a terminal that has gone.
            drop(pty::resize(&pipe.fd, window));
            pipe.writer
        });
        resized.collect()
    }

    /// The terminal that an instance reads from, while its leader lives.
    pub(super) fn terminal(&self, instance: InstanceId) -> Option<(Writer, Terminal<'_>)> {
        self.open.values().find_map(|pipe| match &pipe.kind {
            Kind::Pty { theirs: Some(theirs) }
                if pipe.writer.0 == instance && pipe.origin.stream == Stream::Stdout =>
            {
                Some((pipe.writer, Terminal { ours: &pipe.fd, theirs }))
            }
            Kind::Pipe | Kind::Pty { .. } => None,
        })
    }

    /// Resolves when a pipe can be read.
    pub(super) async fn readable(&mut self) {
        while self.ready.is_empty() {
            let Ok(mut guard) = self.poller.readable_mut().await else { return };
            self.ready.extend(guard.get_inner_mut().ready());
            // Level-triggered: what is left unread is found again, so readiness is only taken back when nothing was found.
            if self.ready.is_empty() {
                guard.clear_ready();
            }
        }
    }

    /// Takes a chunk of the next pipe that can be read; reports who has said its last words with it.
    ///
    /// One chunk, and every pipe that was found has its turn before any is looked for again: one that is written to without end holds up
    /// nobody.
    pub(super) fn pump(&mut self, mux: &mut Mux, now: Instant) -> Option<Writer> {
        let key = self.ready.pop_front()?;
        self.take(key, mux, now)
    }

    /// Whether there is a next pipe, among those that were found readable.
    pub(super) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Notes that the leader of these pipes has ended: what they hold now are its last words. Takes them if there is room; true if all
    /// have been taken.
    pub(super) fn drain(
        &mut self,
        writer: Writer,
        mux: &mut Mux,
        now: Instant,
        mut has_room: impl FnMut(&mut Mux) -> bool,
    ) -> bool {
        let keys: Vec<u64> =
            self.open.iter().filter(|(_, pipe)| pipe.writer == writer).map(|(key, _)| *key).collect();
        for key in keys {
            let Some(pipe) = self.open.get_mut(&key) else { continue };
            pipe.let_go();
            match pipe.held() {
                // Nothing is there to be found by `readable`, be there room or not.
                0 => pipe.begin_again(key, mux, &mut self.copies),
                count => pipe.last_words = Some(count),
            }
            while has_room(mux) && self.open.get(&key).is_some_and(|pipe| pipe.last_words.is_some()) {
                self.take(key, mux, now);
            }
        }
        self.is_silent(writer)
    }

    /// Lets go of all pipes but for reading what they hold: each, and in how many chunks that comes at most.
    ///
    /// For the end: nobody is left who could write, so there is no more than that.
    pub(super) fn rest(&mut self) -> Vec<(u64, usize)> {
        let chunk = self.buffer.len();
        let held = |(key, pipe): (&u64, &mut Pipe)| {
            pipe.let_go();
            (*key, pipe.held().div_ceil(chunk))
        };
        self.open.iter_mut().map(held).collect()
    }

    /// Takes a chunk of the rest of a pipe; false if nothing was there.
    pub(super) fn take_rest(&mut self, key: u64, mux: &mut Mux, now: Instant) -> bool {
        let holds = self.open.get(&key).is_some_and(|pipe| pipe.held() > 0);
        if holds {
            self.take(key, mux, now);
        }
        holds
    }

    /// Ends every stream: what is held back of an unfinished line is printed.
    pub(super) fn close(&mut self, mux: &mut Mux) {
        for key in self.open.keys() {
            mux.close(StreamId(*key));
        }
        for key in self.open.keys() {
            self.copies.close(StreamId(*key));
        }
        self.open.clear();
    }

    /// Whether none of the pipes of a process holds anything that its leader wrote.
    fn is_silent(&self, writer: Writer) -> bool {
        !self.open.values().any(|pipe| pipe.writer == writer && pipe.last_words.is_some())
    }

    /// Takes one chunk of a pipe; its writer if those were the last of its last words.
    fn take(&mut self, key: u64, mux: &mut Mux, now: Instant) -> Option<Writer> {
        let pipe = self.open.get_mut(&key)?;
        let received = pipe.receive(&mut self.buffer);
        if let Received::Bytes(count) = received {
            mux.feed(StreamId(key), &self.buffer[..count], now);
            if pipe.search.as_mut().is_some_and(|search| search.feed(&self.buffer[..count])) {
                pipe.search = None;
                self.found.push(pipe.writer);
            }
            self.copies.feed(StreamId(key), pipe.writer, &self.buffer[..count]);
            pipe.last_words = pipe.last_words.map(|left| left.saturating_sub(count).min(pipe.held()));
        }
        let writer = pipe.writer;
        let was_ending = pipe.last_words.is_some();
        match received {
            Received::End => {
                let pipe = self.open.remove(&key)?;
                self.poller.get_ref().remove(&pipe.fd);
                mux.close(StreamId(key));
                self.copies.close(StreamId(key));
            }
            Received::Bytes(_) | Received::Nothing
                if pipe.last_words == Some(0) || (was_ending && received == Received::Nothing) =>
            {
                pipe.begin_again(key, mux, &mut self.copies);
            }
            Received::Bytes(_) | Received::Nothing => return None,
        }
        (was_ending && self.is_silent(writer)).then_some(writer)
    }
}

impl Pipe {
    /// Reads what is there, up to a chunk.
    fn receive(&self, buffer: &mut [u8]) -> Received {
        match self.kind {
            Kind::Pipe => receive(&self.fd, buffer),
            Kind::Pty { .. } => receive_more(&self.fd, buffer),
        }
    }

    /// How many bytes it holds now, or may hold; 0 if it is sure that nothing is there.
    fn held(&self) -> usize {
        match self.kind {
            Kind::Pipe => waiting(&self.fd),
            Kind::Pty { .. } if is_readable(&self.fd) => MOST_LAST_WORDS,
            Kind::Pty { .. } => 0,
        }
    }

    /// Lets go of the child's end: from now on it is open for as long as somebody else has it.
    fn let_go(&mut self) {
        match &mut self.kind {
            Kind::Pipe => {}
            Kind::Pty { theirs } => *theirs = None,
        }
    }

    /// Ends what the leader wrote. Somebody who was left behind may write on: that is a new beginning of the stream.
    fn begin_again(&mut self, key: u64, mux: &mut Mux, copies: &mut Copies) {
        self.last_words = None;
        self.search = None;
        copies.begin_again(StreamId(key), self.writer, &self.origin);
        self.open(key, mux);
    }

    fn open(&self, key: u64, mux: &mut Mux) {
        let Origin { label, pid, is_hidden, stream } = self.origin.clone();
        mux.open(StreamId(key), label, pid, stream, is_hidden);
    }
}
