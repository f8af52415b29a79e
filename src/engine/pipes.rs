//! The pipes that the children write to: a limb, it moves bytes and decides nothing.

use crate::model::instance::{Generation, InstanceId};
use crate::output::{Label, Mux, Stream, StreamId, Tee};
use crate::unix::fds::{Poller, Received, receive, waiting};
use crate::unix::spawn::Outputs;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;
use tokio::io::unix::AsyncFd;

/// How much is taken from a pipe at a time: all that a pipe holds by default (pipe(7)).
const CHUNK: usize = 64 * 1024;

/// One spawn of an instance: whose output it is.
pub(super) type Writer = (InstanceId, Generation);

/// Our ends of all pipes.
#[derive(Debug)]
pub(super) struct Pipes {
    poller: AsyncFd<Poller>,
    open: BTreeMap<u64, Pipe>,
    next_key: u64,
    /// The pipes that were found readable and have not had their turn.
    ready: VecDeque<u64>,
    buffer: Vec<u8>,
    /// The way to the log files, if there are any.
    tee: Option<Tee>,
}

#[derive(Debug)]
struct Pipe {
    fd: OwnedFd,
    writer: Writer,
    origin: Origin,
    /// How many bytes are left of what the leader wrote before it ended; none while it lives.
    last_words: Option<usize>,
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
    ours: Vec<(OwnedFd, Stream)>,
    pub(super) theirs: Outputs,
}

impl NewPipes {
    /// One pipe for both outputs, which keeps the order between them; two where they have to be told apart.
    pub(super) fn make(told_apart: bool) -> io::Result<Self> {
        let (ours, stdout) = crate::unix::fds::output_pipe()?;
        if !told_apart {
            return Ok(Self { ours: vec![(ours, Stream::Stdout)], theirs: Outputs { stdout, stderr: None } });
        }
        let (ours_too, stderr) = crate::unix::fds::output_pipe()?;
        let ours = vec![(ours, Stream::Stdout), (ours_too, Stream::Stderr)];
        Ok(Self { ours, theirs: Outputs { stdout, stderr: Some(stderr) } })
    }
}

impl Pipes {
    /// No pipes yet; what comes out of them goes into `tee` too. Needs a runtime to be entered.
    pub(super) fn new(tee: Option<Tee>) -> io::Result<Self> {
        let poller = Poller::new()?.watch()?;
        Ok(Self {
            poller,
            open: BTreeMap::new(),
            next_key: 0,
            ready: VecDeque::new(),
            buffer: vec![0; CHUNK],
            tee,
        })
    }

    /// Takes up the pipes of a process that was started; `origin` is of its standard output.
    pub(super) fn add(
        &mut self,
        pipes: NewPipes,
        writer: Writer,
        origin: &Origin,
        mux: &mut Mux,
    ) -> io::Result<()> {
        for (fd, stream) in pipes.ours {
            let key = self.next_key;
            self.next_key += 1;
            self.poller.get_ref().add(&fd, key)?;
            let pipe = Pipe { fd, writer, origin: Origin { stream, ..origin.clone() }, last_words: None };
            pipe.open(key, mux);
            if let Some(tee) = &mut self.tee {
                tee.open(StreamId(key), writer.0);
            }
            self.open.insert(key, pipe);
        }
        Ok(())
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
    /// One chunk, so that everything else is looked at between two, and every pipe that was found has its turn before any is looked for
    /// again: one that is written to without end holds up nobody.
    pub(super) fn pump(&mut self, mux: &mut Mux, now: Instant) -> Option<Writer> {
        let key = self.ready.pop_front()?;
        self.take(key, mux, now)
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
            match waiting(&pipe.fd) {
                // Nothing is there to be found by `readable`, be there room or not.
                0 => pipe.begin_again(key, mux, self.tee.as_mut()),
                count => pipe.last_words = Some(count),
            }
            while has_room(mux) && self.open.get(&key).is_some_and(|pipe| pipe.last_words.is_some()) {
                self.take(key, mux, now);
            }
        }
        self.is_silent(writer)
    }

    /// Takes what is left in the pipes and ends every stream: what is held back of an unfinished line is printed.
    ///
    /// Nobody is left who could write, so there is no more than the pipes hold.
    pub(super) fn close(&mut self, mux: &mut Mux, now: Instant) {
        let keys: Vec<u64> = self.open.keys().copied().collect();
        for &key in &keys {
            let mut left = self.open.get(&key).map_or(0, |pipe| waiting(&pipe.fd));
            while left > 0 && self.open.contains_key(&key) {
                left = left.saturating_sub(CHUNK);
                self.take(key, mux, now);
            }
            mux.close(StreamId(key));
        }
        for key in keys {
            close_tee(self.tee.as_mut(), key);
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
        let received = receive(&pipe.fd, &mut self.buffer);
        if let Received::Bytes(count) = received {
            mux.feed(StreamId(key), &self.buffer[..count], now);
            if let Some(tee) = &mut self.tee {
                tee.feed(StreamId(key), pipe.writer.0, &self.buffer[..count]);
            }
            pipe.last_words = pipe.last_words.map(|left| left.saturating_sub(count));
        }
        let writer = pipe.writer;
        let was_ending = pipe.last_words.is_some();
        match received {
            Received::End => {
                let pipe = self.open.remove(&key)?;
                self.poller.get_ref().remove(&pipe.fd);
                mux.close(StreamId(key));
                close_tee(self.tee.as_mut(), key);
            }
            Received::Bytes(_) | Received::Nothing
                if pipe.last_words == Some(0) || (was_ending && received == Received::Nothing) =>
            {
                pipe.begin_again(key, mux, self.tee.as_mut());
            }
            Received::Bytes(_) | Received::Nothing => return None,
        }
        (was_ending && self.is_silent(writer)).then_some(writer)
    }
}

impl Pipe {
    /// Ends what the leader wrote. Somebody who was left behind may write on: that is a new beginning of the stream.
    fn begin_again(&mut self, key: u64, mux: &mut Mux, tee: Option<&mut Tee>) {
        self.last_words = None;
        close_tee(tee, key);
        self.open(key, mux);
    }

    fn open(&self, key: u64, mux: &mut Mux) {
        let Origin { label, pid, is_hidden, stream } = self.origin.clone();
        mux.open(StreamId(key), label, pid, stream, is_hidden);
    }
}

/// Ends the part of a stream in its log file, if there is one.
fn close_tee(tee: Option<&mut Tee>, key: u64) {
    if let Some(tee) = tee {
        tee.close(StreamId(key));
    }
}
