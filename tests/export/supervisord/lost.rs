//! What supervisord has no words for, and what it must not be told.

use crate::support::proc_export;
use std::path::Path;

/// What is said of the export of an app: the files, then everything else.
fn said(root: &Path, procfile: &str, config: &str, arguments: &[&str]) -> String {
    std::fs::write(root.join("Procfile"), procfile).unwrap();
    std::fs::write(root.join("proc.toml"), config).unwrap();
    let words = ["supervisord", "--dry-run", "-d", root.to_str().unwrap()];
    let output = proc_export(&[&words[..], arguments].concat());
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

const APP: &[&str] = &["-a", "app", "/srv/deploy"];

#[test]
fn restarts_are_carried_over_or_told() {
    let scratch = tempfile::tempdir().unwrap();
    let config = "
[process.web]
restart = \"on-failure\"
[process.worker]
max_restarts = 20
restart_delay = \"3s\"
[process.release]
restart = \"on-failure\"
";
    let said = said(scratch.path(), "web: a\nworker: b\nplain: c\nrelease: d\n", config, APP);
    for expected in [
        "autorestart=unexpected\nexitcodes=0\nstartsecs=10\nstartretries=5\n",
        "autorestart=true\nstartretries=20\n",
        "  web, worker: restart_delay, restart_window: supervisord waits 1 s, 2 s, 3 s",
        "  web: restart: supervisord takes an end in the first 10 s for a failure",
        "  release: restart: it is there to end",
    ] {
        assert!(said.contains(expected), "{expected}\n is not in\n{said}");
    }
    let (_, lost) = said.split_once("not carried over").unwrap();
    assert!(!lost.contains("plain"), "{said}");
}

#[test]
fn only_what_is_exported_and_not_so_there_is_told_as_lost() {
    let scratch = tempfile::tempdir().unwrap();
    let config = "
[process.web]
on_exit = \"continue\"
[process.worker]
readiness = { tcp = true }
on_exit = \"stop\"
[process.mail]
profiles = [\"dev\"]
depends_on = { worker = \"healthy\" }
readiness = { tcp = true }
";
    let said = said(scratch.path(), "web: a\nworker: b\nmail: c\n", config, APP);
    for unexpected in ["  mail: depends_on", "  depends_on", "mail first", "web: on_exit", "priority="] {
        assert!(!said.contains(unexpected), "{unexpected} is in\n{said}");
    }
    assert!(said.contains("worker: on_exit"), "{said}");
}

#[test]
fn names_that_supervisord_loses_its_way_with_are_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("a[b]*?");
    std::fs::create_dir(&root).unwrap();
    let said = |arguments: &[&str]| said(&root, "web: a\n", "", arguments);
    let of_its_name = said(&["-a", "supervisord", "/srv/deploy"]);
    assert!(of_its_name.contains("export with --app NAME") && !of_its_name.contains("process types"));
    for directory in ["/srv/a[b]", "/srv/a*", "/srv/a?"] {
        assert!(said(&["-a", "app", directory]).contains("looks for its files by a pattern"), "{directory}");
    }
    let (short, long) = (format!("/{}", "x".repeat(82)), format!("/{}", "x".repeat(83)));
    assert!(said(&["-a", "app", &long]).contains("can have no socket in it"));
    assert!(said(&["-a", "app", &short]).contains(&format!("file={short}/supervisor.sock\n")));
    assert!(said(APP).contains(&format!("directory={}\n", root.display())));
}

#[test]
fn what_is_next_names_files_that_there_are_and_takes_no_secret_away() {
    let scratch = tempfile::tempdir().unwrap();
    let arguments = &[APP, &["--user", "app"]].concat();
    let without = said(scratch.path(), "web: a\n", "", &[&arguments[..], &["--no-port"]].concat());
    assert!(without.contains("chown app /srv/deploy/*.sh   #"), "{without}");
    std::fs::write(scratch.path().join(".env"), "API_KEY=x\n").unwrap();
    let with = said(scratch.path(), "web: a\n", "", arguments);
    assert!(with.contains("chown app /srv/deploy/*.sh /srv/deploy/*.env   #"), "{with}");
    let example = "/srv/deploy/secrets.env.example";
    let cp = format!("test -e /srv/deploy/secrets.env || cp {example} /srv/deploy/secrets.env ");
    assert!(with.contains(&cp), "{with}");
}
