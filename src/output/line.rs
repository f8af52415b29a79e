//! Cuts the bytes of one stream into lines, however they arrive.
//!
//! Nothing is decoded and nothing is changed: the pieces with a newline after each that ended in one are the input,
//! byte for byte. What a chunk holds complete is handed out as a slice of that chunk; only an unfinished rest is copied.

use memchr::{memchr_iter, memrchr};

/// Bytes of a line that are kept at most; a longer one is cut into continuations of this length.
pub const LONGEST: usize = 64 * 1024;

/// A line, or a part of one that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The bytes, without the newline; a carriage return is theirs.
    pub bytes: &'a [u8],
    /// Whether a newline came after them; otherwise the line goes on, or its stream has ended.
    pub ended: bool,
}

/// What has arrived of a line that has not ended yet: at most [`LONGEST`] bytes.
#[derive(Debug, Default)]
pub struct LineBuffer {
    rest: Vec<u8>,
}

impl LineBuffer {
    /// Takes the next bytes of the stream and hands every piece that they complete to `each`, in order.
    ///
    /// A line is cut only when a byte beyond [`LONGEST`] has arrived, so one of exactly that length stays whole and a
    /// cut is never followed by an empty piece.
    pub fn feed(&mut self, chunk: &[u8], mut each: impl FnMut(Piece<'_>)) {
        let mut start = 0;
        for end in memchr_iter(b'\n', chunk) {
            let line = &chunk[start..end];
            if self.rest.is_empty() && line.len() <= LONGEST {
                each(Piece { bytes: line, ended: true });
            } else {
                self.end(line, &mut each);
            }
            start = end + 1;
        }
        let rest = self.cut(&chunk[start..], &mut each);
        self.rest.extend_from_slice(rest);
    }

    /// Hands out the end of a line that began in an earlier chunk, or is too long for one piece.
    fn end(&mut self, line: &[u8], each: &mut impl FnMut(Piece<'_>)) {
        let line = self.cut(line, each);
        if self.rest.is_empty() {
            each(Piece { bytes: line, ended: true });
        } else {
            self.rest.extend_from_slice(line);
            each(Piece { bytes: &self.rest, ended: true });
            self.rest.clear();
        }
    }

    /// Hands out the continuations that `line` completes and returns what is left of it.
    fn cut<'a>(&mut self, line: &'a [u8], each: &mut impl FnMut(Piece<'_>)) -> &'a [u8] {
        let mut line = line;
        let space = LONGEST - self.rest.len();
        if !self.rest.is_empty() && line.len() > space {
            self.rest.extend_from_slice(&line[..space]);
            each(Piece { bytes: &self.rest, ended: false });
            self.rest.clear();
            line = &line[space..];
        }
        while self.rest.is_empty() && line.len() > LONGEST {
            each(Piece { bytes: &line[..LONGEST], ended: false });
            line = &line[LONGEST..];
        }
        line
    }

    /// Drops what a carriage return in the unfinished line takes back, and hands it to `dropped`; false if there is none.
    ///
    /// For a terminal, where what follows is written over it: so a progress bar never becomes a long line. A return at
    /// the very end takes back nothing yet, for a newline may follow.
    pub fn overwrite(&mut self, dropped: impl FnOnce(&[u8])) -> bool {
        let end = self.rest.iter().rposition(|byte| *byte != b'\r').map_or(0, |last| last + 1);
        // One return says as much as a row of them.
        self.rest.truncate(end + 1);
        let Some(at) = memrchr(b'\r', &self.rest[..end]) else { return false };
        dropped(&self.rest[..=at]);
        self.rest.drain(..=at);
        true
    }

    /// The beginning of the line that has not ended yet.
    #[must_use]
    pub fn tail(&self) -> &[u8] {
        &self.rest
    }

    /// Takes the beginning of the line out; the next byte fed begins a piece of its own.
    #[must_use]
    pub fn take_tail(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The pieces of the chunks, and the tail after them.
    fn pieces<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<(Vec<u8>, bool)>, Vec<u8>) {
        let mut buffer = LineBuffer::default();
        let mut pieces = Vec::new();
        for chunk in chunks {
            buffer.feed(chunk, |piece| pieces.push((piece.bytes.to_vec(), piece.ended)));
            assert!(buffer.tail().len() <= LONGEST);
        }
        (pieces, buffer.take_tail())
    }

    fn joined((pieces, tail): &(Vec<(Vec<u8>, bool)>, Vec<u8>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (piece, ended) in pieces {
            bytes.extend_from_slice(piece);
            bytes.extend(ended.then_some(b'\n'));
        }
        bytes.extend_from_slice(tail);
        bytes
    }

    #[test]
    fn a_line_is_handed_out_without_its_newline_and_with_its_carriage_return() {
        let (pieces, tail) = pieces([&b"one\r\n\ntw"[..], b"o\nthr"]);
        assert_eq!(pieces, [(b"one\r".to_vec(), true), (b"".to_vec(), true), (b"two".to_vec(), true)]);
        assert_eq!(tail, b"thr");
    }

    #[test]
    fn a_complete_line_is_a_slice_of_the_chunk() {
        let chunk = b"one\ntwo\n";
        let mut starts = Vec::new();
        LineBuffer::default().feed(chunk, |piece| starts.push(piece.bytes.as_ptr()));
        assert_eq!(starts, [chunk.as_ptr(), chunk[4..].as_ptr()]);
    }

    #[test]
    fn a_line_of_the_longest_length_stays_whole_and_one_byte_more_is_cut() {
        let mut line = vec![b'x'; LONGEST];
        line.push(b'\n');
        assert_eq!(pieces([&line[..]]).0, [(vec![b'x'; LONGEST], true)]);
        line.insert(0, b'x');
        assert_eq!(pieces([&line[..]]).0, [(vec![b'x'; LONGEST], false), (b"x".to_vec(), true)]);
        assert_eq!(pieces(line.chunks(1000)), pieces([&line[..]]));
    }

    #[test]
    fn after_a_tail_was_taken_the_next_byte_begins_a_piece() {
        let mut buffer = LineBuffer::default();
        buffer.feed(b"half", |piece| panic!("{piece:?}"));
        assert_eq!(buffer.take_tail(), b"half");
        let mut lines = Vec::new();
        buffer.feed(b" line\n", |piece| lines.push(piece.bytes.to_vec()));
        assert_eq!(lines, [b" line"]);
    }

    /// Stretches of bytes between newlines, some of them longer than a piece.
    fn input() -> impl Strategy<Value = Vec<u8>> {
        let stretch = prop_oneof![
            4 => proptest::collection::vec(any::<u8>(), 0..40),
            2 => Just(b"\n".to_vec()),
            1 => (LONGEST - 2..LONGEST * 2 + 3).prop_map(|length| vec![b'x'; length]),
        ];
        proptest::collection::vec(stretch, 0..8).prop_map(|stretches| stretches.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_chunking_changes_nothing_and_the_pieces_are_the_input(
            input in input(),
            sizes in proptest::collection::vec(prop_oneof![1..50_usize, 1..LONGEST * 2], 1..20),
        ) {
            let mut chunks = Vec::new();
            let mut rest = &input[..];
            for size in sizes {
                let (chunk, after) = rest.split_at(size.min(rest.len()));
                chunks.push(chunk);
                rest = after;
            }
            chunks.push(rest);
            let cut = pieces(chunks);
            prop_assert!(joined(&cut) == input);
            prop_assert!(cut == pieces([&input[..]]));
            prop_assert!(cut.0.iter().all(|(piece, ended)| *ended || piece.len() == LONGEST));
        }
    }
}
