//! The colours and attributes that a stream has left on (SGR, ECMA-48 8.3.117), to be taken up again on its next line.

use super::palette::RESET;

/// One thing that SGR sets; a later value of the same takes the place of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attribute {
    Bold,
    Faint,
    Italic,
    Underline,
    Blink,
    Inverse,
    Strike,
    Font,
    Foreground,
    Background,
    Frame,
    Overline,
    UnderlineColour,
}

/// What one parameter does.
enum Effect {
    Reset,
    Set(Attribute),
    Unset(&'static [Attribute]),
    /// It is passed on; a reset ends it, and it is not taken up again.
    Unknown,
}

/// The attributes that are on, each with the parameters that set it.
#[derive(Debug, Default)]
pub(super) struct Style {
    on: Vec<(Attribute, Vec<u8>)>,
}

impl Style {
    /// Does what the parameters of a sequence say: digits, with `;` between parameters and `:` between the parts of one.
    pub(super) fn apply(&mut self, parameters: &[u8]) {
        let mut rest = parameters;
        loop {
            let (taken, remaining) = rest.split_at(length(rest));
            match effect(taken) {
                Effect::Reset => self.on.clear(),
                Effect::Set(attribute) => self.set(attribute, taken),
                Effect::Unset(attributes) => self.on.retain(|(on, _)| !attributes.contains(on)),
                Effect::Unknown => {}
            }
            let Some(remaining) = remaining.strip_prefix(b";") else { return };
            rest = remaining;
        }
    }

    fn set(&mut self, attribute: Attribute, parameters: &[u8]) {
        self.on.retain(|(on, _)| *on != attribute);
        self.on.push((attribute, parameters.to_vec()));
    }

    /// Turns on what is on; false if that is nothing.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> bool {
        for (index, (_, parameters)) in self.on.iter().enumerate() {
            out.extend_from_slice(if index == 0 { b"\x1b[" } else { b";" });
            out.extend_from_slice(parameters);
        }
        out.extend((!self.on.is_empty()).then_some(b'm'));
        !self.on.is_empty()
    }

    /// Turns everything off.
    pub(super) fn reset(out: &mut Vec<u8>) {
        out.extend_from_slice(RESET.as_bytes());
    }
}

/// Whether the parameters hide text (8): that is nothing a log line may do.
pub(super) fn conceals(parameters: &[u8]) -> bool {
    let mut rest = Some(parameters);
    while let Some(parameters) = rest {
        let (taken, remaining) = parameters.split_at(length(parameters));
        if code(taken) == Some(8) {
            return true;
        }
        rest = remaining.strip_prefix(b";");
    }
    false
}

/// The length of what belongs together at the beginning: a colour takes several parameters, unless it has them as parts of one (xterm's
/// `38;5;n`, `38;2;r;g;b`).
fn length(parameters: &[u8]) -> usize {
    let mut each = parameters.split(|byte| *byte == b';');
    let wanted = match (each.next().and_then(number), each.next().and_then(number)) {
        (Some(38 | 48 | 58), Some(5)) => 3,
        (Some(38 | 48 | 58), Some(2)) => 5,
        _ => 1,
    };
    let ends = parameters.iter().enumerate().filter(|(_, byte)| **byte == b';').map(|(at, _)| at);
    ends.chain([parameters.len()]).take(wanted).last().unwrap_or(parameters.len())
}

/// Whether these are a colour by its number or its parts, with all that belongs to it.
fn is_colour(parameters: &[u8]) -> bool {
    let parts: Vec<&[u8]> = parameters.split(|byte| matches!(byte, b';' | b':')).collect();
    match parts.get(1).and_then(|kind| number(kind)) {
        Some(5) => parts.len() >= 3,
        Some(2) => parts.len() >= 5,
        _ => false,
    }
}

/// A parameter, or a part of one; nothing written is 0.
fn number(digits: &[u8]) -> Option<u16> {
    if digits.is_empty() { Some(0) } else { std::str::from_utf8(digits).ok()?.parse().ok() }
}

/// The number that says what parameters are about: the first part of the first.
fn code(parameters: &[u8]) -> Option<u16> {
    parameters.split(|byte| matches!(byte, b';' | b':')).next().and_then(number)
}

/// What the first of these parameters does.
fn effect(parameters: &[u8]) -> Effect {
    use Attribute as A;
    let Some(code) = code(parameters) else { return Effect::Unknown };
    // A colour of which parts are missing would swallow what is taken up behind it.
    let is_unfinished = matches!(code, 38 | 48 | 58) && !is_colour(parameters);
    match code {
        _ if is_unfinished => Effect::Unknown,
        0 => Effect::Reset,
        1 => Effect::Set(A::Bold),
        2 => Effect::Set(A::Faint),
        3 | 20 => Effect::Set(A::Italic),
        4 if parameters == b"4:0" => Effect::Unset(&[A::Underline]),
        4 | 21 => Effect::Set(A::Underline),
        24 => Effect::Unset(&[A::Underline]),
        5 | 6 => Effect::Set(A::Blink),
        7 => Effect::Set(A::Inverse),
        9 => Effect::Set(A::Strike),
        10 => Effect::Unset(&[A::Font]),
        11..=19 => Effect::Set(A::Font),
        22 => Effect::Unset(&[A::Bold, A::Faint]),
        23 => Effect::Unset(&[A::Italic]),
        25 => Effect::Unset(&[A::Blink]),
        27 => Effect::Unset(&[A::Inverse]),
        29 => Effect::Unset(&[A::Strike]),
        30..=38 | 90..=97 => Effect::Set(A::Foreground),
        39 => Effect::Unset(&[A::Foreground]),
        40..=48 | 100..=107 => Effect::Set(A::Background),
        49 => Effect::Unset(&[A::Background]),
        51 | 52 => Effect::Set(A::Frame),
        54 => Effect::Unset(&[A::Frame]),
        53 => Effect::Set(A::Overline),
        55 => Effect::Unset(&[A::Overline]),
        58 => Effect::Set(A::UnderlineColour),
        59 => Effect::Unset(&[A::UnderlineColour]),
        _ => Effect::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is on after these sequences, as it is taken up again.
    fn left_on(sequences: &[&str]) -> String {
        let mut style = Style::default();
        for parameters in sequences {
            style.apply(parameters.as_bytes());
        }
        let mut out = Vec::new();
        assert_eq!(style.write(&mut out), !out.is_empty());
        String::from_utf8(out).unwrap().replace('\x1b', "^")
    }

    #[test]
    fn the_last_value_of_an_attribute_is_the_one_that_is_on() {
        assert_eq!(left_on(&["31", "32"]), "^[32m");
        assert_eq!(left_on(&["1;31", "44"]), "^[1;31;44m");
        assert_eq!(left_on(&["4:3"]), "^[4:3m");
    }

    #[test]
    fn a_colour_of_several_parameters_is_one() {
        assert_eq!(left_on(&["38;5;1;1"]), "^[38;5;1;1m");
        assert_eq!(left_on(&["48;2;0;0;0;7"]), "^[48;2;0;0;0;7m");
        assert_eq!(left_on(&["38:2::1:2:3;1", "39"]), "^[1m");
        assert_eq!(left_on(&["38;2;9", "48;5", "38", "1"]), "^[1m");
    }

    #[test]
    fn each_attribute_is_turned_off_by_its_own_number_and_all_by_0() {
        let pairs = "1 22, 2 22, 3 23, 20 23, 4 24, 21 24, 5 25, 6 25, 7 27, 9 29, 11 10, 31 39, 97 39, 42 49, \
                     107 49, 51 54, 53 55, 58 59";
        for (on, off) in pairs.split(", ").map(|pair| pair.split_once(' ').unwrap()) {
            assert_eq!(left_on(&[on, off]), "", "{on} {off}");
            assert_eq!(left_on(&[&format!("{on};0")]), "", "{on}");
            assert_eq!(left_on(&[on, ""]), "", "{on}");
        }
        assert_eq!(left_on(&["4", "4:0"]), "");
    }

    #[test]
    fn what_nobody_knows_is_not_taken_up_again() {
        assert_eq!(left_on(&["77;1000;99999999999;:"]), "");
    }
}
