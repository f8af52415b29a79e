//! Which lines are told: those that are young enough and match, and those around them.

use super::Line;
use crate::model::instance::InstanceId;
use crate::output::{Author, Piece};
use regex::bytes::Regex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

/// Chooses among lines.
pub(super) struct Sieve {
    grep: Option<Regex>,
    since: Option<SystemTime>,
    context: usize,
    /// What stands around the matches of each: lines of others that came in between say nothing of them.
    around: BTreeMap<Option<InstanceId>, Around>,
}

/// What stands around the matches of an instance.
struct Around {
    /// The last that were not chosen.
    before: Kept,
    /// How many more are chosen after a match.
    after: usize,
}

impl Sieve {
    pub(super) fn new(grep: Option<Regex>, since: Option<SystemTime>, context: usize) -> Self {
        Self { grep, since, context, around: BTreeMap::new() }
    }

    /// Begins anew: nothing came before.
    pub(super) fn begin(&mut self) {
        self.around.clear();
    }

    /// Hands a line to `chosen`, or does not, or does so when a later one matches.
    pub(super) fn sift(&mut self, line: Line<'_>, mut chosen: impl FnMut(Line<'_>)) {
        if self.since.is_some_and(|since| line.at < since) {
            return;
        }
        // Without a pattern every line matches.
        let Some(grep) = &self.grep else { return chosen(line) };
        let is_match = grep.is_match(line.piece.bytes);
        if self.context == 0 {
            if is_match {
                chosen(line);
            }
            return;
        }
        let around = self.around.entry(line.author.instance);
        let around = around.or_insert_with(|| Around { before: Kept::new(self.context), after: 0 });
        if is_match {
            around.before.release(&mut chosen);
            around.after = self.context;
            chosen(line);
        } else if around.after > 0 {
            around.after -= 1;
            chosen(line);
        } else {
            around.before.keep(line);
        }
    }
}

/// The bytes of lines that are kept at most.
const MOST_KEPT: usize = 8 * 1024 * 1024;

/// The last lines that were kept.
struct Kept {
    most: usize,
    lines: VecDeque<Owned>,
    bytes: usize,
}

struct Owned {
    author: Arc<Author>,
    at: SystemTime,
    bytes: Vec<u8>,
    ended: bool,
}

impl Kept {
    fn new(most: usize) -> Self {
        Self { most, lines: VecDeque::new(), bytes: 0 }
    }

    /// Keeps a line, in the place of the oldest if there are enough.
    fn keep(&mut self, line: Line<'_>) {
        if self.most == 0 {
            return;
        }
        // Its memory is used again.
        let mut bytes = Vec::new();
        while self.lines.len() >= self.most || self.bytes > MOST_KEPT {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.bytes.len();
            bytes = oldest.bytes;
        }
        bytes.clear();
        bytes.extend_from_slice(line.piece.bytes);
        self.bytes += bytes.len();
        let (author, at) = (Arc::clone(line.author), line.at);
        self.lines.push_back(Owned { author, at, bytes, ended: line.piece.ended });
    }

    /// Hands them out.
    fn release(&mut self, to: &mut impl FnMut(Line<'_>)) {
        self.bytes = 0;
        for line in self.lines.drain(..) {
            let piece = Piece { bytes: &line.bytes, ended: line.ended };
            to(Line { author: &line.author, at: line.at, piece });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{Label, Stream};

    fn sifted(grep: &str, context: usize, lines: &[(u16, &str)]) -> Vec<String> {
        let mut sieve = Sieve::new(Some(Regex::new(grep).unwrap()), None, context);
        let mut chosen = Vec::new();
        for (number, text) in lines {
            let instance = Some(InstanceId { process: 0, number: *number });
            let author = Author { instance, label: Label::system(), pid: None, stream: Stream::Stdout };
            let piece = Piece { bytes: text.as_bytes(), ended: true };
            let line = Line { author: &Arc::new(author), at: SystemTime::UNIX_EPOCH, piece };
            sieve.sift(line, |line| chosen.push(String::from_utf8_lossy(line.piece.bytes).into_owned()));
        }
        chosen
    }

    #[test]
    fn around_a_match_are_lines_of_the_same_instance_each_once() {
        let lines = [(1, "a"), (2, "b"), (1, "hit"), (2, "c"), (1, "d"), (1, "e"), (1, "f"), (1, "hit")];
        assert_eq!(sifted("hit", 1, &lines), ["a", "hit", "d", "f", "hit"]);
        assert_eq!(sifted("hit", 2, &lines), ["a", "hit", "d", "e", "f", "hit"]);
        assert_eq!(sifted("hit", 0, &lines), ["hit", "hit"]);
        assert_eq!(sifted("b", 9, &lines), ["b", "c"]);
    }

    #[test]
    fn what_is_kept_is_bounded_in_number_and_in_bytes() {
        let author = Author { instance: None, label: Label::system(), pid: None, stream: Stream::Stdout };
        let (author, bytes) = (Arc::new(author), vec![b'x'; 64 * 1024]);
        let line =
            Line { author: &author, at: SystemTime::UNIX_EPOCH, piece: Piece { bytes: &bytes, ended: true } };
        let mut kept = Kept::new(1000);
        for _ in 0..2000 {
            kept.keep(line);
        }
        let mut count = 0;
        kept.release(&mut |_| count += 1);
        assert!((120..140).contains(&count), "{count}");
        let mut few = Kept::new(3);
        for _ in 0..9 {
            few.keep(line);
        }
        assert_eq!(few.lines.len(), 3);
    }
}
