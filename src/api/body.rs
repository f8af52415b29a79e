//! The body of an answer that is written bit by bit, for as long as somebody reads it.

use hyper::body::{Body, Bytes, Frame};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// The pieces that wait for the connection at most: while it writes one, the next is made.
const MOST_WAITING: usize = 1;

/// The end that is written to: whoever holds it can tell that nobody reads any more.
pub(super) type Pen = mpsc::Sender<Bytes>;

/// The end that the connection reads.
pub(super) struct Streamed(mpsc::Receiver<Bytes>);

/// Both ends of a body.
pub(super) fn streamed() -> (Pen, axum::body::Body) {
    let (pen, pieces) = mpsc::channel(MOST_WAITING);
    (pen, axum::body::Body::new(Streamed(pieces)))
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }
}
