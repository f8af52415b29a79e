//! Segments of the ring become lines, and what is missing among them is counted.

use super::Line;
use crate::model::instance::InstanceId;
use crate::model::selector::means;
use crate::output::{Author, LineBuffer, Piece, Place, Segment, StreamId};
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
    /// Whether nothing of it has come since it was last looked at.
    is_quiet: bool,
}

impl Cutter {
    pub(super) fn new(names: Option<Vec<String>>) -> Self {
        Self {
            names,
            chosen: BTreeMap::new(),
            next: 0,
            accounted: Gone::new(),
            has_missed: false,
            streams: BTreeMap::new(),
        }
    }

    /// Begins here, whatever was cut before.
    pub(super) fn begin_at(&mut self, place: Place) {
        self.next = place.seq;
        self.accounted = place.lines;
        self.has_missed = false;
        self.streams.clear();
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
        self.has_missed = true;
        if missed > 0 {
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
            is_quiet: false,
        });
        stream.author = Arc::clone(author);
        stream.at = segment.at;
        stream.is_quiet = false;
        if !stream.is_headless {
            return Some(&segment.bytes);
        }
        // The rest of a line whose head has gone.
        let end = memchr::memchr(b'\n', &segment.bytes);
        if self.has_missed && (end.is_some() || segment.is_end) {
            dropped(1);
        }
        let rest = end.map(|end| &segment.bytes[end + 1..]);
        stream.is_headless = rest.is_none();
        rest.or(Some(&[]))
    }

    /// Cuts bytes of a segment that was begun.
    pub(super) fn cut(&mut self, segment: &Segment, bytes: &[u8], mut each: impl FnMut(Line<'_>)) {
        let Some(stream) = self.streams.get_mut(&segment.stream) else { return };
        let (author, at) = (&stream.author, segment.at);
        stream.buffer.feed(bytes, |piece| each(Line { author, at, piece }));
    }

    /// Ends a segment that was begun: nothing is kept of a stream that has ended, or of one that is between two lines.
    pub(super) fn end(&mut self, segment: &Segment, mut each: impl FnMut(Line<'_>)) {
        if (segment.is_end || segment.bytes.ends_with(b"\n"))
            && let Some(stream) = self.streams.remove(&segment.stream)
        {
            stream.tail(&mut each);
        }
    }

    /// Whether a line was begun and neither ended nor handed out.
    pub(super) fn is_inside_line(&self) -> bool {
        self.streams.values().any(|stream| !stream.buffer.tail().is_empty())
    }

    /// Hands out the lines that have not ended and have not grown since the last time.
    pub(super) fn hand_out_quiet(&mut self, mut each: impl FnMut(Line<'_>)) {
        for stream in self.streams.values_mut() {
            if std::mem::replace(&mut stream.is_quiet, true) {
                stream.tail(&mut each);
                drop(stream.buffer.take_tail());
            }
        }
    }

    /// Hands out the lines that have not ended, in the order in which they came.
    pub(super) fn finish(&mut self, mut each: impl FnMut(Line<'_>)) {
        let mut streams: Vec<Unfinished> = std::mem::take(&mut self.streams).into_values().collect();
        streams.sort_by_key(|stream| stream.at);
        for stream in streams {
            stream.tail(&mut each);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{Label, Ring, Stream};

    fn ring(streams: u64) -> Ring {
        let ring = Ring::new(10_000);
        for id in 1..=streams {
            open(&ring, id);
        }
        ring
    }

    fn open(ring: &Ring, id: u64) {
        let instance = Some(InstanceId { process: 0, number: 1 });
        let author = Author { instance, label: Label::system(), pid: None, stream: Stream::Stdout };
        ring.open(StreamId(id), author);
    }

    /// Reads on, and hands out what has come.
    fn read(cutter: &mut Cutter, ring: &Ring) -> Vec<String> {
        let mut lines = Vec::new();
        let reading = ring.read(cutter.next());
        cutter.resume(reading.next, reading.gone.as_ref(), |_| {});
        for segment in &reading.segments {
            let bytes = cutter.begin(segment, |_| {}).unwrap_or_default();
            cutter.cut(segment, bytes, |line| lines.push(text(line)));
            cutter.end(segment, |line| lines.push(text(line)));
        }
        lines
    }

    fn text(line: Line<'_>) -> String {
        String::from_utf8_lossy(line.piece.bytes).into_owned()
    }

    #[test]
    fn nothing_is_kept_of_streams_that_have_ended() {
        let ring = ring(0);
        let mut cutter = Cutter::new(None);
        for (id, bytes) in (1..).zip([&b"whole\n"[..], b"half", b"a\nb"]) {
            open(&ring, id);
            ring.feed(StreamId(id), bytes);
            ring.close(StreamId(id));
        }
        assert_eq!(read(&mut cutter, &ring), ["whole", "half", "a", "b"]);
        assert!(cutter.streams.is_empty());
        // Of a line whose head was not seen, too.
        open(&ring, 4);
        ring.feed(StreamId(4), b"head");
        cutter.begin_at(ring.place(u64::MAX));
        ring.feed(StreamId(4), b"rest");
        ring.close(StreamId(4));
        assert!(read(&mut cutter, &ring).is_empty());
        assert!(cutter.streams.is_empty());
    }

    #[test]
    fn a_line_that_does_not_end_is_handed_out_when_it_grows_no_more() {
        let (ring, mut cutter) = (ring(1), Cutter::new(None));
        let quiet = |cutter: &mut Cutter| {
            let mut lines = Vec::new();
            cutter.hand_out_quiet(|line| lines.push(text(line)));
            lines
        };
        ring.feed(StreamId(1), b"Pass");
        assert!(read(&mut cutter, &ring).is_empty() && quiet(&mut cutter).is_empty());
        ring.feed(StreamId(1), b"word: ");
        assert!(read(&mut cutter, &ring).is_empty() && quiet(&mut cutter).is_empty());
        assert_eq!(quiet(&mut cutter), ["Password: "]);
        assert!(quiet(&mut cutter).is_empty() && !cutter.is_inside_line());
        ring.feed(StreamId(1), b"done\n");
        assert_eq!(read(&mut cutter, &ring), ["done"]);
    }

    #[test]
    fn only_lines_behind_the_beginning_can_be_missed() {
        let (ring, mut cutter) = (ring(1), Cutter::new(None));
        let write = |lines| (0..lines).for_each(|_| ring.feed(StreamId(1), b"line\n"));
        write(500);
        cutter.begin_at(ring.place(u64::MAX));
        write(300);
        let (reading, mut missed) = (ring.read(cutter.next()), 0);
        cutter.resume(reading.next, reading.gone.as_ref(), |dropped| missed += dropped);
        assert_eq!(missed + reading.segments.len() as u64, 300);
        assert!(missed > 0);
    }

    #[test]
    fn lines_that_have_not_ended_come_in_the_order_in_which_they_were_written() {
        let (ring, mut cutter) = (ring(2), Cutter::new(None));
        for (seconds, id) in [(1, 2), (2, 1)] {
            ring.set_time(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds));
            ring.feed(StreamId(id), format!("{seconds}").as_bytes());
        }
        assert!(read(&mut cutter, &ring).is_empty());
        let mut lines = Vec::new();
        cutter.finish(|line| lines.push(text(line)));
        assert_eq!(lines, ["1", "2"]);
    }
}
