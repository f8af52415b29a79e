//! `proc logs`.

use super::App;
use std::io::Read as _;
use std::process::{Command, Stdio};

const COUNT: &str = "web: ./child say one say two say three err four wait\nworker: ./child say work wait\n";

fn lines(app: &App, args: &[&str]) -> Vec<String> {
    let line = [&["logs", "--timestamps", "none"], args].concat();
    app.ask(&line).exits(0).stdout.lines().map(str::to_owned).collect()
}

#[test]
fn what_was_written_is_shown_as_start_shows_it() {
    let app = App::running(COUNT);
    app.wait_for("web.1    | four");
    app.wait_for("worker.1 | work");
    let web = lines(&app, &["web"]);
    assert!(web[0].starts_with("web.1    | started with pid "), "{web:?}");
    assert_eq!(web[1..], ["web.1    | one", "web.1    | two", "web.1    | three", "web.1    | four"]);
    assert_eq!(lines(&app, &["-n", "2", "web.*"]), ["web.1    | three", "web.1    | four"]);
    assert_eq!(lines(&app, &["--grep", "^t"]), ["web.1    | two", "web.1    | three"]);
    assert_eq!(lines(&app, &["--grep", "two", "-C", "1", "web"]).len(), 3);
    assert_eq!(lines(&app, &["--since", "1h", "worker"]).len(), 2);
    app.ask(&["logs", "--log-format", "raw", "web"])
        .exits(0)
        .says("one\ntwo\nthree\nfour\n")
        .complains("web.1 | started");
    app.ask(&["logs", "--grep", "(", "web"]).exits(2).complains("`--grep` is no regular expression");
    app.ask(&["logs", "-n", "100001"]).exits(2).complains("--lines <N>").complains("100000");
}

#[test]
fn only_so_much_is_kept_as_history_says() {
    let app = App::new("web: ./child flood 60000 say end wait\n").begun(&["--history", "256KiB"]);
    app.wait_for("web.1  | end");
    let kept = lines(&app, &["web"]);
    assert!((1000..50_000).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept.last().unwrap(), "web.1  | end");
}

#[test]
fn json_is_an_object_a_line() {
    let app = App::running(COUNT);
    app.wait_for("web.1    | four");
    let answer = app.ask(&["logs", "--json", "web", "-n", "1"]).exits(0);
    let line = answer.json();
    assert_eq!(
        (&line["process"], &line["line"], &line["index"]),
        (&"web.1".into(), &"four".into(), &1.into())
    );
}

#[test]
fn what_follows_comes_until_the_run_is_over() {
    let app = App::running("web: ./child say hello trap USR1 say news ready wait\n");
    app.wait_for("ready");
    let mut reader = Command::new(env!("CARGO_BIN_EXE_proc"));
    reader.args(["logs", "-f", "--timestamps", "none"]).current_dir(app.path("")).stdout(Stdio::piped());
    let mut reader = reader.spawn().unwrap();
    let mut stdout = reader.stdout.take().unwrap();
    crate::support::read_until(&mut stdout, "web.1  | hello\n");
    app.ask(&["signal", "USR1", "web"]).exits(0);
    crate::support::read_until(&mut stdout, "web.1  | news\n");
    app.ask(&["down"]).exits(0);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("web.1  | killed by SIGTERM"), "{rest}");
    assert!(reader.wait().unwrap().success());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let app = App::running("web: ./child flood 1000 ready wait\n");
    app.wait_for("ready");
    let mut reader = Command::new(env!("CARGO_BIN_EXE_proc"));
    reader.args(["logs", "-f", "-n", "100000"]).current_dir(app.path("")).stdout(Stdio::piped());
    let mut reader = reader.stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = reader.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 10]).unwrap();
    drop(stdout);
    app.ask(&["restart", "web"]).exits(0);
    assert!(reader.wait().unwrap().success());
    let mut complaint = String::new();
    reader.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    assert_eq!(complaint, "");
}
