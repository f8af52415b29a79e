//! The filter for terminals: what comes out is printable text, tabs and colours; all text is in it; chunks make no difference.
#![no_main]

mod input;

use input::Input;
use libfuzzer_sys::fuzz_target;
use proc_start::output::Filter;

fuzz_target!(|data: &[u8]| {
    let Some(input) = Input::read(data) else { return };
    let output = filtered(&input.chunks(input.bytes, 1));
    assert_eq!(output, filtered(&[input.bytes]));
    let shown = without_colours(&output);
    assert!(shown.chars().all(is_harmless), "{shown:?}");
    let mut shown = shown.chars();
    let missing = text_of(input.bytes).chars().find(|char| !shown.any(|other| other == *char));
    assert_eq!(missing, None, "{output:?}");
});

/// What a terminal is given; that it is UTF-8 is part of the promise.
fn filtered(chunks: &[&[u8]]) -> String {
    let mut filter = Filter::default();
    let mut out = Vec::new();
    for chunk in chunks {
        filter.feed(chunk, &mut out);
    }
    filter.end(&mut out);
    String::from_utf8(out).unwrap()
}

/// What is left when `ESC [ … m` of digits, `;` and `:` is taken out.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut left = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|char: char| !matches!(char, '0'..=';'));
        let rest = end.and_then(|end| part[end..].strip_prefix('m'));
        // What is no colour keeps its escape character, and is found by that.
        left += rest.unwrap_or("\x1b");
    }
    left
}

/// No control, C1 included, and nothing that changes the direction of what follows.
fn is_harmless(char: char) -> bool {
    let turns = matches!(char, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    char == '\t' || !(char.is_control() || turns)
}

/// The text that must be seen: all harmless characters but those of colours, and of what erases the rest of a line.
fn text_of(bytes: &[u8]) -> String {
    let mut text = Vec::new();
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        let sequence = rest.strip_prefix(b"\x1b[").and_then(|parameters| {
            let end = parameters.iter().position(|byte| !matches!(byte, b'0'..=b';'))?;
            let (parameters, rest) = parameters.split_at(end);
            let is_erasure = || rest[0] == b'K' && parameters.iter().all(|byte| matches!(byte, b'0' | b';'));
            (rest[0] == b'm' || is_erasure()).then_some(&rest[1..])
        });
        // A control in place of a colour, so that what stands on both sides of it does not become one character.
        text.push(if sequence.is_some() { 0 } else { byte });
        rest = sequence.unwrap_or(after);
    }
    let is_text = |char: &char| is_harmless(*char) && *char != char::REPLACEMENT_CHARACTER;
    String::from_utf8_lossy(&text).chars().filter(is_text).collect()
}
