//! Compose files, as the schema of the Compose Specification reads them, and `PyYAML`.

use super::support::{export_all, has, proc_export, say, tried};
use super::yaml::{arbitrary_apps, documents, has_pyyaml, unescaped};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn check(files: &[String]) -> Output {
    Command::new("check-jsonschema")
        .args(["--builtin-schema", "vendor.compose-spec"])
        .args(files)
        .output()
        .expect("check-jsonschema can be run")
}

/// Exports an app of these files.
fn export(root: &Path, files: &[(&str, &str)], arguments: &[&str]) -> String {
    for (name, text) in files {
        fs::write(root.join(name), text).unwrap();
    }
    let words = ["compose", "--dry-run", "-a", "app", "-d", root.to_str().unwrap()];
    let output = proc_export(&[&words[..], arguments].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap() + &said
}

#[test]
fn every_app_is_a_compose_file_by_the_specification() {
    if !has("check-jsonschema", "compose") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let exported = export_all("compose", scratch.path(), &[]);
    let files: Vec<String> = exported
        .apps
        .iter()
        .map(|(_, directory)| directory.join("compose.yaml").display().to_string())
        .collect();
    let output = check(&files);
    tried("check-jsonschema", &exported);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(files.len() >= 2);
}

#[test]
fn a_key_that_compose_does_not_know_is_found_by_its_schema() {
    if !has("check-jsonschema", "compose") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let good = export(scratch.path(), &[("Procfile", "web: a\n")], &["--image", "r/a:1"]);
    let good = good.split("not carried over").next().unwrap();
    let good = good.split("everything was").next().unwrap();
    let file = scratch.path().join("compose.yaml");
    fs::write(&file, good).unwrap();
    assert!(check(&[file.display().to_string()]).status.success());
    fs::write(&file, good.replace("stop_grace_period", "stop_grace_perod")).unwrap();
    let output = check(&[file.display().to_string()]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("stop_grace_perod"));
}

#[test]
fn commands_and_values_are_read_back_as_they_were() {
    if !has_pyyaml("compose") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let apps = arbitrary_apps("compose", scratch.path());
    let read = documents(apps.iter().map(|app| app.directory.join("compose.yaml")));
    say(&format!("PyYAML: {} arbitrary apps for compose read back", apps.len()));
    for (app, document) in apps.iter().zip(read) {
        for (name, words) in &app.commands {
            let service = &document["services"][name];
            assert_eq!(unescaped(&service["command"], dollars), *words, "{}", app.directory.display());
            for (variable, value) in &app.variables {
                let read = dollars(service["environment"][variable].as_str().unwrap());
                assert_eq!(read, *value, "{variable}");
            }
        }
    }
}

/// What Compose makes of a text without variables in it.
fn dollars(text: &str) -> String {
    assert!(!text.replace("$$", "").contains('$'), "{text}");
    text.replace("$$", "$")
}

const SHOP: &str = r#"
[process.redis]
readiness = { exec = "redis-cli -p $PORT ping" }
restart = "always"
[process.release]
depends_on = { redis = { condition = "healthy", restart = true } }
[process.web]
scale = 2
readiness = { http = "/up", interval = "1500ms" }
stop_signal = "INT"
stop_grace_period = "inf"
[process.worker]
depends_on = ["logger"]
working_dir = "sub"
[process.logger]
readiness = { log = "ready" }
[process.late]
depends_on = { logger = "healthy" }
[process.mail]
profiles = ["dev"]
"#;

#[test]
fn what_an_app_says_of_itself_is_said_of_its_services() {
    let scratch = tempfile::tempdir().unwrap();
    fs::create_dir(scratch.path().join("sub")).unwrap();
    let procfile =
        "web: a $PORT\nworker: b; c\nredis: redis-server $PORT\nlogger: d\nlate: e\nmail: f\nrelease: g\n";
    let files = [("Procfile", procfile), ("proc.toml", SHOP), (".env", "API_KEY=x1\nA=$b\n")];
    let all = export(scratch.path(), &files, &["--image", "r/a:1", "--user", "1000"]);
    for expected in [
        "  web:\n    image: r/a:1\n    command:\n    - /bin/sh\n    - -c\n    - exec a $$PORT\n    init: true\n    user: \"1000\"\n    scale: 2\n    ports:\n    - 5000-5001:5000\n",
        "      API_KEY: ${API_KEY:?set it in .env}\n",
        "    - cd ./sub && exec /bin/sh -c 'b; c'\n",
        "      interval: 1.5s\n",
        "      redis:\n        condition: service_healthy\n        restart: true\n",
        "      release:\n        condition: service_completed_successfully\n",
        "      - redis-cli -p $$PORT ping\n",
        "    stop_signal: SIGINT\n    stop_grace_period: 31536000s\n",
        "    expose:\n    - \"5200\"\n",
        "  mail:\n    profiles:\n    - dev\n",
        "    restart: always\n",
        "    restart: unless-stopped\n",
        "    restart: \"no\"\n",
        "# put values behind API_KEY=",
        "late: depends_on: logger has a `log` probe: its start is waited for, not its readiness",
        "worker: command: the stop signal reaches the shell only",
        "web: PROC_INSTANCE: all copies have the same environment: it is not set, and neither is PS",
        "redis: max_restarts: there is no end to the restarts there",
        "web: stop_grace_period: there must be an end to it: it is a year",
    ] {
        assert!(all.contains(expected), "{expected}\n is not in\n{all}");
    }
    assert!(!all.contains("x1"), "{all}");
}

#[test]
fn values_of_secrets_are_written_where_that_was_asked_for() {
    let scratch = tempfile::tempdir().unwrap();
    let files = [("Procfile", "web: a\n"), (".env", "API_KEY='x$1'\n")];
    let all = export(scratch.path(), &files, &["--image", "r/a:1", "--include-secret-values"]);
    assert!(all.contains("      API_KEY: x$$1\n"), "{all}");
    assert!(!all.contains("# put values behind"), "{all}");
}

#[test]
fn two_secrets_of_one_name_are_asked_for_by_two() {
    let scratch = tempfile::tempdir().unwrap();
    let toml = "[process.web]\nenv = { API_KEY = \"1\" }\n[process.worker]\nenv = { API_KEY = \"2\" }\n";
    let all = export(
        scratch.path(),
        &[("Procfile", "web: a\nworker: b\n"), ("proc.toml", toml)],
        &["--image", "r/a:1"],
    );
    assert!(all.contains("API_KEY: ${WEB_API_KEY:?"), "{all}");
    assert!(all.contains("API_KEY: ${WORKER_API_KEY:?"), "{all}");
    assert!(all.contains("# put values behind WEB_API_KEY= WORKER_API_KEY=\n"), "{all}");
}

#[test]
fn what_is_built_here_has_no_name_to_be_found_elsewhere() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("github.com");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("Procfile"), "web: a\n").unwrap();
    let (out, root) = (scratch.path().to_str().unwrap(), root.to_str().unwrap());
    let output = proc_export(&["compose", out, "--dry-run", "-a", "redis", "-d", root]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("    build:\n      context: ./github.com\n"), "{text}");
    assert!(!text.contains("image:"), "{text}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("up -d --build\n"));
}

const TRIES: &str = r#"
[process.release]
restart = "on-failure"
max_restarts = 2
[process.task]
type = "oneshot"
restart = "on-failure"
max_restarts = "inf"
[process.worker]
restart = "on-failure"
[process.migrate]
restart = "on-failure"
[process.mail]
profiles = ["one-off", "a${HOME}b"]
"#;

#[test]
fn tasks_are_tried_again_and_services_without_an_end() {
    let scratch = tempfile::tempdir().unwrap();
    let procfile = "web: a $PORT\nworker: b\nrelease: c\ntask: d\nmigrate: e\nmail: f\n";
    let all = export(scratch.path(), &[("Procfile", procfile), ("proc.toml", TRIES)], &["--no-port"]);
    let restart = |name: &str| {
        let service = all.split_once(&format!("\n  {name}:\n")).unwrap().1;
        service.split_once("restart: ").unwrap().1.lines().next().unwrap().to_owned()
    };
    let restarts = ["web", "worker", "release", "task", "migrate"].map(restart);
    assert_eq!(restarts, ["unless-stopped", "on-failure", "on-failure:2", "on-failure", "\"no\""]);
    for expected in [
        "worker: max_restarts: there is no end to the restarts there",
        "migrate: restart: who asks for it sees how it ends",
        "web: port: it listens on a port that is not known",
        // What somebody called so himself does not start the one-offs.
        "  migrate:\n    profiles:\n    - one-offs\n",
        "  mail:\n    profiles:\n    - one-off\n    - a$${HOME}b\n",
    ] {
        assert!(all.contains(expected), "{expected}\n is not in\n{all}");
    }
    for not in ["web: max_restarts", "release: max_restarts", "task: max_restarts"] {
        assert!(!all.contains(not), "{not}\n is in\n{all}");
    }
}

#[test]
fn a_secret_without_a_value_is_not_to_be_written() {
    let scratch = tempfile::tempdir().unwrap();
    fs::write(scratch.path().join("Procfile"), "web: a\n").unwrap();
    fs::write(scratch.path().join(".env.example"), "API.KEY=\n").unwrap();
    let root = scratch.path().to_str().unwrap();
    let output = proc_export(&["compose", "--dry-run", "-a", "app", "-d", root, "--image", "r/a:1"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("API.KEY: a secret is asked for by its name"),
        "{said}"
    );
    assert!(said.contains("rename it") && !said.contains("--include-secret-values"), "{said}");
}
