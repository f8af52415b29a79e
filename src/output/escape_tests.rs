//! What comes out of the filter: a corpus of sequences that terminals obey, and the proof that none gets through.

use super::*;
use proptest::prelude::*;

/// What a terminal is given of these chunks.
fn given<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> String {
    let (mut filter, mut out) = (Filter::default(), Vec::new());
    for chunk in chunks {
        filter.feed(chunk, &mut out);
    }
    filter.end(&mut out);
    filter.pause(&mut out);
    String::from_utf8(out).unwrap()
}

/// The same with ESC written as `^`.
fn filtered<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> String {
    given(chunks).replace('\x1b', "^")
}

fn shown(text: &str) -> String {
    filtered([text.as_bytes()])
}

#[test]
fn text_passes() {
    for text in ["", "plain ~!\ttext", "größer 日本語 🦀 e\u{301}", "\u{a0}\u{ad}\u{fffd}"] {
        assert_eq!(shown(text), text);
    }
}

#[test]
fn colours_pass_and_are_turned_off_at_the_end() {
    assert_eq!(shown("\x1b[31mred\x1b[0m"), "^[31mred^[0m^[0m");
    assert_eq!(shown("\x1b[m"), "^[m^[0m");
    assert_eq!(shown("\x1b[;1m"), "^[;1m^[0m");
    assert_eq!(shown("\x1b[38:2::1:2:3;4:3m"), "^[38:2::1:2:3;4:3m^[0m");
}

#[test]
fn every_other_sequence_is_shown() {
    for (text, expected) in [
        ("\x1b[2J\x1b[H", "␛[2J␛[H"),                       // clear, home
        ("\x1b[1;1H\x1b[10A\x1b[1K", "␛[1;1H␛[10A␛[1K"),    // cursor, erase
        ("\x1bc\x1b#8\x1b7\x1b8", "␛c␛#8␛7␛8"),             // reset, test picture, save, restore
        ("\x1b]0;title\x07", "␛]0;title␇"),                 // title
        ("\x1b]52;c;ZXZpbA==\x1b\\", "␛]52;c;ZXZpbA==␛\\"), // clipboard
        ("\x1b]8;;http://x\x1b\\a\x1b]8;;\x1b\\", "␛]8;;http://x␛\\a␛]8;;␛\\"), // hyperlink
        ("\x1b[c\x1b[6n\x1b[>c\x1b[0x", "␛[c␛[6n␛[>c␛[0x"), // queries, answered by typing
        ("\x1b[?1049h\x1b[?25l", "␛[?1049h␛[?25l"),         // other screen, no cursor
        ("\x1b[>4;2m\x1b[?4m\x1b[4$m\x1b[1 m", "␛[>4;2m␛[?4m␛[4$m␛[1 m"), // like colours, and none
        ("\x1bP$q\x22p\x1b\\\x1b_x\x1b\\\x1b^x\x1b\\\x1bXx\x1b\\", "␛P$q\"p␛\\␛_x␛\\␛^x␛\\␛Xx␛\\"), // DCS, APC, PM, SOS
        ("\x1b(0\x1b%G\x0e\x0f", "␛(0␛%G␎␏"), // character sets
        ("\0\x07\x08\x0b\x0c\r\n\x7f", "␀␇␈␋␌␍␊␡"),
        ("\u{9b}2J\u{85}\u{90}", "\\u{9b}2J\\u{85}\\u{90}"), // C1 in UTF-8
        ("a\u{202e}b\u{2066}c\u{61c}d", "a\\u{202e}b\\u{2066}c\\u{61c}d"), // text that runs backwards
        ("\x1b[31\x1b[32m", "␛[31^[32m^[0m"),
        ("\x1b[3\x0d1m\x1b[3\x7f1m", "␛[3␍1m␛[3␡1m"),
        ("\x1b\x1b[31m", "␛^[31m^[0m"),
    ] {
        assert_eq!(shown(text), expected, "{text:?}");
    }
}

#[test]
fn an_erasure_of_the_rest_of_the_line_is_nothing() {
    // As grep and gcc have it behind every colour.
    assert_eq!(shown("\x1b[31m\x1b[Kneedle\x1b[m\x1b[0K in hay"), "^[31mneedle^[m in hay^[0m");
    assert_eq!(shown("\x1b[1K\x1b[2K\x1b[?K\x1b[0;0;1K"), "␛[1K␛[2K␛[?K␛[0;0;1K");
}

#[test]
fn text_cannot_be_hidden() {
    assert_eq!(shown("a\x1b[8mb\x1b[1;8mc\x1b[08md"), "a␛[8mb␛[1;8mc␛[08md");
    assert_eq!(shown("\x1b[38;5;8mgrey\x1b[48;2;8;8;8mon"), "^[38;5;8mgrey^[48;2;8;8;8mon^[0m");
}

#[test]
fn bytes_that_are_no_text_are_shown() {
    assert_eq!(filtered([&b"\x9b2J\xff\xc3(\x80"[..]]), "\\x9b2J\\xff\\xc3(\\x80");
}

#[test]
fn what_is_cut_is_waited_for_and_shown_if_the_rest_never_comes() {
    assert_eq!(filtered([&b"\x1b"[..], b"[3", b"1mred"]), "^[31mred^[0m");
    assert_eq!(filtered([&b"\xe6\x97"[..], b"\xa5"]), "日");
    assert_eq!(filtered([&b"\xe6\x97"[..], b"x"]), "\\xe6\\x97x");
    assert_eq!(filtered([&b"\x1b[3"[..]]), "␛[3");
    assert_eq!(filtered([&b"\xe6\x97"[..]]), "\\xe6\\x97");
    assert_eq!(shown("\x1b[日"), "␛[日", "text behind it stays text");
}

#[test]
fn a_sequence_without_an_end_is_not_waited_for_for_ever() {
    let long = format!("\x1b[{}", "1;".repeat(200));
    let mut filter = Filter::default();
    let mut out = Vec::new();
    filter.feed(long.as_bytes(), &mut out);
    assert!(!filter.is_waiting());
    assert_eq!(String::from_utf8(out).unwrap(), long.replace('\x1b', "␛"));
}

#[test]
fn a_row_of_beginnings_is_shown_as_one() {
    assert_eq!(shown(&"\x1b[".repeat(10_000)), "␛[".repeat(10_000));
}

#[test]
fn what_was_left_on_is_turned_off_and_taken_up_again() {
    let (mut filter, mut out) = (Filter::default(), Vec::new());
    filter.resume(&mut out);
    filter.pause(&mut out);
    assert_eq!(out, b"");
    filter.feed(b"\x1b[1;31mone", &mut out);
    filter.pause(&mut out);
    out.extend_from_slice(b"|");
    filter.resume(&mut out);
    filter.feed(b"two\x1b[22;39m", &mut out);
    filter.pause(&mut out);
    out.extend_from_slice(b"|");
    filter.resume(&mut out);
    filter.pause(&mut out);
    let expected = "^[1;31mone^[0m|^[1;31mtwo^[22;39m^[0m|";
    assert_eq!(String::from_utf8(out).unwrap().replace('\x1b', "^"), expected);
}

#[test]
fn what_is_skipped_still_leaves_its_colours_on() {
    let (mut filter, mut out) = (Filter::default(), Vec::new());
    filter.skip(b"50%\x1b[32m");
    filter.resume(&mut out);
    assert_eq!(out, b"\x1b[32m");
}

/// Bytes of which many are part of a sequence.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        "\\PC".prop_map(String::into_bytes),
        proptest::sample::select(vec![
            "\x1b", "\x1b[", "[", "31", ";", ":", "m", "\x1b]", "\x07", "\u{9b}", "\x1b[0m", "\r", "?"
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Takes the colours out; what is left must be harmless.
fn without_colours(text: &str) -> String {
    let mut pieces = text.split("\x1b[");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        let end = piece.find('m').unwrap();
        assert!(piece[..end].bytes().all(|byte| matches!(byte, b'0'..=b';')), "{piece:?}");
        text + &piece[end + 1..]
    })
}

proptest! {
    #[test]
    fn nothing_but_text_and_colours_comes_out(bytes in hostile()) {
        let out = given([&bytes[..]]);
        let text = without_colours(&out);
        prop_assert!(text.chars().all(|char| char == '\t' || !is_unsafe(char)), "{:?}", text);
    }

    #[test]
    fn chunks_make_no_difference(bytes in hostile(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..5)) {
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        let chunks = places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
        prop_assert_eq!(filtered(chunks), filtered([&bytes[..]]));
    }
}
