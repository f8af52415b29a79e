//! Options from the environment: read by a program of its own, because a test cannot set its own variables.

use assert_cmd::Command;
use std::path::Path;
use std::time::Duration;

/// Reads a command line with these variables and no others, and shows what came of it.
fn with_variables(variables: &[(&str, &str)], line: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_proc")).with_file_name("examples").join("options");
    assert!(program.exists(), "{} is not there: run `cargo build --examples`", program.display());
    let mut command = Command::new(program);
    command.args(line.split_whitespace().skip(1)).env_clear().envs(variables.iter().copied());
    let output = command.timeout(Duration::from_secs(30)).assert().success().get_output().stdout.clone();
    String::from_utf8_lossy(&output).into_owned()
}

#[test]
fn an_option_can_come_from_the_environment_and_the_command_line_wins() {
    for (variables, line, expected) in [
        (&[("PROC_TIMEOUT", "7")][..], "proc start", "timeout: For(7s)"),
        (&[("PROC_TIMEOUT", "7")], "proc start -t 8", "timeout: For(8s)"),
        (&[("PROC_TIMEOUT", "7")], "proc -t 8 start", "timeout: For(8s)"),
        (&[("PROC_TIMEOUT", "")], "proc start", "timeout: For(5s)"),
        (&[("PROC_LOG_DIR", "log")], "proc start", r#"log_dir: Some("log")"#),
        (&[("PROC_LOG_ROTATE", "none")], "proc start", "log_rotate: Never"),
        (&[("PROC_EXCEPT", "a,b")], "proc start", r#"except: ["a", "b"]"#),
        (&[("PROC_EXCEPT", "a,b")], "proc -x c start", r#"except: ["c"]"#),
        (&[("PROC_EXCEPT", "")], "proc start", "except: []"),
        (&[("PROC_ENV", "a,b")], "proc run x", r#"env: ["a", "b"]"#),
        (&[("PROC_SET", "A=1,2")], "proc env", "set: [A=…]"),
        (&[("PROC_RELEASE", "1")], "proc start", "release: true"),
        (&[("PROC_RELEASE", "no")], "proc start", "release: false"),
        (&[("PROC_RELEASE", "0")], "proc start --release", "release: true"),
        (&[("PROC_STRICT", "")], "proc check", "strict: false"),
        (&[("PROC_NO_ENV_CONTRACT", "1")], "proc check", "no_env_contract: true"),
        (&[("PROC_NO_PORT", "1")], "proc start -p 9", "port: Some(9), no_port: false"),
        (&[("PROC_PORT", "9")], "proc start --no-port", "port: None, no_port: true"),
        (&[("PROC_NO_PORT", "1"), ("PROC_PORT", "9")], "proc start", "port: None, no_port: true"),
        (&[("PROC_NO_TIMESTAMPS", "1")], "proc start --timestamps rfc3339", "timestamps: Rfc3339"),
        (&[("PROC_DETACH", "1")], "proc start", "detach: true"),
        (&[("PROC_FOLLOW", "1"), ("PROC_LINES", "5")], "proc logs", "follow: true, lines: Some(5)"),
        (&[("PROC_GREP", "x"), ("PROC_CONTEXT", "2")], "proc logs", r#"grep: Some("x"), context: Some(2)"#),
        (&[("PROC_FOR", "exited")], "proc wait", "awaited: Exited"),
        (&[("PROC_TIMEOUT", "soon"), ("PROC_WAIT_TIMEOUT", "7")], "proc wait", "timeout: For(7s)"),
    ] {
        let shown = with_variables(variables, line);
        assert!(shown.contains(expected), "{variables:?} {line}: {shown}");
    }
}

#[test]
fn a_bad_value_from_the_environment_is_blamed_on_its_variable() {
    let shown = with_variables(&[("PROC_TIMEOUT", "soon")], "proc start");
    assert!(shown.contains("tip: the value is that of the environment variable PROC_TIMEOUT"), "{shown}");
    let shown = with_variables(&[("PROC_WAIT_TIMEOUT", "soon")], "proc wait");
    assert!(shown.contains("that of the environment variable PROC_WAIT_TIMEOUT"), "{shown}");
    let shown = with_variables(&[("PROC_SET", "hunter2")], "proc start");
    assert!(shown.contains("PROC_SET") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn types_that_are_named_beat_a_formation_from_the_environment_and_contradict_one_on_the_command_line() {
    let shown = with_variables(&[("PROC_FORMATION", "web=2")], "proc start worker");
    assert!(shown.contains("formation: []"), "{shown}");
    let shown = with_variables(&[], "proc start worker -m web=2");
    assert!(shown.contains("both say what to start"), "{shown}");
}

#[test]
fn a_variable_of_an_option_that_means_nothing_to_the_command_is_ignored() {
    let shown = with_variables(&[("PROC_TIMEOUT", "soon"), ("PROC_STRICT", "1")], "proc man");
    assert!(shown.contains("strict: false"), "{shown}");
}
