//! The lines that were chosen become records of JSON, as `--log-format json` writes them.

use super::Line;
use crate::api::messages::Dropped;
use crate::model::policy::{LogFormat, Timestamps};
use crate::output::{Author, Formatter, Records, Source};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// What is done with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// So many were counted, and this one is, too.
    Counting(u64),
    /// So many are passed over before the first is written.
    Skipping(u64),
    /// It is written.
    Writing,
}

/// Writes records.
pub(super) struct Writer {
    formatter: Formatter,
    /// What the records of one author at one time begin with.
    head: Option<(Arc<Author>, SystemTime, Records)>,
    out: Vec<u8>,
    stage: Stage,
    /// What everybody has missed.
    missed: Arc<AtomicU64>,
}

impl Writer {
    /// One that writes all lines.
    pub(super) fn new(missed: Arc<AtomicU64>) -> Self {
        let formatter = Formatter::new(LogFormat::Json, Timestamps::Rfc3339, false, 0);
        Self { formatter, head: None, out: Vec::new(), stage: Stage::Writing, missed }
    }

    /// Counts lines from now on, and writes none.
    pub(super) fn count(&mut self) {
        self.stage = Stage::Counting(0);
    }

    /// Of the lines that were counted, and come again now, writes only the last so many; all, if none were counted.
    pub(super) fn skip_to_last(&mut self, most: u64) {
        match self.stage {
            Stage::Counting(lines) => self.stage = Stage::Skipping(lines.saturating_sub(most)),
            Stage::Skipping(_) | Stage::Writing => self.stage = Stage::Skipping(0),
        }
    }

    /// Writes all from now on.
    pub(super) fn write_all(&mut self) {
        self.stage = Stage::Writing;
    }

    /// Whether nothing was written yet of those that are counted.
    pub(super) fn is_waiting(&self) -> bool {
        match self.stage {
            Stage::Counting(_) | Stage::Skipping(_) => true,
            Stage::Writing => false,
        }
    }

    /// Writes a line.
    pub(super) fn write(&mut self, line: Line<'_>) {
        match self.stage {
            Stage::Counting(lines) => self.stage = Stage::Counting(lines + 1),
            Stage::Skipping(lines @ 1..) => self.stage = Stage::Skipping(lines - 1),
            Stage::Skipping(0) | Stage::Writing => {
                self.stage = Stage::Writing;
                self.put(line);
            }
        }
    }

    /// Writes that so many lines are missing.
    pub(super) fn note(&mut self, dropped: u64) {
        // Nothing is missing before the first.
        if self.is_waiting() {
            return;
        }
        self.missed.fetch_add(dropped, Ordering::Relaxed);
        if serde_json::to_writer(&mut self.out, &Dropped { dropped }).is_ok() {
            self.out.push(b'\n');
        }
    }

    /// The bytes that were written and not taken yet.
    pub(super) fn waiting(&self) -> usize {
        self.out.len()
    }

    /// Takes them.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    fn put(&mut self, line: Line<'_>) {
        let is_other = |(author, at, _): &(Arc<Author>, SystemTime, Records)| {
            !Arc::ptr_eq(author, line.author) || *at != line.at
        };
        if self.head.as_ref().is_none_or(is_other) {
            self.formatter.set_time(line.at, Duration::ZERO);
            let Author { label, pid, stream, .. } = &**line.author;
            let records = self.formatter.records(&Source { label, pid: *pid, stream: *stream });
            self.head = Some((Arc::clone(line.author), line.at, records));
        }
        if let Some((_, _, records)) = &self.head {
            records.write(&mut self.out, line.piece);
        }
    }
}
