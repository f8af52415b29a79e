//! A run whose API is asked, and the plainest client there is.

use super::support::{LIMIT, Proc, Running};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// A run, and where it is asked.
pub(crate) struct Api {
    pub(crate) run: Running,
    pub(crate) socket: PathBuf,
}

/// An application whose run has its socket in a place of the test's.
pub(crate) fn app(procfile: &str) -> Proc {
    let app = Proc::start(procfile);
    let runtime = app.path("runtime");
    std::fs::DirBuilder::new().mode(0o700).create(&runtime).unwrap();
    app.variable("XDG_RUNTIME_DIR", runtime)
}

/// Where the run of an application has its directory, if it has one now.
pub(crate) fn run_dir(runtime: &Path) -> Option<PathBuf> {
    std::fs::read_dir(runtime.join("proc")).ok()?.next().map(|entry| entry.unwrap().path())
}

impl Api {
    /// Starts this Procfile.
    pub(crate) fn start(procfile: &str) -> Self {
        Self::of(app(procfile))
    }

    /// Starts this application.
    pub(crate) fn of(app: Proc) -> Self {
        let runtime = app.path("runtime");
        let run = app.spawn();
        // The socket is there before anything is started.
        run.wait_for(" with pid ");
        Self { run, socket: run_dir(&runtime).unwrap().join("control.sock") }
    }

    pub(crate) fn get(&self, target: &str) -> Response {
        ask(&self.socket, &format!("GET {target} HTTP/1.0\r\n\r\n"))
    }

    pub(crate) fn send(&self, method: &str, target: &str, body: &str) -> Response {
        ask(
            &self.socket,
            &format!(
                "{method} {target} HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            ),
        )
    }

    /// A body that goes on, line by line.
    pub(crate) fn follow(&self, target: &str) -> BufReader<UnixStream> {
        let mut stream = connect(&self.socket);
        stream.write_all(format!("GET {target} HTTP/1.0\r\n\r\n").as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            assert!(reader.read_line(&mut line).unwrap() > 0, "no answer");
        }
        reader
    }
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    /// The body, whose status must be this one.
    #[track_caller]
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}\n{}", self.head, self.body);
        serde_json::from_str(&self.body).unwrap()
    }

    /// What is wrong, as the body says it.
    #[track_caller]
    pub(crate) fn error(&self, status: u16) -> String {
        assert!(self.head.to_ascii_lowercase().contains("content-type: application/json"), "{}", self.head);
        self.json(status)["error"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn connect(socket: &Path) -> UnixStream {
    let stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

/// Sends a request of HTTP/1.0, whose answer ends with the connection.
pub(crate) fn ask(socket: &Path, request: &str) -> Response {
    exchange(connect(socket), request)
}

pub(crate) fn exchange(mut stream: impl Read + Write, request: &str) -> Response {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer but {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Response { status, head: head.to_owned(), body: body.to_owned() }
}

/// The records of a log.
pub(crate) fn records(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
