//! When a log file makes room for a new one, and how many of the old are kept (`--log-rotate`).

use std::fmt;
use std::str::FromStr;

use super::diagnostic::printable;
use super::size::{Size, SizeError};

/// The smallest size at which files are rotated: below it the disk would do little else.
const SMALLEST: Size = Size::from_kib(1);

/// How many old files are kept where no number is given.
const FILES: u16 = 5;

/// The most old files: all of them are renamed when one is added.
const MOST: u16 = 999;

/// What becomes of a log file that grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// It is left to grow, or to somebody else (logrotate).
    Never,
    /// It is renamed before it has more than `size`, and `files` old ones are kept beside the current.
    At {
        /// The size that a file does not grow over, but for the end of a line.
        size: Size,
        /// How many old files are kept.
        files: u16,
    },
}

/// A text that is no rotation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RotationError {
    /// Its first part is no size.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// Its first part is a size below which nothing is rotated.
    #[error("{0} is too small a size to rotate at: the smallest is {SMALLEST}, and `none` is for never")]
    TooSmall(Size),
    /// Its second part is no number of files.
    #[error(
        "`{0}` is not a number of old files: write a size and a number from 1 to {MOST}, as in `10MiB,5`"
    )]
    NotACount(String),
}

impl Default for Rotation {
    /// Six files of 10 MiB for each instance: enough to look back, and no disk is full of it.
    fn default() -> Self {
        Self::At { size: Size::from_mib(10), files: FILES }
    }
}

impl FromStr for Rotation {
    type Err = RotationError;

    /// Reads `10MiB,5`, `10MiB` (with as many files as the default has) or `none`.
    fn from_str(text: &str) -> Result<Self, RotationError> {
        if text == "none" {
            return Ok(Self::Never);
        }
        let (size, count) = text.split_once(',').map_or((text, None), |(size, count)| (size, Some(count)));
        let size = size.trim().parse()?;
        if size < SMALLEST {
            return Err(RotationError::TooSmall(size));
        }
        Ok(Self::At { size, files: count.map_or(Ok(FILES), files)? })
    }
}

/// Reads how many old files are to be kept.
fn files(text: &str) -> Result<u16, RotationError> {
    let count = text.trim().parse().ok().filter(|count| (1..=MOST).contains(count));
    count.ok_or_else(|| RotationError::NotACount(printable(text)))
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("none"),
            Self::At { size, files } => write!(f, "{size},{files}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_is_a_size_and_a_number_of_old_files_or_none() {
        let at = |size, files| Ok(Rotation::At { size, files });
        assert_eq!("none".parse(), Ok(Rotation::Never));
        assert_eq!("10MiB,5".parse(), Ok(Rotation::default()));
        assert_eq!("1k".parse(), at(Size::from_kib(1), 5));
        assert_eq!("1G, 999".parse(), at(Size::from_mib(1024), 999));
        for text in ["none", "10MiB,5", "1025,1"] {
            assert_eq!(text.parse::<Rotation>().map(|rotation| rotation.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_no_rotation_is_refused_with_what_there_is() {
        for (text, words) in [
            ("0", "0 is too small a size to rotate at: the smallest is 1KiB, and `none` is for never"),
            (
                "1M,0",
                "`0` is not a number of old files: write a size and a number from 1 to 999, as in `10MiB,5`",
            ),
            (
                "1M,",
                "`` is not a number of old files: write a size and a number from 1 to 999, as in `10MiB,5`",
            ),
            (
                "1M,1000",
                "`1000` is not a number of old files: write a size and a number from 1 to 999, as in `10MiB,5`",
            ),
            (
                "daily",
                "`daily` is not a size: write bytes (`4096`) or units of 1024 (`64KiB`, `10MiB`, `1GiB`)",
            ),
        ] {
            assert_eq!(text.parse::<Rotation>().map_err(|error| error.to_string()), Err(words.to_owned()));
        }
    }
}
