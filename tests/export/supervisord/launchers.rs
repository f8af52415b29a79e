//! The launchers, run by shells: what went into an app comes out of them.

use crate::support::fixture;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use proc_start::export::{App, Brief, Instance, Process, Role, Variable, export as export_app};
use proc_start::model::command::Command as Line;
use proc_start::model::policy::Target;
use proc_start::model::settings::Settings;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The files of an app with one process type, by their names; or that it was refused.
pub(super) fn export(
    root: &str,
    directory: &str,
    command: &str,
    variables: &[(String, Variable)],
) -> Result<BTreeMap<String, String>, ()> {
    let process = Process {
        name: "web".to_owned(),
        command: Line::new(command),
        role: Role::Service,
        profiles: Vec::new(),
        instances: vec![Instance { number: 1, port: Some(5000), variables: BTreeMap::new() }],
        most: None,
        listens: true,
        variables: BTreeMap::new(),
        depends_on: Vec::new(),
        restart: None,
        settings: Settings::default(),
    };
    let app = App {
        name: "app".to_owned(),
        root: PathBuf::from(root),
        processes: vec![process],
        variables: variables.iter().cloned().collect(),
        ports: BTreeMap::new(),
        missing: Vec::new(),
    };
    let brief =
        Brief { directory: PathBuf::from(directory), include_secret_values: true, ..Brief::default() };
    let export = export_app(Target::Supervisord, &app, &brief).map_err(drop)?;
    let text = |contents: Vec<u8>| String::from_utf8(contents).unwrap();
    Ok(export.files.into_iter().map(|file| (file.path, text(file.contents))).collect())
}

/// Writes an app into a directory, and gives its launcher.
fn write(directory: &Path, command: &str, variables: &[(String, Variable)]) -> PathBuf {
    let path = directory.to_str().unwrap();
    for (name, contents) in export(path, path, command, variables).unwrap() {
        std::fs::write(directory.join(name), contents).unwrap();
    }
    directory.join("web.sh")
}

/// The shells that there are here, of those that may be `/bin/sh` somewhere: called that, bash keeps to POSIX.
fn shells() -> impl Iterator<Item = &'static str> {
    ["/bin/sh", "/bin/dash", "/bin/bash"].into_iter().filter(|shell| Path::new(shell).exists())
}

/// The output of a launcher.
fn output(shell: &str, launcher: &Path) -> Vec<u8> {
    let output = Command::new(shell)
        .arg0("sh")
        .arg(launcher)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Names of variables that change nothing about how `env` is found and run.
fn names() -> impl Strategy<Value = String> {
    "X[A-Za-z0-9_]{0,6}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_value_comes_out_of_the_env_files(
        variables in prop::collection::btree_map(names(), ("[^\0]{0,40}", any::<bool>()), 0..6)
    ) {
        let scratch = tempfile::tempdir().unwrap();
        let variables: Vec<(String, Variable)> = variables
            .into_iter()
            .map(|(name, (value, is_secret))| (name, Variable { value, is_secret }))
            .collect();
        let launcher = write(scratch.path(), "env -0", &variables);
        for shell in shells() {
            let output = output(shell, &launcher);
            let found: Vec<&[u8]> = output.split(|byte| *byte == 0).filter(|each| each.starts_with(b"X")).collect();
            let expected: Vec<String> =
                variables.iter().map(|(name, variable)| format!("{name}={}", variable.value)).collect();
            for each in &expected {
                prop_assert!(found.contains(&each.as_bytes()), "{shell}: {each:?} is missing");
            }
            prop_assert_eq!(found.len(), expected.len());
        }
    }

    #[test]
    fn any_argument_comes_out_of_a_command(arguments in prop::collection::vec("[^\0]{0,40}", 1..4)) {
        let scratch = tempfile::tempdir().unwrap();
        let printed = arguments.join("\0") + "\0";
        let line = Line::new("/usr/bin/printf %s\\\\0").with_arguments(&arguments);
        // One command, which the shell becomes; and more than one, for which it stays.
        for command in [line.text().to_owned(), format!("true && {}", line.text())] {
            let launcher = write(scratch.path(), &command, &[]);
            for shell in shells() {
                prop_assert_eq!(&output(shell, &launcher), printed.as_bytes(), "{}", shell);
            }
        }
    }
}

/// A launcher in a group of its own, as supervisord starts it.
fn start(shell: &str, launcher: &Path) -> Child {
    Command::new(shell)
        .arg0("sh")
        .arg(launcher)
        .process_group(0)
        .env("SUPERVISOR_ENABLED", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_launcher_ends_as_its_commands_do() {
    let scratch = tempfile::tempdir().unwrap();
    let child = fixture();
    for (command, code) in [
        (format!("{child} exit 3"), Some(3)),
        (format!("true && {child} exit 3"), Some(3)),
        (format!("true; {child} exit 0"), Some(0)),
        (format!("false || {child} die KILL"), Some(137)),
    ] {
        let launcher = write(scratch.path(), &command, &[]);
        for shell in shells() {
            let status = start(shell, &launcher).wait().unwrap();
            assert_eq!(status.code(), code, "{shell}: {command}");
        }
    }
}

#[test]
fn a_launcher_stays_until_all_that_was_told_to_stop_has_gone() {
    let scratch = tempfile::tempdir().unwrap();
    let child = fixture();
    // What a shell starts behind its back, and what it waits for: both need their time.
    let slow = "trap TERM last bye 0 ready wait";
    for command in [
        format!("true && {child} {slow}"),
        format!("(true; {child} {slow})"),
        format!("{child} {slow} & wait"),
        format!("sh -c '{child} {slow}; true'; true"),
    ] {
        let launcher = write(scratch.path(), &command, &[]);
        for shell in shells() {
            let mut started = start(shell, &launcher);
            let mut lines = BufReader::new(started.stdout.take().unwrap());
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            assert_eq!(line, "ready\n", "{shell}: {command}");
            killpg(group(&started), Signal::SIGTERM).unwrap();
            let status = started.wait().unwrap();
            // It has gone, so what it waited for has said all that it will ever say.
            let mut rest = String::new();
            lines.read_to_string(&mut rest).unwrap();
            assert_eq!(rest, "bye\n", "{shell}: {command}");
            assert_eq!((status.code(), status.signal()), (Some(143), None), "{shell}: {command}");
        }
    }
}

#[test]
fn a_launcher_waits_for_the_stubborn_until_they_are_killed() {
    let scratch = tempfile::tempdir().unwrap();
    let child = fixture();
    let launcher = write(scratch.path(), &format!("true && {child} ignore TERM ready wait"), &[]);
    for shell in shells() {
        let mut started = start(shell, &launcher);
        let mut lines = BufReader::new(started.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        killpg(group(&started), Signal::SIGTERM).unwrap();
        assert!(started.try_wait().unwrap().is_none(), "{shell} did not wait");
        killpg(group(&started), Signal::SIGKILL).unwrap();
        assert_eq!(started.wait().unwrap().signal(), Some(9), "{shell}");
        // The end of the output: nobody is left who could write to it.
        lines.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
    }
}

#[test]
fn what_a_command_leaves_behind_is_told_to_stop_and_not_waited_for() {
    let scratch = tempfile::tempdir().unwrap();
    let child = fixture();
    let command = format!("{child} trap TERM last told 0 ready wait & {child} pause 300 exit 3");
    let launcher = write(scratch.path(), &command, &[]);
    for shell in shells() {
        let mut started = start(shell, &launcher);
        let mut said = String::new();
        started.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "ready\ntold\n", "{shell}");
        assert_eq!(started.wait().unwrap().code(), Some(3), "{shell}");
    }
}

fn group(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap())
}

#[test]
fn a_launcher_without_its_secrets_says_what_is_missing() {
    let scratch = tempfile::tempdir().unwrap();
    let variables = [("KEY".to_owned(), Variable { value: "word".to_owned(), is_secret: true })];
    let launcher = write(scratch.path(), "echo never", &variables);
    std::fs::remove_file(scratch.path().join("secrets.env")).unwrap();
    for shell in shells() {
        let output = Command::new(shell).arg0("sh").arg(&launcher).output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{shell}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("/secrets.env"), "{shell}: {said}");
    }
}
