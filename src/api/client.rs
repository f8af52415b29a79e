//! The other end of the API: asks a run, and waits for what it answers.
//!
//! A connection is driven by the thread that waits, on a runtime of its own: a command that asks one question starts no thread.

use super::messages::ErrorBody;
use crate::model::request::Refusal;
use crate::unix::run_dir::{may_control, peer_uid};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use memchr::memrchr;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::io;
use std::os::unix::net::UnixStream;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long an answer may take: the loop of a run answers between two events.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes without a newline that are taken for the beginning of a line.
const LONGEST: usize = 64 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The run does not want to.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Somebody else listens there; nothing was sent.
    #[error("the run is that of user {0}, not ours")]
    Stranger(u32),
    /// It takes too long.
    #[error("the run does not answer within {}s; is it suspended?", PATIENCE.as_secs())]
    Silent,
    /// The connection has ended before the answer.
    #[error("the run has ended before it answered")]
    Gone(#[source] hyper::Error),
    /// The connection has ended within the answer.
    #[error("the answer of the run has broken off: it was killed, or has cut us off")]
    Cut(#[source] hyper::Error),
    /// It makes no sense to us.
    #[error("the run gave an answer that this version of proc does not understand")]
    Malformed(#[source] serde_json::Error),
    /// The system says why.
    #[error("failed to ask the run")]
    Io(#[from] io::Error),
}

/// A connection to a run.
#[derive(Debug)]
pub struct Client {
    pub(super) runtime: Runtime,
    pub(super) sender: SendRequest<Full<Bytes>>,
}

impl Client {
    /// Begins to talk over a connection, if it leads to a run that is ours.
    pub fn over(stream: UnixStream) -> Result<Self, ClientError> {
        let uid = peer_uid(&stream)?;
        if !may_control(uid) {
            return Err(ClientError::Stranger(uid));
        }
        stream.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let shaken = runtime.block_on(async {
            let stream = tokio::net::UnixStream::from_std(stream)?;
            handshake(TokioIo::new(stream)).await.map_err(ClientError::Gone)
        });
        let (sender, connection) = shaken?;
        // What becomes of it shows in the answers.
        drop(runtime.spawn(connection.with_upgrades()));
        Ok(Self { runtime, sender })
    }

    /// What is to be had at a path.
    pub fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, ClientError> {
        self.ask(Method::GET, path, Bytes::new())
    }

    /// What comes of a request to do something.
    pub fn post<T: DeserializeOwned>(&mut self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        self.ask(Method::POST, path, written(body)?)
    }

    /// What comes of putting something in a place.
    pub fn put<T: DeserializeOwned>(&mut self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        self.ask(Method::PUT, path, written(body)?)
    }

    /// What comes of a change.
    pub fn patch<T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.ask(Method::PATCH, path, written(body)?)
    }

    /// An answer without an end, line by line.
    pub fn lines(mut self, path: &str) -> Result<Lines, ClientError> {
        let request = self.sender.send_request(request(Method::GET, path, Bytes::new()));
        let response = self.runtime.block_on(in_time(async { request.await.map_err(ClientError::Gone) }))?;
        let body = self.runtime.block_on(in_time(granted(response)))?;
        Ok(Lines {
            runtime: self.runtime,
            _sender: self.sender,
            body,
            held: Vec::new(),
            given: 0,
            is_over: false,
        })
    }

    fn ask<T: DeserializeOwned>(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, ClientError> {
        let request = self.sender.send_request(request(method, path, body));
        let answered = in_time(async {
            let body = granted(request.await.map_err(ClientError::Gone)?).await?;
            Ok(body.collect().await.map_err(ClientError::Gone)?.to_bytes())
        });
        let bytes = self.runtime.block_on(answered)?;
        serde_json::from_slice(&bytes).map_err(ClientError::Malformed)
    }
}

/// What comes of an answer, if it comes in time.
pub(super) async fn in_time<T>(
    answer: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or(Err(ClientError::Silent))
}

/// The body of an answer, if it is what was asked for.
pub(super) async fn granted(response: Response<Incoming>) -> Result<Incoming, ClientError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response.into_body());
    }
    let bytes = response.into_body().collect().await.map_err(ClientError::Gone)?.to_bytes();
    // Whoever refuses before it knows that we are a client of the API answers in plain text.
    let plain = |_| ErrorBody { error: String::from_utf8_lossy(&bytes).into_owned(), hint: None };
    let body: ErrorBody = serde_json::from_slice(&bytes).unwrap_or_else(plain);
    Err(ClientError::Refused(body.refusal(status.as_u16())))
}

pub(super) fn request(method: Method, path: &str, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    // Paths are ours, and what users say in them is encoded.
    *request.uri_mut() = path.parse().unwrap_or_default();
    request.headers_mut().insert(HOST, hyper::header::HeaderValue::from_static("localhost"));
    request.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    request
}

fn written(body: &impl Serialize) -> Result<Bytes, ClientError> {
    serde_json::to_vec(body).map(Bytes::from).map_err(ClientError::Malformed)
}

/// An answer that comes line by line.
#[derive(Debug)]
pub struct Lines {
    runtime: Runtime,
    /// The connection ends with it.
    _sender: SendRequest<Full<Bytes>>,
    body: Incoming,
    /// What has come.
    held: Vec<u8>,
    /// How much of it was given away.
    given: usize,
    is_over: bool,
}

/// What there was to hear.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// Lines, all of them whole.
    Lines(&'a [u8]),
    /// Nothing, in the time there was.
    Nothing,
    /// The end: the run is over in good order, or has nothing more to say.
    End,
}

impl Lines {
    /// Waits for the next lines, as many as come at once; for ever, or this long.
    pub fn next(&mut self, limit: Option<Duration>) -> Result<Heard<'_>, ClientError> {
        self.held.drain(..std::mem::take(&mut self.given));
        loop {
            if self.is_over {
                self.given = self.held.len();
                return Ok(if self.held.is_empty() { Heard::End } else { Heard::Lines(&self.held) });
            }
            let before = self.held.len();
            if !self.receive(limit)? {
                return Ok(Heard::Nothing);
            }
            if let Some(end) = memrchr(b'\n', &self.held[before..]) {
                self.given = before + end + 1;
                return Ok(Heard::Lines(&self.held[..self.given]));
            }
        }
    }

    /// Takes the next bytes, or the end; false if neither comes in time.
    fn receive(&mut self, limit: Option<Duration>) -> Result<bool, ClientError> {
        let body = &mut self.body;
        let frame = self.runtime.block_on(async {
            match limit {
                Some(limit) => tokio::time::timeout(limit, body.frame()).await.ok(),
                None => Some(body.frame().await),
            }
        });
        match frame {
            None => return Ok(false),
            Some(None) => self.is_over = true,
            Some(Some(Err(error))) => return Err(ClientError::Cut(error)),
            Some(Some(Ok(frame))) => {
                self.held.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
            }
        }
        if self.held.len() > LONGEST {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge).into());
        }
        Ok(true)
    }
}
