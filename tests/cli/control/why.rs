//! `proc why`.

use super::{App, TWO};

#[test]
fn what_an_instance_waits_for_or_ended_of_is_said_in_words() {
    let app = App::running(TWO);
    app.ask(&["why", "web.1"]).exits(0).says("web.1  running: ");
    app.ask(&["stop", "worker"]).exits(0);
    app.ask(&["wait", "worker", "--for", "exited"]).exits(0);
    app.ask(&["why"]).exits(0).says("web.1     running: ").says("worker.1  down: ");
    let json = app.ask(&["why", "worker", "--json"]).exits(0).json();
    assert!(json[0]["why"].as_str().is_some_and(|why| !why.is_empty()), "{json}");
}
