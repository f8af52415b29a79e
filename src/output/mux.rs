//! Brings the streams of all processes together, whole line by whole line.
//!
//! The engine feeds it what it reads and takes out what is to be written; the mux never waits and never fails. Within a
//! stream nothing is lost or reordered. In text no two streams share a line, and on a terminal an unterminated tail (a
//! prompt, a row of dots) is shown all the same: its line stays open until something else is printed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use super::format::{Formatter, Label, Source, Stream};
use super::line::{LineBuffer, Piece};
use crate::model::policy::LogFormat;

/// How long a tail on a terminal may wait for its newline before it is shown without.
pub(super) const TAIL_DELAY: Duration = Duration::from_millis(200);

/// A pipe of a process; the engine hands them out and uses none twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamId(pub u64);

/// What is to be written, to where.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Formatted {
    /// For our standard output: the lines of the processes, and ours unless the format is raw.
    pub stdout: Vec<u8>,
    /// For our standard error: our own lines in raw format.
    pub stderr: Vec<u8>,
}

/// The streams and the page that they are written on.
#[derive(Debug)]
pub struct Mux {
    streams: BTreeMap<StreamId, Input>,
    page: Page,
    system: Label,
}

/// One stream: where it comes from and what of it has not been printed.
#[derive(Debug)]
struct Input {
    label: Label,
    pid: Option<u32>,
    stream: Stream,
    hidden: bool,
    lines: LineBuffer,
    /// Since when a tail has waited to be shown; only where tails are shown.
    waiting_since: Option<Instant>,
    /// Whether the beginning of the current line has been shown as a tail.
    shown: bool,
}

/// What has been written, and on whose line it ends.
#[derive(Debug)]
struct Page {
    formatter: Formatter,
    /// Whether unterminated tails are shown: in text on a terminal.
    shows_tails: bool,
    /// The stream on whose shown tail the last physical line ends; none where that line has its newline.
    open: Option<StreamId>,
    formatted: Formatted,
}

impl Mux {
    /// A mux without streams; `terminal` says whether its output is written to one.
    #[must_use]
    pub fn new(formatter: Formatter, terminal: bool) -> Self {
        let shows_tails = terminal && formatter.format() == LogFormat::Text;
        let page = Page { formatter, shows_tails, open: None, formatted: Formatted::default() };
        Self { streams: BTreeMap::new(), page, system: Label::system() }
    }

    /// Sets the time of the records to come, once per wake-up; `elapsed` is the time since the start of the run.
    pub fn set_time(&mut self, wall: SystemTime, elapsed: Duration) {
        self.page.formatter.set_time(wall, elapsed);
    }

    /// Begins a stream; a hidden one (`--quiet`) is consumed and never printed.
    ///
    /// A stream that is open under this id is closed first.
    pub fn open(&mut self, id: StreamId, label: Label, pid: Option<u32>, stream: Stream, hidden: bool) {
        self.close(id);
        let lines = LineBuffer::default();
        let input = Input { label, pid, stream, hidden, lines, waiting_since: None, shown: false };
        self.streams.insert(id, input);
    }

    /// Takes the next bytes of a stream and prints every line that they complete.
    ///
    /// Bytes of a stream that is not open have no name to stand behind, and are dropped.
    pub fn feed(&mut self, id: StreamId, bytes: &[u8], now: Instant) {
        let Some(input) = self.streams.get_mut(&id).filter(|input| !input.hidden) else { return };
        let Input { label, pid, stream, lines, waiting_since, shown, .. } = input;
        let source = Source { label, pid: *pid, stream: *stream };
        let page = &mut self.page;
        page.formatted.stdout.reserve(bytes.len());
        lines.feed(bytes, |piece| {
            page.print(id, &source, piece, *shown);
            *shown = false;
            *waiting_since = None;
        });
        if page.shows_tails && !lines.tail().is_empty() {
            waiting_since.get_or_insert(now);
        }
    }

    /// Ends a stream: its tail is printed as its last line.
    ///
    /// In text the tail gets a newline, in json it is `partial`, in raw it stays as it is.
    pub fn close(&mut self, id: StreamId) {
        let Some(mut input) = self.streams.remove(&id) else { return };
        let bytes = input.lines.take_tail();
        if bytes.is_empty() {
            if self.page.open == Some(id) {
                self.page.end_line();
            }
        } else {
            self.page.print(id, &input.source(), Piece { bytes: &bytes, ended: false }, input.shown);
        }
    }

    /// Prints lines of our own, about an instance or (without a label) about the whole.
    ///
    /// In raw format they go to standard error, so that standard output is the processes' alone.
    pub fn say(&mut self, label: Option<&Label>, pid: Option<u32>, text: &str) {
        let source = Source { label: label.unwrap_or(&self.system), pid, stream: Stream::System };
        for line in text.lines() {
            self.page.say(&source, line);
        }
    }

    /// Shows the tails that have waited for 200 ms; call it when [`Mux::next_deadline`] has come.
    pub fn show_tails(&mut self, now: Instant) {
        for (&id, input) in &mut self.streams {
            if input.waiting_since.is_some_and(|since| since + TAIL_DELAY <= now) {
                input.waiting_since = None;
                let tail = input.lines.take_tail();
                self.page.show(id, &input.label, &tail);
                input.shown = true;
            }
        }
    }

    /// When the next tail is to be shown; none while no tail waits, and never where tails are not shown.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.streams.values().filter_map(|input| input.waiting_since).min().map(|since| since + TAIL_DELAY)
    }

    /// Takes what has been printed since the last time.
    #[must_use]
    pub fn take(&mut self) -> Formatted {
        std::mem::take(&mut self.page.formatted)
    }
}

impl Input {
    fn source(&self) -> Source<'_> {
        Source { label: &self.label, pid: self.pid, stream: self.stream }
    }
}

impl Page {
    /// Prints a piece of a stream; `shown` says whether the beginning of its line has been shown as a tail.
    fn print(&mut self, id: StreamId, source: &Source<'_>, piece: Piece<'_>, shown: bool) {
        if self.open == Some(id) {
            self.formatted.stdout.extend_from_slice(piece.bytes);
            self.end_line();
        } else if shown && piece.ended && piece.bytes.is_empty() {
            // The newline that this line waited for was put in when something else was printed.
        } else {
            self.end_line();
            self.formatter.record(&mut self.formatted.stdout, source, piece);
        }
    }

    /// Shows a tail: on its own open line if that is still the last one, else behind a prefix on a new one.
    fn show(&mut self, id: StreamId, label: &Label, tail: &[u8]) {
        if self.open != Some(id) {
            self.end_line();
            self.formatter.prefix(&mut self.formatted.stdout, label);
            self.open = Some(id);
        }
        self.formatted.stdout.extend_from_slice(tail);
    }

    /// Prints one line of ours.
    fn say(&mut self, source: &Source<'_>, line: &str) {
        if self.formatter.format() == LogFormat::Raw {
            let stderr = &mut self.formatted.stderr;
            for part in [&source.label.process, " | ", line, "\n"] {
                stderr.extend_from_slice(part.as_bytes());
            }
        } else {
            self.end_line();
            let piece = Piece { bytes: line.as_bytes(), ended: true };
            self.formatter.record(&mut self.formatted.stdout, source, piece);
        }
    }

    /// Gives the open line its newline.
    fn end_line(&mut self) {
        if self.open.take().is_some() {
            self.formatted.stdout.push(b'\n');
        }
    }
}

#[cfg(test)]
#[path = "mux_tests.rs"]
mod tests;
