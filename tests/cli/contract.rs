//! `.env.example` as a contract: what `proc start` refuses without, and what `proc check` says of it.

use crate::support::{Proc, skip};
use insta::assert_snapshot;
use std::path::Path;
use std::process::{Command, Stdio};

const EXAMPLE: &str = "\
# What the app needs.
SECRET_KEY=            # signs the cookies
API_TOKEN=\"\"
SHOP_NAME=A name
# SENTRY_DSN=
";

fn app() -> Proc {
    Proc::new("web: echo \"[$SECRET_KEY]\"\n").file(".env.example", EXAMPLE)
}

fn start(proc: Proc) -> Proc {
    proc.args(["start", "--no-port", "--no-timestamps"])
}

#[test]
fn start_names_all_that_is_missing_at_once_and_starts_nothing() {
    let run = start(app().file(".env", "SHOP_NAME=hunter2\n")).run();
    run.exits(2).never_says("hunter2");
    assert_snapshot!(run.stderr(), @r"
    error: SECRET_KEY is not set, and .env.example:2 asks for it
    error: API_TOKEN is not set, and .env.example:3 asks for it
      hint: put it into .env, or set it with `-E SECRET_KEY=…`; `--no-env-contract` starts without it
    ");
    assert_eq!(run.stdout(), "");
}

#[test]
fn any_layer_fulfils_the_contract_and_so_does_nothing_as_a_value() {
    let runs = [
        start(app().file(".env", "SECRET_KEY=\nAPI_TOKEN=\n")),
        start(app().file("other", "SECRET_KEY=\nAPI_TOKEN=\n")).args(["-e", "other"]),
        start(app()).args(["-E", "SECRET_KEY=", "-E", "API_TOKEN="]),
        start(app()).variable("SECRET_KEY", "").variable("API_TOKEN", ""),
    ];
    for proc in runs {
        proc.run().exits(0).says("web.1  | []");
    }
}

#[test]
fn what_proc_sets_itself_counts_as_set() {
    let app =
        || Proc::new("web: echo up\nredis: true\n").file(".env.example", "PORT=\nPS=\nPROC_REDIS_PORT=\n");
    let port = crate::support::free_ports(1).to_string();
    app().args(["start", "-p", &port, "web"]).run().exits(0).says("up");
    let run = app().args(["start", "--no-port", "web"]).run();
    run.exits(2).complains("error: PORT is not set, and .env.example:1 asks for it\n");
    run.complains("error: PROC_REDIS_PORT is not set").never_says("PS is not set");
}

#[test]
fn the_contract_can_be_turned_off_and_is_nothing_to_run_and_env() {
    start(app()).args(["--no-env-contract"]).run().exits(0).says("[]");
    start(app()).variable("PROC_NO_ENV_CONTRACT", "1").run().exits(0).says("[]");
    let run = app().args(["check", "--no-env-contract", "--strict"]).file(".env", "OTHER=1\n").run();
    run.exits(0).says("valid procfile detected (web)");
    app().args(["run", "web"]).run().exits(0).says("[]");
    app().args(["env"]).run().exits(0).says("PS=run.1");
}

#[test]
fn it_lies_in_the_root_and_is_named_from_where_we_were_called() {
    let app = Proc::without_procfile().file("app/Procfile", "web: true\n").file("app/.env.example", "A=\n");
    let run = app.args(["start", "-d", "app"]).run();
    run.exits(2).complains("error: A is not set, and app/.env.example:1 asks for it\n");
    run.complains("  hint: put it into app/.env, or set it with `-E A=…`");
}

#[test]
fn check_says_what_is_missing_and_what_is_beyond_the_contract() {
    let run = app().file(".env", "SECRET_KEY=\nEXTRA=hunter2\nSENTRY_DSN=hunter2\n").args(["check"]).run();
    run.exits(2).never_says("hunter2");
    assert_snapshot!(run.stderr(), @r"
    warning: .env:2: EXTRA is not in .env.example: name it there, so that whoever runs this elsewhere knows of it
    error: API_TOKEN is not set, and .env.example:3 asks for it
      hint: put it into .env, or set it with `-E API_TOKEN=…`; `--no-env-contract` starts without it
    ");
}

#[test]
fn an_example_that_cannot_be_read_is_a_warning_of_start_and_an_error_of_check() {
    let app = || Proc::new("web: echo up\n").file(".env.example", "A=\nSECRET hunter2\n");
    let run = app().args(["start", "--no-port"]).run();
    run.exits(0).says("up").never_says("hunter2");
    assert_snapshot!(run.stderr(), @r"
    .env.example:2:1: warning: no `=` in this line
      hint: write KEY=value; a comment begins with `#`
    ");
    let run = app().args(["check"]).run();
    run.exits(2).complains(".env.example:2:1: no `=` in this line");
    let large = || Proc::new("web: echo up\n").file(".env.example", "A=1\n".repeat(10 << 18));
    let too_large = ".env.example:1:1: warning: the file is larger than 1 MiB";
    large().args(["start", "--no-port"]).run().exits(0).says("up").complains(too_large);
    large().args(["check"]).run().exits(2).complains(".env.example:1:1: the file is larger than 1 MiB");
}

#[test]
fn an_example_that_is_no_file_does_not_hang() {
    for command in [&["start", "--no-port"][..], &["check"]] {
        let run = Proc::new("web: true\n").fifo(".env.example").args(command).run();
        run.exits(2).complains("error: failed to read .env.example: it is a FIFO, not a regular file");
        let run = Proc::new("web: true\n").file(".env.example/file", "").args(command).run();
        run.exits(0).complains(".env.example is a directory and not read");
        run.stdout();
    }
}

/// Whether git did this in the directory of an application.
fn git(app: &Proc, words: &[&str]) -> bool {
    let mut command = Command::new("git");
    command
        .args(words)
        .current_dir(app.path(""))
        .env("HOME", app.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

const TRACKED: &str = "warning: git tracks .env, so what is in it is in every clone: `git rm --cached .env`, and name it in .gitignore\n";

#[test]
fn check_warns_of_an_env_file_that_git_tracks_if_it_is_for_one_place_only() {
    let tracked = |app: Proc| (git(&app, &["init"]) && git(&app, &["add", "-f", ".env"])).then_some(app);
    let secret = Proc::new("web: true\n").file(".env", "SECRET_KEY=0123456789abcdef\n");
    let Some(secret) = tracked(secret) else { return skip("there is no git here") };
    let run = secret.args(["check"]).run();
    assert_eq!(run.exits(0).stderr(), TRACKED);
    run.says("valid");
    let contract =
        tracked(Proc::new("web: true\n").file(".env", "A=1\n").file(".env.example", "A=\n")).unwrap();
    contract.args(["check"]).run().exits(0).complains(TRACKED).says("valid");
    let defaults = tracked(Proc::new("web: true\n").file(".env", "A=1\n")).unwrap();
    assert_eq!(defaults.args(["check"]).run().exits(0).says("valid").stderr(), "");
}

#[test]
fn nothing_is_said_of_an_env_file_that_git_does_not_track() {
    let app = || Proc::new("web: true\n").file(".env", "A=1\n").file(".env.example", "A=\n");
    let repository = app();
    git(&repository, &["init"]);
    let without_git = app().variable("PATH", "/nowhere");
    for app in [app(), repository, without_git] {
        assert_eq!(app.args(["check"]).run().exits(0).says("valid").stderr(), "");
    }
}

#[test]
fn a_git_that_never_answers_holds_nothing_up_and_is_not_left_behind() {
    let app = Proc::new("web: true\n").file(".env", "A=1\n").file(".env.example", "A=\n");
    let app = app.file("bin/git", "#!/bin/sh\n./child hold alive wait & ./child hold alive wait\n");
    std::fs::set_permissions(app.path("bin/git"), executable()).unwrap();
    let alive = app.liveness();
    let path = format!("{}:{}", app.path("bin").display(), crate::support::PATH);
    let run = app.variable("PATH", path).args(["check"]).run();
    assert_eq!(run.exits(0).says("valid").stderr(), "");
    alive.wait_for_death();
}

fn executable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o755)
}

#[test]
fn the_files_of_the_examples_are_as_they_should_be() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for name in ["hello", "shop"] {
        let run = Proc::without_procfile().args(["check", "--strict", "-d"]).args([examples.join(name)]);
        let run = run.args(["-E", "SECRET_KEY=x", "-E", "REDIS_URL=x", "-E", "SHOP_NAME=x"]);
        let run = run.args(["-E", "SHIP_SECONDS=1", "-E", "COUNT_EVERY_SECONDS=5"]).run();
        run.exits(0).says("valid procfile detected");
    }
}
