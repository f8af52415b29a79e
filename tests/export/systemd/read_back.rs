//! What systemd's own parsers of units and env files make of an export: they have to give back what went in.

use super::{app, exported, process, write};
use crate::support::{has, say};
use proc_start::export::{Brief, Variable, export};
use proc_start::model::command::Command as CommandLine;
use proc_start::model::policy::Target;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// systemd itself, which reads the units, says what it has understood, and starts nothing.
fn what_systemd_understands(directory: &Path) -> Option<String> {
    const SYSTEMD: &str = "/lib/systemd/systemd";
    if !has(SYSTEMD, "what_systemd_understands") || !has("setpriv", "what_systemd_understands") {
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
    say(&format!("systemd: {} commands and as many values read back by systemd itself", commands.len()));
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
    if !has(READER, "env_file_read_back") {
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
    say(&format!("systemd: {seen} values of env files read back by systemd itself"));
}
