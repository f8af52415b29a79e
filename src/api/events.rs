//! What happens in the run, as server-sent events: who is too slow misses some, and is told how many.

use super::body::Pen;
use super::failure::{Failure, Refused};
use super::messages::Dropped;
use super::routes::App;
use crate::model::happening::Happening;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, watch};

/// How often a comment is sent where nothing happens, so that both ends learn of it when the other has gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What happens from now on, until the run ends.
#[utoipa::path(get, path = "/events", tag = "events",
    responses((status = 200, description = "An event for each: its name, and a `Happening` or (`dropped`) a `Dropped` as data.",
        body = String, content_type = "text/event-stream"), Refused))]
pub(super) async fn events(
    State(App { handle, ended, streams, .. }): State<App>,
) -> Result<Response, Failure> {
    let (pen, body) = streams.begin()?;
    tokio::spawn(tell(handle.happenings(), ended, pen));
    Ok(([(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")], body).into_response())
}

async fn tell(mut happenings: broadcast::Receiver<Arc<Happening>>, mut ended: watch::Receiver<()>, pen: Pen) {
    // The head of the answer is not sent before the first piece of its body.
    let mut next = Bytes::from_static(b":\n\n");
    while pen.send(next).await.is_ok() {
        next = tokio::select! {
            biased;
            happening = happenings.recv() => match happening {
                Ok(happening) => told(&happening),
                Err(RecvError::Lagged(missed)) => missing(missed),
                Err(RecvError::Closed) => return,
            },
            _ = ended.changed() => return tell_rest(happenings, pen).await,
            () = pen.closed() => return,
            () = tokio::time::sleep(KEEP_ALIVE) => Bytes::from_static(b":\n\n"),
        };
    }
}

/// Tells what has happened and was not told yet: nothing follows.
async fn tell_rest(mut happenings: broadcast::Receiver<Arc<Happening>>, pen: Pen) {
    loop {
        let next = match happenings.try_recv() {
            Ok(happening) => told(&happening),
            Err(TryRecvError::Lagged(missed)) => missing(missed),
            Err(TryRecvError::Empty | TryRecvError::Closed) => return,
        };
        if pen.send(next).await.is_err() {
            return;
        }
    }
}

fn told(happening: &Happening) -> Bytes {
    event(&happening.event, happening)
}

fn missing(dropped: u64) -> Bytes {
    event("dropped", &Dropped { dropped })
}

/// An event; JSON has no newlines of its own.
fn event(name: &str, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_default();
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}
