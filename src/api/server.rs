//! The server: a thread with a runtime of its own, and a task for each connection.

use super::connections::Connections;
use super::routes::{App, router};
use crate::engine::handle::Handle;
use crate::unix::run_dir::{may_control, peer_uid};
use std::io;
use std::os::unix::net::UnixListener;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// How long those who follow have to take the rest when the run is over.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long nobody is let in where there is no descriptor left for them.
const PAUSE: Duration = Duration::from_millis(50);

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    thread: Option<JoinHandle<()>>,
    /// Dropped: the run is over.
    end: Option<watch::Sender<()>>,
}

impl Server {
    /// Answers on this socket until it is dropped.
    pub fn start(handle: Handle, listener: UnixListener) -> io::Result<Self> {
        let (end, ended) = watch::channel(());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("api".into()).spawn(move || {
            runtime.block_on(serve(App { handle, ended }, listener));
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

async fn serve(app: App, listener: UnixListener) {
    let Ok(listener) = tokio::net::UnixListener::from_std(listener) else { return };
    let mut ended = app.ended.clone();
    let mut connections = Connections::new(app.ended.clone());
    let router = router(app);
    loop {
        tokio::select! {
            _ = ended.changed() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if peer_uid(&stream).is_ok_and(may_control) => {
                    connections.add(stream, router.clone());
                    // What it asks is heard before the next can take its place.
                    tokio::task::yield_now().await;
                }
                Ok(_) => {}
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(FAREWELL, connections.finish()).await;
}
