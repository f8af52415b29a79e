//! Brings the streams of all processes together, whole line by whole line.
//!
//! The engine feeds it what it reads and takes out what is to be written; the mux never waits and never fails. Within a
//! stream nothing is lost or reordered, and in text no two streams share a line. What a terminal gets differs from the
//! bytes of the processes, and is the `screen`'s affair.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use memchr::memchr;

use super::format::{Formatter, Label, Source, Stream};
use super::line::{LineBuffer, Piece};
use super::screen::{Extent, Place, Screen, Terminal, View};
use crate::model::diagnostic::printable;
use crate::model::policy::LogFormat;

/// How long a tail on a terminal may wait for its newline before it is shown without.
pub(super) const TAIL_DELAY: Duration = Duration::from_millis(200);

/// The same for a line that is written over and over: ten times a second is as much as anybody sees.
pub(super) const PROGRESS_DELAY: Duration = Duration::from_millis(100);

/// Bytes for a terminal that are looked at together: after that, what a progress bar has taken back is dropped.
const GLANCE: usize = 16 * 1024;

/// A pipe of a process; the engine hands them out and uses none twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamId(pub u64);

/// The columns of a terminal that is as narrow as they are: a question that fits there can be erased.
const NARROWEST: usize = 80;

/// The stream of our questions.
pub(super) const QUESTION: StreamId = StreamId(u64::MAX);

/// What is to be written, to where.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Formatted {
    /// For our standard output: the lines of the processes, and ours unless the format is raw.
    pub stdout: Vec<u8>,
    /// For our standard error: our own lines in raw format.
    pub stderr: Vec<u8>,
}

/// The streams and what has been written of them.
#[derive(Debug)]
pub struct Mux {
    streams: BTreeMap<StreamId, Input>,
    page: Page,
    system: Label,
    /// The process that alone is shown, by its name.
    focus: Option<String>,
    /// A question of ours that is open.
    question: Option<Question>,
    /// Bytes of unfinished lines, in all streams together.
    held: usize,
    most_held: usize,
}

/// A question of ours, with what is typed as its answer so far.
#[derive(Debug, Default)]
struct Question {
    text: String,
    view: View,
}

/// What all streams are written on.
#[derive(Debug)]
struct Page {
    formatter: Formatter,
    /// The terminal that text is written to; none where bytes are to pass unchanged.
    screen: Option<Screen>,
    formatted: Formatted,
}

/// One stream: where it comes from and what of it has not been printed.
#[derive(Debug)]
struct Input {
    label: Label,
    pid: Option<u32>,
    stream: Stream,
    hidden: bool,
    /// Whether what comes next is the rest of a line that nobody saw the beginning of, because another process was in focus.
    is_inside_unseen: bool,
    lines: LineBuffer,
    view: View,
    /// Since when a tail has waited to be shown; only where tails are shown.
    waiting_since: Option<Instant>,
}

impl Mux {
    /// A mux without streams; `terminal` is the one that its output is written to, if it is.
    ///
    /// Of unfinished lines it keeps `most_held` bytes in all: whoever writes beyond that has its line cut.
    #[must_use]
    pub fn new(formatter: Formatter, terminal: Option<Terminal>, most_held: usize) -> Self {
        let screen = terminal.filter(|_| formatter.format() == LogFormat::Text).map(Screen::new);
        let page = Page { formatter, screen, formatted: Formatted::default() };
        let (streams, system) = (BTreeMap::new(), Label::system());
        Self { streams, page, system, focus: None, question: None, held: 0, most_held }
    }

    /// Has names of this length fit before the lines to come; the columns that stand before each line then.
    pub fn widen(&mut self, width: usize) -> usize {
        self.page.formatter.widen(width);
        self.page.formatter.prefix_width()
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
        let (lines, view) = (LineBuffer::default(), View::default());
        let (is_inside_unseen, waiting_since) = (false, None);
        let input = Input { label, pid, stream, hidden, is_inside_unseen, lines, view, waiting_since };
        self.streams.insert(id, input);
    }

    /// Takes the next bytes of a stream and prints every line that they complete.
    ///
    /// Bytes of a stream that is not open have no name to stand behind, and are dropped.
    pub fn feed(&mut self, id: StreamId, bytes: &[u8], now: Instant) {
        let Some(input) = self.streams.get_mut(&id).filter(|input| !input.hidden) else { return };
        let is_in_focus = self.focus.as_ref().is_none_or(|focus| *focus == input.label.process);
        let bytes = if is_in_focus { input.without_unseen_rest(bytes) } else { input.pass_over(bytes) };
        if bytes.is_empty() {
            return;
        }
        self.held -= input.lines.tail().len();
        input.feed(id, bytes, &mut self.page, now);
        if self.held + input.lines.tail().len() > self.most_held {
            let tail = input.lines.take_tail();
            input.put(id, &tail, Extent::Cut, &mut self.page);
        }
        self.held += input.lines.tail().len();
    }

    /// Ends a stream: its tail is printed as its last line.
    ///
    /// In text the tail gets a newline, in json it is `partial`, in raw it stays as it is.
    pub fn close(&mut self, id: StreamId) {
        let Some(mut input) = self.streams.remove(&id) else { return };
        let tail = input.lines.take_tail();
        self.held -= tail.len();
        if !tail.is_empty() || input.view.is_begun() {
            input.put(id, &tail, Extent::Whole, &mut self.page);
        }
    }

    /// The process that alone is shown, by its name.
    #[must_use]
    pub fn focus(&self) -> Option<&str> {
        self.focus.as_deref()
    }

    /// Shows what one process writes and what is ours; or what all do. Nobody is shown the rest of a line whose beginning was not.
    pub fn set_focus(&mut self, focus: Option<String>) {
        for (&id, input) in self.streams.iter_mut().filter(|(_, input)| !input.hidden) {
            if focus.as_ref().is_none_or(|focus| *focus == input.label.process) {
                continue;
            }
            let tail = input.lines.take_tail();
            self.held -= tail.len();
            input.waiting_since = None;
            if !tail.is_empty() || input.view.is_begun() {
                input.is_inside_unseen = true;
                input.put(id, &tail, Extent::Whole, &mut self.page);
            }
        }
        self.focus = focus;
    }

    /// Shows a question of ours, with what is typed as its answer so far, in the place of what it was; none: it is over.
    ///
    /// Whatever else is printed takes its place, and at the end of that it is shown again. Where it cannot be erased, it is when it changes.
    pub fn ask(&mut self, question: Option<&str>) {
        let Page { formatter, screen, formatted: Formatted { stdout: out, .. } } = &mut self.page;
        let Some(screen) = screen else {
            // Only a terminal shows what is not complete.
            if let Some(question) = question {
                self.say(None, None, question);
            }
            return;
        };
        let place = Place { out, formatter, label: &self.system };
        match question {
            Some(text) => {
                let question = self.question.get_or_insert_default();
                text.clone_into(&mut question.text);
                screen.question_fits = formatter.prefix_width() + text.len() < NARROWEST;
                let again = format!("\r{text}");
                screen.write(place, QUESTION, &mut question.view, again.as_bytes(), Extent::Tail);
            }
            None => {
                if let Some(mut question) = self.question.take() {
                    screen.write(place, QUESTION, &mut question.view, b"", Extent::Whole);
                }
            }
        }
    }

    /// Shows the open question again if something else has taken its place.
    fn ask_again(&mut self) {
        let has_lost_its_place = |screen: &Screen| screen.can_erase(QUESTION) && !screen.is_open(QUESTION);
        if self.printed() > 0
            && self.page.screen.as_ref().is_some_and(has_lost_its_place)
            && let Some(text) = self.question.as_ref().map(|question| question.text.clone())
        {
            self.ask(Some(&text));
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

    /// Shows the tails that have waited long enough; call it when [`Mux::next_deadline`] has come.
    pub fn show_tails(&mut self, now: Instant) {
        for (&id, input) in &mut self.streams {
            if input.due().is_some_and(|due| due <= now) {
                input.waiting_since = None;
                let tail = input.lines.take_tail();
                self.held -= tail.len();
                input.put(id, &tail, Extent::Tail, &mut self.page);
            }
        }
    }

    /// When the next tail is to be shown; none while no tail waits, and never where tails are not shown.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.streams.values().filter_map(Input::due).min()
    }

    /// How many bytes have been printed since they were last taken.
    #[must_use]
    pub fn printed(&self) -> usize {
        self.page.formatted.stdout.len()
    }

    /// Takes what has been printed since the last time.
    #[must_use]
    pub fn take(&mut self) -> Formatted {
        self.ask_again();
        std::mem::take(&mut self.page.formatted)
    }

    /// Has what is printed next written on this page, which must be empty, instead of a new one. For after [`Mux::take`].
    pub fn reuse(&mut self, page: Vec<u8>) {
        if self.page.formatted.stdout.is_empty() {
            self.page.formatted.stdout = page;
        }
    }
}

impl Page {
    /// Prints one line of ours.
    fn say(&mut self, source: &Source<'_>, line: &str) {
        let Formatted { stdout, stderr } = &mut self.formatted;
        if let Some(screen) = &mut self.screen {
            let place = Place { out: stdout, formatter: &self.formatter, label: source.label };
            screen.say(place, line);
        } else if self.formatter.format() == LogFormat::Raw {
            for part in [&source.label.process, " | ", &printable(line), "\n"] {
                stderr.extend_from_slice(part.as_bytes());
            }
        } else {
            let piece = Piece { bytes: line.as_bytes(), ended: true };
            self.formatter.records(source).write(stdout, piece);
        }
    }
}

impl Input {
    /// What is left of these bytes without the rest of a line that nobody saw the beginning of.
    fn without_unseen_rest<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if !self.is_inside_unseen {
            return bytes;
        }
        let newline = memchr(b'\n', bytes);
        self.is_inside_unseen = newline.is_none();
        newline.map_or(&[], |newline| &bytes[newline + 1..])
    }

    /// Nothing of these bytes, which are not to be seen.
    fn pass_over(&mut self, bytes: &[u8]) -> &'static [u8] {
        if let Some(last) = bytes.last() {
            self.is_inside_unseen = *last != b'\n';
        }
        &[]
    }

    /// Prints every line that these bytes complete; on a terminal what stays unfinished begins to wait.
    fn feed(&mut self, id: StreamId, bytes: &[u8], page: &mut Page, now: Instant) {
        let Page { formatter, screen, formatted: Formatted { stdout: out, .. } } = page;
        let Self { label, pid, stream, lines, view, waiting_since, .. } = self;
        out.reserve(bytes.len());
        let Some(screen) = screen else {
            let source = Source { label, pid: *pid, stream: *stream };
            let records = formatter.records(&source);
            return lines.feed(bytes, |piece| records.write(out, piece));
        };
        for glance in bytes.chunks(GLANCE) {
            lines.feed(glance, |piece| {
                let place = Place { out: &mut *out, formatter, label };
                let extent = if piece.ended { Extent::Whole } else { Extent::Cut };
                screen.write(place, id, view, piece.bytes, extent);
                *waiting_since = None;
            });
            lines.overwrite(|taken_back| view.take_back(taken_back));
        }
        if !lines.tail().is_empty() {
            waiting_since.get_or_insert(now);
        }
    }

    /// Prints what was held back of a line.
    fn put(&mut self, id: StreamId, bytes: &[u8], extent: Extent, page: &mut Page) {
        let Page { formatter, screen, formatted: Formatted { stdout: out, .. } } = page;
        if let Some(screen) = screen {
            let place = Place { out, formatter, label: &self.label };
            screen.write(place, id, &mut self.view, bytes, extent);
        } else if !bytes.is_empty() {
            let source = Source { label: &self.label, pid: self.pid, stream: self.stream };
            formatter.records(&source).write(out, Piece { bytes, ended: false });
        }
    }

    /// When the tail is to be shown.
    fn due(&self) -> Option<Instant> {
        let since = self.waiting_since?;
        let is_progress = self.view.is_progress(self.lines.tail());
        Some(since + if is_progress { PROGRESS_DELAY } else { TAIL_DELAY })
    }
}

#[cfg(test)]
#[path = "mux_tests.rs"]
mod tests;
