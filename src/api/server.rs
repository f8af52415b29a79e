//! The server: a thread with a runtime of its own, and a task for each connection.

use super::attach::Places;
use super::body::Streams;
use super::connections::Connections;
use super::gate::{self, Gate};
use super::routes::{App, router};
use crate::engine::handle::Handle;
use crate::unix::run_dir::{may_control, peer_uid};
use axum::{Router, middleware};
use std::fmt::{self, Write as _};
use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// The connections to the socket at most.
const MOST: usize = 64;

/// The connections to a port at most: others than those to the socket, whose room is not taken by who has no token.
const MOST_AT_PORT: usize = 32;

/// How long those who follow have to take the rest when the run is over.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long nobody is let in where there is no descriptor left for them.
const PAUSE: Duration = Duration::from_millis(50);

/// The bytes of chance in a token.
const TOKEN_BYTES: usize = 32;

/// A port of this machine that is listened on, too.
pub struct Port {
    /// Listens, and never waits.
    pub listener: TcpListener,
    /// Its number.
    pub number: u16,
    /// The word that a request has to know.
    pub token: String,
}

impl fmt::Debug for Port {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Port").field("number", &self.number).finish_non_exhaustive()
    }
}

/// A word that nobody can guess.
pub fn new_token() -> io::Result<String> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().fold(String::new(), |mut word, byte| {
        // Writing to a string does not fail.
        let _ = write!(word, "{byte:02x}");
        word
    }))
}

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    thread: Option<JoinHandle<()>>,
    /// Dropped: the run is over.
    end: Option<watch::Sender<()>>,
}

impl Server {
    /// Answers on this socket, and on a port if there is one, until it is dropped.
    pub fn start(handle: Handle, socket: UnixListener, port: Option<Port>) -> io::Result<Self> {
        let (end, ended) = watch::channel(());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("api".into()).spawn(move || {
            // Fails where there is no descriptor left; then nobody listens.
            let (places, streams) = (Places::default(), Streams::new(streams(MOST)));
            let app = App { handle, ended, places, streams, missed: Arc::default() };
            drop(runtime.block_on(serve(app, socket, port)));
        })?;
        Ok(Self { thread: Some(thread), end: Some(end) })
    }
}

impl Drop for Server {
    /// Gives those who follow the rest, and waits for them a little.
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // It panicked: nobody is served any more, and the run was none the worse for it.
            drop(thread.join());
        }
    }
}

/// How many of so many connections may have an answer that goes on: the others are left to ask.
const fn streams(connections: usize) -> usize {
    connections / 4 * 3
}

async fn serve(app: App, socket: UnixListener, port: Option<Port>) -> io::Result<()> {
    let socket = tokio::net::UnixListener::from_std(socket)?;
    let mut ended = app.ended.clone();
    let mut connections = Connections::new(MOST, app.ended.clone());
    let mut at_port = Connections::new(MOST_AT_PORT, app.ended.clone());
    let places = app.places.clone();
    let port = port.map(|port| Gated::new(port, &app)).transpose()?;
    let router = router(app);
    loop {
        let accepted = tokio::select! {
            _ = ended.changed() => break,
            accepted = socket.accept() => accepted.map(|(stream, _)| {
                if peer_uid(&stream).is_ok_and(may_control) {
                    connections.add(stream, router.clone());
                }
            }),
            accepted = accept(port.as_ref()) => accepted.map(|(stream, router)| at_port.add(stream, router)),
        };
        match accepted {
            // What it asks is heard before the next can take its place.
            Ok(()) => tokio::task::yield_now().await,
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
    drop((socket, port));
    let farewell = async { tokio::join!(connections.finish(), at_port.finish(), places.all_free()) };
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
    Ok(())
}

/// A port, and what answers there.
struct Gated {
    listener: tokio::net::TcpListener,
    router: Router,
}

impl Gated {
    fn new(port: Port, app: &App) -> io::Result<Self> {
        let Port { listener, number, token } = port;
        let gate = Arc::new(Gate { number, token });
        let app = App { streams: Streams::new(streams(MOST_AT_PORT)), ..app.clone() };
        let router = router(app).layer(middleware::from_fn_with_state(gate, gate::check));
        Ok(Self { listener: tokio::net::TcpListener::from_std(listener)?, router })
    }
}

/// The next connection to a port; there is none for ever where there is no port.
async fn accept(port: Option<&Gated>) -> io::Result<(TcpStream, Router)> {
    match port {
        Some(port) => port.listener.accept().await.map(|(stream, _)| (stream, port.router.clone())),
        None => std::future::pending().await,
    }
}
