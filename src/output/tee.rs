//! Hands what the processes write on to the log files too, byte for byte.
//!
//! Where both outputs of a process come by one pipe, its bytes go on as they are. Where they come by two and end in one file, an unfinished
//! line is held back, so that the lines of the two do not tear each other; a line longer than 64 KiB is let go before its end.

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
    /// The unfinished lines.
    held: BTreeMap<StreamId, (InstanceId, Vec<u8>)>,
}

impl Tee {
    /// A way to these log files; `streams_share` says whether an instance has two streams.
    #[must_use]
    pub fn new(logs: Arc<Logs>, streams_share: bool) -> Self {
        Self { logs, holds_lines_back: streams_share, held: BTreeMap::new() }
    }

    /// Takes the next bytes of a stream of an instance.
    pub fn feed(&mut self, stream: StreamId, instance: InstanceId, bytes: &[u8]) {
        if !self.holds_lines_back {
            return self.logs.push(instance, bytes);
        }
        let (_, held) = self.held.entry(stream).or_insert_with(|| (instance, Vec::new()));
        let complete = memchr::memrchr(b'\n', bytes).map_or(0, |last| last + 1);
        let (lines, rest) = bytes.split_at(complete);
        if !lines.is_empty() {
            held.extend_from_slice(lines);
            self.logs.push(instance, held);
            held.clear();
        }
        held.extend_from_slice(rest);
        if held.len() > LONGEST {
            self.logs.push(instance, held);
            held.clear();
        }
    }

    /// Ends a stream: what is held back of its last line goes on.
    pub fn close(&mut self, stream: StreamId) {
        if let Some((instance, rest)) = self.held.remove(&stream) {
            self.logs.push(instance, &rest);
        }
    }
}
