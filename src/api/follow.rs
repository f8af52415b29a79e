//! All that one instance has written and writes, as one stream of bytes, with what was said about it between.

use super::replay::without_questions;
use crate::model::instance::InstanceId;
use crate::output::{Reading, Ring, Segment, Stream};
use memchr::memchr;
use std::collections::VecDeque;
use std::sync::Arc;

/// Follows an instance.
#[derive(Debug)]
pub(super) struct Follower {
    ring: Arc<Ring>,
    instance: InstanceId,
    name: String,
    /// Where to go on.
    next: u64,
    /// How many lines of the instance have been accounted for, since the run began.
    lines: u64,
    /// Whether what was handed out last is in the middle of a line.
    is_inside_line: bool,
    /// What is to be handed out first.
    history: Vec<u8>,
    has_news: bool,
}

/// What has come.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) bytes: Vec<u8>,
    /// Whether something was said about the instance: it may have ended.
    pub(super) has_news: bool,
    /// Whether nothing follows, because the run is over.
    pub(super) is_over: bool,
}

impl Follower {
    /// A follower that begins with the last bytes that were written, about so many.
    pub(super) async fn with_history(ring: Arc<Ring>, instance: InstanceId, name: &str, most: usize) -> Self {
        let end = ring.end();
        let name = name.to_owned();
        let (history, is_inside_line) = (Vec::new(), false);
        let mut follower =
            Self { ring, instance, name, next: 0, lines: 0, is_inside_line, history, has_news: false };
        let mut kept = VecDeque::new();
        let mut held = 0;
        while follower.next < end {
            let reading = follower.read();
            for segment in reading.segments.into_iter().filter(|segment| follower.is_meant(segment)) {
                held += segment.bytes.len();
                kept.push_back(segment);
                while kept.front().is_some_and(|first| held - first.bytes.len() >= most) {
                    held -= kept.pop_front().map_or(0, |first| first.bytes.len());
                }
            }
            // Others have work to do on this thread.
            tokio::task::yield_now().await;
        }
        let mut history = Vec::new();
        for segment in &kept {
            follower.put(segment, &mut history);
        }
        let excess = history.len().saturating_sub(most);
        if excess > 0 {
            // From the beginning of a line on, if there is one.
            let cut = memchr(b'\n', &history[excess..]).map_or(excess, |newline| excess + newline + 1);
            history.drain(..cut);
        }
        follower.history = without_questions(&history);
        follower
    }

    /// What has come since the last time.
    pub(super) fn take(&mut self) -> Written {
        if !self.history.is_empty() {
            let bytes = std::mem::take(&mut self.history);
            return Written { bytes, has_news: std::mem::take(&mut self.has_news), is_over: false };
        }
        let mut bytes = Vec::new();
        let accounted = self.lines;
        let reading = self.read();
        let of_ours = reading.segments.iter().filter(|segment| self.is_meant(segment));
        let lines: u64 = of_ours.map(|segment| segment.lines).sum();
        let missed = (self.lines - lines).saturating_sub(accounted);
        if missed > 0 {
            self.say(&format!("{missed} lines were skipped: too slow to read them"), &mut bytes);
        }
        for segment in &reading.segments {
            if self.is_meant(segment) {
                self.put(segment, &mut bytes);
            }
        }
        Written { bytes, has_news: std::mem::take(&mut self.has_news), is_over: reading.is_over }
    }

    /// Waits for more, of whoever it may be.
    pub(super) async fn grown(&self) {
        if self.history.is_empty() {
            self.ring.grown(self.next).await;
        }
    }

    /// Reads on, and accounts for the lines of the instance: those that have come, and those that have gone meanwhile.
    fn read(&mut self) -> Reading {
        let reading = self.ring.read(self.next);
        self.next = reading.next;
        if let Some(gone) = &reading.gone {
            self.lines = self.lines.max(gone.get(&Some(self.instance)).copied().unwrap_or(0));
        }
        let of_ours = reading.segments.iter().filter(|segment| self.is_meant(segment));
        self.lines += of_ours.map(|segment| segment.lines).sum::<u64>();
        reading
    }

    fn is_meant(&self, segment: &Segment) -> bool {
        segment.author.instance == Some(self.instance)
    }

    fn put(&mut self, segment: &Segment, out: &mut Vec<u8>) {
        match segment.author.stream {
            Stream::Stdout | Stream::Stderr => {
                out.extend_from_slice(&segment.bytes);
                if let Some(last) = segment.bytes.last() {
                    self.is_inside_line = *last != b'\n';
                }
            }
            Stream::System => {
                self.has_news = true;
                let text = String::from_utf8_lossy(&segment.bytes);
                self.say(text.trim_end(), out);
            }
        }
    }

    /// Puts in a line of our own.
    fn say(&mut self, text: &str, out: &mut Vec<u8>) {
        let newline = if std::mem::take(&mut self.is_inside_line) { "\n" } else { "" };
        out.extend_from_slice(format!("{newline}[{} {text}]\n", self.name).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{Author, Label, StreamId};

    const INSTANCE: InstanceId = InstanceId { process: 0, number: 1 };
    const OTHER: InstanceId = InstanceId { process: 1, number: 1 };

    fn ring(most: usize) -> Arc<Ring> {
        let ring = Ring::new(most);
        for (id, instance) in [(1, INSTANCE), (2, OTHER)] {
            let author = Author {
                instance: Some(instance),
                label: Label::system(),
                pid: Some(7),
                stream: Stream::Stdout,
            };
            ring.open(StreamId(id), author);
        }
        Arc::new(ring)
    }

    fn follow(ring: &Arc<Ring>, most: usize) -> Follower {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(Follower::with_history(Arc::clone(ring), INSTANCE, "web.1", most))
    }

    fn text(follower: &mut Follower) -> String {
        String::from_utf8(follower.take().bytes).unwrap()
    }

    #[test]
    fn what_was_written_last_comes_first_and_then_what_is_written() {
        let ring = ring(100_000);
        ring.feed(StreamId(1), b"old\nnot so old\n");
        ring.feed(StreamId(2), b"of another\n");
        ring.feed(StreamId(1), b"> ");
        let mut follower = follow(&ring, 6);
        assert_eq!(text(&mut follower), "> ");
        ring.feed(StreamId(2), b"of another\n");
        ring.feed(StreamId(1), b"new");
        assert_eq!(text(&mut follower), "new");
        assert_eq!(text(&mut follow(&ring, 0)), "");
        assert_eq!(text(&mut follow(&ring, 1000)), "old\nnot so old\n> new");
    }

    #[test]
    fn what_a_terminal_is_asked_is_not_asked_again_but_it_is_asked() {
        let ring = ring(100_000);
        ring.feed(StreamId(1), b"old\x1b[6n> ");
        let mut follower = follow(&ring, 1000);
        ring.feed(StreamId(1), b"new\x1b[6n");
        assert_eq!(text(&mut follower), "old> ");
        assert_eq!(text(&mut follower), "new\x1b[6n");
    }

    #[test]
    fn what_is_said_about_the_instance_has_a_line_of_its_own() {
        let ring = ring(100_000);
        let mut follower = follow(&ring, 10);
        ring.feed(StreamId(1), b"> ");
        ring.say(Some(INSTANCE), &Label::system(), None, "exited with code 3");
        ring.say(Some(OTHER), &Label::system(), None, "exited with code 4");
        let written = follower.take();
        assert_eq!(String::from_utf8(written.bytes).unwrap(), "> \n[web.1 exited with code 3]\n");
        assert!(written.has_news && !written.is_over);
        ring.finish();
        assert!(follower.take().is_over);
    }

    #[test]
    fn who_is_too_slow_is_told_how_many_lines_were_skipped() {
        let ring = ring(10_000);
        let mut follower = follow(&ring, 10);
        ring.feed(StreamId(1), b"seen\n");
        assert_eq!(text(&mut follower), "seen\n");
        for _ in 0..1000 {
            ring.feed(StreamId(1), b"x\n");
        }
        let text = text(&mut follower);
        let (said, rest) = text.split_once('\n').unwrap();
        let left = rest.lines().count();
        assert_eq!(said, format!("[web.1 {} lines were skipped: too slow to read them]", 1000 - left));
        assert!(left > 10);
    }
}
