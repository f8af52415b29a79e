//! The last that the processes have written, kept for those who ask later: bytes as they came, the oldest dropped when there are too many.
//!
//! The engine only copies each chunk into it. Cutting it into lines, choosing among them and putting them into words is done by who reads
//! it, on another thread and at its own pace: a slow reader finds that the oldest has gone, and how many lines that were.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::Notify;

use super::format::{Label, Stream};
use super::mux::StreamId;
use crate::model::instance::InstanceId;

/// What a segment costs beside its bytes, roughly.
const OVERHEAD: usize = 128;

/// The bytes that are handed out at once at most, so that nobody holds up the engine.
const MOST_READ: usize = 1024 * 1024;

/// Who wrote a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Its instance; none for lines about the whole.
    pub instance: Option<InstanceId>,
    /// What it is called.
    pub label: Label,
    /// The process, where there is one.
    pub pid: Option<u32>,
    /// Where it was written.
    pub stream: Stream,
}

/// A piece of a stream, as it came.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Where it stands in the order of all.
    pub seq: u64,
    /// When it came.
    pub at: SystemTime,
    /// The stream: an unfinished line goes on in its next segment.
    pub stream: StreamId,
    /// Who wrote it.
    pub author: Arc<Author>,
    /// The bytes.
    pub bytes: Arc<[u8]>,
    /// How many lines end in it.
    pub lines: u64,
    /// Whether its first byte begins a line.
    pub begins_line: bool,
    /// Whether nothing follows in this stream: an unfinished line ends here.
    pub is_end: bool,
}

/// What was written so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Newlines.
    pub lines: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A place in the order of all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The segment that stands there.
    pub seq: u64,
    /// The lines of each instance that stand before it, since the run began.
    pub lines: BTreeMap<Option<InstanceId>, u64>,
}

/// What one reading gave.
#[derive(Debug, Default)]
pub struct Reading {
    /// The segments, in order.
    pub segments: Vec<Segment>,
    /// Where to go on.
    pub next: u64,
    /// Whether the run is over and nothing will follow.
    pub is_over: bool,
    /// If what was asked for has gone: how many lines of each instance have, since the run began.
    pub gone: Option<BTreeMap<Option<InstanceId>, u64>>,
}

/// The last output, in memory that does not grow beyond its bound.
#[derive(Debug)]
pub struct Ring {
    inner: Mutex<Inner>,
    grown: Notify,
}

#[derive(Debug)]
struct Inner {
    segments: VecDeque<Segment>,
    held: usize,
    most: usize,
    next: u64,
    now: SystemTime,
    streams: BTreeMap<StreamId, Arc<Author>>,
    /// The streams whose last byte was in the middle of a line.
    inside_line: BTreeMap<StreamId, bool>,
    counts: BTreeMap<(Option<InstanceId>, Stream), Count>,
    /// The lines that were dropped.
    gone: BTreeMap<Option<InstanceId>, u64>,
    is_over: bool,
}

impl Ring {
    /// A ring that holds `most` bytes at most, what it needs itself included.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let inner = Inner {
            segments: VecDeque::new(),
            held: 0,
            most,
            next: 0,
            now: SystemTime::UNIX_EPOCH,
            streams: BTreeMap::new(),
            inside_line: BTreeMap::new(),
            counts: BTreeMap::new(),
            gone: BTreeMap::new(),
            is_over: false,
        };
        Self { inner: Mutex::new(inner), grown: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the time of what comes next.
    pub fn set_time(&self, now: SystemTime) {
        self.lock().now = now;
    }

    /// Begins a stream.
    pub fn open(&self, stream: StreamId, author: Author) {
        self.lock().streams.insert(stream, Arc::new(author));
    }

    /// Takes the next bytes of a stream.
    pub fn feed(&self, stream: StreamId, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let mut inner = self.lock();
        let Some(author) = inner.streams.get(&stream).map(Arc::clone) else { return };
        inner.push(stream, author, bytes, false);
        inner.inside_line.insert(stream, bytes.last() != Some(&b'\n'));
        drop(inner);
        self.grown.notify_waiters();
    }

    /// Ends a stream.
    pub fn close(&self, stream: StreamId) {
        let mut inner = self.lock();
        let Some(author) = inner.streams.remove(&stream) else { return };
        if inner.inside_line.get(&stream) == Some(&true) {
            inner.push(stream, author, b"", true);
        }
        // None is used twice.
        if inner.inside_line.remove(&stream) == Some(true) {
            drop(inner);
            self.grown.notify_waiters();
        }
    }

    /// Takes a text of our own, of one line or more, about an instance or about the whole.
    pub fn say(&self, instance: Option<InstanceId>, label: &Label, pid: Option<u32>, text: &str) {
        let author = Author { instance, label: label.clone(), pid, stream: Stream::System };
        self.lock().push(StreamId(u64::MAX), Arc::new(author), format!("{text}\n").as_bytes(), false);
        self.grown.notify_waiters();
    }

    /// Nothing follows any more: who waits for more need not.
    pub fn finish(&self) {
        self.lock().is_over = true;
        self.grown.notify_waiters();
    }

    /// The segments from `seq` on that are still there, as many as may be handed out at once.
    #[must_use]
    pub fn read(&self, seq: u64) -> Reading {
        let inner = self.lock();
        let first = inner.first();
        let skip = usize::try_from(seq.saturating_sub(first)).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let fits = |segment: &&Segment| {
            let is_room = bytes < MOST_READ;
            bytes += segment.bytes.len() + OVERHEAD;
            is_room
        };
        let segments: Vec<Segment> = inner.segments.iter().skip(skip).take_while(fits).cloned().collect();
        let next = segments.last().map_or(inner.next.max(seq), |last| last.seq + 1);
        let gone = (seq < first).then(|| inner.gone.clone());
        Reading { is_over: inner.is_over && next >= inner.next, segments, next, gone }
    }

    /// Where the last so many lines begin of those who are wanted, or a little before.
    #[must_use]
    pub fn last(&self, lines: u64, mut is_wanted: impl FnMut(&Author) -> bool) -> Place {
        let inner = self.lock();
        let mut before = inner.lines();
        let (mut seen, mut streams) = (0, BTreeSet::new());
        for segment in inner.segments.iter().rev() {
            *before.entry(segment.author.instance).or_default() -= segment.lines;
            if !is_wanted(&segment.author) {
                continue;
            }
            seen += segment.lines;
            streams.insert(segment.stream);
            // The head of the first line of each stream may stand before that.
            if seen >= lines.saturating_add(streams.len() as u64) {
                return Place { seq: segment.seq, lines: before };
            }
        }
        Place { seq: inner.first(), lines: before }
    }

    /// The place of this segment; of the oldest if it has gone, of the next if it is still to come.
    #[must_use]
    pub fn place(&self, seq: u64) -> Place {
        let inner = self.lock();
        if seq <= inner.first() {
            return Place { seq: inner.first(), lines: inner.gone.clone() };
        }
        let mut lines = inner.lines();
        for segment in inner.segments.iter().rev().take_while(|segment| segment.seq >= seq) {
            *lines.entry(segment.author.instance).or_default() -= segment.lines;
        }
        Place { seq: seq.min(inner.next), lines }
    }

    /// Where the next segment will stand.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.lock().next
    }

    /// Waits until there is a segment at `seq`, or nothing follows any more.
    pub async fn grown(&self, seq: u64) {
        loop {
            let grown = self.grown.notified();
            tokio::pin!(grown);
            // From here on no growth is missed.
            grown.as_mut().enable();
            {
                let inner = self.lock();
                if inner.next > seq || inner.is_over {
                    return;
                }
            }
            grown.await;
        }
    }

    /// What each instance has written to each stream since the run began.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<(Option<InstanceId>, Stream), Count> {
        self.lock().counts.clone()
    }
}

impl Inner {
    /// The oldest that is still there.
    fn first(&self) -> u64 {
        self.next - self.segments.len() as u64
    }

    /// What each instance has written, all streams together.
    fn lines(&self) -> BTreeMap<Option<InstanceId>, u64> {
        let mut lines = BTreeMap::new();
        for ((instance, _), count) in &self.counts {
            *lines.entry(*instance).or_default() += count.lines;
        }
        lines
    }

    fn push(&mut self, stream: StreamId, author: Arc<Author>, bytes: &[u8], is_end: bool) {
        let lines = memchr::memchr_iter(b'\n', bytes).count() as u64;
        let begins_line = self.inside_line.get(&stream) != Some(&true);
        let count = self.counts.entry((author.instance, author.stream)).or_default();
        count.lines += lines;
        count.bytes += bytes.len() as u64;
        let (seq, at) = (self.next, self.now);
        self.next += 1;
        self.held += bytes.len() + OVERHEAD;
        self.segments.push_back(Segment {
            seq,
            at,
            stream,
            author,
            bytes: bytes.into(),
            lines,
            begins_line,
            is_end,
        });
        while self.held > self.most {
            let Some(oldest) = self.segments.pop_front() else { break };
            self.held -= oldest.bytes.len() + OVERHEAD;
            *self.gone.entry(oldest.author.instance).or_default() += oldest.lines;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: StreamId = StreamId(1);

    fn ring(most: usize) -> Ring {
        let ring = Ring::new(most);
        let instance = Some(InstanceId { process: 0, number: 1 });
        ring.open(ONE, Author { instance, label: Label::system(), pid: Some(7), stream: Stream::Stdout });
        ring
    }

    fn texts(reading: &Reading) -> Vec<String> {
        reading.segments.iter().map(|each| String::from_utf8_lossy(&each.bytes).into_owned()).collect()
    }

    #[test]
    fn what_was_written_can_be_read_again_from_anywhere() {
        let ring = ring(10_000);
        ring.feed(ONE, b"a\nb");
        ring.feed(ONE, b"c\n");
        ring.say(None, &Label::system(), None, "over");
        let all = ring.read(0);
        assert_eq!(texts(&all), ["a\nb", "c\n", "over\n"]);
        assert_eq!(all.segments[1].lines, 1);
        assert!(all.segments[0].begins_line && !all.segments[1].begins_line && all.gone.is_none());
        assert_eq!(texts(&ring.read(2)), ["over\n"]);
        assert_eq!(ring.read(all.next).segments.len(), 0);
    }

    #[test]
    fn the_oldest_is_dropped_and_who_missed_it_can_tell_how_many_lines_that_were() {
        let ring = ring(3 * (OVERHEAD + 2));
        for _ in 0..5 {
            ring.feed(ONE, b"x\n");
        }
        let left = ring.read(0);
        assert_eq!(left.segments.len(), 3);
        assert_eq!((left.segments[0].seq, left.next), (2, 5));
        let instance = Some(InstanceId { process: 0, number: 1 });
        assert_eq!(left.gone, Some(BTreeMap::from([(instance, 2)])));
        assert_eq!(ring.read(2).gone, None);
        let place = |seq, lines| Place { seq, lines: BTreeMap::from([(instance, lines)]) };
        assert_eq!([0, 3, 9].map(|seq| ring.place(seq)), [place(2, 2), place(3, 3), place(5, 5)]);
    }

    #[test]
    fn the_last_lines_are_found_from_the_end() {
        let ring = ring(10_000);
        for line in [&b"a\nb\n"[..], b"c\nd", b"\ne\n", b"f\n"] {
            ring.feed(ONE, line);
        }
        assert_eq!([0, 1, 2, 3, 5, 9].map(|lines| ring.last(lines, |_| true).seq), [3, 2, 2, 1, 0, 0]);
        assert_eq!(ring.last(1, |_| false).seq, 0);
        let instance = Some(InstanceId { process: 0, number: 1 });
        assert_eq!(ring.last(1, |_| true).lines, BTreeMap::from([(instance, 3)]));
        assert_eq!(ring.last(9, |_| true).lines, BTreeMap::from([(instance, 0)]));
    }

    #[test]
    fn an_unfinished_line_is_ended_with_its_stream() {
        let ring = ring(10_000);
        ring.feed(ONE, b"tail");
        ring.close(ONE);
        ring.close(ONE);
        ring.feed(ONE, b"dropped");
        let all = ring.read(0);
        assert_eq!(texts(&all), ["tail", ""]);
        assert!(all.segments[1].is_end && !all.is_over);
        ring.finish();
        assert!(ring.read(all.next).is_over && !ring.read(0).segments.is_empty());
    }

    #[test]
    fn lines_and_bytes_are_counted_by_stream() {
        let ring = ring(10);
        ring.feed(ONE, b"a\nb\nc");
        let instance = Some(InstanceId { process: 0, number: 1 });
        assert_eq!(ring.counts()[&(instance, Stream::Stdout)], Count { lines: 2, bytes: 5 });
    }
}
