//! `proc down`.

use super::{App, TWO};
use crate::support::Proc;

#[test]
fn the_run_ends_with_success_and_nothing_of_it_is_left_when_the_command_returns() {
    let run = Proc::start("web: ./child trap TERM last goodbye 0 ready wait\n").file("app/x", "");
    let root = run.path("");
    let run = run.spawn();
    run.wait_for("ready");
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_proc"));
    command.arg("down").current_dir(root.join("app")).timeout(crate::support::LIMIT);
    let output = command.assert().code(0).get_output().stdout.clone();
    let output = String::from_utf8_lossy(&output).into_owned();
    assert!(
        output.contains("web.1: exited with code 0\n") && output.ends_with("the run is over\n"),
        "{output}"
    );
    let run = run.finish();
    run.exits(0).says("goodbye").left_nobody_behind();
}

#[test]
fn without_a_run_there_is_nothing_to_do() {
    App::new(TWO).ask(&["down"]).exits(0).says("no run of this app: nothing to end\n");
}

#[test]
fn many_at_once_all_see_the_end() {
    let app = App::running("web: ./child trap TERM last bye 0 ready wait\n");
    app.wait_for("ready");
    std::thread::scope(|scope| {
        let downs: Vec<_> = (0..6).map(|_| scope.spawn(|| app.ask(&["down"]))).collect();
        for down in downs {
            down.join().unwrap().exits(0);
        }
    });
    app.ask(&["ps"]).exits(1);
}

#[test]
fn the_next_run_can_begin_at_once() {
    let app = App::running(TWO);
    for _ in 0..5 {
        app.ask(&["down"]).exits(0);
        app.ask(&["start", "--detach", "--no-port"]).exits(0).says("2 processes run in the background");
    }
}
