//! What was written some time ago, shown once more: without the questions to a terminal in it, which would be answered again.
//!
//! The answer of a terminal is typed: into whatever the process reads by now.

use memchr::memchr2;

const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;

/// What breaks a sequence off: the beginning of another, CAN and SUB.
const BREAKS: [u8; 3] = [ESCAPE, 0x18, 0x1a];

/// Asks a terminal for a text that its owner has set.
const ENQUIRY: u8 = 0x05;

/// The bytes without what a terminal would answer. A sequence that is not complete stays: the rest of it is yet to come.
pub(super) fn without_questions(bytes: &[u8]) -> Vec<u8> {
    let mut left = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr2(ESCAPE, ENQUIRY, rest) {
        left.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let length = length(rest);
        let (sequence, behind) = rest.split_at(length.unwrap_or(rest.len()));
        if length.is_none() || !is_question(sequence) {
            left.extend_from_slice(sequence);
        }
        rest = behind;
    }
    left.extend_from_slice(rest);
    left
}

/// How long the control sequence is that stands at the beginning, without what breaks it off; none if its end has not come.
fn length(bytes: &[u8]) -> Option<usize> {
    if bytes.first() == Some(&ENQUIRY) {
        return Some(1);
    }
    match bytes.get(1)? {
        &ESCAPE => Some(1),
        b'[' => {
            // A newline in between is done and does not end it.
            let goes_on = |byte: &u8| *byte < b'@' && !BREAKS.contains(byte);
            let end = bytes.iter().skip(2).position(|byte| !goes_on(byte))? + 2;
            Some(if (b'@'..=b'~').contains(&bytes[end]) { end + 1 } else { end })
        }
        b']' | b'P' | b'_' | b'^' | b'X' => {
            let end = bytes.iter().skip(2).position(|byte| *byte == BELL || BREAKS.contains(byte))? + 2;
            match (bytes[end], bytes.get(end + 1)) {
                (ESCAPE, None) => None,
                (ESCAPE, Some(b'\\')) => Some(end + 2),
                (BELL, _) => Some(end + 1),
                (_, _) => Some(end),
            }
        }
        _ => Some(2),
    }
}

/// Whether a terminal answers to a control sequence. So is one that was broken off: it does nothing, and is not to begin what follows.
fn is_question(sequence: &[u8]) -> bool {
    match sequence {
        [ENQUIRY, ..] | [ESCAPE, b'Z' | b'P' | b'_' | b'^' | b'X', ..] => true,
        [ESCAPE] | [ESCAPE, b'[' | b']'] => true,
        [ESCAPE, b'[', body @ .., last] => is_question_by(body, *last),
        [ESCAPE, b']', .., last] if ![BELL, b'\\'].contains(last) => true,
        [ESCAPE, b']', body @ ..] => {
            let fields = body.split(|byte| [b';', BELL, ESCAPE].contains(byte));
            // `]11;?`: which background colour. What only has a question mark in it (a title) is none.
            fields.skip(1).any(|field| field == b"?")
        }
        _ => false,
    }
}

/// The same of `ESC [`, with what stands before the last byte.
fn is_question_by(body: &[u8], last: u8) -> bool {
    let of_windows = |number: &[u8]| {
        matches!(number, b"11" | b"13" | b"14" | b"15" | b"16" | b"18" | b"19" | b"20" | b"21")
    };
    match last {
        ..b'@' | 0x7f.. => true,
        // The cursor and the state; what it is.
        b'n' | b'c' => true,
        b'x' => !body.iter().any(|byte| (b' '..=b'/').contains(byte)),
        // A mode; its settings; a checksum.
        b'p' | b'w' => body.ends_with(b"$"),
        b'y' => body.ends_with(b"*"),
        // Its version; the keyboard's mode; its graphics.
        b'q' => body.starts_with(b">"),
        b'u' | b'S' => body.starts_with(b"?"),
        b't' => body.split(|byte| *byte == b';').next().is_some_and(of_windows),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(text: &str) -> String {
        String::from_utf8(without_questions(text.as_bytes())).unwrap()
    }

    #[test]
    fn what_a_terminal_would_answer_is_left_out() {
        for question in [
            "\x1b[6n",
            "\x1b[?6n",
            "\x1b[5n",
            "\x1b[c",
            "\x1b[0c",
            "\x1b[>c",
            "\x1b[=c",
            "\x1b[x",
            "\x1b[1x",
            "\x1b[?2026$p",
            "\x1b[4$p",
            "\x1b[>q",
            "\x1b[>0q",
            "\x1b[?u",
            "\x1b[?2;1;0S",
            "\x1b[18t",
            "\x1b[14;2t",
            "\x1b[1$w",
            "\x1b[1;1;1;1;1;1*y",
            "\x1b]11;?\x07",
            "\x1b]4;1;?\x1b\\",
            "\x1b]52;c;?\x07",
            "\x1bP+q544e\x1b\\",
            "\x1bP$qm\x1b\\",
            "\x1b_Ga=q;AAAA\x1b\\",
            "\x1bZ",
            "\x05",
        ] {
            assert_eq!(left(&format!("a{question}b{question}")), "ab", "{question:?}");
        }
    }

    #[test]
    fn everything_else_is_left_in() {
        for text in [
            "plain\r\n",
            "\x1b[1;31mred\x1b[m",
            "\x1b[2J\x1b[H",
            "\x1b]0;what? ?;\x07",
            "\x1b]0;more?\x1b\\",
            "\x1b]8;;http://x/?q=?\x07link\x1b]8;;\x07",
            "\x1b[2 q",
            "\x1b[?25h",
            "\x1b[!p",
            "\x1b[22;0t",
            "\x1b[2$x",
            "\x1b[3S",
            "\x1b[u",
            "\x1b7\x1b8\x1b(B",
            "日本\u{9b}",
            // Not complete: the rest comes later.
            "> \x1b",
            "> \x1b[",
            "> \x1b[6",
            "> \x1b]11;?",
            "> \x1b]11;?\x1b",
            "> \x1bP$q",
        ] {
            assert_eq!(left(text), text, "{text:?}");
        }
        for (text, expected) in
            [("\x1b[6\x1b[6nn", "n"), ("\x1b[6\nn", ""), ("\x1b\x1b[6n", ""), ("\x1b]0;x\x1b[6nx", "x")]
        {
            assert_eq!(left(text), expected, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_taken_and_what_is_left_has_nothing_to_leave_out(
            parts in proptest::collection::vec(proptest::sample::select(
                vec!["\x1b", "[", "]", "P", "6", "n", ";", "?", "\x07", "\\", "c", "$", "p", "x"]), 0..40)
        ) {
            let once = left(&parts.concat());
            proptest::prop_assert_eq!(left(&once), once);
        }
    }
}
