//! A key with Ctrl, by which one leaves: `ctrl-]`.

use std::fmt;
use std::str::FromStr;

/// A key that is pressed together with Ctrl.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlKey(u8);

/// A text that names no such key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no key with Ctrl: write `ctrl-]` or `ctrl-p`; Ctrl-[, Ctrl-I, Ctrl-J and Ctrl-M are Escape, Tab and Enter"
)]
pub struct ControlKeyError(String);

impl ControlKey {
    /// What nobody needs otherwise, as in telnet.
    pub const USUAL: Self = Self(0x1d);

    /// The byte that a terminal sends for it.
    #[must_use]
    pub fn byte(self) -> u8 {
        self.0
    }
}

impl FromStr for ControlKey {
    type Err = ControlKeyError;

    fn from_str(text: &str) -> Result<Self, ControlKeyError> {
        let lower = text.to_ascii_lowercase();
        let key = ["ctrl-", "ctrl+", "^"].iter().find_map(|start| lower.strip_prefix(start));
        match key.map(str::as_bytes) {
            Some(&[key @ (b'a'..=b'z' | b'\\' | b']' | b'^' | b'_')]) if !b"ijm".contains(&key) => {
                Ok(Self(key.to_ascii_uppercase() & 0x1f))
            }
            Some(_) | None => Err(ControlKeyError(text.to_owned())),
        }
    }
}

impl fmt::Display for ControlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ctrl-{}", char::from(self.0 | 0x40).to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_ctrl_is_read_and_written() {
        for (text, byte, written) in [
            ("ctrl-]", 0x1d, "ctrl-]"),
            ("Ctrl-P", 0x10, "ctrl-p"),
            ("^_", 0x1f, "ctrl-_"),
            ("ctrl+\\", 0x1c, "ctrl-\\"),
        ] {
            let key: ControlKey = text.parse().unwrap();
            assert_eq!((key.byte(), key.to_string().as_str()), (byte, written));
        }
        assert_eq!(ControlKey::USUAL, "ctrl-]".parse().unwrap());
    }

    #[test]
    fn what_is_no_such_key_is_refused() {
        for text in ["", "]", "ctrl-", "ctrl-[", "ctrl-m", "ctrl-1", "ctrl-ab", "alt-x"] {
            assert!(text.parse::<ControlKey>().is_err(), "{text}");
        }
    }
}
