//! Where else the bytes of the processes go, besides what we write: the log files, if there are any, and the ring.

use super::pipes::{Origin, Writer};
use crate::output::{Author, Ring, StreamId, Tee};
use std::sync::Arc;

/// The ways to both.
#[derive(Debug)]
pub(super) struct Copies {
    tee: Option<Tee>,
    ring: Arc<Ring>,
}

impl Copies {
    pub(super) fn new(tee: Option<Tee>, ring: Arc<Ring>) -> Self {
        Self { tee, ring }
    }

    /// Begins a stream of a process.
    pub(super) fn open(&mut self, stream: StreamId, writer: Writer, origin: &Origin) {
        if let Some(tee) = &mut self.tee {
            tee.open(stream, writer.0);
        }
        self.remember(stream, writer, origin);
    }

    /// Takes the next bytes of a stream.
    pub(super) fn feed(&mut self, stream: StreamId, writer: Writer, bytes: &[u8]) {
        if let Some(tee) = &mut self.tee {
            tee.feed(stream, writer.0, bytes);
        }
        self.ring.feed(stream, bytes);
    }

    /// Ends a stream.
    pub(super) fn close(&mut self, stream: StreamId) {
        if let Some(tee) = &mut self.tee {
            tee.close(stream);
        }
        self.ring.close(stream);
    }

    /// Ends what the leader wrote; somebody whom it left may write on.
    pub(super) fn begin_again(&mut self, stream: StreamId, writer: Writer, origin: &Origin) {
        self.close(stream);
        self.remember(stream, writer, origin);
    }

    fn remember(&self, stream: StreamId, writer: Writer, origin: &Origin) {
        let Origin { label, pid, stream: kind, .. } = origin.clone();
        self.ring.open(stream, Author { instance: Some(writer.0), label, pid, stream: kind });
    }
}
