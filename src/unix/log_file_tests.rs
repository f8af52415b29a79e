//! Log files on a real disk: what others do to them, and what we do.

use super::*;
use crate::model::size::Size;
use nix::unistd::mkfifo;
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

/// What is in a file.
#[expect(clippy::disallowed_methods, reason = "a file of the test's")]
fn content(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

struct Test {
    directory: TempDir,
    file: LogFile,
}

impl Test {
    fn new(rotation: Rotation) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = LogFile::open(directory.path().join("web.1.log"), rotation).unwrap();
        Self { directory, file }
    }

    fn at(bytes: u64, files: u16) -> Self {
        Self::new(Rotation::At { size: Size::from_bytes(bytes), files })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let count = self.file.write(rest).unwrap();
            assert!(count > 0, "nothing was written");
            rest = &rest[count..];
        }
    }

    /// The files from the oldest to the current one.
    fn files(&self) -> Vec<String> {
        let old = (1..10).rev().map(|number| self.file.old(number));
        let all = old.chain([self.file.path.clone()]).filter(|path| path.exists());
        all.map(|path| String::from_utf8(content(&path)).unwrap()).collect()
    }
}

#[test]
fn a_file_is_appended_to_and_is_its_owners_alone_whatever_the_umask() {
    let before = nix::sys::stat::umask(Mode::empty());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log").join("deep").join("web.1.log");
    let opened = LogFile::open(path.clone(), Rotation::Never);
    nix::sys::stat::umask(before);
    assert_eq!(opened.unwrap().write(b"one\n").unwrap(), 4);
    assert_eq!(LogFile::open(path.clone(), Rotation::Never).unwrap().write(b"two\n").unwrap(), 4);
    assert_eq!(content(&path), b"one\ntwo\n");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
    let log = directory.path().join("log");
    assert_eq!([mode(&path), mode(&log), mode(&log.join("deep"))], [0o600, 0o700, 0o700]);
}

#[test]
fn what_is_not_a_regular_file_is_refused_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("target"), "").unwrap();
    std::os::unix::fs::symlink(path("target"), path("link")).unwrap();
    std::os::unix::fs::symlink(path("nowhere"), path("dangling")).unwrap();
    std::fs::create_dir(path("directory")).unwrap();
    mkfifo(&path("fifo"), Mode::S_IRWXU).unwrap();
    mkfifo(&path("read"), Mode::S_IRWXU).unwrap();
    let reader = open(&path("read"), OFlag::O_RDONLY | OFlag::O_NONBLOCK, Mode::empty()).unwrap();
    for (name, kind) in [
        ("link", "a symbolic link"),
        ("dangling", "a symbolic link"),
        ("directory", "a directory"),
        ("fifo", "a FIFO"),
        ("read", "a FIFO"),
    ] {
        let error = LogFile::open(path(name), Rotation::Never).unwrap_err();
        assert_eq!(error.to_string(), format!("it is {kind}, not a regular file"), "{name}");
    }
    let below = LogFile::open(path("target").join("web.1.log"), Rotation::Never).unwrap_err();
    assert_eq!(below.kind(), io::ErrorKind::NotADirectory);
    assert!(!path("nowhere").exists());
    drop(reader);
}

#[test]
fn a_file_that_was_moved_or_removed_is_opened_anew_and_nothing_is_lost() {
    let mut test = Test::new(Rotation::Never);
    test.write(b"one\n");
    std::fs::rename(test.path("web.1.log"), test.path("moved")).unwrap();
    test.write(b"two\n");
    assert_eq!((content(&test.path("moved")), test.files()), (b"one\n".to_vec(), vec!["two\n".to_owned()]));
    std::fs::remove_file(test.path("web.1.log")).unwrap();
    test.write(b"three\n");
    assert_eq!(test.files(), ["three\n"]);
    let gone = test.path("gone");
    test.file = LogFile::open(gone.join("web.1.log"), Rotation::Never).unwrap();
    std::fs::remove_dir_all(&gone).unwrap();
    test.write(b"four\n");
    assert_eq!(content(&gone.join("web.1.log")), b"four\n");
}

#[test]
fn a_symbolic_link_that_takes_the_place_of_the_file_is_not_followed() {
    let mut test = Test::new(Rotation::Never);
    test.write(b"one\n");
    std::fs::rename(test.path("web.1.log"), test.path("moved")).unwrap();
    std::os::unix::fs::symlink("/etc/elsewhere", test.path("web.1.log")).unwrap();
    assert_eq!(
        test.file.write(b"two\n").unwrap_err().to_string(),
        "it is a symbolic link, not a regular file"
    );
    std::fs::remove_file(test.path("web.1.log")).unwrap();
    test.write(b"two\n");
    assert_eq!(test.files(), ["two\n"]);
}

#[test]
fn a_file_that_was_cut_is_written_on_from_its_new_end() {
    let mut test = Test::at(10, 5);
    test.write(b"123456789");
    std::fs::File::options().write(true).open(test.path("web.1.log")).unwrap().set_len(0).unwrap();
    test.write(b"abcdef\n");
    assert_eq!(test.files(), ["abcdef\n"]);
}

#[test]
fn a_file_is_rotated_at_the_end_of_a_line_and_the_oldest_goes() {
    let mut test = Test::at(10, 2);
    test.write(b"one\ntwo\nthree\n");
    assert_eq!(test.files(), ["one\ntwo\n", "three\n"]);
    test.write(b"four");
    test.write(b"...\nfive\nsix\n");
    assert_eq!(test.files(), ["one\ntwo\n", "three\nfour...\n", "five\nsix\n"]);
    test.write(b"seven\n");
    assert_eq!(test.files(), ["three\nfour...\n", "five\nsix\n", "seven\n"]);
}

#[test]
fn what_an_earlier_run_left_counts_towards_the_size() {
    let mut test = Test::at(10, 5);
    test.write(b"12345678\n");
    test.file = LogFile::open(test.path("web.1.log"), test.file.rotation).unwrap();
    test.write(b"9\n");
    assert_eq!(test.files(), ["12345678\n", "9\n"]);
}

#[test]
fn a_line_that_is_longer_than_a_file_and_its_reach_goes_on_in_the_next() {
    let mut test = Test::at(10, 5);
    let reach = usize::try_from(10 + REACH).unwrap();
    test.write(&vec![b'x'; reach * 2 + 1]);
    test.write(b"\nend\n");
    assert_eq!(test.files().iter().map(String::len).collect::<Vec<_>>(), [reach, reach, 6]);
}

#[test]
fn a_rotation_that_fails_says_why_and_costs_no_file_when_it_is_tried_again() {
    let mut test = Test::at(10, 3);
    for (name, text) in [("web.1.log.2", "two\n"), ("web.1.log.1", "one\n")] {
        std::fs::write(test.path(name), text).unwrap();
    }
    std::fs::create_dir(test.path("web.1.log.3")).unwrap();
    test.write(b"12345678\n");
    for _ in 0..3 {
        let error = test.file.write(b"9\n").unwrap_err();
        assert!(error.to_string().starts_with("failed to rename to web.1.log.3: "), "{error}");
    }
    std::fs::remove_dir(test.path("web.1.log.3")).unwrap();
    test.write(b"9\n");
    assert_eq!(test.files(), ["two\n", "one\n", "12345678\n", "9\n"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_fits_is_never_nothing_for_an_empty_file_nor_more_than_its_reach(
        length in prop_oneof![Just(0), 0..100_u64, 0..REACH * 2],
        size in 1..100_u64,
        is_inside_line: bool,
        bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'x')], 1..300),
    ) {
        match fit(length, size, is_inside_line, &bytes) {
            None => prop_assert!(length > 0),
            Some(count) => {
                prop_assert!((1..=bytes.len()).contains(&count));
                prop_assert!(length + count as u64 <= size + REACH);
                prop_assert!(length + count as u64 <= size || is_inside_line || length == 0);
            }
        }
    }
}
