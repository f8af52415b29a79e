//! A number of bytes, as people write it: `10MiB`.

use std::fmt;
use std::str::FromStr;

use super::diagnostic::printable;

/// The units, largest first; each is 1024 of the next.
const UNITS: &[(char, &str, u32)] = &[('g', "GiB", 30), ('m', "MiB", 20), ('k', "KiB", 10)];

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(u64);

/// A text that is no size, or more than can be counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// It is not a whole number with a unit that we know.
    #[error("`{0}` is not a size: write bytes (`4096`) or units of 1024 (`64KiB`, `10MiB`, `1GiB`)")]
    NotASize(String),
    /// It is one, and does not fit.
    #[error("`{0}` is too large: the largest size is 1023GiB")]
    TooLarge(String),
}

impl Size {
    /// The largest that is taken: more than any disk we write to, and sums of it cannot overflow.
    const LARGEST: u64 = 1023 << 30;

    /// So many bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// So many KiB, of 1024 bytes.
    #[must_use]
    pub const fn from_kib(kib: u32) -> Self {
        Self((kib as u64) << 10)
    }

    /// So many MiB, of 1024 KiB.
    #[must_use]
    pub const fn from_mib(mib: u32) -> Self {
        Self((mib as u64) << 20)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for Size {
    type Err = SizeError;

    /// Reads `4096`, `4096B`, `64K`, `64KB`, `64KiB`, and the same with M and G, in either case.
    ///
    /// All are powers of 1024, also `KB`: a limit that somebody wrote so was not meant to be two per cent off.
    fn from_str(text: &str) -> Result<Self, SizeError> {
        let not_a_size = || SizeError::NotASize(printable(text));
        let (number, unit) =
            text.split_at(text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len()));
        if number.is_empty() {
            return Err(not_a_size());
        }
        let shift = shift(unit).ok_or_else(not_a_size)?;
        // Digits only, so that all that can be wrong with the number is that it is too large.
        let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
        bytes
            .filter(|bytes| *bytes <= Self::LARGEST)
            .map(Self)
            .ok_or_else(|| SizeError::TooLarge(printable(text)))
    }
}

/// The power of two that a unit stands for.
fn shift(unit: &str) -> Option<u32> {
    let unit = unit.to_ascii_lowercase();
    if matches!(&*unit, "" | "b") {
        return Some(0);
    }
    let (_, _, shift) = UNITS.iter().find(|(letter, _, _)| unit.starts_with(*letter))?;
    matches!(&unit[1..], "" | "b" | "ib").then_some(*shift)
}

impl fmt::Display for Size {
    /// As short as it is exact: in the largest unit that divides it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let divides = |(_, _, shift): &&(char, &str, u32)| self.0 > 0 && self.0.trailing_zeros() >= *shift;
        match UNITS.iter().find(divides) {
            Some((_, name, shift)) => write!(f, "{}{name}", self.0 >> shift),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_bytes_or_has_a_unit_of_1024() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("1b", 1),
            ("64K", 65_536),
            ("64kB", 65_536),
            ("64KiB", 65_536),
            ("10m", 10 << 20),
            ("10MB", 10 << 20),
            ("10MiB", 10 << 20),
            ("1G", 1 << 30),
            ("1023GiB", 1023 << 30),
        ] {
            assert_eq!(text.parse(), Ok(Size::from_bytes(bytes)), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "-1", "+1", "1.5M", "M", "1 M", "1T", "1KiBB", "1ib", "1é", "\u{661}"] {
            assert!(matches!(text.parse::<Size>(), Err(SizeError::NotASize(_))), "{text}");
        }
        for text in ["1024G", "99999999999999999999", "18014398509481984K"] {
            assert_eq!(text.parse::<Size>(), Err(SizeError::TooLarge(text.to_owned())));
        }
    }

    #[test]
    fn a_size_is_shown_in_the_largest_unit_that_divides_it_and_reads_back() {
        for (size, text) in [
            (Size::from_mib(10), "10MiB"),
            (Size::from_kib(64), "64KiB"),
            (Size::from_kib(2048), "2MiB"),
            (Size::from_bytes(1 << 30), "1GiB"),
            (Size::from_bytes(1000), "1000"),
            (Size::from_bytes(0), "0"),
        ] {
            assert_eq!(size.to_string(), text);
            assert_eq!(text.parse(), Ok(size));
        }
    }
}
