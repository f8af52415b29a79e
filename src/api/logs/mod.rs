//! The log of a run: what the ring remembers, and what is written from now on.
//!
//! Everything is done here, on the thread of the API and at the pace of the client: `cutter` makes lines of the segments, `sieve` chooses
//! among them, `writer` puts them into words. Whoever is slower than the processes finds that the oldest has gone, and is told how many lines.

mod cutter;
mod sieve;
mod writer;

use super::body::Pen;
use super::failure::{Failure, Refused};
use super::messages::LogRecord;
use super::query::LogsQuery;
use super::routes::App;
use crate::output::{Author, Piece, Place, Ring, Segment};
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use cutter::Cutter;
use regex::bytes::RegexBuilder;
use sieve::Sieve;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::MissedTickBehavior;
use writer::Writer;

/// How large the program of a regular expression may be, in bytes.
const LARGEST_REGEX: usize = 10 * 1024 * 1024;

/// The bytes that are cut into lines before what came of them is sent: nothing but newlines becomes a hundred times as much.
const SLICE: usize = 4096;

/// The bytes from which on what was written is sent.
const FRAME: usize = 64 * 1024;

/// How often a line that has not ended is looked at: one that did not grow meanwhile, like a prompt, is told as it is.
const QUIET: Duration = Duration::from_millis(200);

/// A line, or a part of one.
#[derive(Clone, Copy)]
struct Line<'a> {
    author: &'a Arc<Author>,
    at: SystemTime,
    piece: Piece<'a>,
}

/// The lines of the instances: those that are remembered, and with `follow` all that come until the run ends.
#[utoipa::path(get, path = "/logs", tag = "logs", params(LogsQuery),
    responses((status = 200, description = "A record on each line.", body = LogRecord, content_type = "application/x-ndjson"), Refused))]
pub(super) async fn logs(
    State(App { handle, missed, streams, .. }): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let query = LogsQuery::read(query.as_deref().unwrap_or_default()).map_err(Failure::invalid)?;
    let names = if query.name.is_empty() {
        None
    } else {
        handle.select(query.name.clone()).await?;
        Some(query.name.clone())
    };
    let sieve = Sieve::new(grep(&query)?, since(&query, handle.wall()), query.context as usize);
    let log = Log {
        ring: Arc::clone(handle.ring()),
        cutter: Cutter::new(names),
        has_pattern: query.grep.is_some(),
        lines: query.lines.map(u64::from),
        sieve,
        writer: Writer::new(missed),
    };
    let (pen, body) = streams.begin()?;
    tokio::spawn(log.tell(query.follow, pen));
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

fn grep(query: &LogsQuery) -> Result<Option<regex::bytes::Regex>, Failure> {
    let compile = |text: &String| RegexBuilder::new(text).size_limit(LARGEST_REGEX).build();
    let compiled = query.grep.as_ref().map(compile).transpose();
    compiled.map_err(|error| {
        if matches!(error, regex::Error::CompiledTooBig(_)) {
            return Failure::invalid("`grep` is too large a regular expression")
                .hint("a smaller count in `{...}`, or `[a-z]` in the place of `\\w`, makes it smaller");
        }
        Failure::invalid(format!("`grep` is no regular expression: {error}"))
    })
}

fn since(query: &LogsQuery, now: SystemTime) -> Option<SystemTime> {
    let ago = Duration::try_from_secs_f64(query.since?).ok()?;
    now.checked_sub(ago)
}

/// The log on its way to a client.
struct Log {
    ring: Arc<Ring>,
    cutter: Cutter,
    sieve: Sieve,
    writer: Writer,
    /// How many of the last lines are told; all, without.
    lines: Option<u64>,
    has_pattern: bool,
}

/// Why nothing more is told.
enum Stop {
    /// Nobody reads any more.
    Gone,
    /// What was counted is not there any more.
    Overtaken,
}

impl Log {
    async fn tell(mut self, follows: bool, pen: Pen) {
        let now = self.ring.place(u64::MAX);
        loop {
            match self.tell_past(&now, follows, &pen).await {
                Ok(()) if follows => break,
                // What is written goes on; what is left has only become less.
                Err(Stop::Overtaken) => {}
                Ok(()) | Err(Stop::Gone) => return,
            }
        }
        // Ends with the run, or with whoever reads.
        let _ = self.follow(&pen).await;
    }

    /// Tells what stands in the ring before `now`: all, or the last lines.
    ///
    /// They are counted first and read again then: so nobody who reads slowly makes us keep a copy of them.
    async fn tell_past(&mut self, now: &Place, follows: bool, pen: &Pen) -> Result<(), Stop> {
        let begin = self.begin(now);
        if self.lines.is_some() {
            self.writer.count();
            self.read_until(now.seq, begin.clone(), follows, pen).await?;
        }
        self.writer.skip_to_last(self.lines.unwrap_or(u64::MAX));
        self.read_until(now.seq, begin, follows, pen).await?;
        self.writer.write_all();
        self.send(pen).await
    }

    /// Where what is told begins, or a little before.
    fn begin(&mut self, now: &Place) -> Place {
        let place = match self.lines {
            // What stands before them need not be looked at.
            Some(lines) if !self.has_pattern => self.ring.last(lines, |author| self.cutter.wants(author)),
            Some(_) | None => self.ring.place(0),
        };
        if place.seq > now.seq { now.clone() } else { place }
    }

    /// Takes what stands between two places.
    async fn read_until(&mut self, end: u64, begin: Place, follows: bool, pen: &Pen) -> Result<(), Stop> {
        self.cutter.begin_at(begin);
        self.sieve.begin();
        while self.cutter.next() < end {
            let reading = self.ring.read(self.cutter.next());
            if reading.gone.is_some() && self.writer.is_waiting() {
                return Err(Stop::Overtaken);
            }
            self.cutter
                .resume(reading.next.min(end), reading.gone.as_ref(), |dropped| self.writer.note(dropped));
            for segment in reading.segments.iter().take_while(|segment| segment.seq < end) {
                self.take(segment, pen).await?;
            }
            // Others have their turn, however much there is.
            tokio::task::yield_now().await;
        }
        if !follows {
            let Self { cutter, sieve, writer, .. } = self;
            cutter.finish(|line| sieve.sift(line, |line| writer.write(line)));
        }
        Ok(())
    }

    async fn follow(&mut self, pen: &Pen) -> Result<(), Stop> {
        let mut quiet = tokio::time::interval(QUIET);
        quiet.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let reading = self.ring.read(self.cutter.next());
            self.cutter.resume(reading.next, reading.gone.as_ref(), |dropped| self.writer.note(dropped));
            for segment in &reading.segments {
                self.take(segment, pen).await?;
            }
            self.send(pen).await?;
            if reading.is_over {
                return Ok(());
            }
            // More may be there already, and nothing of it have been sent: others have their turn all the same.
            tokio::task::yield_now().await;
            tokio::select! {
                () = self.ring.grown(reading.next) => {}
                // With a pattern it is whole lines that match.
                _ = quiet.tick(), if !self.has_pattern && self.cutter.is_inside_line() => {
                    let Self { cutter, sieve, writer, .. } = self;
                    cutter.hand_out_quiet(|line| sieve.sift(line, |line| writer.write(line)));
                }
                () = pen.closed() => return Err(Stop::Gone),
            }
        }
    }

    async fn take(&mut self, segment: &Segment, pen: &Pen) -> Result<(), Stop> {
        let Some(mut rest) = self.cutter.begin(segment, |dropped| self.writer.note(dropped)) else {
            return Ok(());
        };
        while !rest.is_empty() {
            let (slice, after) = rest.split_at(rest.len().min(SLICE));
            let Self { cutter, sieve, writer, .. } = self;
            cutter.cut(segment, slice, |line| sieve.sift(line, |line| writer.write(line)));
            rest = after;
            if self.writer.waiting() >= FRAME {
                self.send(pen).await?;
            }
            // Others have their turn, however long a pattern takes.
            tokio::task::yield_now().await;
        }
        let Self { cutter, sieve, writer, .. } = self;
        cutter.end(segment, |line| sieve.sift(line, |line| writer.write(line)));
        Ok(())
    }

    async fn send(&mut self, pen: &Pen) -> Result<(), Stop> {
        let written = self.writer.take();
        if written.is_empty() {
            return Ok(());
        }
        pen.send(Bytes::from(written)).await.map_err(|_| Stop::Gone)
    }
}
