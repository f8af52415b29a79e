//! systemd: its verifier, its opinion on security, and its parsers, which have to give back what went in.

mod meaning;
mod read_back;

use crate::support::{export_all, has, proc_export, say, tried};
use proc_start::export::{App, Brief, Export, Instance, Process, Role, Variable, export};
use proc_start::model::command::Command as CommandLine;
use proc_start::model::policy::Target;
use proc_start::model::settings::Settings;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The exposure that no unit may exceed, times ten.
const MOST_EXPOSED: f64 = 4.0;

/// The units in a directory.
fn units(directory: &Path) -> Vec<PathBuf> {
    let mut units: Vec<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && path.extension().is_some_and(|it| it == "service" || it == "target"))
        .collect();
    units.sort();
    units
}

/// `systemd-analyze` with the units of these directories beside the system's.
fn systemd_analyze(directories: &[PathBuf], arguments: &[&str], files: &[PathBuf]) -> Output {
    let mut path = std::env::join_paths(directories).unwrap();
    path.push(":");
    Command::new("systemd-analyze")
        .args(arguments)
        .args(files)
        .env("SYSTEMD_UNIT_PATH", path)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// How many directories are verified at once: systemd looks for each unit in all of them.
const AT_ONCE: usize = 12;

fn verify(directories: &[PathBuf]) -> usize {
    directories.chunks(AT_ONCE).map(verify_some).sum()
}

fn verify_some(directories: &[PathBuf]) -> usize {
    let files: Vec<PathBuf> = directories.iter().flat_map(|directory| units(directory)).collect();
    let output = systemd_analyze(directories, &["--man=no", "verify"], &files);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{}: {said}", output.status);
    files.len()
}

/// How exposed each of some services is, as systemd sees it.
fn exposures(files: &[PathBuf]) -> Vec<(String, f64)> {
    let output = systemd_analyze(&[], &["--offline=true", "--no-pager", "security"], files);
    let text = String::from_utf8(output.stdout).unwrap();
    let exposures: Vec<(String, f64)> = text
        .lines()
        .filter_map(|line| line.split_once("Overall exposure level for "))
        .map(|(_, rest)| {
            let (name, figure) = rest.split_once(": ").unwrap();
            (name.to_owned(), figure.split(' ').next().unwrap().parse().unwrap())
        })
        .collect();
    assert_eq!(exposures.len(), files.len(), "{}", String::from_utf8_lossy(&output.stderr));
    exposures
}

#[test]
fn systemd_verifies_every_app_without_a_word_and_finds_each_unit_well_protected() {
    if !has("systemd-analyze", "systemd_verifies_every_app") {
        return;
    }
    let scratch = TempDir::new().unwrap();
    let exported = export_all("systemd", scratch.path(), &[]);
    let directories: Vec<PathBuf> = exported.apps.iter().map(|(_, directory)| directory.clone()).collect();
    let verified = verify(&directories);
    let services: Vec<PathBuf> = directories
        .iter()
        .flat_map(|directory| units(directory))
        .filter(|unit| unit.extension().is_some_and(|it| it == "service"))
        .collect();
    let exposures = exposures(&services);
    for (name, exposure) in &exposures {
        assert!(*exposure <= MOST_EXPOSED, "{name}: {exposure}");
    }
    let most = exposures.iter().map(|(_, exposure)| *exposure).fold(0.0, f64::max);
    tried("systemd-analyze", &exported);
    say(&format!(
        "systemd-analyze: {verified} units verified, {} services at {most} or better",
        services.len()
    ));
}

/// An app with these process types, in /srv/app.
fn app(processes: Vec<Process>) -> App {
    App { name: "app".into(), root: "/srv/app".into(), processes, ..App::default() }
}

/// A service with one instance and an own variable `OWN`.
fn process(name: &str, command: &str, own: &str) -> Process {
    let variable = Variable { value: own.to_owned(), is_secret: false };
    Process {
        name: name.into(),
        command: CommandLine::new(command),
        role: Role::Service,
        profiles: Vec::new(),
        instances: vec![Instance {
            number: 1,
            port: Some(5000),
            variables: BTreeMap::from([("OWN".to_owned(), variable)]),
        }],
        most: None,
        listens: false,
        variables: BTreeMap::new(),
        depends_on: Vec::new(),
        restart: None,
        settings: Settings::default(),
    }
}

fn exported(app: &App, brief: &Brief) -> Export {
    export(Target::Systemd, app, brief).unwrap()
}

/// Writes the files so that everybody may read them.
fn write(export: &Export, directory: &Path) {
    for file in &export.files {
        let path = directory.join(&file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &file.contents).unwrap();
    }
}

#[test]
fn every_relaxation_leaves_a_unit_well_protected() {
    if !has("systemd-analyze", "every_relaxation") {
        return;
    }
    let mut low = process("low", "serve --log /tmp/x", "/home/me/.cache");
    low.instances[0].port = Some(80);
    let mut usr = process("usr", "a | b", "x");
    usr.settings.working_dir = Some("/usr/local/app".into());
    for user in [None, Some("root".to_owned())] {
        let scratch = TempDir::new().unwrap();
        let mut relaxed = app(vec![low.clone(), usr.clone(), process("plain", "a", "b")]);
        relaxed.root = "/home/me/app".into();
        write(&exported(&relaxed, &Brief { user, ..Brief::default() }), scratch.path());
        verify(&[scratch.path().to_owned()]);
        let services: Vec<PathBuf> = units(scratch.path())
            .into_iter()
            .filter(|it| it.extension().is_some_and(|it| it == "service"))
            .collect();
        for (name, exposure) in exposures(&services) {
            say(&format!("systemd: {name}: {exposure}"));
            assert!(exposure <= MOST_EXPOSED, "{name}: {exposure}");
        }
    }
}

#[test]
fn five_thousand_instances_are_five_thousand_units_that_systemd_takes() {
    let scratch = TempDir::new().unwrap();
    fs::write(scratch.path().join("Procfile"), "web: ./web\n").unwrap();
    let directory = scratch.path().join("units");
    let output = proc_export(&[
        "systemd",
        directory.to_str().unwrap(),
        "-d",
        scratch.path().to_str().unwrap(),
        "-a",
        "many",
        "-m",
        "web=5000",
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    if has("systemd-analyze", "five_thousand_instances") {
        verify(std::slice::from_ref(&directory));
    }
    let target = fs::read_to_string(directory.join("many-web.target")).unwrap();
    assert!(target.lines().all(|line| line.len() < 2048));
    for number in [1, 20, 21, 5000] {
        assert!(target.contains(&format!("many-web@{number}.service")), "{number}");
        let port = directory.join(format!("many-web@{number}.service.d/port.conf"));
        assert!(fs::read_to_string(port).unwrap().contains(&format!("Environment=PORT={}\n", 4999 + number)));
    }
}

#[test]
fn what_systemd_does_not_take_in_a_variable_is_refused_or_told() {
    let mut one = app(vec![process("web", "x", "y")]);
    let variable = |value: &str| Variable { value: value.to_owned(), is_secret: false };
    one.variables.insert("npm.config".into(), variable("x"));
    one.variables.insert("IFS".into(), variable(":"));
    one.variables.insert("UID".into(), variable("7"));
    let export_of_odd = exported(&one, &Brief::default());
    let lost: Vec<&str> = export_of_odd.losses.iter().map(|loss| loss.what.as_str()).collect();
    assert_eq!(lost, ["IFS", "npm.config"]);
    let config = export_of_odd.files.iter().find(|file| file.path == "app/config.env").unwrap();
    assert_eq!(
        std::str::from_utf8(&config.contents).unwrap().lines().skip(1).collect::<Vec<_>>(),
        ["UID=\"7\""]
    );
    one.variables.insert("ODD".into(), variable("a\u{ffff}"));
    let refusals = export(Target::Systemd, &one, &Brief::default()).unwrap_err();
    insta::assert_snapshot!(refusals[0], @r"ODD: systemd leaves a variable out that has \u{ffff} in its value");
}

#[test]
fn the_values_of_secrets_are_in_no_file_unless_they_are_asked_for() {
    let secret = |value: &str| Variable { value: value.to_owned(), is_secret: true };
    let mut web = process("web", "x", "y");
    web.variables.insert("WEB_KEY".into(), secret("hunter2"));
    web.instances[0].variables.insert("OWN_KEY".into(), secret("hunter2"));
    let mut one = app(vec![web]);
    one.variables.insert("API_KEY".into(), secret("hunter2"));
    one.missing.push("ASKED_FOR".into());
    let names = |brief: &Brief| -> (Vec<String>, bool) {
        let export = exported(&one, brief);
        let names =
            export.files.iter().filter(|file| file.path.starts_with("app/")).map(|file| file.path.clone());
        let holds = |text: &str| {
            export.files.iter().any(|file| String::from_utf8_lossy(&file.contents).contains(text))
        };
        for name in ["secrets.env", "secrets.web.env", "secrets.web.1.env"] {
            assert!(holds(&format!("EnvironmentFile=/etc/app/{name}\n")), "{name}");
        }
        (names.collect(), holds("hunter2"))
    };
    let (files, has_values) = names(&Brief::default());
    assert_eq!(
        files,
        ["app/secrets.env.example", "app/secrets.web.env.example", "app/secrets.web.1.env.example"]
    );
    assert!(!has_values);
    let (files, has_values) = names(&Brief { include_secret_values: true, ..Brief::default() });
    assert_eq!(files, ["app/secrets.env", "app/secrets.web.env", "app/secrets.web.1.env"]);
    assert!(has_values);
}

#[test]
fn a_shell_hands_on_what_only_it_could_not_set() {
    for name in ["EUID", "FUNCNAME", "GROUPS", "SECONDS", "UID"] {
        let output = Command::new("/bin/sh").args(["-c", "exec env"]).env(name, "7").output().unwrap();
        let seen = String::from_utf8(output.stdout).unwrap();
        assert!(seen.lines().any(|line| line == format!("{name}=7")), "{name}: {seen}");
    }
}

#[test]
fn what_is_next_names_the_files_of_this_export_and_leaves_secrets_that_are_there() {
    let variable = |is_secret: bool| Variable { value: "x".to_owned(), is_secret };
    let mut web = process("web", "x", "y");
    web.variables.insert("NAME".into(), variable(false));
    let mut one = app(vec![web]);
    one.variables.insert("NAME".into(), variable(false));
    one.variables.insert("KEY".into(), variable(true));
    let next = |app: &App, include_secret_values: bool| -> Vec<String> {
        let brief = Brief { include_secret_values, directory: "/srv/a b".into(), ..Brief::default() };
        exported(app, &brief).next.into_iter().filter(|line| line.contains(".env")).collect()
    };
    insta::assert_snapshot!(next(&one, false).join("\n"), @r"
    sudo install -m 0600 '/srv/a b'/app/config.env '/srv/a b'/app/config.web.env /etc/app/
    sudo test -e /etc/app/secrets.env || sudo install -m 0600 '/srv/a b'/app/secrets.env.example /etc/app/secrets.env; sudoedit /etc/app/secrets.env
    ");
    insta::assert_snapshot!(next(&one, true).join("\n"), @r"
    sudo install -m 0600 '/srv/a b'/app/config.env '/srv/a b'/app/config.web.env /etc/app/
    sudo test -e /etc/app/secrets.env || sudo install -m 0600 '/srv/a b'/app/secrets.env /etc/app/secrets.env   # what is there stays
    ");
    one.missing.push("ASKED_FOR".into());
    assert!(next(&one, true)[1].ends_with("; sudoedit /etc/app/secrets.env"));
}

#[test]
fn a_directory_that_no_command_can_name_is_refused() {
    let brief = Brief { directory: "/srv/a\nb".into(), ..Brief::default() };
    let refusals = export(Target::Systemd, &app(vec![process("web", "x", "y")]), &brief).unwrap_err();
    assert_eq!(refusals[0].what, "the directory of the export");
}
