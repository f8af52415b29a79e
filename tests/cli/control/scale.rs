//! `proc scale`.

use super::{App, TWO};

#[test]
fn what_is_printed_can_be_pasted_back() {
    let app = App::running(TWO);
    let shown = app.ask(&["scale"]).exits(0).stdout;
    assert_eq!(shown, "web=1 worker=1\n");
    app.ask(&["scale", "web=3", "worker+1"]).exits(0).says("web=3 worker=2\n");
    app.ask(&["wait"]).exits(0);
    app.ask(&["ps"]).says("web.3").says("worker.2");
    let words: Vec<&str> = shown.split_whitespace().collect();
    app.ask(&[&["scale"], &words[..]].concat()).exits(0).says("web=1 worker=1\n");
    assert_eq!(app.ask(&["scale", "--json"]).json(), serde_json::json!({"web": 1, "worker": 1}));
}

#[test]
fn a_change_that_makes_no_sense_changes_nothing() {
    let app = App::running(TWO);
    app.ask(&["scale", "web=3", "wbe=1"]).exits(2).complains("`web`");
    app.ask(&["scale", "web"]).exits(2);
    app.ask(&["scale"]).exits(0).says("web=1 worker=1\n");
}
