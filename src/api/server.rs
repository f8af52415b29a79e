//! The server: a thread with a runtime of its own, and a task for each connection.

use crate::engine::handle::Handle;
use crate::model::request::Refusal;
use crate::model::snapshot::Snapshot;
use crate::unix::run_dir::{may_control, peer_uid};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::os::unix::net::UnixListener;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::watch;

/// How long a request may take to come in.
const REQUEST_PATIENCE: Duration = Duration::from_secs(5);

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    thread: Option<JoinHandle<()>>,
    /// Dropped: the server ends.
    _end: watch::Sender<()>,
}

impl Server {
    /// Answers on this socket until it is dropped.
    pub fn start(handle: Handle, listener: UnixListener) -> io::Result<Self> {
        let (end, ended) = watch::channel(());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("api".into()).spawn(move || {
            runtime.block_on(serve(handle, listener, ended));
        })?;
        Ok(Self { thread: Some(thread), _end: end })
    }
}

async fn serve(handle: Handle, listener: UnixListener, mut ended: watch::Receiver<()>) {
    let Ok(listener) = tokio::net::UnixListener::from_std(listener) else { return };
    let router = router(handle);
    loop {
        tokio::select! {
            _ = ended.changed() => return,
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    tokio::spawn(connection(stream, router.clone()));
                }
            }
        }
    }
}

async fn connection(stream: UnixStream, router: Router) {
    if !peer_uid(&stream).is_ok_and(may_control) {
        return;
    }
    let service = TowerToHyperService::new(router);
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_PATIENCE)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    drop(serving.await);
}

fn router(handle: Handle) -> Router {
    Router::new().route("/run", get(run)).with_state(handle)
}

async fn run(State(handle): State<Handle>) -> Result<Json<Snapshot>, (StatusCode, String)> {
    let refused = |refusal: Refusal| (StatusCode::CONFLICT, refusal.to_string());
    handle.look(false).await.map(Json).map_err(refused)
}
