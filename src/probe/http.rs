//! How a GET is answered.

use super::tcp::connect;
use crate::model::answer::{Answer, Failure};
use crate::model::diagnostic::printable;
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::time::Duration;

/// The most bytes of head that are read: what servers and their proxies have for it.
const LARGEST_HEAD: usize = 16 * 1024;

/// The most bytes of body that are read.
const LARGEST_BODY: usize = 64 * 1024;

/// How long the body is waited for.
const PATIENCE: Duration = Duration::from_millis(100);

/// Asks on a connection of its own.
pub(super) async fn ask(port: u16, path: &str) -> Answer {
    let request = request(port, path)?;
    let stream = connect(port).await?;
    let unanswered =
        |error: hyper::Error| Failure::Bad(format!("GET {path} was not answered in HTTP: {}", words(&error)));
    let mut builder = http1::Builder::new();
    builder.max_buf_size(LARGEST_HEAD);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(unanswered)?;
    let mut connection = pin!(connection);
    let mut answer = pin!(sender.send_request(request));
    let response = tokio::select! {
        biased;
        response = &mut answer => response,
        // It has ended, and so what it had to say is there.
        _ = &mut connection => answer.await,
    };
    let response = response.map_err(unanswered)?;
    let status = response.status();
    // A server that is still writing when nobody reads any more writes an error into its log.
    let _ = tokio::time::timeout(PATIENCE, async {
        tokio::select! {
            () = read_some(response) => {}
            _ = connection => {}
        }
    })
    .await;
    Ok(judge(path, status)?)
}

fn request(port: u16, path: &str) -> Result<Request<String>, String> {
    let is_absolute = path.starts_with('/');
    Request::get(if is_absolute { path } else { "\0" })
        .header(header::HOST, format!("127.0.0.1:{port}"))
        .header(header::USER_AGENT, concat!("proc/", env!("CARGO_PKG_VERSION")))
        .header(header::ACCEPT, "*/*")
        .header(header::CONNECTION, "close")
        .body(String::new())
        .map_err(|_| format!("`{}` is no path of HTTP", printable(path)))
}

/// Reads what is there of the body, within reason.
async fn read_some(response: Response<Incoming>) {
    let mut body = response.into_body();
    let mut read = 0;
    while let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > LARGEST_BODY {
            return;
        }
    }
}

fn judge(path: &str, status: StatusCode) -> Result<(), String> {
    if status.is_success() || status.is_redirection() {
        return Ok(());
    }
    Err(format!("GET {path} was answered with {}", status.as_u16()))
}

/// What hyper says, without what it repeats.
fn words(error: &hyper::Error) -> String {
    printable(&std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string))
}
