//! Hands what the processes write on to the log files too, byte for byte.
//!
//! Where both outputs of a process come by one pipe, its bytes go on as they are. Where they come by two and end in one file, an unfinished
//! line is held back, so that the lines of the two do not tear each other: until its newline comes, it is longer than 64 KiB, or both
//! streams have ended.

use std::collections::BTreeMap;
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
        Self { logs, holds_lines_back: streams_share, streams: BTreeMap::new() }
    }

    /// Begins a stream of an instance, whose last lines the others of that instance are waited for with.
    pub fn open(&mut self, stream: StreamId, instance: InstanceId) {
        if self.holds_lines_back {
            self.streams.insert(stream, Held::new(instance));
        }
    }

    /// Takes the next bytes of a stream of an instance.
    pub fn feed(&mut self, stream: StreamId, instance: InstanceId, bytes: &[u8]) {
        if !self.holds_lines_back {
            return self.logs.push(instance, bytes);
        }
        let held = self.streams.entry(stream).or_insert_with(|| Held::new(instance));
        held.has_ended = false;
        let complete = memchr::memrchr(b'\n', bytes).map_or(0, |last| last + 1);
        let (lines, rest) = bytes.split_at(complete);
        if !lines.is_empty() {
            held.rest.extend_from_slice(lines);
            self.logs.push(instance, &held.rest);
            held.rest.clear();
        }
        held.rest.extend_from_slice(rest);
        if held.rest.len() > LONGEST {
            self.logs.push(instance, &held.rest);
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
            self.logs.push(instance, &held.rest);
        }
    }
}
