//! The colours of the prefixes.

use owo_colors::Color;
use owo_colors::colors::{
    Blue, BrightBlue, BrightCyan, BrightGreen, BrightMagenta, BrightRed, BrightWhite, BrightYellow, Cyan,
    Green, Magenta, Red, Yellow,
};

/// What ends a prefix: everything a terminal was told about colours is off.
pub(super) const RESET: &str = "\x1b[0m";

/// The codes in the order in which the process types of a Procfile take them (foreman `cli.rb`, without its black).
const CYCLE: [&str; 12] = [
    Cyan::RAW_ANSI_FG,
    Yellow::RAW_ANSI_FG,
    Green::RAW_ANSI_FG,
    Magenta::RAW_ANSI_FG,
    Red::RAW_ANSI_FG,
    Blue::RAW_ANSI_FG,
    BrightCyan::RAW_ANSI_FG,
    BrightYellow::RAW_ANSI_FG,
    BrightGreen::RAW_ANSI_FG,
    BrightMagenta::RAW_ANSI_FG,
    BrightRed::RAW_ANSI_FG,
    BrightBlue::RAW_ANSI_FG,
];

/// The colour of a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(&'static str);

impl Colour {
    /// The colour of our own lines about the whole: bright white.
    pub const SYSTEM: Self = Self(BrightWhite::RAW_ANSI_FG);

    /// The colour of the process type that stands at this index of the Procfile, the first at 0.
    #[must_use]
    pub fn nth(index: usize) -> Self {
        Self(CYCLE[index % CYCLE.len()])
    }

    /// Writes what a prefix begins with.
    ///
    /// A reset comes first, so that a colour that a process left on cannot bleed into the prefix.
    pub(super) fn begin(self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\x1b[0;");
        out.extend_from_slice(self.0.as_bytes());
        out.push(b'm');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(colour: Colour) -> String {
        let mut out = Vec::new();
        colour.begin(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_colours_cycle_by_procfile_index_and_then_come_their_bright_twins() {
        let codes: Vec<_> = (0..13).map(|index| Colour::nth(index).0).collect();
        let expected = ["36", "33", "32", "35", "31", "34", "96", "93", "92", "95", "91", "94", "36"];
        assert_eq!(codes, expected);
        assert_eq!(Colour::nth(usize::MAX), Colour::nth(3));
    }

    #[test]
    fn a_prefix_begins_with_a_reset() {
        assert_eq!(begun(Colour::nth(0)), "\x1b[0;36m");
        assert_eq!(begun(Colour::SYSTEM), "\x1b[0;97m");
    }
}
