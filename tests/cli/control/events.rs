//! `proc events`.

use super::{App, TWO};
use std::io::BufRead as _;
use std::process::{Command, Stdio};

#[test]
fn what_happens_is_told_until_the_run_is_over() {
    let app = App::running(TWO);
    let mut listener = Command::new(env!("CARGO_BIN_EXE_proc"));
    listener.args(["events", "--json"]).current_dir(app.path("")).stdout(Stdio::piped());
    let mut listener = listener.spawn().unwrap();
    let mut lines = std::io::BufReader::new(listener.stdout.take().unwrap()).lines();
    // Nobody knows when it listens: until it does, there is something new to hear.
    let mut heard = Vec::new();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| lines.next().unwrap().unwrap());
        while !first.is_finished() {
            app.ask(&["restart", "web"]).exits(0);
            app.ask(&["wait", "web"]).exits(0);
        }
        heard.push(first.join().unwrap());
    });
    app.ask(&["down"]).exits(0);
    heard.extend(lines.map(Result::unwrap));
    assert!(listener.wait().unwrap().success());
    let of = |event: &str| {
        let events = heard.iter().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        events.filter(|each| each["event"] == event).count()
    };
    assert!(of("started") >= 1 && of("exited") >= 2, "{heard:?}");
}
