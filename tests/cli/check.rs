//! `proc check`: what is right, what is wrong, and nothing hangs.

use crate::support::Proc;
use insta::assert_snapshot;

#[test]
fn a_valid_procfile_is_detected_with_its_types_in_file_order() {
    let run = Proc::new("web: a\nworker: b\n# c\nalpha: c\n").file(".env", "A=b\n").args(["check"]).run();
    run.exits(0);
    assert_eq!(run.stdout(), "valid procfile detected (web, worker, alpha)\n");
}

#[test]
fn warnings_alone_leave_the_exit_code_at_zero_unless_check_is_strict() {
    let check = || Proc::new("web : a\n").args(["check"]);
    let run = check().run();
    run.exits(0).says("valid procfile detected (web)");
    assert_snapshot!(run.stderr(), @r"
    Procfile:1:1: warning: white space around the name: other Procfile tools ignore this line
     1 | web : a
       | ^^^^
      hint: begin the line with the name, and put the colon right after it
    ");
    let run = check().args(["--strict"]).run();
    run.exits(1).says("valid procfile detected (web)").complains("warning: white space around the name");
    Proc::new("web: a\n").args(["check", "--strict"]).run().exits(0).says("valid");
}

#[test]
fn all_errors_of_all_files_are_reported_at_once() {
    let run = Proc::new("web: a\nweb: b\njunk\nworker:\n").file(".env", "A=1\nB\n").args(["check"]).run();
    run.exits(2);
    assert_snapshot!(run.stderr(), @r"
    Procfile:2:1: process type `web` is already on line 1
     2 | web: b
       | ^^^
      hint: rename one of them; `-m NAME=2` starts two of the same
    Procfile:3:1: not a process type; `start` and `run` ignore the line
     3 | junk
       | ^^^^
      hint: write `name: command`; a name has letters, digits, `_` and `-` only
    Procfile:4:1: process type `worker` has no command
     4 | worker:
       | ^^^^^^^
      hint: write it after the colon, or remove the line
    .env:2:1: no `=` in this line
      hint: write KEY=value; a comment begins with `#`
    ");
}

#[test]
fn files_are_named_as_the_user_named_them() {
    let app = || Proc::without_procfile().file("app/Procfile", "web:\n").file("app/.env", "B\n");
    app()
        .args(["check", "-d", "app"])
        .run()
        .exits(2)
        .complains("app/Procfile:1:1: ")
        .complains("app/.env:1:1: ");
    let run = app().args(["check", "-f", "./app/Procfile", "-e", "app//.env"]).run();
    run.exits(2).complains("./app/Procfile:1:1: ").complains("app//.env:1:1: ");
    let run = Proc::without_procfile().stdin("web:\n").args(["check", "-f", "-"]).run();
    run.exits(2).complains("<stdin>:1:1: ");
}

#[test]
fn the_absence_of_a_procfile_is_an_error() {
    let run = Proc::without_procfile().args(["check"]).run();
    run.exits(2);
    assert_snapshot!(run.stderr(), @r"
    error: no Procfile in [dir]
      hint: name one with `-f FILE`, or a directory that has one with `-d DIR`
    ");
    let run = Proc::without_procfile().args(["check", "-f", "nowhere"]).run();
    run.exits(2);
    assert_snapshot!(run.stderr(), @"error: failed to read nowhere: No such file or directory (os error 2)");
}

#[test]
fn what_is_no_regular_file_is_an_error_and_never_a_hang() {
    for command in ["check", "start", "run", "env"] {
        let words: &[&str] = if command == "run" { &["run", "./child"] } else { &[command] };
        for (kind, path) in
            [("a FIFO", "pipe"), ("a device", "/dev/zero"), ("a device", "/dev/tty"), ("a directory", ".")]
        {
            let expected = format!("error: failed to read {path}: it is {kind}, not a regular file");
            // What is no terminal has none: then it cannot even be opened.
            let fits = |said: &str| {
                said.starts_with(&expected)
                    || (path == "/dev/tty" && said.contains("failed to read /dev/tty"))
            };
            let run = Proc::without_procfile().fifo("pipe").args(["-f", path]).args(words).run();
            assert!(fits(&run.exits(2).stderr()), "{command} -f {path}: {}", run.stderr());
            let run = Proc::new("web: ./child wait\n").fifo("pipe").args(["-e", path]).args(words).run();
            assert!(fits(&run.exits(2).stderr()), "{command} -e {path}: {}", run.stderr());
        }
    }
}

#[test]
fn a_file_that_is_found_rather_than_named_does_not_hang_either() {
    let run = Proc::without_procfile().fifo("Procfile").args(["check"]).run();
    run.exits(2).complains("failed to read Procfile: it is a FIFO");
    let run = Proc::new("web: a\n").fifo(".env").args(["check"]).run();
    run.exits(2).complains("failed to read .env: it is a FIFO");
}

#[test]
fn dev_null_is_the_customary_way_to_say_no_env_file() {
    let run = Proc::new("web: a\n").file(".env", "broken\n").args(["check", "-e", "/dev/null"]).run();
    run.exits(0).says("valid");
}

#[test]
fn a_standard_output_that_cannot_be_written_to_is_an_error() {
    let run = Proc::new("web: a\n").args(["check"]).by_shell("exec \"$@\" >/dev/full").run();
    run.exits(2).complains("failed to write to standard output: No space left on device");
}
