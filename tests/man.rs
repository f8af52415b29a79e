//! The man pages under `man/` are those that the definition of the command line makes.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use proc_start::cli::man;

/// What to do when it is not so.
const REMEDY: &str = "run `cargo run -- man man` and commit the result";

/// The committed pages, by the names of their files.
#[expect(clippy::disallowed_methods, reason = "files of the repository, none of them a FIFO")]
fn committed() -> io::Result<BTreeMap<String, String>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    std::fs::read_dir(directory)?
        .map(|entry| {
            let entry = entry?;
            Ok((entry.file_name().to_string_lossy().into_owned(), std::fs::read_to_string(entry.path())?))
        })
        .collect()
}

#[test]
fn the_committed_man_pages_are_those_of_this_command_line() {
    let committed = committed().expect(REMEDY);
    for page in man::pages() {
        let text = committed.get(&page.name);
        assert!(text.is_some(), "man/{} is missing; {REMEDY}", page.name);
        let same = text.is_some_and(|text| text.as_bytes() == page.roff);
        assert!(same, "man/{} is out of date; {REMEDY}", page.name);
    }
}

#[test]
fn no_committed_man_page_is_left_over() {
    let names: Vec<String> = man::pages().into_iter().map(|page| page.name).collect();
    for name in committed().expect(REMEDY).keys() {
        assert!(names.contains(name), "man/{name} belongs to no command; remove it");
    }
}

#[test]
fn groff_has_nothing_to_complain_of() {
    for page in man::pages() {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&page.name);
        std::fs::write(&path, page.roff).unwrap();
        let groff = std::process::Command::new("groff").args(["-man", "-ww", "-Tascii"]).arg(&path).output();
        // Not every machine has groff; CI has.
        let Ok(output) = groff else { return };
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{}", page.name);
    }
}

#[test]
fn the_program_prints_the_page_of_proc_and_writes_all_of_them() {
    let printed = assert_cmd::Command::cargo_bin("proc").unwrap().arg("man").assert().success();
    assert_eq!(printed.get_output().stdout, man::page_of_proc().roff);
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("share/man1");
    assert_cmd::Command::cargo_bin("proc").unwrap().arg("man").arg(&directory).assert().success();
    let count = std::fs::read_dir(directory).unwrap().count();
    assert_eq!(count, man::pages().len());
}
