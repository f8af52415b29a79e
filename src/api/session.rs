//! The other end of a terminal that one is attached to.

use super::attach::{MODE, PROTOCOL, REASON};
use super::client::{Client, ClientError, granted, in_time, request};
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HeaderName, HeaderValue, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use std::io;
use tokio::runtime::Runtime;

/// The connection: bytes both ways.
pub type Connection = TokioIo<Upgraded>;

/// A terminal of a process, as somebody has it who is attached.
#[derive(Debug)]
pub struct Session {
    /// What drives the connection.
    pub runtime: Runtime,
    /// The connection.
    pub connection: Connection,
    /// Why what is sent is not typed; none if it is.
    pub only_watches: Option<String>,
}

impl Client {
    /// Attaches to an instance: the path is that of its terminal.
    pub fn attach(mut self, path: &str) -> Result<Session, ClientError> {
        let mut request = request(Method::GET, path, Bytes::new());
        request.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
        request.headers_mut().insert(UPGRADE, HeaderValue::from_static(PROTOCOL));
        let answer = self.sender.send_request(request);
        let upgraded = self.runtime.block_on(in_time(async {
            let response = answer.await.map_err(ClientError::Gone)?;
            if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                drop(granted(response).await?);
                return Err(ClientError::Io(io::ErrorKind::InvalidData.into()));
            }
            let header =
                |name: HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
            let is_writer = header(MODE) == Some("write");
            let only_watches = (!is_writer).then(|| header(REASON).unwrap_or("as asked").to_owned());
            let upgraded = hyper::upgrade::on(response).await.map_err(ClientError::Gone)?;
            Ok((TokioIo::new(upgraded), only_watches))
        }));
        let (connection, only_watches) = upgraded?;
        Ok(Session { runtime: self.runtime, connection, only_watches })
    }
}
