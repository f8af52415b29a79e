//! `proc ps`.

use super::{App, TWO};

#[test]
fn the_table_has_a_row_for_each_instance() {
    let app = App::running(TWO);
    let answer = app.ask(&["ps"]).exits(0);
    let rows: Vec<Vec<&str>> = answer.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["NAME", "PHASE", "PID", "PORT", "UPTIME", "RESTARTS", "CPU", "MEMORY"]);
    assert_eq!(rows[1][..2], ["web.1", "running"]);
    assert_eq!(rows[1][2], app.pid("web.1").to_string());
    assert_eq!(rows[2][..2], ["worker.1", "running"]);
    assert_eq!(rows.len(), 3);
}

#[test]
fn names_choose_among_them() {
    let app = App::running(TWO).file("x", "");
    for (names, expected) in [(&["web"][..], "web.1"), (&["web.*"], "web.1"), (&["w*r"], "worker.1")] {
        let shown = app.ask(&[&["ps", "--json"], names].concat()).exits(0).json();
        let names: Vec<&str> = shown["instances"]
            .as_array()
            .unwrap()
            .iter()
            .map(|each| each["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, [expected]);
    }
}

#[test]
fn json_is_the_run_with_its_instances() {
    let app = App::running(TWO);
    let snapshot = app.snapshot();
    assert_eq!(
        snapshot["root"],
        app.path("").canonicalize().unwrap().to_str().unwrap().trim_end_matches('/')
    );
    let web = &snapshot["instances"][0];
    assert_eq!(
        (&web["name"], &web["type"], &web["phase"]),
        (&"web.1".into(), &"web".into(), &"running".into())
    );
    assert!(web["usage"]["memory_bytes"].as_u64().unwrap() > 0, "{web}");
    let line = app.ask(&["ps", "--json", "web"]).json();
    assert_eq!(line["pid"], snapshot["pid"]);
}

#[test]
fn colours_are_asked_for() {
    let app = App::running(TWO);
    assert!(!app.ask(&["ps"]).stdout.contains('\u{1b}'));
    app.ask(&["ps", "--color", "always"]).exits(0).says("\u{1b}[32mrunning");
}
