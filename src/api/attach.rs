//! Attaching: all that an instance writes as it comes, with what was said about it between, and what is typed into its terminal.
//!
//! After the upgrade of the connection there are bytes both ways and nothing else.

use super::failure::{Asked, Failure, Refused, Unread, no_such_method};
use super::follow::Follower;
use super::messages::{Done, WindowRequest};
use super::query::AttachQuery;
use super::routes::App;
use crate::engine::attach::{Attachment, Role};
use crate::engine::handle::Handle;
use crate::model::snapshot::PhaseName;
use crate::unix::pty::Window;
use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::header::{CONNECTION, UPGRADE};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What the connection becomes.
pub const PROTOCOL: &str = "proc-attach";

/// The header that says whether its sender may type: `write` or `read`.
pub const MODE: HeaderName = HeaderName::from_static("proc-attach-mode");

/// The header that says why not.
pub const REASON: HeaderName = HeaderName::from_static("proc-attach-reason");

/// How many bytes may have been typed that the process has had no room for.
const MOST_TYPED: usize = 64 * 1024;

/// How long is waited before room is looked for again.
const PAUSE: Duration = Duration::from_millis(10);

/// How many may be attached at once.
const MOST: u32 = 64;

/// The places for those who are attached.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Semaphore>);

impl Default for Places {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST as usize)))
    }
}

impl Places {
    /// Takes one until it is dropped.
    fn take(&self) -> Result<OwnedSemaphorePermit, Failure> {
        let taken = Arc::clone(&self.0).try_acquire_owned();
        taken.map_err(|_| {
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, format!("{MOST} are attached already"))
        })
    }

    /// Waits until all have gone.
    pub(super) async fn all_free(&self) {
        // It is never closed.
        drop(self.0.acquire_many(MOST).await);
    }
}

type Connection = TokioIo<Upgraded>;

/// Attach to an instance: its output as it comes, and what is typed into its terminal.
///
/// The connection becomes one of bytes both ways (`Upgrade: proc-attach`). The header `proc-attach-mode` says whether what is sent is typed:
/// one client types (`write`), the others watch (`read`; `proc-attach-reason` says why).
#[utoipa::path(get, path = "/instances/{name}/attach", tag = "instances",
    params(("name" = String, Path, description = "What it is called: `web.1`."), AttachQuery),
    responses(
        (status = 101, description = "From here on the connection is the terminal.", headers(
            ("proc-attach-mode" = String, description = "`write` or `read`."),
            ("proc-attach-reason" = String, description = "Why not `write`."))),
        (status = 426, description = "The request does not ask for the upgrade.", body = super::messages::ErrorBody),
        Refused))]
pub(super) async fn attach(
    State(app): State<App>,
    name: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, Failure> {
    // It is routed as `GET` is, but nothing may come of it.
    if request.method() == Method::HEAD {
        return Err(no_such_method().await);
    }
    let query = AttachQuery::read(query.as_deref().unwrap_or_default()).map_err(Failure::invalid)?;
    let Path(name) = name.map_err(|rejection| Failure::invalid(rejection.body_text()))?;
    let Some(upgrade) = upgrade(request) else {
        let failure = Failure::new(StatusCode::UPGRADE_REQUIRED, "this connection is to become a terminal");
        let failure = failure.hint(format!("send `connection: upgrade` and `upgrade: {PROTOCOL}`"));
        return Ok(([(UPGRADE, PROTOCOL)], failure).into_response());
    };
    let place = app.places.take()?;
    let handle = app.handle;
    let attachment = handle.attach(name, query.write).await?;
    let answer = switching(&attachment.role);
    tokio::spawn(async move {
        let _place = place;
        converse(upgrade, &handle, &attachment, query.history).await;
        if let Role::Writer(writer) = attachment.role {
            // A run that is over has nobody attached.
            drop(handle.detach(attachment.instance, writer).await);
        }
    });
    Ok(answer)
}

/// The connection behind a request that asks for it.
fn upgrade(mut request: Request) -> Option<OnUpgrade> {
    let asks = request.headers().get(UPGRADE)?.as_bytes().eq_ignore_ascii_case(PROTOCOL.as_bytes());
    asks.then(|| request.extensions_mut().remove::<OnUpgrade>()).flatten()
}

fn switching(role: &Role) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static(PROTOCOL));
    match role {
        Role::Writer(_) => drop(headers.insert(MODE, HeaderValue::from_static("write"))),
        Role::Watcher(why) => {
            headers.insert(MODE, HeaderValue::from_static("read"));
            // Names are of characters that a header may have.
            headers.extend(HeaderValue::from_str(why).ok().map(|why| (REASON, why)));
        }
    }
    response
}

/// Moves bytes both ways until the client has gone, or nothing more will come.
async fn converse(upgrade: OnUpgrade, handle: &Handle, attachment: &Attachment, history: usize) {
    let Ok(upgraded) = upgrade.await else { return };
    let (reader, writer) = tokio::io::split(TokioIo::new(upgraded));
    tokio::select! {
        _ = show(writer, handle, attachment, history) => {}
        _ = listen(reader, handle, attachment) => {}
    }
}

/// Sends what the instance writes; returns when it has ended and is not started again.
async fn show(
    mut to: WriteHalf<Connection>,
    handle: &Handle,
    attachment: &Attachment,
    history: usize,
) -> io::Result<()> {
    let ring = Arc::clone(handle.ring());
    let mut follower = Follower::with_history(ring, attachment.instance, &attachment.name, history).await;
    loop {
        let written = follower.take();
        if !written.bytes.is_empty() {
            to.write_all(&written.bytes).await?;
            to.flush().await?;
        }
        if written.is_over || (written.has_news && !goes_on(handle, &attachment.name).await) {
            return to.shutdown().await;
        }
        follower.grown().await;
        // The output of others wakes us too, and we are not the only ones on this thread.
        tokio::task::yield_now().await;
    }
}

/// Whether there is more to come of an instance.
async fn goes_on(handle: &Handle, name: &str) -> bool {
    let Ok(run) = handle.look(false).await else { return false };
    let phase = run.instances.into_iter().find(|each| each.name == name).map(|each| each.phase);
    match phase {
        Some(PhaseName::Down | PhaseName::Failed) | None => false,
        Some(
            PhaseName::Waiting
            | PhaseName::Starting
            | PhaseName::Backoff
            | PhaseName::Running
            | PhaseName::Stopping,
        ) => true,
    }
}

/// Types what the client sends; returns when it has gone.
///
/// What there is no room for is kept and tried again while more is read: a Ctrl-C may be behind it, for which a terminal needs no room.
async fn listen(mut from: ReadHalf<Connection>, handle: &Handle, attachment: &Attachment) -> io::Result<()> {
    let mut buffer = [0; 4096];
    let mut typed = Vec::new();
    loop {
        tokio::select! {
            read = from.read(&mut buffer), if typed.len() < MOST_TYPED => match read? {
                0 => return Ok(()),
                count => typed.extend_from_slice(&buffer[..count]),
            },
            () = tokio::time::sleep(PAUSE), if !typed.is_empty() => {}
        }
        match &attachment.role {
            // Nobody is there to read it: it is as lost as what is typed into nothing.
            Role::Watcher(_) => typed.clear(),
            Role::Writer(_) => match handle.type_in(attachment.instance, typed.clone()).await {
                Ok(taken) => drop(typed.drain(..taken)),
                Err(_) => typed.clear(),
            },
        }
    }
}

/// Give the terminal of an instance a window, for as long as somebody is attached who types.
#[utoipa::path(put, path = "/instances/{name}/window", tag = "instances", request_body = WindowRequest,
    params(("name" = String, Path, description = "What it is called: `web.1`.")),
    responses((status = 200, description = "It has that window.", body = Done), Refused, Unread))]
pub(super) async fn window(
    State(handle): State<Handle>,
    name: Result<Path<String>, PathRejection>,
    Asked(WindowRequest { rows, columns }): Asked<WindowRequest>,
) -> Result<Json<Done>, Failure> {
    let Path(name) = name.map_err(|rejection| Failure::invalid(rejection.body_text()))?;
    if rows == 0 || columns == 0 {
        return Err(Failure::invalid("a window has at least one row and one column"));
    }
    handle.set_window(name, Window { columns, rows }).await?;
    Ok(Json(Done {}))
}
