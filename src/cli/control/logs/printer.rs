//! Turns records of the log back into lines as `proc start` prints them.
//!
//! Lines that one process wrote at one time are fed together: what a flood costs is reading its JSON.

use crate::engine::clock::Clock;
use crate::output::{Colour, Formatted, Label, Mux, Stream, StreamId};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use memchr::memchr_iter;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};

/// A record, as it stands in the bytes that came.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    ts: Cow<'a, str>,
    #[serde(borrow)]
    process: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    process_type: Cow<'a, str>,
    index: Option<u32>,
    pid: Option<u32>,
    stream: Kind,
    #[serde(borrow)]
    line: Cow<'a, str>,
    #[serde(default)]
    partial: bool,
    #[serde(borrow, default)]
    bytes_base64: Option<Cow<'a, str>>,
}

/// Where a line was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Stdout,
    Stderr,
    System,
}

/// In the place of lines that this reader was too slow for.
#[derive(Deserialize)]
struct Dropped {
    dropped: u64,
}

/// Whose lines they are, and when they came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Origin {
    ts: String,
    process: String,
    pid: Option<u32>,
    kind: Option<Kind>,
}

/// Puts records into words.
pub(super) struct Printer {
    mux: Mux,
    /// When the run began.
    start: SystemTime,
    colours: BTreeMap<String, Colour>,
    /// One for each instance and where it writes; that of the process that it had last.
    streams: BTreeMap<(String, Kind), (StreamId, Option<u32>)>,
    /// The id of the next one.
    next: StreamId,
    /// The lines that are fed together, and whose they are.
    origin: Origin,
    stream: StreamId,
    held: Vec<u8>,
    /// How many lines were dropped and not told of yet.
    missed: u64,
    /// Nothing of a mux that is fed with whole lines waits for a time.
    now: Instant,
}

impl Printer {
    pub(super) fn new(mux: Mux, start: SystemTime, colours: BTreeMap<String, Colour>) -> Self {
        Self {
            mux,
            start,
            colours,
            streams: BTreeMap::new(),
            next: StreamId(0),
            origin: Origin::default(),
            stream: StreamId(0),
            held: Vec::new(),
            missed: 0,
            now: Clock::start().now(),
        }
    }

    /// The lines of these records. What is no record is of a newer version of the run, and is skipped.
    pub(super) fn print(&mut self, page: &[u8]) -> Formatted {
        let mut from = 0;
        for end in memchr_iter(b'\n', page) {
            let json = &page[from..end];
            from = end + 1;
            if let Ok(record) = serde_json::from_slice::<Record<'_>>(json) {
                self.take(&record);
            } else if let Ok(Dropped { dropped }) = serde_json::from_slice(json) {
                self.flush();
                self.missed += dropped;
            }
        }
        self.flush();
        self.tell_missed();
        self.mux.take()
    }

    /// Says how many lines are missing here, in one place.
    fn tell_missed(&mut self) {
        let lines = match std::mem::take(&mut self.missed) {
            0 => return,
            1 => "1 line is".to_owned(),
            missed => format!("{missed} lines are"),
        };
        self.mux.say(None, None, &format!("{lines} missing here: this reader was too slow"));
    }

    fn take(&mut self, record: &Record<'_>) {
        self.tell_missed();
        if !self.is_of(record) {
            self.flush();
            self.turn_to(record);
        }
        if record.stream == Kind::System {
            let label = (record.process_type != "system").then(|| self.label(record));
            return self.mux.say(label.as_ref(), record.pid, &record.line);
        }
        let bytes =
            record.bytes_base64.as_ref().and_then(|text| BASE64_STANDARD.decode(text.as_bytes()).ok());
        self.held.extend_from_slice(bytes.as_deref().unwrap_or(record.line.as_bytes()));
        if record.partial {
            // It is printed as a line, and no other goes on behind it.
            self.flush();
            self.mux.close(self.stream);
            self.origin = Origin::default();
            self.streams.retain(|_, (stream, _)| *stream != self.stream);
        } else {
            self.held.push(b'\n');
        }
    }

    fn is_of(&self, record: &Record<'_>) -> bool {
        let Origin { ts, process, pid, kind } = &self.origin;
        *ts == record.ts && *process == record.process && *pid == record.pid && *kind == Some(record.stream)
    }

    /// The next lines are those of another, or came at another time.
    fn turn_to(&mut self, record: &Record<'_>) {
        if self.origin.ts != record.ts
            && let Ok(at) = record.ts.parse::<Timestamp>()
        {
            let at = SystemTime::from(at);
            self.mux.set_time(at, at.duration_since(self.start).unwrap_or_default());
        }
        let process = record.process.to_string();
        let kind = Some(record.stream);
        self.origin = Origin { ts: record.ts.to_string(), process: process.clone(), pid: record.pid, kind };
        let there = self.streams.get(&(process.clone(), record.stream)).copied();
        if let Some((stream, _)) = there.filter(|(_, pid)| *pid == record.pid) {
            self.stream = stream;
            return;
        }
        if let Some((ended, _)) = there {
            self.mux.close(ended);
        }
        self.stream = self.next;
        self.next = StreamId(self.next.0 + 1);
        self.streams.insert((process, record.stream), (self.stream, record.pid));
        let kind = match record.stream {
            Kind::Stdout => Stream::Stdout,
            Kind::Stderr => Stream::Stderr,
            Kind::System => Stream::System,
        };
        self.mux.open(self.stream, self.label(record), record.pid, kind, false);
    }

    fn label(&self, record: &Record<'_>) -> Label {
        let process_type = record.process_type.to_string();
        // Of a type that has come since, by a reload.
        let colour =
            self.colours.get(&process_type).copied().unwrap_or_else(|| Colour::nth(self.colours.len()));
        Label { process: record.process.to_string(), process_type, index: record.index, colour }
    }

    fn flush(&mut self) {
        if !self.held.is_empty() {
            self.mux.feed(self.stream, &self.held, self.now);
            self.held.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::policy::{LogFormat, Timestamps};
    use crate::output::Formatter;

    fn printer(format: LogFormat) -> Printer {
        let formatter = Formatter::new(format, Timestamps::None, false, 0);
        let colours = BTreeMap::from([("web".to_owned(), Colour::nth(0))]);
        Printer::new(Mux::new(formatter, None, usize::MAX), SystemTime::UNIX_EPOCH, colours)
    }

    fn record(process: &str, stream: &str, rest: &str) -> String {
        format!(
            r#"{{"ts":"2026-01-02T08:34:05.678+00:00","process":"{process}","type":"web","index":1,"pid":7,"stream":"{stream}",{rest}}}"#
        ) + "\n"
    }

    #[test]
    fn records_become_the_lines_that_they_were_made_of() {
        let page = record("web.1", "stdout", r#""line":"say \"hi\"""#)
            + &record("web.1", "stdout", r#""line":"again""#)
            + &record("web.2", "stderr", r#""line":"x�","bytes_base64":"eP8=""#)
            + &record("web.1", "system", r#""line":"exited with code 0""#)
            + "{\"dropped\":3}\n{\"dropped\":1}\n{\"news\":1}\n";
        let printed = printer(LogFormat::Text).print(page.as_bytes());
        assert_eq!(
            printed.stdout,
            b"web.1  | say \"hi\"\nweb.1  | again\nweb.2  | x\xff\nweb.1  | exited with code 0\n\
              system | 4 lines are missing here: this reader was too slow\n"
        );
    }

    #[test]
    fn raw_is_the_bytes_and_what_is_ours_goes_to_standard_error() {
        let page = record("web.1", "stdout", r#""line":"a","partial":true"#)
            + &record("web.1", "stdout", r#""line":"b""#)
            + &record("web.1", "system", r#""line":"exited with code 0""#);
        let printed = printer(LogFormat::Raw).print(page.as_bytes());
        assert_eq!(printed.stdout, b"ab\n");
        assert_eq!(printed.stderr, b"web.1 | exited with code 0\n");
    }

    #[test]
    fn a_restart_takes_no_memory() {
        let mut printer = printer(LogFormat::Text);
        for pid in 1..100 {
            let line =
                record("web.1", "stdout", r#""line":"a""#).replace("\"pid\":7", &format!("\"pid\":{pid}"));
            assert_eq!(printer.print(line.as_bytes()).stdout, b"web.1  | a\n");
        }
        assert_eq!(printer.streams.len(), 1);
    }
}
