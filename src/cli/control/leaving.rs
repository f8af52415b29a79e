//! Leaving a terminal that we are attached to: by which keys, and how ours looks then.

use crate::model::key::ControlKey;
use memchr::memmem;

/// Ctrl-C.
const INTERRUPT: u8 = 0x03;

/// The scroll region, which is set without moving the cursor.
const SCROLL_REGION: &[u8] = b"\x1b7\x1b[r\x1b8";

/// What programs switch on in a terminal and a shell does not want: keys that send something else, other characters, no line breaks, the
/// mouse, marked pastes, word of the focus, a hidden cursor, colours.
const PLAIN: &[u8] = b"\x1b[<u\x1b[>4m\x1b[?1l\x1b>\x1b(B\x0f\x1b[?7h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1004l\x1b[?25h\x1b[0m";

/// What switches between the two screens of a terminal, without the letter that says to which.
const SWITCHES: [&[u8]; 3] = [b"\x1b[?1049", b"\x1b[?1047", b"\x1b[?47"];

/// The most bytes of a switch that may have come before the next.
const LONGEST_SWITCH: usize = SWITCHES[0].len();

const OWN_SCREEN: &[u8] = b"\x1b[?1049l";

/// The keys that leave.
#[derive(Debug, Clone)]
pub(super) struct Leaving(Vec<Vec<u8>>);

impl Leaving {
    /// This key leaves. So does Ctrl-C where nothing can be typed: there it means nothing else.
    pub(super) fn by(key: ControlKey, only_watches: bool) -> Self {
        let mut all = forms(key.byte());
        if only_watches {
            all.extend(forms(INTERRUPT));
        }
        Self(all)
    }

    /// Where the first of them stands in what was typed.
    pub(super) fn find(&self, typed: &[u8]) -> Option<usize> {
        self.0.iter().filter_map(|form| memmem::find(typed, form)).min()
    }
}

/// What a terminal sends for a key with Ctrl: a byte, or what programs ask for that tell more keys apart (kitty's and xterm's protocols).
fn forms(byte: u8) -> Vec<Vec<u8>> {
    let code = (byte | 0x40).to_ascii_lowercase();
    vec![
        vec![byte],
        format!("\x1b[{code};5u").into_bytes(),
        format!("\x1b[{code};5:1u").into_bytes(),
        format!("\x1b[27;5;{code}~").into_bytes(),
    ]
}

/// Which of its two screens a terminal shows.
#[derive(Debug, Default)]
pub(super) struct Screens {
    is_elsewhere: bool,
    /// The end of what was shown last, in which a switch may have begun.
    recent: Vec<u8>,
}

impl Screens {
    /// Looks for switches in what is shown next.
    pub(super) fn note(&mut self, shown: &[u8]) {
        self.recent.extend_from_slice(shown);
        for end in memchr::memchr2_iter(b'h', b'l', &self.recent) {
            if SWITCHES.iter().any(|switch| self.recent[..end].ends_with(switch)) {
                self.is_elsewhere = self.recent[end] == b'h';
            }
        }
        let old = self.recent.len().saturating_sub(LONGEST_SWITCH);
        self.recent.drain(..old);
    }

    /// What makes a terminal one for a shell.
    pub(super) fn plain(&self) -> Vec<u8> {
        let own_screen = if self.is_elsewhere { OWN_SCREEN } else { b"" };
        [own_screen, SCROLL_REGION, PLAIN].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_elsewhere_after(parts: &[&str]) -> bool {
        let mut screens = Screens::default();
        parts.iter().for_each(|part| screens.note(part.as_bytes()));
        screens.plain().starts_with(OWN_SCREEN)
    }

    #[test]
    fn every_form_of_the_key_leaves_and_nothing_else_does() {
        let leaving = Leaving::by(ControlKey::USUAL, false);
        for (typed, expected) in [
            ("ab\x1dc", Some(2)),
            ("ab\x1b[93;5uc\x1d", Some(2)),
            ("\x1b[93;5:1u", Some(0)),
            ("a\x1b[27;5;93~", Some(1)),
            ("\x03]\x1b[93;6u\x1b[99;5u", None),
        ] {
            assert_eq!(leaving.find(typed.as_bytes()), expected, "{typed:?}");
        }
    }

    #[test]
    fn ctrl_c_leaves_where_nothing_can_be_typed() {
        let leaving = Leaving::by(ControlKey::USUAL, true);
        assert_eq!(leaving.find(b"ab\x03"), Some(2));
        assert_eq!(leaving.find(b"\x1b[99;5u"), Some(0));
        assert_eq!(leaving.find(b"a\x1d\x03"), Some(1));
    }

    #[test]
    fn it_is_known_which_screen_is_shown_however_it_is_switched_and_cut() {
        assert!(!is_elsewhere_after(&["hello l h"]));
        for switch in ["\x1b[?1049h", "\x1b[?47h", "\x1b[?1047h"] {
            for at in 0..=switch.len() {
                let (one, other) = switch.split_at(at);
                assert!(is_elsewhere_after(&["x", one, other, "\x1b[K"]), "{switch:?} {at}");
            }
            let back = switch.replace('h', "l");
            assert!(!is_elsewhere_after(&[switch, "x", &back]), "{switch:?}");
            assert!(is_elsewhere_after(&[&back, "x", switch]), "{switch:?}");
        }
    }
}
