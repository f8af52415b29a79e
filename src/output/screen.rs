//! How the streams look on a terminal, where a line may be seen before it is complete.
//!
//! An unfinished line (a prompt, a row of dots) is shown as a *tail* and stays open until something else is printed. A
//! carriage return takes back what its line has shown: what follows replaces it, in its place while the line is the last
//! on the screen. Everything goes through the stream's [`Filter`], and no colour outlasts a write.

use memchr::{memchr, memrchr};

use super::escape::Filter;
use super::format::{Formatter, Label};
use super::mux::{QUESTION, StreamId};

/// A terminal that our output goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    /// Whether it can go back in a line and erase it; else what replaces something gets a line of its own.
    pub can_erase: bool,
}

/// Goes back to the beginning of the line and erases it (EL): the only sequence but colours that we write.
const ERASE: &[u8] = b"\r\x1b[K";

/// What goes back to the beginning of a line: a carriage return, a cursor in column 1, a line that is erased.
const TAKES_BACK: [&[u8]; 4] = [b"\r", b"\x1b[G", b"\x1b[1G", b"\x1b[2K"];

/// The screen: on whose line it ends.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: Terminal,
    /// The stream whose tail is the last physical line; none where that line has its newline.
    open: Option<StreamId>,
    /// Whether a question of ours has a line to itself: then it can be erased.
    pub(super) question_fits: bool,
}

/// What of a stream's current line is on the screen.
#[derive(Debug, Default)]
pub(super) struct View {
    filter: Filter,
    /// Whether its beginning has been shown.
    is_shown: bool,
    /// Whether what comes next replaces that.
    is_taken_back: bool,
}

/// Where something is to be written, and behind whose name.
pub(super) struct Place<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) formatter: &'a Formatter,
    pub(super) label: &'a Label,
}

/// How much of a line there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it, or all there will be.
    Whole,
    /// A part of one that is too long: the rest gets a line of its own.
    Cut,
    /// What there is so far.
    Tail,
}

impl Screen {
    pub(super) fn new(terminal: Terminal) -> Self {
        Self { terminal, open: None, question_fits: false }
    }

    /// Writes more of a stream's line, or what replaces it.
    pub(super) fn write(
        &mut self,
        mut place: Place<'_>,
        id: StreamId,
        view: &mut View,
        bytes: &[u8],
        extent: Extent,
    ) {
        let Line { taken_back, text, returns } = Line::of(bytes);
        if !taken_back.is_empty() {
            view.filter.skip(taken_back);
        }
        let replaces = view.is_taken_back || !taken_back.is_empty();
        let has_more = !text.is_empty() || view.filter.is_waiting();
        if has_more || (extent != Extent::Tail && !view.is_shown) {
            self.go_to(&mut place, id, replaces);
            view.pass(text, extent == Extent::Whole || returns, place.out);
            view.is_shown = true;
        }
        view.is_taken_back = returns || (replaces && !has_more);
        if extent != Extent::Tail {
            // Where something else was printed meanwhile, the line has had its newline.
            if self.open == Some(id) {
                self.end_line(place.out);
            }
            view.is_shown = false;
            view.is_taken_back = false;
        }
    }

    /// Goes to where a stream writes on, or to where it begins again.
    fn go_to(&mut self, place: &mut Place<'_>, id: StreamId, begins_again: bool) {
        let is_open = self.open == Some(id);
        if is_open && !begins_again {
            return;
        }
        if is_open && self.terminal.can_erase {
            // Before, not behind: a cursor that has come to the last column stands on what it wrote there.
            place.out.extend_from_slice(ERASE);
        } else {
            self.make_room(place.out);
        }
        place.prefix();
        self.open = Some(id);
    }

    /// Whether this is the stream whose tail is the last line.
    pub(super) fn is_open(&self, id: StreamId) -> bool {
        self.open == Some(id)
    }

    /// Whether what is shown of a stream may be erased for what comes next: questions of ours are, which are shown again.
    pub(super) fn can_erase(&self, id: StreamId) -> bool {
        id == QUESTION && self.terminal.can_erase && self.question_fits
    }

    /// Has what comes next begin on a line of its own.
    fn make_room(&mut self, out: &mut Vec<u8>) {
        if self.open.is_some_and(|open| self.can_erase(open)) {
            out.extend_from_slice(ERASE);
            self.open = None;
        }
        self.end_line(out);
    }

    /// Writes a line of ours. It may name what others have named.
    pub(super) fn say(&mut self, mut place: Place<'_>, line: &str) {
        self.make_room(place.out);
        place.prefix();
        View::default().pass(line.as_bytes(), true, place.out);
        place.out.push(b'\n');
    }

    /// Gives the open line its newline.
    pub(super) fn end_line(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            out.push(b'\n');
        }
    }
}

impl View {
    /// Whether the line is one of those that are written over and over: a progress bar.
    pub(super) fn is_progress(&self, tail: &[u8]) -> bool {
        self.is_taken_back || memchr(b'\r', tail).is_some()
    }

    /// Whether the stream has a line of which something has been shown or is waited for.
    pub(super) fn is_begun(&self) -> bool {
        self.is_shown || self.filter.is_waiting()
    }

    /// Notes that bytes of the line were taken back before anybody saw them.
    pub(super) fn take_back(&mut self, bytes: &[u8]) {
        self.filter.skip(bytes);
        self.is_taken_back = true;
    }

    fn pass(&mut self, text: &[u8], is_over: bool, out: &mut Vec<u8>) {
        self.filter.resume(out);
        self.filter.feed(text, out);
        if is_over {
            self.filter.end(out);
        }
        self.filter.pause(out);
    }
}

impl Place<'_> {
    fn prefix(&mut self) {
        self.formatter.prefix(self.out, self.label);
    }
}

/// A line, or a part of one, as a terminal would show it.
struct Line<'a> {
    /// What is written over by the rest.
    taken_back: &'a [u8],
    /// What is seen.
    text: &'a [u8],
    /// Whether it goes back to its beginning in the end.
    returns: bool,
}

impl<'a> Line<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let has_controls = memchr(b'\r', bytes).is_some() || memchr(b'\x1b', bytes).is_some();
        if !has_controls {
            return Self { taken_back: &[], text: bytes, returns: false };
        }
        let body = without_ends(bytes, &TAKES_BACK);
        let start = TAKES_BACK.iter().filter_map(|mark| Some(rfind(body, mark)? + mark.len())).max();
        let (taken_back, text) = body.split_at(start.unwrap_or(0));
        Self { taken_back, text, returns: body.len() < bytes.len() }
    }
}

/// The bytes without those marks at their end.
fn without_ends<'a>(bytes: &'a [u8], marks: &[&[u8]]) -> &'a [u8] {
    let mut bytes = bytes;
    while let Some(rest) = marks.iter().find_map(|mark| bytes.strip_suffix(*mark)) {
        bytes = rest;
    }
    bytes
}

/// Where the last of these marks stands, which begin with a byte that is rare in text.
fn rfind(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    let mut end = bytes.len();
    while let Some(at) = memrchr(mark[0], &bytes[..end]) {
        if bytes[at..].starts_with(mark) {
            return Some(at);
        }
        end = at;
    }
    None
}

#[cfg(test)]
#[path = "screen_tests.rs"]
mod tests;
