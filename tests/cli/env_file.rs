//! Env files: how values are read, and the table of what is refused, without a word of a value.

use crate::support::Proc;
use insta::assert_snapshot;

/// Stands for a secret: it must never be seen.
const CANARY: &str = "c4n4ryvalue";

/// What is said of this env file, which every command must refuse with the same words.
fn refused(env: &[u8]) -> String {
    let said = |args: &[&str]| {
        let run = Proc::new("web: ./child say started wait\n").file(".env", env).args(args).run();
        run.exits(2).never_says(CANARY);
        run.stderr()
    };
    let check = said(&["check"]);
    assert_eq!(said(&["start", "--no-port"]), check);
    assert_eq!(said(&["run", "web"]), check);
    assert_eq!(said(&["env", "--show-secrets"]), check);
    check
}

#[test]
fn a_bad_key_is_an_error() {
    assert_snapshot!(refused(b"GOOD=1\n2BAD=c4n4ryvalue\n"), @r"
    .env:2:1: this is not a key
     2 | 2BAD=
       | ^^^^
      hint: a key has letters, digits, `_`, `.` and `-`, and begins with a letter or `_`
    ");
    for key in ["A B", "1A", "-A", "A/B", "\u{e9}"] {
        assert!(refused(format!("{key}={CANARY}\n").as_bytes()).starts_with(".env:1:1: "), "{key}");
    }
}

#[test]
fn a_line_without_an_equals_sign_is_an_error() {
    assert_snapshot!(refused(b"GOOD=1\nc4n4ryvalue\n"), @r"
    .env:2:1: no `=` in this line
      hint: write KEY=value; a comment begins with `#`
    ");
    assert_snapshot!(refused(b"GOOD: c4n4ryvalue\n"), @r"
    .env:1:5: `:` after the key where `=` belongs
      hint: write KEY=value
    ");
    assert_snapshot!(refused(b"=c4n4ryvalue\n"), @r"
    .env:1:1: no key before the `=`
     1 | =
       | ^
      hint: a key has letters, digits, `_`, `.` and `-`, and begins with a letter or `_`
    ");
}

#[test]
fn what_follows_an_unclosed_quote_may_be_a_value_and_is_not_shown() {
    let message = refused(b"A=\"first line\nc4n4ry two=3\nbare c4n4ry\n");
    assert!(message.starts_with(".env:1:3: this double quote is never closed"), "{message}");
    assert!(!message.contains("c4n4ry"), "{message}");
}

#[test]
fn an_unclosed_quote_is_an_error() {
    assert_snapshot!(refused(b"A=\"c4n4ryvalue\nB=2\n"), @r#"
    .env:1:3: this double quote is never closed
     1 | A=
       |   ^
      hint: close it with ", or put a value that begins with " in '…'
    "#);
    assert_snapshot!(refused(b"A='c4n4ryvalue"), @r#"
    .env:1:3: this single quote is never closed
     1 | A=
       |   ^
      hint: close it with ', or put a value that begins with ' in "…"
    "#);
}

#[test]
fn text_after_a_closing_quote_is_an_error() {
    assert_snapshot!(refused(b"A=\"x\"c4n4ryvalue\n"), @r"
    .env:1:6: text after the closing quote
     1 | A=
       |   ^
      hint: put all of the value in quotes; a comment needs a blank before `#`
    ");
    assert_snapshot!(refused(b"A='x\ny' c4n4ryvalue\n"), @r"
    .env:2:4: text after the closing quote of the value that begins in line 1
      hint: put all of the value in quotes; a comment needs a blank before `#`
    ");
}

#[test]
fn a_nul_is_an_error() {
    assert_snapshot!(refused(b"A=c4n4ryvalue\0\n"), @".env:1:14: a NUL byte");
}

#[test]
fn bytes_that_are_not_utf_8_are_an_error() {
    assert_snapshot!(refused(b"A=c4n4ryvalue\xff\n"), @".env:1:14: not UTF-8");
}

#[test]
fn more_than_a_mebibyte_is_an_error() {
    let mut env = format!("A={CANARY}\n").into_bytes();
    env.resize((1 << 20) + 1, b'#');
    assert_snapshot!(refused(&env), @".env:1:1: the file is larger than 1 MiB");
}

#[test]
fn values_that_grow_without_bound_are_an_error() {
    let lines = (1..40).map(|n| format!("A{n}=$A{}$A{}\n", n - 1, n - 1)).collect::<Vec<_>>().concat();
    assert_snapshot!(refused(format!("A0={CANARY}\n{lines}").as_bytes()), @"error: .env:18: the value grows past 1 MiB with variables filled in");
}

#[test]
fn a_file_that_is_named_must_exist() {
    let run = Proc::new("web: ./child wait\n").args(["start", "--no-port", "-e", "nowhere.env"]).run();
    run.exits(2);
    assert_snapshot!(run.stderr(), @"error: failed to read nowhere.env: No such file or directory (os error 2)");
}

#[test]
fn every_form_of_a_value_reaches_the_process() {
    for (line, expected) in [
        ("K=v", "v"),
        ("export K=v", "v"),
        ("  K = v  ", "v"),
        ("K=a b  c", "a b  c"),
        ("K=", ""),
        ("K=val # c", "val"),
        ("K=val#c", "val#c"),
        ("K='raw $HOME \\n #x'", "raw $HOME \\n #x"),
        ("K='two\nlines'", "two\nlines"),
        ("K=\"a\\tb\\\\c\\\"d\\$e\\x #f\"", "a\tb\\c\"d$e\\x #f"),
        ("K=\"two\nlines\"", "two\nlines"),
        ("K=\"two\\nlines\"", "two\nlines"),
        ("A=1\nK=$A-${A}-${B:-none}-$B.", "1-1-none-."),
        ("A=1\nK=\"$A ${B:-$A}\"", "1 1"),
        ("K=`id` $(id)", "`id` $(id)"),
        ("# c\n\nK=v", "v"),
        ("\u{feff}K=v\r\n", "v"),
        ("K=first\nK=last", "last"),
    ] {
        let run = Proc::without_procfile()
            .file(".env", line)
            .args(["run", "./child", "env", "K", "exit", "0"])
            .run();
        run.exits(0);
        assert_eq!(run.stdout(), format!("K={expected}\n"), "{line}");
    }
}
