//! Files that are watched: whose they are is restarted when they change, and nobody else.

use crate::support::{Proc, free_ports};
use nix::sys::signal::Signal;
use std::path::Path;

/// An application whose `web` is restarted for what is below `src`.
fn app(procfile: &str) -> Proc {
    let watch = "[process.web]\nwatch = { paths = [\"src\"], debounce = \"10ms\" }\n";
    Proc::start(procfile).file("proc.toml", watch).file("src/app.py", "1")
}

/// Changes a file below `src`, or makes it: by one event, since an empty file that is written to later is two changes to whoever is quick.
fn change(file: &Path) {
    let beside = file.parent().unwrap().with_file_name("changed");
    std::fs::write(&beside, "2").unwrap();
    std::fs::rename(beside, file).unwrap();
}

#[test]
fn a_changed_file_restarts_all_whose_it_is_and_nobody_else() {
    let app = app("web: ./child ready wait\nother: ./child ready wait\n").args(["web=2", "other"]);
    let file = app.path("src/app.py");
    let run = app.spawn();
    run.wait_until("three that are ready", |stdout| stdout.matches("| ready").count() == 3);
    change(&file);
    run.wait_for("web.1   | src/app.py changed; restarting")
        .wait_for("web.2   | src/app.py changed; restarting");
    run.wait_until("two that are ready again", |stdout| stdout.matches("| ready").count() == 5);
    let run = run.end_by(Signal::SIGTERM);
    assert_eq!(
        run.dies_by(Signal::SIGTERM).lines_of("other.1").iter().filter(|line| *line == "ready").count(),
        1
    );
}

#[test]
fn the_old_tree_is_gone_and_its_port_free_before_the_new_one_starts() {
    let port = free_ports(1).to_string();
    // The leader ends at once, and leaves somebody who has the port and has to be killed.
    let procfile = "web: ./child fork ignore TERM listen $PORT wait end pause 100 ready wait\n";
    let toml = "[process.web]\nwatch = { paths = [\"src\"], debounce = 0 }\nstop_grace_period = \"200ms\"\n";
    let app = Proc::new(procfile).file("proc.toml", toml).file("src/app.py", "1");
    let app = app.args(["start", "--no-timestamps", "-p", &port]);
    let file = app.path("src/app.py");
    let run = app.spawn();
    run.wait_for("| listening");
    for times in 2..4 {
        change(&file);
        run.wait_until("it listens again", |stdout| stdout.matches("| listening").count() == times);
    }
    let run = run.end_by(Signal::SIGINT);
    run.dies_by(Signal::SIGINT).says("grace period over: SIGKILL to web.1").never_says("panicked");
}

#[test]
fn whoever_has_ended_starts_again_for_a_changed_file() {
    let app = app("web: ./child ready exit 3\nother: ./child wait\n").args(["--exit-on", "all"]);
    let file = app.path("src/new.py");
    let run = app.spawn();
    run.wait_for("web.1   | exited with code 3");
    change(&file);
    run.wait_for("web.1   | src/new.py changed; restarting");
    run.wait_until("it has ended again", |stdout| stdout.matches("exited with code 3").count() == 2);
    run.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("ready");
}

#[test]
fn log_files_below_what_is_watched_restart_nobody() {
    let app = app("web: ./child ready wait\n").args(["--log-dir", "src/log"]);
    let files = [app.path("src/a.py"), app.path("src/b.py")];
    let run = app.spawn();
    for (count, file) in files.iter().enumerate() {
        run.wait_until("it is ready", |stdout| stdout.matches("| ready").count() == count + 1);
        change(file);
    }
    run.wait_until("it is ready", |stdout| stdout.matches("| ready").count() == 3);
    let run = run.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).says("src/a.py changed").says("src/b.py changed").never_says("web.1.log");
}

#[test]
fn nothing_starts_while_something_that_is_to_be_watched_is_not_there() {
    let toml = "[process.web]\nwatch = [\"src\", \"nowhere\"]\n[process.other]\nwatch = [\"nowhere/else\"]\n";
    let run = Proc::start("web: ./child ready\nother: ./child ready\n")
        .file("proc.toml", toml)
        .file("src/x", "")
        .run();
    run.exits(2)
        .complains("error: `watch` of web: nowhere does not exist\n  hint: name files and directories");
    run.complains("error: `watch` of other: nowhere/else does not exist\n").never_says("ready");
    let run =
        Proc::start("web: ./child ready\nother: ./child ready\n").file("proc.toml", toml).file("nowhere", "");
    run.args(["-x", "other"]).file("src/x", "").run().exits(0).says("ready");
}

#[test]
fn a_pattern_that_is_none_starts_nothing() {
    let toml = "[process.web]\nwatch = { paths = [\"src\"], ignore = [\"[z-a]\"] }\n";
    let run = Proc::start("web: ./child ready\n").file("proc.toml", toml).file("src/x", "").run();
    run.exits(2).complains("`watch` of web: `ignore` has a pattern that is none: ").never_says("ready");
}
