//! The connections there are: a bounded number, of which those that ask nothing make room for others.

use super::failure::PATIENCE;
use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// The headers that a request may have.
const MOST_HEADERS: usize = 64;

/// The bytes that the head of a request may have.
const LARGEST_HEAD: usize = 16 * 1024;

/// How long whoever is turned away has to read why.
const LINGER: Duration = Duration::from_secs(1);

/// What is answered where all are busy.
const BUSY: &str = r#"{"error":"too many connections are open","hint":null}"#;

/// All of them, the oldest first.
pub(super) struct Connections {
    tasks: JoinSet<()>,
    open: VecDeque<Open>,
    /// How many there are at most.
    most: usize,
    ended: watch::Receiver<()>,
}

struct Open {
    task: AbortHandle,
    /// Held by each request that is being answered.
    busy: Arc<()>,
}

impl Connections {
    pub(super) fn new(most: usize, ended: watch::Receiver<()>) -> Self {
        Self { tasks: JoinSet::new(), open: VecDeque::new(), most, ended }
    }

    /// Talks over one more; the oldest that asks nothing is closed if there are too many.
    pub(super) fn add(
        &mut self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        router: Router,
    ) {
        while self.tasks.try_join_next().is_some() {}
        self.open.retain(|each| !each.task.is_finished());
        if self.open.len() >= self.most && !self.close_idle() {
            if self.tasks.len() < 2 * self.most {
                self.tasks.spawn(turn_away(stream));
            }
            return;
        }
        let busy = Arc::new(());
        let task = self.tasks.spawn(converse(stream, router, Arc::clone(&busy), self.ended.clone()));
        self.open.push_back(Open { task, busy });
    }

    fn close_idle(&mut self) -> bool {
        // Ours, and that of the connection itself.
        let idle = self.open.iter().position(|each| Arc::strong_count(&each.busy) <= 2);
        let Some(open) = idle.and_then(|at| self.open.remove(at)) else { return false };
        open.task.abort();
        true
    }

    /// Waits until all have had what they were promised.
    pub(super) async fn finish(mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Says that there is no room.
async fn turn_away(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{BUSY}",
        BUSY.len()
    );
    let saying = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        // Where something was not read the end of a connection is a reset, which takes the answer with it.
        tokio::io::copy(&mut stream.take(LARGEST_HEAD as u64), &mut tokio::io::sink()).await
    };
    // Whoever does not read it has no need of it.
    let _ = tokio::time::timeout(LINGER, saying).await;
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    router: Router,
    busy: Arc<()>,
    mut ended: watch::Receiver<()>,
) {
    let router = TowerToHyperService::new(router);
    let answer = service_fn(move |request| {
        let busy = Arc::clone(&busy);
        let answering = router.call(request);
        async move {
            let answered = answering.await;
            answered.map(|response| response.map(|body| Body::new(Busy { body, _busy: busy })))
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_headers(MOST_HEADERS)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades();
    let mut serving = pin!(serving);
    tokio::select! {
        _ = serving.as_mut() => return,
        _ = ended.changed() => serving.as_mut().graceful_shutdown(),
    }
    // However it ends, there is nobody to tell.
    let _ = serving.await;
}

/// A body that keeps its connection busy.
struct Busy {
    body: Body,
    _busy: Arc<()>,
}

impl hyper::body::Body for Busy {
    type Data = hyper::body::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Self::Data>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}
