//! The API over a port: nobody without the token, and no page of a browser.

use super::client::{Api, Response, app, connect, exchange};
use super::support::{LIMIT, read_until};
use nix::sys::signal::Signal;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

fn ask(port: i32, headers: &str) -> Response {
    let stream = TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    exchange(stream, &format!("GET /formation HTTP/1.0\r\n{headers}\r\n"))
}

#[test]
fn a_port_is_answered_on_to_those_who_know_the_token_and_to_no_page() {
    let api = Api::of(app("web: ./child ready wait\n").args(["--listen", "127.0.0.1:0"]));
    let port = api.run.number_between("controlled at http://127.0.0.1:", ",");
    let path = api.socket.with_file_name("token");
    let token = std::fs::read_to_string(&path).unwrap().trim().to_owned();
    assert_eq!(token.len(), 64);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let host = format!("host: 127.0.0.1:{port}\r\n");
    let word = format!("authorization: Bearer {token}\r\n");
    assert_eq!(ask(port, &format!("{host}{word}")).json(200)["web"], 1);
    assert_eq!(ask(port, &host).error(401), "the token is missing or wrong");
    assert_eq!(ask(port, &format!("{host}authorization: Bearer {}\r\n", "0".repeat(64))).status, 401);
    assert!(ask(port, &format!("host: evil.example:{port}\r\n{word}")).error(403).contains("`Host`"));
    assert!(
        ask(port, &format!("{host}{word}origin: http://evil.example\r\n")).error(403).contains("`Origin`")
    );
    assert_eq!(ask(port, &format!("{host}{word}origin: http://127.0.0.1:{port}\r\n")).status, 200);
    assert_eq!(
        ask(port, &format!("{host}{word}")).head.to_ascii_lowercase().matches("access-control").count(),
        0
    );
    // The socket needs no token.
    assert_eq!(api.get("/formation").status, 200);
    let finished = api.run.end_by(Signal::SIGTERM);
    finished.never_says(&token).dies_by(Signal::SIGTERM).stdout();
    assert!(!path.exists());
}

#[test]
fn those_at_the_port_take_no_room_from_those_at_the_socket() {
    let api = Api::of(app("web: ./child ready wait\n").args(["--listen", "127.0.0.1:0"]));
    let port = api.run.number_between("controlled at http://127.0.0.1:", ",");
    let mut idle = connect(&api.socket);
    let request = "GET /formation HTTP/1.1\r\nhost: x\r\n\r\n";
    idle.write_all(request.as_bytes()).unwrap();
    read_until(&mut idle, "}");
    let port = u16::try_from(port).unwrap();
    let open: Vec<_> = (0..100).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    assert_eq!(ask(port.into(), "host: x\r\n").status, 403);
    // It is still open, though it was idle all the time.
    idle.write_all(request.as_bytes()).unwrap();
    read_until(&mut idle, "}");
    drop(open);
}

#[test]
fn a_port_that_others_could_reach_and_one_that_is_taken_are_refused() {
    for address in ["0.0.0.0:0", "192.168.1.1:80", "localhost"] {
        app("web: ./child wait\n").args(["--listen", address]).run().exits(2).complains("127.0.0.1:PORT");
    }
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    app("web: ./child wait\n")
        .args(["--listen", &address])
        .run()
        .exits(2)
        .complains(&format!("`--listen {address}`"));
}
