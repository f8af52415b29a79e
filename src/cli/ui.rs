//! Our own words on our own stdout and stderr: they never panic, and a reader that has gone away is no error.

use std::ffi::OsString;
use std::io::{self, Write};

use crate::model::policy::ColorChoice;

/// Writes to standard output; says `Ok` if nobody reads it any more (`proc env | head -1`).
///
/// Any other failure, a full disk for one, is the caller's to report: the output was asked for.
pub fn print(text: impl AsRef<[u8]>) -> io::Result<()> {
    write(&mut io::stdout().lock(), text.as_ref())
}

/// Writes to standard output; whether somebody reads it still, so that there is a point in more.
pub fn is_read(text: impl AsRef<[u8]>) -> io::Result<bool> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_ref()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        result => result.map(|()| true),
    }
}

/// Writes to standard error. A failure is dropped: there is no place left to report it.
pub fn complain(text: impl AsRef<[u8]>) {
    drop(write(&mut io::stderr().lock(), text.as_ref()));
}

/// Writes all of `bytes`, as far as somebody reads them.
fn write(to: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    match to.write_all(bytes).and_then(|()| to.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Whether to colour: the option, then `NO_COLOR`, `CLICOLOR_FORCE` or `FORCE_COLOR`, `TERM=dumb`, and whether it is a terminal.
///
/// Sources: no-color.org, bixense.com/clicolors, force-color.org. An empty variable counts as unset, `0` does not force.
#[must_use]
pub fn coloured(choice: ColorChoice, is_terminal: bool, env: &dyn Fn(&str) -> Option<OsString>) -> bool {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let forced = |name: &str| set(name).is_some_and(|value| value != "0");
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if set("NO_COLOR").is_some() => false,
        ColorChoice::Auto if forced("CLICOLOR_FORCE") || forced("FORCE_COLOR") => true,
        ColorChoice::Auto => is_terminal && set("TERM").is_none_or(|term| term != "dumb"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_beats_the_environment_and_the_environment_the_terminal() {
        use ColorChoice::{Always, Auto, Never};
        for (choice, terminal, variables, expected) in [
            (Auto, true, &[][..], true),
            (Auto, false, &[], false),
            (Auto, true, &[("NO_COLOR", "1")], false),
            (Auto, true, &[("NO_COLOR", "0")], false),
            (Auto, true, &[("NO_COLOR", "")], true),
            (Auto, false, &[("FORCE_COLOR", "1")], true),
            (Auto, false, &[("CLICOLOR_FORCE", "1")], true),
            (Auto, false, &[("CLICOLOR_FORCE", "0")], false),
            (Auto, false, &[("FORCE_COLOR", "")], false),
            (Auto, true, &[("FORCE_COLOR", "0")], true),
            (Auto, true, &[("NO_COLOR", "1"), ("FORCE_COLOR", "1")], false),
            (Auto, true, &[("TERM", "dumb")], false),
            (Auto, true, &[("TERM", "xterm")], true),
            (Auto, false, &[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")], true),
            (Always, false, &[("NO_COLOR", "1"), ("TERM", "dumb")], true),
            (Never, true, &[("FORCE_COLOR", "1")], false),
        ] {
            let env = |name: &str| {
                variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
            };
            assert_eq!(coloured(choice, terminal, &env), expected, "{choice} {terminal} {variables:?}");
        }
    }

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_error_and_a_full_disk_is_one() {
        assert!(write(&mut Failing(io::ErrorKind::BrokenPipe), b"text").is_ok());
        assert!(write(&mut Failing(io::ErrorKind::StorageFull), b"text").is_err());
    }
}
