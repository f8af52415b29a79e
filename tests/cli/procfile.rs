//! Bad Procfiles, the table of the manual row by row: what `start`, `run` and `check` say of each, with nothing started.

use crate::support::Proc;
use insta::assert_snapshot;

/// What `check` says of this Procfile, which it must refuse; `start` must refuse it too, and so must `run`, with the same words.
fn refused(procfile: &[u8]) -> String {
    let said = |args: &[&str]| {
        let run = Proc::new(procfile).args(args).run();
        run.exits(2);
        run.stderr()
    };
    let check = said(&["check"]);
    assert_eq!(said(&["start", "--no-port"]), check);
    assert_eq!(said(&["run", "./child", "say", "started"]), check);
    check
}

#[test]
fn junk_is_a_warning_for_start_and_run_and_an_error_for_check() {
    let procfile = "web: ./child exit 0\n<<<<<<< HEAD\n";
    let run = Proc::start(procfile).run();
    run.exits(0).says("web.1  | exited with code 0");
    assert_snapshot!(run.stderr(), @r"
    Procfile:2:1: warning: not a process type; `start` and `run` ignore the line
     2 | <<<<<<< HEAD
       | ^^^^^^^^^^^^
      hint: write `name: command`; a name has letters, digits, `_` and `-` only
    ");
    let run = Proc::new(procfile).args(["run", "web"]).run();
    run.exits(0).complains("Procfile:2:1: warning: not a process type");
    let run = Proc::new(procfile).args(["check"]).run();
    run.exits(2);
    assert_snapshot!(run.stderr(), @r"
    Procfile:2:1: not a process type; `start` and `run` ignore the line
     2 | <<<<<<< HEAD
       | ^^^^^^^^^^^^
      hint: write `name: command`; a name has letters, digits, `_` and `-` only
    ");
}

#[test]
fn a_name_with_other_characters_is_junk() {
    for name in ["a.b", "a b", "h\u{e9}", "a/b", "", "$x"] {
        let run = Proc::new(format!("web: ./child exit 0\n{name}: ./child wait\n")).args(["check"]).run();
        run.exits(2).complains("Procfile:2:1: not a process type");
    }
}

#[test]
fn the_same_name_twice_names_both_lines() {
    assert_snapshot!(refused(b"web: a\nworker: b\nweb: c\n"), @r"
    Procfile:3:1: process type `web` is already on line 1
     3 | web: c
       | ^^^
      hint: rename one of them; `-m NAME=2` starts two of the same
    ");
}

#[test]
fn a_type_without_a_command_is_an_error() {
    assert_snapshot!(refused(b"web: a\nworker:  \n"), @r"
    Procfile:2:1: process type `worker` has no command
     2 | worker:
       | ^^^^^^^
      hint: write it after the colon, or remove the line
    ");
}

#[test]
fn no_process_at_all_is_an_error() {
    assert_snapshot!(refused(b""), @r"
    Procfile:1:1: no processes defined
      hint: write a line such as `web: ./server --port $PORT`
    ");
    assert!(refused(b"# web: a\n\n").contains("no processes defined"));
}

#[test]
fn a_name_of_more_than_63_bytes_is_an_error() {
    let name = "x".repeat(64);
    assert_snapshot!(refused(format!("{name}: a\n").as_bytes()), @r"
    Procfile:1:1: the name is longer than 63 bytes
     1 | xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: a
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ");
    Proc::new(format!("{}: a\n", &name[1..])).args(["check"]).run().exits(0).says("valid");
}

#[test]
fn bytes_that_are_not_utf_8_are_an_error() {
    assert_snapshot!(refused(b"web: a\nworker: \xff\xfe\n"), @r"
    Procfile:2:9: not UTF-8
     2 | worker: ��
       |         ^
    ");
}

#[test]
fn a_nul_is_an_error() {
    assert_snapshot!(refused(b"web: a\nworker: a\0b\n"), @r"
    Procfile:2:10: a NUL byte cannot be part of a command
     2 | worker: a\u{0}b
       |          ^^^^^
    ");
}

#[test]
fn more_than_a_mebibyte_is_an_error() {
    let mut procfile = b"web: a\n".to_vec();
    procfile.resize((1 << 20) + 1, b'#');
    assert_snapshot!(refused(&procfile), @r"
    Procfile:1:1: larger than 1 MiB: this cannot be a Procfile
     1 | web: a
       | ^
    ");
}

#[test]
fn all_errors_are_reported_in_file_order() {
    assert_snapshot!(refused(b"web: a\nweb: b\nworker:\nworker: c\n"), @r"
    Procfile:2:1: process type `web` is already on line 1
     2 | web: b
       | ^^^
      hint: rename one of them; `-m NAME=2` starts two of the same
    Procfile:3:1: process type `worker` has no command
     3 | worker:
       | ^^^^^^^
      hint: write it after the colon, or remove the line
    ");
}

#[test]
fn white_space_around_a_name_is_accepted_with_a_warning() {
    let run = Proc::start("  web : ./child exit 0\n").run();
    run.exits(0).says("web.1  | exited with code 0");
    assert_snapshot!(run.stderr(), @r"
    Procfile:1:1: warning: white space around the name: other Procfile tools ignore this line
     1 |   web : ./child exit 0
       | ^^^^^^
      hint: begin the line with the name, and put the colon right after it
    ");
}

#[test]
fn a_control_character_in_a_line_does_nothing_to_the_terminal() {
    let run = Proc::new("web: a\n\u{1b}[2Jjunk\u{202e}\n").args(["check"]).run();
    run.exits(2).never_says("\u{1b}").never_says("\u{202e}");
    assert_snapshot!(run.stderr(), @r"
    Procfile:2:1: not a process type; `start` and `run` ignore the line
     2 | \u{1b}[2Jjunk\u{202e}
       | ^^^^^^^^^^^^^^^^^^^^^
      hint: write `name: command`; a name has letters, digits, `_` and `-` only
    ");
}

#[test]
fn crlf_a_bom_a_missing_final_newline_and_continued_lines_are_read() {
    let run = Proc::start("\u{feff}web: ./child \\\r\n  say hello \\\r\n  exit 0").run();
    run.exits(0).says("web.1  | hello");
}
