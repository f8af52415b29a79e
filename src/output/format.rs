//! Writes one record in the form that `--log-format` and `--timestamps` ask for.
//!
//! Everything goes into a buffer of the caller's, and the time is put into words once per wake-up of the engine, so a
//! line of text costs copies and no allocation.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use memchr::memchr2;
use serde::Serialize;
use serde_json::Serializer;

use super::line::Piece;
use super::palette::{Colour, RESET};
use crate::model::instance::InstanceId;
use crate::model::plan::Plan;
use crate::model::policy::{LogFormat, Timestamps};

/// The name on our own lines about the whole.
const SYSTEM: &str = "system";

/// The narrowest name column: `system` fits.
const NARROWEST: usize = SYSTEM.len();

/// What stands between a name and its line.
const BAR: &str = " | ";

/// Whose line it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The name that stands before the line: `web.1`, or `system`.
    pub process: String,
    /// The process type: `web`, or `system`.
    pub process_type: String,
    /// The number of the instance; none for `system`.
    pub index: Option<u32>,
    /// The colour of the prefix.
    pub colour: Colour,
}

impl Label {
    /// The label of the lines of an instance.
    #[must_use]
    pub fn of(plan: &Plan, id: InstanceId) -> Self {
        let process_type = plan.types.get(id.process).map_or_else(String::new, |each| each.name.clone());
        Self {
            process: plan.name(id),
            process_type,
            index: Some(id.number.into()),
            colour: Colour::nth(id.process),
        }
    }

    /// The label of our own lines about the whole.
    #[must_use]
    pub fn system() -> Self {
        Self {
            process: SYSTEM.to_owned(),
            process_type: SYSTEM.to_owned(),
            index: None,
            colour: Colour::SYSTEM,
        }
    }
}

/// Where a line was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// The standard output of a process.
    Stdout,
    /// The standard error of a process.
    Stderr,
    /// Nowhere: it is a line of ours.
    System,
}

/// Who writes: what every line of a stream has in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source<'a> {
    /// Whose line it is.
    pub label: &'a Label,
    /// The pid of that process; none for `system`, and for a process that did not start.
    pub pid: Option<u32>,
    /// Where it was written.
    pub stream: Stream,
}

/// What a line of `--log-format json` begins with; the fields are documented in the manual.
///
/// After them come `line`, `partial` and `bytes_base64`, which are the line's own.
#[derive(Serialize)]
struct JsonHead<'a> {
    ts: &'a str,
    process: &'a str,
    #[serde(rename = "type")]
    process_type: &'a str,
    index: Option<u32>,
    pid: Option<u32>,
    stream: Stream,
}

/// Puts records into words.
#[derive(Debug)]
pub struct Formatter {
    format: LogFormat,
    timestamps: Timestamps,
    coloured: bool,
    width: usize,
    zone: TimeZone,
    stamp: String,
}

impl Formatter {
    /// Formats in local time; `width` is the length of the longest name, in characters.
    ///
    /// Until the mux has been told the time it is the beginning of 1970.
    #[must_use]
    pub fn new(format: LogFormat, timestamps: Timestamps, coloured: bool, width: usize) -> Self {
        let width = width.max(NARROWEST);
        let zone = TimeZone::system();
        let mut formatter = Self { format, timestamps, coloured, width, zone, stamp: String::new() };
        formatter.set_time(SystemTime::UNIX_EPOCH, Duration::ZERO);
        formatter
    }

    /// Has names of this length fit before the lines to come.
    pub(super) fn widen(&mut self, width: usize) {
        self.width = self.width.max(width);
    }

    /// The same with the times of another zone.
    #[must_use]
    pub fn in_zone(mut self, zone: TimeZone) -> Self {
        self.zone = zone;
        self.set_time(SystemTime::UNIX_EPOCH, Duration::ZERO);
        self
    }

    /// The form it writes.
    #[must_use]
    pub(super) fn format(&self) -> LogFormat {
        self.format
    }

    /// Sets the time of the records to come: once per wake-up, not per line.
    ///
    /// `elapsed` is the time since the start of the run.
    pub fn set_time(&mut self, wall: SystemTime, elapsed: Duration) {
        let pattern = match (self.format, self.timestamps) {
            (LogFormat::Json, _) | (LogFormat::Text, Timestamps::Rfc3339) => "%Y-%m-%dT%H:%M:%S%.3f%:z",
            (LogFormat::Text, Timestamps::Time) => "%H:%M:%S",
            (LogFormat::Text, Timestamps::Elapsed) => return self.set_elapsed(elapsed),
            (LogFormat::Text, Timestamps::None) | (LogFormat::Raw, _) => return,
        };
        let wall = Timestamp::try_from(wall).unwrap_or(Timestamp::UNIX_EPOCH);
        let local: Zoned = wall.to_zoned(self.zone.clone());
        self.stamp.clear();
        // Fails only on a directive that jiff does not know, and the patterns are the two above.
        let _ = write!(self.stamp, "{}", local.strftime(pattern));
    }

    /// Right-aligned: the columns hold for the first 27 hours, and after that nothing is cut.
    fn set_elapsed(&mut self, elapsed: Duration) {
        self.stamp.clear();
        let _ = write!(self.stamp, "{:>5}.{:03}s", elapsed.as_secs(), elapsed.subsec_millis());
    }

    /// How many columns stand before a line of text, if its name is none longer than the longest.
    #[must_use]
    pub fn prefix_width(&self) -> usize {
        let stamp = match (self.format, self.timestamps) {
            (LogFormat::Json | LogFormat::Raw, _) => return 0,
            (LogFormat::Text, Timestamps::None) => 0,
            (LogFormat::Text, Timestamps::Time | Timestamps::Rfc3339 | Timestamps::Elapsed) => {
                self.stamp.len() + 1
            }
        };
        stamp + self.width + BAR.len()
    }

    /// Begins records of one source, as of now.
    #[must_use]
    pub fn records(&self, source: &Source<'_>) -> Records {
        let mut head = Vec::new();
        match self.format {
            LogFormat::Text => self.prefix(&mut head, source.label),
            LogFormat::Json => self.json_head(&mut head, source),
            LogFormat::Raw => {}
        }
        Records { format: self.format, head }
    }

    /// Writes what stands before a line of text: `12:00:01 web.1    | `.
    pub(super) fn prefix(&self, out: &mut Vec<u8>, label: &Label) {
        if self.coloured {
            label.colour.begin(out);
        }
        if self.timestamps != Timestamps::None {
            out.extend_from_slice(self.stamp.as_bytes());
            out.push(b' ');
        }
        out.extend_from_slice(label.process.as_bytes());
        let padding = self.width.saturating_sub(label.process.chars().count());
        out.resize(out.len() + padding, b' ');
        out.extend_from_slice(BAR.as_bytes());
        if self.coloured {
            out.extend_from_slice(RESET.as_bytes());
        }
    }

    fn json_head(&self, out: &mut Vec<u8>, source: &Source<'_>) {
        let head = JsonHead {
            ts: &self.stamp,
            process: &source.label.process,
            process_type: &source.label.process_type,
            index: source.label.index,
            pid: source.pid,
            stream: source.stream,
        };
        write_json(out, &head);
        out.pop();
        out.extend_from_slice(b",\"line\":");
    }
}

/// Records that come from one source in one wake-up: what they all begin with is put into words once.
#[derive(Debug)]
pub struct Records {
    format: LogFormat,
    head: Vec<u8>,
}

impl Records {
    /// Writes a piece as a record of its own.
    ///
    /// In text a newline follows whether the piece ended in one or not; raw adds none.
    pub fn write(&self, out: &mut Vec<u8>, piece: Piece<'_>) {
        out.extend_from_slice(&self.head);
        match self.format {
            LogFormat::Text => {
                out.extend_from_slice(piece.bytes);
                out.push(b'\n');
            }
            LogFormat::Json => json_line(out, piece),
            LogFormat::Raw => {
                out.extend_from_slice(piece.bytes);
                out.extend(piece.ended.then_some(b'\n'));
            }
        }
    }
}

/// Writes what the head of a record leaves open.
fn json_line(out: &mut Vec<u8>, piece: Piece<'_>) {
    let line = String::from_utf8_lossy(piece.bytes);
    write_json(out, &line);
    if !piece.ended {
        out.extend_from_slice(b",\"partial\":true");
    }
    if matches!(line, Cow::Owned(_)) {
        out.extend_from_slice(b",\"bytes_base64\":");
        write_json(out, &BASE64_STANDARD.encode(piece.bytes));
    }
    out.extend_from_slice(b"}\n");
}

fn write_json(out: &mut Vec<u8>, value: &impl Serialize) {
    // Strings and numbers always serialise, and a Vec takes every write.
    let _ = value.serialize(&mut Serializer::with_formatter(out, Harmless));
}

/// JSON as `serde_json` writes it, and beyond what JSON asks for DEL and the C1 controls as escapes too: whoever has the
/// objects shown on a terminal is not to be at the mercy of what is in them.
struct Harmless;

impl serde_json::ser::Formatter for Harmless {
    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, to: &mut W, text: &str) -> io::Result<()> {
        let is_harmful = |char: char| matches!(char, '\x7f'..='\u{9f}');
        let mut rest = text;
        // C2 begins every C1 control.
        while let Some(at) = memchr2(0x7f, 0xc2, rest.as_bytes()) {
            let (before, from) = rest.split_at(at);
            to.write_all(before.as_bytes())?;
            let Some(char) = from.chars().next() else { break };
            let (own, after) = from.split_at(char.len_utf8());
            if is_harmful(char) {
                write!(to, "\\u{:04x}", u32::from(char))?;
            } else {
                to.write_all(own.as_bytes())?;
            }
            rest = after;
        }
        to.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::offset;

    fn web() -> Label {
        Label { process: "web.1".into(), process_type: "web".into(), index: Some(1), colour: Colour::nth(0) }
    }

    /// 2026-01-02 03:04:05.678 UTC, five hours and a half earlier than there.
    fn formatter(format: LogFormat, timestamps: Timestamps, coloured: bool) -> Formatter {
        let zone = TimeZone::fixed(offset(5).saturating_add(jiff::SignedDuration::from_mins(30)));
        let mut formatter = Formatter::new(format, timestamps, coloured, 0).in_zone(zone);
        let wall = SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_323_045_678);
        formatter.set_time(wall, Duration::from_millis(12_345));
        formatter
    }

    fn written(formatter: &Formatter, source: Source<'_>, bytes: &[u8], ended: bool) -> String {
        let mut out = Vec::new();
        formatter.records(&source).write(&mut out, Piece { bytes, ended });
        String::from_utf8(out).unwrap()
    }

    fn text(timestamps: Timestamps, coloured: bool) -> String {
        let label = web();
        let source = Source { label: &label, pid: Some(7), stream: Stream::Stdout };
        written(&formatter(LogFormat::Text, timestamps, coloured), source, b"text", true)
    }

    fn json(source: Source<'_>, bytes: &[u8], ended: bool) -> String {
        written(&formatter(LogFormat::Json, Timestamps::None, true), source, bytes, ended)
    }

    #[test]
    fn a_line_of_text_has_the_time_and_the_name_before_it() {
        assert_eq!(text(Timestamps::Time, false), "08:34:05 web.1  | text\n");
        assert_eq!(text(Timestamps::Rfc3339, false), "2026-01-02T08:34:05.678+05:30 web.1  | text\n");
        assert_eq!(text(Timestamps::Elapsed, false), "   12.345s web.1  | text\n");
        assert_eq!(text(Timestamps::None, false), "web.1  | text\n");
    }

    #[test]
    fn the_colour_covers_the_prefix_and_nothing_else() {
        assert_eq!(text(Timestamps::Time, true), "\x1b[0;36m08:34:05 web.1  | \x1b[0mtext\n");
    }

    #[test]
    fn names_are_padded_to_the_longest_and_a_longer_one_is_not_cut() {
        let mut out = Vec::new();
        Formatter::new(LogFormat::Text, Timestamps::None, false, 9).prefix(&mut out, &web());
        let formatter = formatter(LogFormat::Text, Timestamps::None, false);
        for process in ["système.1".to_owned(), "x".repeat(300)] {
            formatter.prefix(&mut out, &Label { process, ..web() });
        }
        let expected = format!("web.1     | système.1 | {} | ", "x".repeat(300));
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn the_width_of_a_prefix_is_what_stands_before_a_line() {
        for timestamps in [Timestamps::Time, Timestamps::Rfc3339, Timestamps::Elapsed, Timestamps::None] {
            let expected = text(timestamps, false).len() - "text\n".len();
            assert_eq!(formatter(LogFormat::Text, timestamps, true).prefix_width(), expected, "{timestamps}");
            for form in [LogFormat::Json, LogFormat::Raw] {
                assert_eq!(formatter(form, timestamps, true).prefix_width(), 0);
            }
        }
    }

    #[test]
    fn elapsed_time_is_aligned_and_never_cut() {
        let mut formatter = formatter(LogFormat::Text, Timestamps::Elapsed, false);
        for (millis, stamp) in [(0, "    0.000s"), (99_999_999, "99999.999s"), (100_000_000, "100000.000s")] {
            formatter.set_time(SystemTime::UNIX_EPOCH, Duration::from_millis(millis));
            assert_eq!(formatter.stamp, stamp);
        }
        formatter.set_time(SystemTime::UNIX_EPOCH, Duration::MAX);
    }

    #[test]
    fn a_json_record_is_one_object_on_one_line() {
        let label = web();
        let source = Source { label: &label, pid: Some(7), stream: Stream::Stderr };
        insta::assert_snapshot!(json(source, b"say \"hi\"\t\x1b[0m\r", true), @r#"{"ts":"2026-01-02T08:34:05.678+05:30","process":"web.1","type":"web","index":1,"pid":7,"stream":"stderr","line":"say \"hi\"\t\u001b[0m\r"}"#);
    }

    #[test]
    fn a_json_record_of_the_whole_has_no_index_and_no_pid() {
        let source = Source { label: &Label::system(), pid: None, stream: Stream::System };
        insta::assert_snapshot!(json(source, b"stopping", true), @r#"{"ts":"2026-01-02T08:34:05.678+05:30","process":"system","type":"system","index":null,"pid":null,"stream":"system","line":"stopping"}"#);
    }

    #[test]
    fn json_says_that_a_line_did_not_end_and_keeps_bytes_that_are_no_text() {
        let label = web();
        let source = Source { label: &label, pid: Some(7), stream: Stream::Stdout };
        insta::assert_snapshot!(json(source, b"a\xff\0", false), @r#"{"ts":"2026-01-02T08:34:05.678+05:30","process":"web.1","type":"web","index":1,"pid":7,"stream":"stdout","line":"a�\u0000","partial":true,"bytes_base64":"Yf8A"}"#);
    }

    #[test]
    fn json_has_no_control_that_a_terminal_would_obey() {
        let label = web();
        let source = Source { label: &label, pid: Some(7), stream: Stream::Stdout };
        let text = "a\x7fb\u{80}\u{9b}2J\u{9f}c\u{a0}\u{bf}é\x1b";
        let object = json(source, text.as_bytes(), true);
        let line = format!("a\\u007fb\\u0080\\u009b2J\\u009fc{}é\\u001b", "\u{a0}\u{bf}");
        assert!(object.contains(&line), "{object}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&object).unwrap()["line"], text);
    }

    #[test]
    fn raw_is_the_bytes_and_a_newline_only_where_there_was_one() {
        let raw = formatter(LogFormat::Raw, Timestamps::Time, true);
        let label = web();
        let source = Source { label: &label, pid: Some(7), stream: Stream::Stdout };
        assert_eq!(written(&raw, source, b"text\r", true), "text\r\n");
        assert_eq!(written(&raw, source, b"text", false), "text");
    }

    #[test]
    fn a_time_that_no_calendar_has_is_no_panic() {
        let mut formatter = formatter(LogFormat::Json, Timestamps::Time, false);
        if let Some(wall) = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(1 << 60)) {
            formatter.set_time(wall, Duration::ZERO);
        }
        assert_eq!(formatter.stamp, "1970-01-01T05:30:00.000+05:30");
    }
}
