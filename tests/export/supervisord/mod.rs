//! supervisord: its own reader, and a real one that runs an app.

mod launchers;
mod lost;
mod run;
mod whole;

use crate::support::{Exported, export_all, has, tried};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What supervisord's own reader makes of these configurations, one after the other.
fn read(configurations: &[PathBuf]) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/export/supervisord/read.py");
    let output = Command::new("python3").arg(script).args(configurations).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn supervisord_and_a_shell_read_every_export_as_it_was_meant() {
    let scratch = tempfile::tempdir().unwrap();
    let exported = export_all("supervisord", scratch.path(), &[]);
    for launcher in &launchers_of(&exported) {
        let output = Command::new("/bin/sh").arg("-n").arg(launcher).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", launcher.display());
    }
    tried("sh -n", &exported);
    if has("supervisord", "supervisord_and_a_shell_read_every_export_as_it_was_meant") {
        supervisord_reads(&exported);
        tried("supervisord's reader", &exported);
    }
}

fn supervisord_reads(exported: &Exported) {
    let files: Vec<PathBuf> =
        exported.apps.iter().map(|(_, directory)| directory.join("supervisord.conf")).collect();
    let found = read(&files);
    assert_eq!(found.len(), files.len());
    for ((app, directory), found) in exported.apps.iter().zip(&found) {
        assert_eq!(found["problems"], serde_json::json!([]), "{}", app.name);
        let root = app.root.as_deref().or(app.procfile.parent()).unwrap();
        for (name, program) in found["programs"].as_object().unwrap() {
            let (process, number) = name.split_once('.').unwrap();
            let launcher = directory.join(format!("{process}.sh"));
            assert_eq!(program["group"], app.name);
            assert_eq!(program["argv"], serde_json::json!(["/bin/sh", launcher]));
            assert_eq!(program["directory"], root.to_str().unwrap());
            let environment = &program["environment"];
            assert_eq!(environment["PS"], *name);
            assert_eq!(environment["PROC_TYPE"], process);
            assert_eq!(environment["PROC_INSTANCE"], number);
            assert!(environment["PORT"].as_str().unwrap().parse::<u16>().is_ok());
            assert_eq!(environment.as_object().unwrap().len(), 4);
        }
    }
}

fn launchers_of(exported: &Exported) -> Vec<PathBuf> {
    let entries = exported.apps.iter().flat_map(|(_, directory)| std::fs::read_dir(directory).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "sh")).collect()
}

/// Paths as nobody should have them.
fn paths() -> impl Strategy<Value = String> {
    "/[a-z %;#\"'\\\\$()=,:\u{e9}\u{a0}\t-]{0,12}[a-z]".prop_map(|path| path.replace("//", "/"))
}

#[test]
fn supervisord_reads_any_directory_back_or_the_export_is_refused() {
    if !has("supervisord", "supervisord_reads_any_directory_back_or_the_export_is_refused") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut expected = Vec::new();
    for number in 0..400 {
        let root = paths().new_tree(&mut runner).unwrap().current();
        let directory = paths().new_tree(&mut runner).unwrap().current();
        let files = launchers::export(&root, &directory, "true", &[]);
        let Ok(files) = files else { continue };
        let file = scratch.path().join(format!("{number}.conf"));
        // The reader looks whether the directories of a supervisord and of logs are there; those of programs are its children's matter.
        let of_a_log = |line: &&str| line.starts_with("stdout_logfile=");
        let programs: Vec<&str> = files["app.conf"].lines().filter(|line| !of_a_log(line)).collect();
        let programs = programs.join("\n");
        std::fs::write(&file, format!("[supervisord]\n\n{programs}")).unwrap();
        expected.push((file, root, directory));
    }
    assert!(expected.len() > 100, "only {} were not refused", expected.len());
    let files: Vec<PathBuf> = expected.iter().map(|(file, ..)| file.clone()).collect();
    for ((file, root, directory), found) in expected.iter().zip(read(&files)) {
        let program = &found["programs"]["web.1"];
        let text = std::fs::read_to_string(file).unwrap();
        assert_eq!(program["directory"], *root, "{text}");
        assert_eq!(program["argv"], serde_json::json!(["/bin/sh", format!("{directory}/web.sh")]), "{text}");
    }
}
