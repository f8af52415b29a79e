//! The body of an answer that is written bit by bit, for as long as somebody reads it.

use super::failure::Failure;
use axum::http::StatusCode;
use hyper::body::{Body, Bytes, Frame};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// The pieces that wait for the connection at most: while it writes one, the next is made.
const MOST_WAITING: usize = 1;

/// The end that is written to: whoever holds it can tell that nobody reads any more.
pub(super) type Pen = mpsc::Sender<Bytes>;

/// The end that the connection reads.
struct Streamed {
    pieces: mpsc::Receiver<Bytes>,
    /// Given back with the end of the answer.
    _place: OwnedSemaphorePermit,
}

/// The places for such answers: fewer than there are connections, so that there is always one left to ask and to end the run.
#[derive(Debug, Clone)]
pub(super) struct Streams {
    places: Arc<Semaphore>,
    most: usize,
}

impl Streams {
    /// So many places.
    pub(super) fn new(most: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(most)), most }
    }

    /// Both ends of a body, if there is a place for it.
    pub(super) fn begin(&self) -> Result<(Pen, axum::body::Body), Failure> {
        let taken = Arc::clone(&self.places).try_acquire_owned();
        let place = taken.map_err(|_| {
            let error = format!("{} clients read the log or the events already", self.most);
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, error).hint("end one of them and try again")
        })?;
        let (pen, pieces) = mpsc::channel(MOST_WAITING);
        Ok((pen, axum::body::Body::new(Streamed { pieces, _place: place })))
    }
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.pieces.poll_recv(context).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }
}
