//! launchd: another reader of property lists gives back what went in.

use crate::support::{export_all, has, say, tried};
use proc_start::export::{App, Brief, Dependency, Export, Instance, Process, Role, Variable, export};
use proc_start::model::command::Command as CommandLine;
use proc_start::model::policy::{ExitOn, Grace, Target};
use proc_start::model::settings::{Check, Condition, Probe, RestartWhen, Settings, StopPolicy};
use proc_start::model::signal::Signal;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// What Python's plistlib makes of property lists, each as JSON, by path.
fn read_back(files: &[PathBuf]) -> BTreeMap<PathBuf, Value> {
    const READER: &str = "import json, plistlib, sys
for path in sys.stdin.read().split('\\0'):
    with open(path, 'rb') as file:
        print(json.dumps(plistlib.load(file)))
";
    let mut reader = Command::new("python3")
        .args(["-c", READER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let names: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
    std::io::Write::write_all(&mut reader.stdin.take().unwrap(), names.join("\0").as_bytes()).unwrap();
    let output = reader.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let values = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let read: BTreeMap<PathBuf, Value> = files.iter().cloned().zip(values).collect();
    assert_eq!(read.len(), files.len());
    read
}

/// The property lists in a directory.
fn plists(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|it| it == "plist")).collect()
}

#[test]
fn every_app_can_be_read_back_by_another_reader() {
    if !has("python3", "every_app_can_be_read_back") {
        return;
    }
    let scratch = TempDir::new().unwrap();
    let exported = export_all("launchd", scratch.path(), &[]);
    let files: Vec<PathBuf> = exported.apps.iter().flat_map(|(_, directory)| plists(directory)).collect();
    let read = read_back(&files);
    for (path, job) in &read {
        assert_eq!(job["Label"], path.file_stem().unwrap().to_str().unwrap());
        assert_eq!(job["ProgramArguments"].as_array().unwrap()[..2], [json!("/bin/sh"), json!("-c")]);
        assert_eq!(job["EnvironmentVariables"]["PROC_INSTANCE"], "1");
    }
    tried("plistlib", &exported);
    say(&format!("plistlib: {} property lists read", files.len()));
}

/// A service with one instance.
fn process(name: &str, command: &str) -> Process {
    Process {
        name: name.into(),
        command: CommandLine::new(command),
        role: Role::Service,
        profiles: Vec::new(),
        instances: vec![Instance { number: 1, port: Some(5000), variables: BTreeMap::new() }],
        most: None,
        listens: false,
        variables: BTreeMap::new(),
        depends_on: Vec::new(),
        restart: None,
        settings: Settings::default(),
    }
}

/// An app with these process types, in /srv/app.
fn app(processes: Vec<Process>) -> App {
    App { name: "app".into(), root: "/srv/app".into(), processes, ..App::default() }
}

/// Writes what comes of an app, and reads it back; none: there is no reader.
fn jobs(app: &App, brief: &Brief, scratch: &Path) -> Option<(Export, BTreeMap<String, Value>)> {
    let export = export(Target::Launchd, app, brief).unwrap();
    for file in export.files.iter().filter(|file| !file.path.contains('/')) {
        fs::write(scratch.join(&file.path), &file.contents).unwrap();
    }
    if !has("python3", "launchd::jobs") {
        return None;
    }
    let read = read_back(&plists(scratch));
    let name = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    Some((export, read.into_iter().map(|(path, job)| (name(path), job)).collect()))
}

/// Texts of whatever XML can carry; many of what means something to it.
fn texts() -> Vec<String> {
    let known = [
        "",
        " a ",
        "\ta\n",
        "a\r\nb\r",
        "]]>",
        "<![CDATA[x]]>",
        "<!-- x -->",
        "&amp;&#13;&lt;",
        "\u{85}\u{2028}",
        "\u{7f}",
    ];
    let strategy = proptest::string::string_regex(
        "([ -~]|[<>&\"'\\]\\r\\n\\t]|&[a-z]{2};|[\u{80}-\u{9f}é中\u{fffd}😀\u{1ffff}]){0,40}",
    )
    .unwrap();
    let mut runner = TestRunner::deterministic();
    let mut texts: Vec<String> = known.map(str::to_owned).into();
    while texts.len() < 200 {
        texts.push(strategy.new_tree(&mut runner).unwrap().current());
    }
    texts
}

#[test]
fn commands_and_variables_are_read_back_as_they_went_in() {
    let texts = texts();
    let mut all: Vec<Process> =
        texts.iter().enumerate().map(|(index, text)| process(&format!("p{index}"), text)).collect();
    for (process, value) in all.iter_mut().zip(&texts) {
        process.settings.working_dir = Some(format!("/srv/{}", value.replace('/', "_")).into());
        process.variables.insert("VALUE".into(), Variable { value: value.clone(), is_secret: false });
    }
    let scratch = TempDir::new().unwrap();
    let Some((_, jobs)) = jobs(&app(all.clone()), &Brief::default(), scratch.path()) else { return };
    for (process, text) in all.iter().zip(&texts) {
        let job = &jobs[&format!("app.{}.1", process.name)];
        let expected = process.command.in_place_of_the_shell().unwrap_or_else(|| text.clone());
        assert_eq!(job["ProgramArguments"], json!(["/bin/sh", "-c", expected]));
        assert_eq!(job["EnvironmentVariables"]["VALUE"], **text);
        assert_eq!(job["EnvironmentVariables"]["PORT"], "5000");
        assert_eq!(job["WorkingDirectory"], process.settings.working_dir.as_ref().unwrap().to_str().unwrap());
    }
    say(&format!("launchd: {} commands, values and directories read back by plistlib", texts.len()));
}

#[test]
fn what_xml_cannot_carry_is_refused() {
    for odd in ["\u{1}", "\u{1b}[1m", "\u{fffe}", "\u{ffff}", "\u{0}"] {
        let mut web = process("web", &format!("a {odd}"));
        web.variables.insert("VALUE".into(), Variable { value: odd.into(), is_secret: false });
        let refusals = export(Target::Launchd, &app(vec![web]), &Brief::default()).unwrap_err();
        let about: Vec<&str> = refusals.iter().map(|refusal| refusal.what.as_str()).collect();
        assert_eq!(about, ["command", "VALUE"], "{odd:?}");
    }
}

#[test]
fn restarts_and_grace_periods_are_in_the_words_of_launchd() {
    let with = |name: &str, restart: Option<RestartWhen>, grace: Grace| {
        let mut process = process(name, "x");
        process.restart = restart;
        process.settings.stop.grace = grace;
        process
    };
    let processes = vec![
        with("a", None, Grace::default()),
        with("b", Some(RestartWhen::OnFailure), Grace::Unlimited),
        with("c", Some(RestartWhen::No), Grace::For(Duration::ZERO)),
        with("d", Some(RestartWhen::Always), Grace::For(Duration::from_millis(2500))),
    ];
    let scratch = TempDir::new().unwrap();
    let brief = Brief { user: Some("www".into()), ..Brief::default() };
    let Some((export, jobs)) = jobs(&app(processes), &brief, scratch.path()) else { return };
    for (name, keep, limit) in [
        ("a", json!(true), 5),
        ("b", json!({ "SuccessfulExit": false }), 0),
        ("c", Value::Null, 1),
        ("d", json!(true), 3),
    ] {
        let job = &jobs[&format!("app.{name}.1")];
        assert_eq!(job["KeepAlive"], keep, "{name}");
        assert_eq!(job["ExitTimeOut"], limit, "{name}");
        assert_eq!(job["UserName"], "www");
    }
    let rounded: Vec<_> = export.losses.iter().filter(|loss| loss.what == "stop_grace_period").collect();
    assert_eq!(rounded.len(), 2);
}

#[test]
fn a_job_reads_its_secrets_with_a_shell_and_does_not_start_without_them() {
    let secret = |value: &str| Variable { value: value.to_owned(), is_secret: true };
    let mut one = app(vec![process("web", "printenv KEY")]);
    one.variables.insert("KEY".into(), secret("it's $5\n<b>"));
    let scratch = TempDir::new().unwrap();
    let brief = Brief { include_secret_values: true, ..Brief::default() };
    let Some((export, jobs)) = jobs(&one, &brief, scratch.path()) else { return };
    let script = jobs["app.web.1"]["ProgramArguments"][2].as_str().unwrap();
    let file = export.files.iter().find(|file| file.path == "app/secrets.env").unwrap();
    let place = scratch.path().join("secrets.env");
    let script = script.replace("/usr/local/etc/app/secrets.env", place.to_str().unwrap());
    let run = || Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
    assert!(!run().status.success());
    fs::write(&place, &file.contents).unwrap();
    assert_eq!(String::from_utf8(run().stdout).unwrap(), "it's $5\n<b>\n");
    let holds =
        |export: &Export| export.files.iter().any(|it| String::from_utf8_lossy(&it.contents).contains("$5"));
    assert!(holds(&export));
    assert!(!holds(&proc_start::export::export(Target::Launchd, &one, &Brief::default()).unwrap()));
}

#[test]
fn everything_that_launchd_has_no_words_for_is_told() {
    let probe = Probe {
        check: Check::Tcp(None),
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        retries: 1,
        start_period: Duration::ZERO,
        start_interval: Duration::from_secs(1),
    };
    let mut web = process("web", "a | b");
    web.restart = Some(RestartWhen::OnFailure);
    web.depends_on = vec![Dependency { process: 1, condition: Condition::Started, restart: false }];
    web.settings = Settings {
        readiness: Some(probe.clone()),
        liveness: Some(probe),
        success_exit_codes: [3].into(),
        on_exit: Some(ExitOn::Failure),
        stop: StopPolicy {
            signal: Signal::INT,
            command: Some(CommandLine::new("stop")),
            ..StopPolicy::default()
        },
        ..Settings::default()
    };
    let mut release = Process { role: Role::Release, ..process("release", "x") };
    release.restart = Some(RestartWhen::OnFailure);
    let dev = Process { profiles: vec!["dev".into()], ..process("dev", "x") };
    let export = export(Target::Launchd, &app(vec![web, release, dev]), &Brief::default()).unwrap();
    let told = |name: &str| -> Vec<&str> {
        let own = export.losses.iter().filter(|loss| loss.process.as_deref() == Some(name));
        own.map(|loss| loss.what.as_str()).collect()
    };
    let of_web = [
        "command",
        "depends_on",
        "stop_signal",
        "stop_command",
        "readiness",
        "liveness",
        "on_exit",
        "success_exit_codes",
        "restart",
        "log",
    ];
    assert_eq!(told("web"), of_web);
    assert_eq!(told("release"), ["release", "restart", "log"]);
    assert_eq!(told("dev"), ["profiles"]);
    assert!(export.files.iter().all(|file| !file.path.contains("dev")));
}

#[test]
fn the_limits_of_restarts_are_told_in_one_line_where_anything_was_said_of_them() {
    let told = |restart: Option<RestartWhen>, delay: u64, min_uptime: u64| {
        let mut web = process("web", "a");
        web.restart = restart;
        web.settings.restart.delay = Duration::from_millis(delay);
        web.settings.restart.min_uptime = Duration::from_secs(min_uptime);
        let export = export(Target::Launchd, &app(vec![web]), &Brief::default()).unwrap();
        let said = export.losses.into_iter().filter(|loss| loss.what.starts_with("restart"));
        said.map(|loss| format!("{}: {}", loss.what, loss.why)).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(told(None, 1000, 10), "");
    assert_eq!(told(Some(RestartWhen::No), 500, 20), "");
    insta::assert_snapshot!(told(Some(RestartWhen::Always), 1000, 10), @"restart: launchd has no max_restarts, restart_max_delay: it starts it as often as it takes, at most once in 1s");
    insta::assert_snapshot!(told(None, 1500, 20), @r"
    restart_delay: launchd counts whole seconds, from 1: 1.5s are more
    restart: launchd has no max_restarts, min_uptime, restart_max_delay: it starts it as often as it takes, at most once in 2s
    ");
}

#[test]
fn nothing_that_is_next_empties_what_somebody_has_filled_in() {
    let mut one = app(vec![process("web", "a")]);
    one.variables.insert("KEY".into(), Variable { value: "x".into(), is_secret: true });
    let next = |app: &App, include_secret_values: bool| -> Vec<String> {
        let brief = Brief { include_secret_values, directory: "/srv/a b".into(), ..Brief::default() };
        let next = export(Target::Launchd, app, &brief).unwrap().next;
        next.into_iter().filter(|line| line.contains("secrets.env")).collect()
    };
    insta::assert_snapshot!(next(&one, false).join("\n"), @r#"sudo test -e /usr/local/etc/app/secrets.env || sudo install -m 0600 -o "$USER" '/srv/a b'/app/secrets.env.example /usr/local/etc/app/secrets.env; sudoedit /usr/local/etc/app/secrets.env"#);
    insta::assert_snapshot!(next(&one, true).join("\n"), @r#"sudo test -e /usr/local/etc/app/secrets.env || sudo install -m 0600 -o "$USER" '/srv/a b'/app/secrets.env /usr/local/etc/app/secrets.env   # what is there stays"#);
    one.missing.push("ASKED_FOR".into());
    assert!(next(&one, true)[0].ends_with("; sudoedit /usr/local/etc/app/secrets.env"));
}

#[test]
fn a_directory_that_no_command_can_name_is_refused() {
    let brief = Brief { directory: "/srv/a\nb".into(), ..Brief::default() };
    let refusals = export(Target::Launchd, &app(vec![process("web", "a")]), &brief).unwrap_err();
    assert_eq!(refusals[0].what, "the directory of the export");
}
