//! Attaching without our client: what is refused, and whoever does not read.

use super::client::{Api, app, connect};
use super::support::read_until;
use nix::sys::signal::Signal;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

/// The connection after it has become a terminal, and what was answered.
fn attach(api: &Api, target: &str) -> (UnixStream, String) {
    let mut stream = connect(&api.socket);
    let request =
        format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: proc-attach\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let answer = read_until(&mut stream, "\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    (stream, answer)
}

#[test]
fn who_does_not_ask_for_the_upgrade_or_asks_for_what_there_is_not_is_told_so() {
    let api = Api::start("web: ./child ready wait\n");
    let error = |target: &str, status| api.get(target).error(status);
    assert_eq!(error("/instances/web.1/attach", 426), "this connection is to become a terminal");
    assert_eq!(
        error("/instances/web.1/attach?history=1048577", 400),
        "`history` is a number of bytes up to 1048576"
    );
    assert!(error("/instances/web.1/attach?from=0", 400).contains("there are `write`, `history`"));
    let window = |name: &str, body: &str, status| {
        api.send("PUT", &format!("/instances/{name}/window"), body).error(status)
    };
    assert_eq!(window("web.1", r#"{"rows":24,"columns":80}"#, 409), "nobody is attached to web.1 to type");
    assert_eq!(
        window("web.1", r#"{"rows":0,"columns":80}"#, 400),
        "a window has at least one row and one column"
    );
    assert!(window("wbe.1", r#"{"rows":24,"columns":80}"#, 404).contains("no process type `wbe`"));
    assert!(window("web.1", r#"{"rows":70000,"columns":80}"#, 400).contains("70000"));
    api.run.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).stdout();
}

#[test]
fn who_asks_for_the_head_only_gets_no_terminal_and_takes_none_from_others() {
    let api = Api::start("web: ./child ready wait\n");
    let mut stream = connect(&api.socket);
    let target = "HEAD /instances/web.1/attach HTTP/1.1\r\nhost: x";
    stream
        .write_all(format!("{target}\r\nconnection: upgrade\r\nupgrade: proc-attach\r\n\r\n").as_bytes())
        .unwrap();
    let answer = read_until(&mut stream, "\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
}

#[test]
fn the_terminal_of_a_process_is_had_by_whoever_speaks_http() {
    let api = Api::of(app("web: echo ready; exec cat\n").args(["--pty", "always"]));
    api.run.wait_for("ready");
    let (mut writer, answer) = attach(&api, "/instances/web.1/attach?history=0");
    assert!(answer.contains("proc-attach-mode: write\r\n"), "{answer}");
    let (mut reader, answer) = attach(&api, "/instances/web/attach?history=7");
    assert!(answer.contains("proc-attach-mode: read\r\n"), "{answer}");
    assert!(answer.contains("proc-attach-reason: somebody else types into web.1\r\n"), "{answer}");
    writer.write_all(b"typed\r").unwrap();
    assert_eq!(read_until(&mut writer, "typed\ntyped\n"), "typed\ntyped\n");
    read_until(&mut reader, "typed\ntyped\n");
    api.run.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).stdout();
    read_until(&mut reader, "[web.1 killed by SIGTERM]\n");
}

#[test]
fn whoever_is_attached_and_does_not_read_holds_up_nobody_and_is_told_what_was_missed() {
    let web = "web: read x <go; ./child flood 2000000 say over mark done wait";
    let app =
        app(&format!("{web}\nworker: read x <done; echo over; ./child wait\n")).args(["--quiet", "web"]);
    let app = app.fifo("done");
    let go = app.gate();
    let api = Api::of(app);
    api.run.wait_for("web.1    | started");
    let (slow, _) = attach(&api, "/instances/web.1/attach?write=false");
    go.open();
    api.run.wait_for("| over\n");
    let said = BufReader::new(slow).lines().map(Result::unwrap).take_while(|line| line != "over");
    let skipped = said.filter(|line| line.ends_with(" lines were skipped: too slow to read them]"));
    assert!(skipped.count() > 0);
    api.run.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).stdout();
}
