//! The log of a run: what the ring remembers, and what is written from now on.
//!
//! Everything is done here, on the thread of the API and at the pace of the client: `cutter` makes lines of the segments, `sieve` chooses
//! among them, `writer` puts them into words. Whoever is slower than the processes finds that the oldest has gone, and is told how many lines.

mod cutter;
mod sieve;
mod writer;

use super::body::{Pen, streamed};
use super::failure::{Failure, Refused};
use super::messages::LogRecord;
use super::query::LogsQuery;
use super::routes::App;
use crate::output::{Author, Piece, Ring, Segment};
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use cutter::Cutter;
use regex::bytes::RegexBuilder;
use sieve::Sieve;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use writer::Writer;

/// How large the program of a regular expression may be, in bytes.
const LARGEST_REGEX: usize = 1024 * 1024;

/// The bytes that are cut into lines before what came of them is sent: nothing but newlines becomes a hundred times as much.
const SLICE: usize = 4096;

/// The bytes from which on what was written is sent.
const FRAME: usize = 64 * 1024;

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
    State(App { handle, missed, .. }): State<App>,
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
    let mut log = Log {
        ring: Arc::clone(handle.ring()),
        cutter: Cutter::new(names),
        sieve,
        writer: Writer::new(query.lines.map(|lines| lines as usize), missed),
    };
    let (pen, body) = streamed();
    if query.grep.is_none()
        && let Some(lines) = query.lines
    {
        // What stands before them need not be looked at.
        let (begin, before) = log.ring.last(lines.into(), |author| log.cutter.wants(author));
        log.cutter.begin_at(begin, before);
    }
    tokio::spawn(log.tell(query.follow, pen));
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

fn grep(query: &LogsQuery) -> Result<Option<regex::bytes::Regex>, Failure> {
    let compile = |text: &String| RegexBuilder::new(text).size_limit(LARGEST_REGEX).build();
    let compiled = query.grep.as_ref().map(compile).transpose();
    compiled.map_err(|error| Failure::invalid(format!("`grep` is no regular expression: {error}")))
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
}

/// Nobody reads any more.
struct Gone;

impl Log {
    async fn tell(mut self, follows: bool, pen: Pen) {
        let now = self.ring.end();
        if self.read_until(now, &pen).await.is_err() {
            return;
        }
        if !follows {
            let Self { cutter, sieve, writer, .. } = &mut self;
            cutter.finish(|line| sieve.sift(line, |line| writer.write(line)));
        }
        self.writer.release();
        if self.send(&pen).await.is_err() || !follows {
            return;
        }
        // Ends with the run, or with whoever reads.
        let _ = self.follow(&pen).await;
    }

    /// Takes what stands before `end`, and a little more perhaps.
    async fn read_until(&mut self, end: u64, pen: &Pen) -> Result<(), Gone> {
        while self.cutter.next() < end {
            let reading = self.ring.read(self.cutter.next());
            self.cutter.resume(reading.next, reading.gone.as_ref(), |dropped| self.writer.note(dropped));
            for segment in &reading.segments {
                self.take(segment, pen).await?;
            }
            // Others have their turn, however much there is.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn follow(&mut self, pen: &Pen) -> Result<(), Gone> {
        loop {
            let next = self.cutter.next();
            let reading = self.ring.read(next);
            self.cutter.resume(reading.next, reading.gone.as_ref(), |dropped| self.writer.note(dropped));
            for segment in &reading.segments {
                self.take(segment, pen).await?;
            }
            self.send(pen).await?;
            if reading.is_over {
                return Ok(());
            }
            tokio::select! {
                () = self.ring.grown(reading.next) => {}
                () = pen.closed() => return Err(Gone),
            }
        }
    }

    async fn take(&mut self, segment: &Segment, pen: &Pen) -> Result<(), Gone> {
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
        }
        let Self { cutter, sieve, writer, .. } = self;
        cutter.end(segment, |line| sieve.sift(line, |line| writer.write(line)));
        Ok(())
    }

    async fn send(&mut self, pen: &Pen) -> Result<(), Gone> {
        let written = self.writer.take();
        if written.is_empty() {
            return Ok(());
        }
        pen.send(Bytes::from(written)).await.map_err(|_| Gone)
    }
}
