//! The line splitter: however the bytes arrive, the same pieces come out, and together they are the input.
#![no_main]

mod input;

use input::Input;
use libfuzzer_sys::fuzz_target;
use proc_start::output::{LONGEST, LineBuffer};

fuzz_target!(|data: &[u8]| {
    let Some(input) = Input::read(data) else { return };
    let bytes = stretched(input.bytes);
    let cut = pieces(&input.chunks(&bytes, 199));
    assert_eq!(cut, pieces(&[&bytes]));
    assert!(cut.iter().rev().skip(1).all(|(piece, ended)| *ended || piece.len() == LONGEST));
    assert!(joined(&cut) == bytes);
});

/// Long lines from short inputs: one of the last sixteen bytes stands for a stretch of up to 64 KiB.
fn stretched(bytes: &[u8]) -> Vec<u8> {
    let mut stretched = Vec::new();
    for byte in bytes {
        let length = usize::from(byte.saturating_sub(0xef)) * 4096;
        stretched.resize(stretched.len() + length.max(1), *byte);
    }
    stretched
}

/// The pieces, with the tail as the last one; whether a newline came after each.
fn pieces(chunks: &[&[u8]]) -> Vec<(Vec<u8>, bool)> {
    let mut lines = LineBuffer::default();
    let mut pieces = Vec::new();
    for chunk in chunks {
        lines.feed(chunk, |piece| pieces.push((piece.bytes.to_vec(), piece.ended)));
        assert!(lines.tail().len() <= LONGEST);
    }
    pieces.push((lines.take_tail(), false));
    pieces
}

fn joined(pieces: &[(Vec<u8>, bool)]) -> Vec<u8> {
    let with_end = |(piece, ended): &(Vec<u8>, bool)| [piece, &b"\n"[..usize::from(*ended)]].concat();
    pieces.iter().map(with_end).collect::<Vec<_>>().concat()
}
