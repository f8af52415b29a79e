//! The lines that were chosen become records of JSON, as `--log-format json` writes them.

use super::Line;
use super::sieve::Kept;
use crate::api::messages::Dropped;
use crate::model::policy::{LogFormat, Timestamps};
use crate::output::{Author, Formatter, Records, Source};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Writes records.
pub(super) struct Writer {
    formatter: Formatter,
    /// What the records of one author at one time begin with.
    head: Option<(Arc<Author>, SystemTime, Records)>,
    out: Vec<u8>,
    /// While it is the last lines that are wanted: these.
    last: Option<Kept>,
    /// What everybody has missed.
    missed: Arc<AtomicU64>,
}

impl Writer {
    /// One that writes the `last` lines before it is released, or all.
    pub(super) fn new(last: Option<usize>, missed: Arc<AtomicU64>) -> Self {
        let formatter = Formatter::new(LogFormat::Json, Timestamps::Rfc3339, false, 0);
        Self { formatter, head: None, out: Vec::new(), last: last.map(Kept::new), missed }
    }

    /// Writes a line.
    pub(super) fn write(&mut self, line: Line<'_>) {
        match &mut self.last {
            Some(last) => last.keep(line),
            None => self.put(line),
        }
    }

    /// Writes the last lines, and from now on all.
    pub(super) fn release(&mut self) {
        if let Some(mut last) = self.last.take() {
            last.release(&mut |line| self.put(line));
        }
    }

    /// Writes that so many lines are missing.
    pub(super) fn note(&mut self, dropped: u64) {
        // Of the last lines none is missing but the oldest.
        if self.last.is_some() {
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
