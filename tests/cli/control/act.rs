//! `proc restart`, `proc stop`, `proc signal`, and `proc start` in a run that is there.

use super::{App, TWO};

#[test]
fn a_restart_of_one_leaves_the_others_alone() {
    let app = App::running(TWO);
    let (web, worker) = (app.pid("web.1"), app.pid("worker.1"));
    app.ask(&["restart", "web"]).exits(0).says("restarting web.1\n");
    app.ask(&["wait", "web"]).exits(0);
    assert_ne!(app.pid("web.1"), web);
    assert_eq!(app.pid("worker.1"), worker);
    let json = app.ask(&["restart", "w*", "--json"]).exits(0).json();
    assert_eq!(json, serde_json::json!({"instances": ["web.1", "worker.1"]}));
}

#[test]
fn who_is_stopped_stays_down_until_it_is_started_and_the_run_goes_on() {
    let app = App::running(TWO);
    let web = app.pid("web.1");
    app.ask(&["stop", "worker.1"]).exits(0).says("stopping worker.1\n");
    app.ask(&["wait", "worker", "--for", "exited"]).exits(0).says("worker.1 is down: ");
    assert_eq!(app.field("worker.1", "phase"), "down");
    app.ask(&["start", "worker"]).exits(0).says("starting worker.1\n");
    app.ask(&["wait", "worker"]).exits(0);
    app.ask(&["start", "worker.1"]).exits(0).says("worker.1 runs already (pid ");
    assert_eq!(app.pid("web.1"), web);
}

#[test]
fn where_nothing_is_to_be_done_it_is_said_how_things_stand() {
    let app = App::running(TWO);
    app.ask(&["stop", "worker"]).exits(0);
    app.ask(&["wait", "worker", "--for", "exited"]).exits(0);
    app.ask(&["stop", "worker"]).exits(0).says("worker.1 is down already\n");
    app.ask(&["signal", "HUP", "worker"]).exits(0).says("worker.1 is down already\n");
    app.ask(&["signal", "HUP", "worker", "--json"]).exits(0).says("\"instances\": []");
}

#[test]
fn who_is_stopping_starts_again_as_soon_as_it_has_stopped() {
    let app = App::running("web: ./child wait\nslow: ./child ignore TERM ready wait\n");
    app.wait_for("slow.1 | ready");
    app.ask(&["stop", "slow"]).exits(0).says("stopping slow.1\n");
    app.ask(&["start", "slow"]).exits(0).says("starting slow.1 as soon as it has stopped\n");
    app.ask(&["signal", "KILL", "slow"]).exits(0);
    app.ask(&["wait", "slow"]).exits(0);
}

#[test]
fn a_second_start_is_refused_unless_it_only_names_what_is_to_run() {
    let app = App::running(TWO).file("app/x", "");
    let pid = app.snapshot()["pid"].to_string();
    for args in [&["start"][..], &["start", "web=2"], &["start", "-m", "web=2"]] {
        let answer = app.ask(args).exits(3);
        answer
            .complains(&format!("`proc start` runs here already (pid {pid})"))
            .complains("`proc ps` shows it");
    }
    app.ask(&["start", "wbe"]).exits(2).complains("did you mean `web`?");
    app.ask_from("app", &["start", "web"]).exits(0).says("web.1 runs already");
    // A folder with a Procfile of its own is another app.
    app.write("app/Procfile", "web: ./child exit 0\n");
    std::os::unix::fs::symlink(app.path("child"), app.path("app/child")).unwrap();
    app.ask_from("app", &["start", "web", "--no-port"]).exits(0).says("exited with code 0");
}

#[test]
fn one_instance_is_named_in_a_run_that_is_there_only() {
    let answer = App::new(TWO).ask(&["start", "web.1"]).exits(2);
    answer
        .complains("one instance can be started in a run that is there; a run begins with `web` or `web=N`");
}

#[test]
fn a_signal_goes_to_those_that_are_named() {
    let app = App::running("web: ./child trap HUP say reopened ready wait\nworker: ./child wait\n");
    app.wait_for("web.1    | ready");
    app.ask(&["signal", "sighup", "web"]).exits(0).says("SIGHUP to web.1\n");
    app.wait_for("web.1    | reopened");
    app.ask(&["signal", "NOPE", "web"]).exits(2).complains("`NOPE` is no signal");
    assert_eq!(app.field("web.1", "restarts"), 0);
}
