//! Makes what strangers wrote safe to show on a terminal: text and colours pass, every other control is shown, not executed.
//!
//! Logs carry what somebody sent over the network, and a terminal obeys what it is sent: it clears, retitles, writes the
//! clipboard, types answers (CWE-150). What comes out here consists of two things only: printable characters and tabs
//! that were found to be just that, and `ESC [ … m` with nothing but numbers inside. Nothing else can get through, so the
//! parser decides what is a colour and never what is safe.

use vte::{Params, Parser, Perform};

use super::sgr::{Style, conceals};
use crate::model::diagnostic::is_unsafe;

const ESC: u8 = 0x1b;

/// Bytes of an unfinished sequence that are waited for at most. The longest that says anything about a colour is shorter.
const LONGEST_SEQUENCE: usize = 256;

/// What a terminal may be given of one stream, and the colours that the stream has left on.
#[derive(Debug, Default)]
pub struct Filter {
    style: Style,
    /// Whether the terminal is in a style of this stream's.
    is_styled: bool,
    /// A sequence or a character of which the end has not arrived.
    held: Vec<u8>,
}

/// What stands at the beginning of some bytes.
enum Head {
    /// A character that may be written as it is, of so many bytes.
    Printable(usize),
    /// A colour, of so many bytes: `ESC [`, digits, `;` and `:`, and an `m`.
    Sgr(usize),
    /// What erases the rest of its line, of so many bytes: there is none, for we write at the end of ours.
    Erasure(usize),
    /// A character that does something to a terminal, of so many bytes.
    Unsafe(char, usize),
    /// So many bytes that are no UTF-8.
    Invalid(usize),
    /// The beginning of something.
    Unfinished,
}

impl Filter {
    /// Writes what `bytes` show. An unfinished sequence or character at their end is kept until more of it comes.
    ///
    /// A newline is a control like any other here: lines are somebody else's affair.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.held.is_empty() {
            self.pass(bytes, out);
        } else {
            let mut whole = std::mem::take(&mut self.held);
            whole.extend_from_slice(bytes);
            self.pass(&whole, out);
        }
    }

    /// Shows what is still waited for: there is no more.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        // Only its beginning is known to be none of a colour's or a character's: there may be text behind it.
        while let Some((first, rest)) = std::mem::take(&mut self.held).split_first() {
            show_byte(*first, out);
            self.pass(rest, out);
        }
    }

    /// Whether something is waited for.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.held.is_empty()
    }

    /// Takes up the colours that the stream has left on.
    pub fn resume(&mut self, out: &mut Vec<u8>) {
        self.is_styled |= self.style.write(out);
    }

    /// Turns the colours off, so that what comes next is nobody's; [`Filter::resume`] turns them on again.
    pub fn pause(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.is_styled) {
            Style::reset(out);
        }
    }

    /// Takes note of the colours in `bytes` that nobody will see.
    pub fn skip(&mut self, bytes: &[u8]) {
        let (is_styled, mut unseen) = (self.is_styled, Vec::new());
        self.feed(bytes, &mut unseen);
        self.end(&mut unseen);
        self.is_styled = is_styled;
    }

    fn pass(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let plain = rest.iter().position(|byte| !is_plain(*byte)).unwrap_or(rest.len());
            out.extend_from_slice(&rest[..plain]);
            rest = &rest[plain..];
            if rest.is_empty() {
                return;
            }
            let length = match head(rest) {
                Head::Printable(length) => {
                    out.extend_from_slice(&rest[..length]);
                    length
                }
                Head::Sgr(length) => {
                    self.style.apply(&rest[2..length - 1]);
                    self.is_styled = true;
                    out.extend_from_slice(&rest[..length]);
                    length
                }
                Head::Erasure(length) => length,
                Head::Unsafe(char, length) => {
                    show_char(char, out);
                    length
                }
                Head::Invalid(length) => {
                    rest[..length].iter().for_each(|byte| show_byte(*byte, out));
                    length
                }
                Head::Unfinished if rest.len() <= LONGEST_SEQUENCE => {
                    self.held = rest.to_vec();
                    return;
                }
                Head::Unfinished => {
                    show_byte(rest[0], out);
                    1
                }
            };
            rest = &rest[length..];
        }
    }
}

/// Whether a byte is a character by itself, and harmless.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t')
}

/// Looks at what `bytes`, of which there is at least one, begin with.
fn head(bytes: &[u8]) -> Head {
    if bytes[0] == ESC {
        return escape(bytes);
    }
    let window = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(window) {
        Ok(text) => text,
        Err(error) if error.valid_up_to() > 0 => {
            std::str::from_utf8(&window[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(error) => return error.error_len().map_or(Head::Unfinished, Head::Invalid),
    };
    match valid.chars().next() {
        Some(char) if is_unsafe(char) => Head::Unsafe(char, char.len_utf8()),
        Some(char) => Head::Printable(char.len_utf8()),
        None => Head::Invalid(1),
    }
}

/// Tells a colour from every other sequence; of those only the escape character is taken, what follows is text.
fn escape(bytes: &[u8]) -> Head {
    match bytes.get(1) {
        None => return Head::Unfinished,
        Some(b'[') => {}
        Some(_) => return Head::Unsafe(char::from(ESC), 1),
    }
    // Up to the first byte that is no parameter: either it ends the sequence, or a terminal would drop what it breaks off, and here it is
    // to be seen.
    let window = &bytes[2..bytes.len().min(LONGEST_SEQUENCE + 1)];
    let Some(last) = window.iter().position(|byte| !matches!(byte, b'0'..=b';')) else {
        return Head::Unfinished;
    };
    let (parameters, length) = (&window[..last], last + 3);
    let mut found = Found::default();
    Parser::new().advance(&mut found, &bytes[..length]);
    match found {
        Found::Sgr if !conceals(parameters) => Head::Sgr(length),
        Found::Erasure => Head::Erasure(length),
        Found::Sgr | Found::Other => Head::Unsafe(char::from(ESC), 1),
    }
}

/// What a sequence is.
#[derive(Default)]
enum Found {
    Sgr,
    /// EL without a parameter, or with 0.
    Erasure,
    #[default]
    Other,
}

impl Perform for Found {
    /// A private marker (`ESC [ > 4 m` sets a keyboard mode) comes as an intermediate: that is no colour.
    fn csi_dispatch(&mut self, parameters: &Params, intermediates: &[u8], ignored: bool, action: char) {
        let is_zero = || parameters.iter().all(|parameter| parameter == [0]);
        *self = match action {
            _ if ignored || !intermediates.is_empty() => Self::Other,
            'm' => Self::Sgr,
            'K' if is_zero() => Self::Erasure,
            _ => Self::Other,
        };
    }
}

/// Shows a character that must not be written: C0 and DEL by their Unicode pictures (`␛`), others by their number.
fn show_char(char: char, out: &mut Vec<u8>) {
    let picture = match char {
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(char)),
        '\x7f' => Some('\u{2421}'),
        _ => None,
    };
    match picture {
        Some(picture) => out.extend_from_slice(picture.encode_utf8(&mut [0; 4]).as_bytes()),
        None => out.extend(char.escape_unicode().map(|char| char as u8)),
    }
}

/// Shows a byte of something that is no character, or of a sequence that has no end.
fn show_byte(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b' '..=b'~' => out.push(byte),
        0..=0x7f => show_char(char::from(byte), out),
        0x80.. => out.extend(byte.escape_ascii()),
    }
}

#[cfg(test)]
#[path = "escape_tests.rs"]
mod tests;
