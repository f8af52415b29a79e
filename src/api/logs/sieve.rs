//! Which lines are told: those that are young enough and match, and those around them.

use super::Line;
use crate::output::{Author, Piece};
use regex::bytes::Regex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

/// Chooses among lines.
pub(super) struct Sieve {
    grep: Option<Regex>,
    since: Option<SystemTime>,
    context: usize,
    /// The last that were not chosen.
    before: Kept,
    /// How many more are chosen after a match.
    after: usize,
}

impl Sieve {
    pub(super) fn new(grep: Option<Regex>, since: Option<SystemTime>, context: usize) -> Self {
        // Without a pattern every line matches, and there is nothing around them.
        let context = if grep.is_some() { context } else { 0 };
        Self { grep, since, context, before: Kept::new(context), after: 0 }
    }

    /// Hands a line to `chosen`, or does not, or does so when a later one matches.
    pub(super) fn sift(&mut self, line: Line<'_>, mut chosen: impl FnMut(Line<'_>)) {
        if self.since.is_some_and(|since| line.at < since) {
            return;
        }
        if self.grep.as_ref().is_none_or(|grep| grep.is_match(line.piece.bytes)) {
            self.before.release(&mut chosen);
            self.after = self.context;
            chosen(line);
        } else if self.after > 0 {
            self.after -= 1;
            chosen(line);
        } else {
            self.before.keep(line);
        }
    }
}

/// The last lines that were kept.
pub(super) struct Kept {
    most: usize,
    lines: VecDeque<Owned>,
}

struct Owned {
    author: Arc<Author>,
    at: SystemTime,
    bytes: Vec<u8>,
    ended: bool,
}

impl Kept {
    pub(super) fn new(most: usize) -> Self {
        Self { most, lines: VecDeque::new() }
    }

    /// Keeps a line, in the place of the oldest if there are enough.
    pub(super) fn keep(&mut self, line: Line<'_>) {
        if self.most == 0 {
            return;
        }
        let is_full = self.lines.len() >= self.most;
        // Its memory is used again.
        let mut bytes = if is_full { self.lines.pop_front() } else { None }
            .map(|oldest| oldest.bytes)
            .unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(line.piece.bytes);
        self.lines.push_back(Owned {
            author: Arc::clone(line.author),
            at: line.at,
            bytes,
            ended: line.piece.ended,
        });
    }

    /// Hands them out.
    pub(super) fn release(&mut self, to: &mut impl FnMut(Line<'_>)) {
        for line in self.lines.drain(..) {
            let piece = Piece { bytes: &line.bytes, ended: line.ended };
            to(Line { author: &line.author, at: line.at, piece });
        }
    }
}
