//! systemd: its verifier, its opinion on security, and its parsers of units and env files, which have to give back what went in.

use crate::support::{export_all, has, proc_export};
use proc_start::export::{App, Brief, Export, Instance, Process, Role, Variable, export};
use proc_start::model::command::Command as CommandLine;
use proc_start::model::policy::Target;
use proc_start::model::settings::Settings;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
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

fn verify(directories: &[PathBuf]) -> usize {
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
    println!(
        "systemd: {} apps exported ({} more cannot be read), {verified} units verified, {} services at {most} or better",
        exported.apps.len(),
        exported.unreadable,
        services.len(),
    );
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
            println!("systemd: {name}: {exposure}");
            assert!(exposure <= MOST_EXPOSED, "{name}: {exposure}");
        }
    }
}

#[test]
fn five_thousand_instances_are_five_thousand_units() {
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
    let target = fs::read_to_string(directory.join("many-web.target")).unwrap();
    assert!(target.lines().all(|line| line.len() < 2048));
    for number in [1, 20, 21, 5000] {
        assert!(target.contains(&format!("many-web@{number}.service")), "{number}");
        let port = directory.join(format!("many-web@{number}.service.d/port.conf"));
        assert!(fs::read_to_string(port).unwrap().contains(&format!("Environment=PORT={}\n", 4999 + number)));
    }
}

/// systemd itself, which reads the units, says what it has understood, and starts nothing.
fn what_systemd_understands(directory: &Path) -> Option<String> {
    const SYSTEMD: &str = "/lib/systemd/systemd";
    if !Path::new(SYSTEMD).exists() || !has("setpriv", "what_systemd_understands") {
        println!("skipped: what_systemd_understands: {SYSTEMD} is not installed");
        return None;
    }
    let place = TempDir::new().unwrap();
    let mut command = Command::new(SYSTEMD);
    // It does not want to be tested by root.
    if nix::unistd::geteuid().is_root() {
        command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", SYSTEMD]);
        chown(place.path(), Some(65534), Some(65534)).unwrap();
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut path = directory.as_os_str().to_owned();
    path.push(":");
    let output = command
        .args(["--test", "--user", "--unit=app.target"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", place.path())
        .env("XDG_RUNTIME_DIR", place.path())
        .env("SYSTEMD_UNIT_PATH", path)
        .env("SYSTEMD_LOG_LEVEL", "warning")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("ignoring"), "{said}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// What is said of a unit.
fn of_unit<'a>(dump: &'a str, unit: &str) -> &'a str {
    let start = dump.find(&format!("-> Unit {unit}:\n")).unwrap_or_else(|| panic!("{unit} is not there"));
    let rest = &dump[start + 3..];
    rest.find("\t-> Unit ").map_or(rest, |end| &rest[..end])
}

/// The words of a command line as systemd shows it, quoted as for a shell.
fn words(shown: &str) -> Vec<String> {
    let (mut words, mut bytes) = (Vec::new(), shown.bytes().peekable());
    while bytes.peek().is_some() {
        let (mut word, mut is_quoted) = (Vec::new(), false);
        while let Some(byte) = bytes.next() {
            match byte {
                b' ' if !is_quoted => break,
                b'"' => is_quoted = !is_quoted,
                b'\\' => word.push(unescaped(&mut bytes)),
                byte => word.push(byte),
            }
        }
        words.push(String::from_utf8(word).unwrap());
    }
    words
}

/// What follows a backslash: three octal digits, a letter of C, or the byte itself.
fn unescaped(bytes: &mut std::iter::Peekable<std::str::Bytes<'_>>) -> u8 {
    match bytes.next().unwrap() {
        b'a' => 7,
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 11,
        b'f' => 12,
        b'r' => b'\r',
        first @ b'0'..=b'3' => {
            let rest: Vec<u8> = bytes.by_ref().take(2).collect();
            rest.iter().fold(first - b'0', |value, digit| value * 8 + (digit - b'0'))
        }
        byte => byte,
    }
}

/// What the shell is given of a word of `ExecStart=`: `$$` is `$`, and any other `$` would be a variable (systemd.service(5)).
fn without_dollars(word: &str) -> String {
    let parts: Vec<&str> = word.split("$$").collect();
    assert!(parts.iter().all(|part| !part.contains('$')), "a variable in {word:?}");
    parts.join("$")
}

/// Texts that mean something to somebody: quotes, specifiers, escapes, controls, other scripts, non-characters.
fn nasty() -> impl Strategy<Value = String> {
    proptest::string::string_regex(
        "([ -~]|[%$\\\\\"'`;#=]|[\\x01-\\x1f\\x7f]|\\$\\{[A-Z]|%[a-z]|\\\\x4|[\u{80}-\u{9f}é中\u{fdd0}\u{ffff}\u{feff}😀]){0,40}",
    )
    .unwrap()
}

/// Those that systemd carries in variables.
fn nasty_value() -> impl Strategy<Value = String> {
    nasty().prop_map(|text| text.replace(['\u{fdd0}', '\u{ffff}', '\u{feff}'], "?"))
}

/// Texts that have been trouble to somebody, and as many of a strategy as make 120 of them.
fn samples(strategy: impl Strategy<Value = String>) -> Vec<String> {
    let known = [
        "a\\",
        "\\",
        "\"",
        "'",
        "$",
        "$$",
        "${X}",
        "%",
        "%%",
        "%i",
        " a ",
        ";",
        "a ; b",
        "\\;",
        "-x",
        "@x",
        "!x",
        "+x",
        ":x",
        "#x",
        "[Service]",
        "a\nExecStart=/bin/evil",
        "a\\\nb",
        "\t",
        "\r",
        "\u{1}",
        "\\x41",
        "A=$B c",
    ];
    let mut runner = TestRunner::deterministic();
    let mut texts: Vec<String> = known.map(str::to_owned).into();
    while texts.len() < 120 {
        texts.push(strategy.new_tree(&mut runner).unwrap().current());
    }
    texts
}

#[test]
fn systemd_reads_commands_and_variables_of_units_as_they_went_in() {
    let commands = samples(nasty());
    let values = samples(nasty_value());
    let processes = commands
        .iter()
        .zip(&values)
        .enumerate()
        .map(|(index, (command, value))| process(&format!("p{index}"), command, value));
    let scratch = TempDir::new().unwrap();
    write(&exported(&app(processes.collect()), &Brief::default()), scratch.path());
    let Some(dump) = what_systemd_understands(scratch.path()) else { return };
    for (index, (command, value)) in commands.iter().zip(&values).enumerate() {
        let said = of_unit(&dump, &format!("app-p{index}@1.service"));
        let shown = said.lines().find_map(|line| line.trim_start().strip_prefix("Command Line: ")).unwrap();
        let words = words(shown);
        let line = CommandLine::new(command.as_str());
        let expected = line.in_place_of_the_shell().unwrap_or_else(|| command.clone());
        assert_eq!(words[..2], ["/bin/sh", "-c"], "{shown}");
        assert_eq!(words.len(), 3, "{shown}");
        assert_eq!(without_dollars(&words[2]), expected, "{shown}");
        assert!(said.contains(&format!("\t\tEnvironment: OWN={value}\n")), "{value:?} in {said}");
        for known in ["PORT=5000".to_owned(), format!("PS=p{index}.1"), "PROC_INSTANCE=1".to_owned()] {
            assert!(said.contains(&format!("\t\tEnvironment: {known}\n")), "{known}");
        }
    }
    println!("systemd: {} commands and as many values read back by systemd itself", commands.len());
}

#[test]
fn systemd_reads_directories_as_they_went_in() {
    let directories = [
        "/srv/a b",
        "/srv/100%n",
        "/srv/a\\",
        "/srv/a\\x41",
        "/srv/a ",
        "/srv/\"q\" 'r' $X",
        "/srv/caf\u{e9}",
        "/srv/#;",
    ];
    let processes = directories.iter().enumerate().map(|(index, directory)| {
        let mut process = process(&format!("p{index}"), "x", "y");
        process.settings.working_dir = Some(directory.into());
        process
    });
    let scratch = TempDir::new().unwrap();
    write(&exported(&app(processes.collect()), &Brief::default()), scratch.path());
    let Some(dump) = what_systemd_understands(scratch.path()) else { return };
    for (index, directory) in directories.iter().enumerate() {
        let said = of_unit(&dump, &format!("app-p{index}@1.service"));
        assert!(said.contains(&format!("\tWorkingDirectory: {directory}\n")), "{directory:?} in {said}");
    }
}

#[test]
fn a_directory_that_systemd_cannot_name_is_refused() {
    let mut odd = app(vec![process("web", "x", "y")]);
    odd.root = "/srv/a\nb".into();
    let refusals = export(Target::Systemd, &odd, &Brief::default()).unwrap_err();
    assert!(refusals[0].to_string().contains("control character"), "{}", refusals[0]);
}

/// What systemd makes of an env file: this program of its reads one, fills variables in, and writes what came of it in quotes.
fn env_file_read_back(text: &str) -> Option<BTreeMap<String, String>> {
    const READER: &str = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator";
    if !Path::new(READER).exists() {
        println!("skipped: env_file_read_back: {READER} is not installed");
        return None;
    }
    let place = TempDir::new().unwrap();
    fs::create_dir(place.path().join("environment.d")).unwrap();
    fs::write(place.path().join("environment.d/app.conf"), text).unwrap();
    let output = Command::new(READER).env_clear().env("XDG_CONFIG_HOME", place.path()).output().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let shown = String::from_utf8(output.stdout).unwrap();
    let variable = |line: &str| {
        let (name, value) = line.split_once('=').unwrap();
        let mut words = words(value);
        assert!(words.len() <= 1, "{line}");
        (name.to_owned(), words.pop().unwrap_or_default())
    };
    Some(shown.lines().map(variable).collect())
}

#[test]
fn systemd_reads_the_values_of_env_files_as_they_went_in() {
    let mut values = samples(nasty_value());
    values.extend(["two\nlines\n".to_owned(), "x".repeat(100_000)]);
    // That program takes an empty value for a request to forget the variable, and `$$` for `$`; units do neither.
    values.retain(|value| !value.is_empty());
    let mut one = app(vec![process("web", "x", "y")]);
    for (index, value) in values.iter().enumerate() {
        let is_secret = index % 2 == 0;
        one.variables.insert(format!("V{index}"), Variable { value: value.replace('$', "$$"), is_secret });
    }
    let export = exported(&one, &Brief { include_secret_values: true, ..Brief::default() });
    let mut seen = 0;
    for name in ["app/config.env", "app/secrets.env"] {
        let file = export.files.iter().find(|file| file.path == name).unwrap();
        let Some(read) = env_file_read_back(std::str::from_utf8(&file.contents).unwrap()) else { return };
        for (index, value) in values.iter().enumerate() {
            if let Some(read) = read.get(&format!("V{index}")) {
                assert_eq!(read, value);
                seen += 1;
            }
        }
    }
    assert_eq!(seen, values.len());
    println!("systemd: {seen} values of env files read back by systemd itself");
}

#[test]
fn what_systemd_does_not_take_in_a_variable_is_refused_or_told() {
    let mut one = app(vec![process("web", "x", "y")]);
    let variable = |value: &str| Variable { value: value.to_owned(), is_secret: false };
    one.variables.insert("npm.config".into(), variable("x"));
    assert!(exported(&one, &Brief::default()).losses.iter().any(|loss| loss.what == "npm.config"));
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
