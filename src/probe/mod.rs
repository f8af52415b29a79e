//! The questions of probes that go over the network: each is a future with an answer, whatever the other side does.
//!
//! Knows no instance and keeps nothing: whoever asks owns the future, and dropping it takes the question back.

mod http;
mod tcp;

use crate::model::answer::Answer;
use crate::model::policy::Seconds;
use std::time::Duration;

/// What is asked of a port of 127.0.0.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Whether a connection is taken.
    Tcp {
        /// The port.
        port: u16,
    },
    /// Whether a GET is answered with 200 to 399. A redirect is an answer, and is not followed.
    Http {
        /// The port.
        port: u16,
        /// The path, with its query if it has one.
        path: String,
    },
}

/// Asks, and waits for so long at most; why it failed, in words.
pub async fn ask(question: &Question, within: Duration) -> Answer {
    let (answer, silence) = match question {
        Question::Tcp { port } => {
            let answer = tokio::time::timeout(within, tcp::ask(*port)).await;
            (answer, format!("no connection to port {port}"))
        }
        Question::Http { port, path } => {
            let answer = tokio::time::timeout(within, http::ask(*port, path)).await;
            (answer, format!("no answer to GET {path}"))
        }
    };
    answer.unwrap_or_else(|_| Err(format!("{silence} within {}", Seconds(within)).into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    const LONG: Duration = Duration::from_secs(30);
    const SHORT: Duration = Duration::from_millis(50);

    fn answer(question: &Question, within: Duration) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(ask(question, within)).map_err(|failure| failure.reason().to_owned())
    }

    fn listener() -> (TcpListener, u16) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    /// Asks a server that does this with the connection, once it has read the question; what it read.
    fn ask_server(
        path: &str,
        within: Duration,
        serve: impl FnOnce(TcpStream) + Send + 'static,
    ) -> (Result<(), String>, String) {
        let (listener, port) = listener();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut read = Vec::new();
            while !read.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                read.push(byte[0]);
            }
            serve(stream);
            String::from_utf8(read).unwrap()
        });
        let answer = answer(&Question::Http { port, path: path.to_owned() }, within);
        (answer, server.join().unwrap().replace(&port.to_string(), "PORT"))
    }

    fn write(text: &'static str) -> impl FnOnce(TcpStream) + Send {
        move |mut stream| stream.write_all(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_port_that_somebody_listens_on_takes_connections_and_another_does_not() {
        let (listener, port) = listener();
        assert_eq!(answer(&Question::Tcp { port }, LONG), Ok(()));
        drop(listener);
        assert_eq!(answer(&Question::Tcp { port }, LONG), Err(format!("connection to port {port} refused")));
    }

    #[test]
    fn an_http_question_says_who_asks_and_wants_one_answer() {
        let (answer, asked) = ask_server("/healthz?full=1", LONG, write("HTTP/1.1 204 No Content\r\n\r\n"));
        assert_eq!(answer, Ok(()));
        let lines: Vec<&str> = asked.lines().collect();
        assert_eq!(lines[0], "GET /healthz?full=1 HTTP/1.1");
        for line in [
            "host: 127.0.0.1:PORT",
            concat!("user-agent: proc/", env!("CARGO_PKG_VERSION")),
            "connection: close",
        ] {
            assert!(lines.contains(&line), "{asked}");
        }
    }

    #[test]
    fn success_is_200_to_399_and_a_redirect_is_not_followed() {
        for (status, expected) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Ok(())),
            ("HTTP/1.0 200 OK\r\n\r\nand a body", Ok(())),
            ("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", Ok(())),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", Ok(())),
            ("HTTP/1.1 404 Not Found\r\n\r\n", Err("GET / was answered with 404".to_owned())),
            ("HTTP/1.1 503 No\r\nRetry-After: 1\r\n\r\n", Err("GET / was answered with 503".to_owned())),
        ] {
            assert_eq!(ask_server("/", LONG, write(status)).0, expected, "{status}");
        }
    }

    #[test]
    fn what_is_no_answer_is_said_to_be_none() {
        for garbage in
            ["", "hello\r\n\r\n", "HTTP/1.1 2xx OK\r\n\r\n", "HTTP/1.1 200 OK\r\nX: y", "\0\0\0\0\0\0\0\0"]
        {
            let why = ask_server("/", LONG, write(garbage)).0.unwrap_err();
            assert!(why.starts_with("GET / was not answered in HTTP: "), "{garbage:?}: {why}");
        }
    }

    #[test]
    fn an_answer_that_does_not_come_or_does_not_end_takes_no_longer_than_it_may() {
        let (_listener, port) = listener();
        let hanging = Question::Http { port, path: "/".to_owned() };
        assert_eq!(answer(&hanging, SHORT), Err("no answer to GET / within 0.05s".to_owned()));
        let endless = |mut stream: TcpStream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").unwrap();
            while stream.write_all(b"X: a header without end, until nobody reads it\r\n").is_ok() {}
        };
        let why = ask_server("/", LONG, endless).0.unwrap_err();
        assert!(why.starts_with("GET / was not answered in HTTP: "), "{why}");
    }

    #[test]
    fn a_body_without_end_is_not_read_to_it() {
        let endless = |mut stream: TcpStream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            while stream.write_all(&[b'x'; 4096]).is_ok() {}
        };
        assert_eq!(ask_server("/", LONG, endless).0, Ok(()));
        // Nor waited for.
        let (answer, _) = ask_server("/", Duration::from_secs(1), |mut stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").unwrap();
            let _ = stream.read(&mut [0]);
        });
        assert_eq!(answer, Ok(()));
    }

    #[test]
    fn a_path_that_is_none_is_a_failure_and_no_panic() {
        let (_listener, port) = listener();
        for path in ["", "no slash", "/a b", "/\u{1b}", "/\r\nX: y"] {
            let why = answer(&Question::Http { port, path: path.to_owned() }, LONG).unwrap_err();
            assert!(why.contains("is no path"), "{path:?}: {why}");
        }
    }
}
