//! Bad formations, the table of the manual row by row: exit code 2, the types named, nothing started.

use crate::support::Proc;
use insta::assert_snapshot;

fn refused(args: &[&str]) -> String {
    let run =
        Proc::start("web: ./child wait\nworker: ./child wait\nmigrate: ./child wait\n").args(args).run();
    run.exits(2);
    run.stderr()
}

#[test]
fn what_is_wrong_with_options_of_different_kinds_is_said_at_once() {
    let message = refused(&["-x", "wib", "-q", "wob"]);
    assert!(message.contains("`wib`") && message.contains("`wob`"), "{message}");
}

#[test]
fn an_unknown_type_is_an_error_that_names_those_there_are() {
    assert_snapshot!(refused(&["wbe"]), @r"
    error: no process type `wbe`; there are web, worker, migrate
      hint: did you mean `web`?
    ");
    assert_snapshot!(refused(&["redis=2"]), @"error: no process type `redis`; there are web, worker, migrate");
    assert_snapshot!(refused(&["-m", "wroker=1"]), @r"
    error: no process type `wroker`; there are web, worker, migrate
      hint: did you mean `worker`?
    ");
    assert_snapshot!(refused(&["-x", "wep"]), @r"
    error: no process type `wep`; there are web, worker, migrate
      hint: did you mean `web`?
    ");
    assert_snapshot!(refused(&["-q", "wep"]), @r"
    error: --quiet: no process type `wep`; there are web, worker, migrate
      hint: did you mean `web`?
    ");
}

#[test]
fn a_count_that_is_no_whole_number_is_an_error() {
    assert_snapshot!(refused(&["web=x"]), @"error: `web=x` is not a formation: write TYPE=N, with N a whole number from 0 to 10000; types are web, worker, migrate");
    for count in ["-1", "1.5", "", "+1", "0x2", "1e3", "99999999999999999999"] {
        assert!(refused(&[&format!("web={count}")]).contains("is not a formation"), "{count}");
        assert!(refused(&["-m", &format!("all=1,web={count}")]).contains("is not a formation"), "{count}");
    }
}

#[test]
fn an_entry_without_a_name_is_an_error() {
    assert_snapshot!(refused(&["=1"]), @"error: `=1` is not a formation: write TYPE=N, with N a whole number from 0 to 10000; types are web, worker, migrate");
    for list in ["=1", "web=1,,worker=1", ","] {
        assert!(refused(&["-m", list]).contains("is not a formation"), "{list}");
    }
}

#[test]
fn a_type_named_twice_is_an_error() {
    assert_snapshot!(refused(&["web", "web=2"]), @"error: `web` is named twice");
}

#[test]
fn nothing_to_start_is_an_error() {
    assert_snapshot!(refused(&["web=0"]), @"error: nothing to start: every process type has a count of 0");
    assert!(refused(&["-m", "all=0"]).contains("nothing to start"));
    let run = Proc::start("release: ./child wait\nmigrate: ./child wait\n").run();
    run.exits(2);
    assert_snapshot!(run.stderr(), @"error: nothing to start but one-offs (release, migrate), which start only when they are named");
    assert!(refused(&["-x", "web,worker"]).contains("nothing to start"));
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let said = refused(&["wbe", "worker=x", "-x", "nothing"]);
    assert_eq!(said.matches("error: ").count(), 3, "{said}");
}
