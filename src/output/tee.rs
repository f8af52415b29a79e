//! Hands what the processes write on to the log files too, byte for byte; a newline of ours where a process is started again whose last line had
//! none.
//!
//! Where both outputs of a process come by one pipe, its bytes go on as they are. Where they come by two and end in one file, an unfinished
//! line is held back, so that the lines of the two do not tear each other: until its newline comes, it is longer than 64 KiB, or both
//! streams have ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::line::LONGEST;
use super::logs::Logs;
use super::mux::StreamId;
use crate::model::instance::InstanceId;

/// The way from the pipes to the log files.
#[derive(Debug)]
pub struct Tee {
    logs: Arc<Logs>,
    /// Whether two streams share a file.
    holds_lines_back: bool,
    streams: BTreeMap<StreamId, Held>,
    /// The instances whose last byte was in the middle of a line.
    inside_line: BTreeSet<InstanceId>,
}

/// What is held back of a stream that shares a file.
#[derive(Debug)]
struct Held {
    instance: InstanceId,
    /// The unfinished line.
    rest: Vec<u8>,
    has_ended: bool,
}

impl Held {
    fn new(instance: InstanceId) -> Self {
        Self { instance, rest: Vec::new(), has_ended: false }
    }
}

impl Tee {
    /// A way to these log files; `streams_share` says whether an instance has two streams.
    #[must_use]
    pub fn new(logs: Arc<Logs>, streams_share: bool) -> Self {
        Self { logs, holds_lines_back: streams_share, streams: BTreeMap::new(), inside_line: BTreeSet::new() }
    }

    /// Begins a stream of a process of an instance, on a line of its own. Its last line and those of the others of that instance wait for each other.
    pub fn open(&mut self, stream: StreamId, instance: InstanceId) {
        if self.inside_line.contains(&instance) {
            push(&self.logs, &mut self.inside_line, instance, b"\n");
        }
        if self.holds_lines_back {
            self.streams.insert(stream, Held::new(instance));
        }
    }

    /// Takes the next bytes of a stream of an instance.
    pub fn feed(&mut self, stream: StreamId, instance: InstanceId, bytes: &[u8]) {
        if !self.holds_lines_back {
            return push(&self.logs, &mut self.inside_line, instance, bytes);
        }
        let held = self.streams.entry(stream).or_insert_with(|| Held::new(instance));
        held.has_ended = false;
        let complete = memchr::memrchr(b'\n', bytes).map_or(0, |last| last + 1);
        let (lines, rest) = bytes.split_at(complete);
        if !lines.is_empty() {
            held.rest.extend_from_slice(lines);
            push(&self.logs, &mut self.inside_line, instance, &held.rest);
            held.rest.clear();
        }
        held.rest.extend_from_slice(rest);
        if held.rest.len() > LONGEST {
            push(&self.logs, &mut self.inside_line, instance, &held.rest);
            held.rest.clear();
        }
    }

    /// Ends a stream. Its last line may have no newline, so what is held back goes on when no other stream of the instance can follow.
    ///
    /// If bytes come all the same (of somebody who outlives the leader), the stream begins again.
    pub fn close(&mut self, stream: StreamId) {
        let Some(held) = self.streams.get_mut(&stream) else { return };
        held.has_ended = true;
        let instance = held.instance;
        if self.streams.values().any(|held| held.instance == instance && !held.has_ended) {
            return;
        }
        for (_, held) in self.streams.extract_if(.., |_, held| held.instance == instance) {
            push(&self.logs, &mut self.inside_line, instance, &held.rest);
        }
    }
}

/// Hands bytes on, and notes where in a line they end.
fn push(logs: &Logs, inside_line: &mut BTreeSet<InstanceId>, instance: InstanceId, bytes: &[u8]) {
    match bytes.last() {
        None => return,
        Some(b'\n') => drop(inside_line.remove(&instance)),
        Some(_) => drop(inside_line.insert(instance)),
    }
    logs.push(instance, bytes);
}
