//! `proc reload`.

use super::{App, TWO};

#[test]
fn what_differs_is_changed_and_nothing_else() {
    let app = App::running(TWO);
    let (web, worker) = (app.pid("web.1"), app.pid("worker.1"));
    app.ask(&["reload"]).exits(0).says("nothing has changed\n");
    app.write("Procfile", "web: ./child say changed wait\nworker: ./child say work wait\n");
    app.ask(&["reload"]).exits(0).says("web");
    app.wait_for("web.1    | changed");
    assert_ne!(app.pid("web.1"), web);
    assert_eq!(app.pid("worker.1"), worker);
    assert_eq!(app.ask(&["reload", "--json"]).exits(0).json(), serde_json::json!({"changes": []}));
}

#[test]
fn a_file_that_is_wrong_changes_nothing_and_is_shown_with_its_place() {
    let app = App::running(TWO);
    let web = app.pid("web.1");
    app.write("Procfile", "web: ./child say changed wait\nweb: ./child wait\n");
    app.ask(&["reload"]).exits(1).complains("Procfile:2:1");
    assert_eq!(app.pid("web.1"), web);
    std::fs::remove_file(app.path("Procfile")).unwrap();
    let complaint = app.ask(&["reload"]).exits(1).stderr;
    assert!(complaint.starts_with("error: ") && !complaint.contains("error: error: "), "{complaint}");
    app.ask(&["scale"]).exits(0).says("web=1 worker=1\n");
}
