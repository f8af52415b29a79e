//! A shell that becomes its command does with it what it would have done as its parent.

use proc_start::model::command::Command;
use proptest::prelude::*;
use std::process::{self, Output, Stdio};

/// What a command line may be made of, sense or none.
const WORDS: &[&str] = &[
    "a",
    "$X",
    "\"$X y\"",
    "'b  c'",
    "\\;",
    ";",
    "&&",
    "||",
    "|",
    "&",
    "${X:-d}",
    "${Y:-d}",
    "#",
    "x#y",
    "\\\n",
    "\n",
    "*",
    "$(echo hi)",
    "`echo hi`",
    "\"",
    "'",
    "\\",
    "A=b",
    "!",
    "{",
    "}",
    "(",
    ")",
    ">/dev/null",
    "2>&1",
    "<",
    "~",
    "$",
    "%s",
    "\\\\",
    "\"\\\"\"",
    "'\"'",
    "cd",
    "exec",
    "if",
    "\t",
];

fn by_shell(text: &str) -> Output {
    process::Command::new("/bin/sh")
        .args(["-c", text])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("X", "two words")
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .expect("there is a shell")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn a_shell_that_is_replaced_has_done_its_work(words in prop::collection::vec(prop::sample::select(WORDS), 0..5), assigns: bool) {
        let assignment = if assigns { "Z=1 " } else { "" };
        let text = format!("{assignment}/usr/bin/env printf '<%s>\\n' {}", words.join(" "));
        if let Some(replaced) = Command::new(text.as_str()).in_place_of_the_shell() {
            let (as_parent, in_its_place) = (by_shell(&text), by_shell(&replaced));
            prop_assert_eq!(as_parent.stdout, in_its_place.stdout, "{}", text);
            prop_assert_eq!(as_parent.status, in_its_place.status, "{}", text);
        }
    }
}
