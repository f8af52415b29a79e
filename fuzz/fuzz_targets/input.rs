//! What the bytes of the fuzzer mean, so that a seed can be written by hand.

/// The input of a target, and the lengths of the chunks in which it arrives, in turn.
pub struct Input<'a> {
    pub bytes: &'a [u8],
    lengths: [usize; 4],
}

impl<'a> Input<'a> {
    /// The first four bytes are the lengths (` ` is 32); they end in the newline of the first line of a seed.
    pub fn read(data: &'a [u8]) -> Option<Self> {
        let (lengths, bytes) = data.split_first_chunk::<4>()?;
        Some(Self { bytes: bytes.strip_prefix(b"\n").unwrap_or(bytes), lengths: lengths.map(usize::from) })
    }

    /// `bytes` in chunks, whose lengths are counted in this unit.
    pub fn chunks<'b>(&self, bytes: &'b [u8], unit: usize) -> Vec<&'b [u8]> {
        let mut rest = bytes;
        let mut chunks = Vec::new();
        for length in self.lengths.iter().cycle() {
            if rest.is_empty() {
                return chunks;
            }
            let (chunk, after) = rest.split_at(rest.len().min((length + 1) * unit));
            chunks.push(chunk);
            rest = after;
        }
        chunks
    }
}
