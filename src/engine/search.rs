//! Looking for a text in output as it comes, in pieces that are cut anywhere. What is remembered of it is shorter than the text.

use memchr::memmem::Finder;

/// A text that is looked for in one stream.
#[derive(Debug, Clone)]
pub(super) struct Search {
    finder: Finder<'static>,
    /// The end of what has come: as much as may be the beginning of the text.
    before: Vec<u8>,
}

impl Search {
    /// A search for this text.
    pub(super) fn new(text: &str) -> Self {
        Self { finder: Finder::new(text).into_owned(), before: Vec::new() }
    }

    /// Whether the text ends in this piece.
    pub(super) fn feed(&mut self, piece: &[u8]) -> bool {
        let most = self.finder.needle().len().saturating_sub(1);
        if self.finder.find(piece).is_some() {
            return true;
        }
        self.before.extend_from_slice(&piece[..piece.len().min(most)]);
        if self.finder.find(&self.before).is_some() {
            return true;
        }
        if piece.len() >= most {
            self.before.clear();
            self.before.extend_from_slice(&piece[piece.len() - most..]);
        } else {
            let surplus = self.before.len().saturating_sub(most);
            self.before.drain(..surplus);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_is_found_however_it_is_cut() {
        let all = b"it is ready to accept connections\n";
        for size in 1..=all.len() {
            let mut search = Search::new("ready to accept");
            let found = all.chunks(size).position(|piece| {
                assert!(search.before.len() < "ready to accept".len());
                search.feed(piece)
            });
            assert_eq!(found, Some((all.len() - " connections\n".len() - 1) / size), "{size}");
        }
    }

    proptest! {
        #[test]
        fn it_is_found_exactly_if_it_is_there(pieces in prop::collection::vec("[ab]{0,6}", 0..20), text in "[ab]{1,5}") {
            let mut search = Search::new(&text);
            let is_found = pieces.iter().any(|piece| search.feed(piece.as_bytes()));
            prop_assert_eq!(is_found, pieces.concat().contains(&text));
        }
    }
}
