//! Segments of the ring become lines, and what is missing among them is counted.

use super::Line;
use crate::model::instance::InstanceId;
use crate::model::selector::means;
use crate::output::{Author, LineBuffer, Piece, Segment, StreamId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

/// Lines of the ring that have gone, by who wrote them.
type Gone = BTreeMap<Option<InstanceId>, u64>;

/// Cuts the segments of those who were chosen.
pub(super) struct Cutter {
    /// Patterns; none: everybody, and the lines about the whole.
    names: Option<Vec<String>>,
    /// Whom they mean, as far as they were asked.
    chosen: BTreeMap<Option<InstanceId>, bool>,
    next: u64,
    /// The lines of each that were seen here, or had gone before the beginning.
    accounted: Gone,
    has_begun: bool,
    /// Whether something was missed since.
    has_missed: bool,
    streams: BTreeMap<StreamId, Unfinished>,
}

/// A stream, as far as its last line has come.
struct Unfinished {
    author: Arc<Author>,
    at: SystemTime,
    buffer: LineBuffer,
    /// Whether the head of the line was missed: what comes of it says nothing.
    is_headless: bool,
}

impl Cutter {
    pub(super) fn new(names: Option<Vec<String>>) -> Self {
        Self {
            names,
            chosen: BTreeMap::new(),
            next: 0,
            accounted: Gone::new(),
            has_begun: false,
            has_missed: false,
            streams: BTreeMap::new(),
        }
    }

    /// Begins with this segment; so many lines of each stand before it.
    pub(super) fn begin_at(&mut self, seq: u64, before: Gone) {
        self.next = seq;
        self.accounted = before;
    }

    /// Whether somebody's lines are wanted.
    pub(super) fn wants(&mut self, author: &Author) -> bool {
        let names = self.names.as_deref();
        *self.chosen.entry(author.instance).or_insert_with(|| is_meant(names, author))
    }

    /// Which segment is wanted next.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Goes on after a reading that leads up to `next`; what it could not give any more is counted.
    pub(super) fn resume(&mut self, next: u64, gone: Option<&Gone>, dropped: impl FnOnce(u64)) {
        self.next = next;
        let has_begun = std::mem::replace(&mut self.has_begun, true);
        let Some(gone) = gone else { return };
        let mut missed = 0;
        for (instance, lines) in gone {
            // Those of whom nothing was seen yet may not have been asked about.
            let accounted = self.accounted.entry(*instance).or_default();
            if self.chosen.get(instance) != Some(&false) {
                missed += lines.saturating_sub(*accounted);
            }
            *accounted = (*accounted).max(*lines);
        }
        self.streams.clear();
        self.has_missed = has_begun;
        if has_begun && missed > 0 {
            dropped(missed);
        }
    }

    /// The bytes of a segment that are to be cut; none, if nobody wants to see them.
    pub(super) fn begin<'a>(&mut self, segment: &'a Segment, dropped: impl FnOnce(u64)) -> Option<&'a [u8]> {
        let author = &segment.author;
        let is_chosen = self.wants(author);
        *self.accounted.entry(author.instance).or_default() += segment.lines;
        if !is_chosen {
            return None;
        }
        let stream = self.streams.entry(segment.stream).or_insert_with(|| Unfinished {
            author: Arc::clone(author),
            at: segment.at,
            buffer: LineBuffer::default(),
            is_headless: !segment.begins_line,
        });
        stream.author = Arc::clone(author);
        stream.at = segment.at;
        if !stream.is_headless {
            return Some(&segment.bytes);
        }
        // The rest of a line whose head has gone.
        let end = memchr::memchr(b'\n', &segment.bytes)?;
        stream.is_headless = false;
        if self.has_missed {
            dropped(1);
        }
        Some(&segment.bytes[end + 1..])
    }

    /// Cuts bytes of a segment that was begun.
    pub(super) fn cut(&mut self, segment: &Segment, bytes: &[u8], mut each: impl FnMut(Line<'_>)) {
        let Some(stream) = self.streams.get_mut(&segment.stream) else { return };
        let (author, at) = (&stream.author, segment.at);
        stream.buffer.feed(bytes, |piece| each(Line { author, at, piece }));
    }

    /// Ends a segment that was begun: with it its stream may end.
    pub(super) fn end(&mut self, segment: &Segment, mut each: impl FnMut(Line<'_>)) {
        if segment.is_end
            && let Some(stream) = self.streams.remove(&segment.stream)
        {
            stream.tail(&mut each);
        }
    }

    /// Hands out the lines that have not ended.
    pub(super) fn finish(&mut self, mut each: impl FnMut(Line<'_>)) {
        for stream in self.streams.values() {
            stream.tail(&mut each);
        }
        self.streams.clear();
    }
}

impl Unfinished {
    fn tail(&self, each: &mut impl FnMut(Line<'_>)) {
        if !self.buffer.tail().is_empty() {
            let piece = Piece { bytes: self.buffer.tail(), ended: false };
            each(Line { author: &self.author, at: self.at, piece });
        }
    }
}

fn is_meant(names: Option<&[String]>, author: &Author) -> bool {
    let Some(names) = names else { return true };
    let Some(index) = author.label.index else { return false };
    names.iter().any(|name| means(name, &author.label.process_type, index))
}
