//! A complaint about a place in a text, drawn with its line and a caret: `Procfile:3:5: …`.
//!
//! Parsers return [`ParseError`]s, which know where (`span`) and what (`kind`) but not in which file; [`ParseError::diagnose`]
//! turns one into a [`Diagnostic`], which can be shown. Every text that is drawn is made safe for a terminal first.

use std::fmt;

/// A half-open range of bytes in the text that was parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte; equal to `start` for a place between two bytes.
    pub end: usize,
}

impl Span {
    /// The range from `start` up to but not including `end`, both in bytes.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }
}

/// How bad it is: an error stops the command, a warning does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is started.
    Error,
    /// Said, and gone on from.
    Warning,
}

/// What a parser found wrong, where; the words are in the `Display` of `K`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError<K> {
    /// The offending bytes.
    pub span: Span,
    /// What is wrong with them.
    pub kind: K,
}

/// What a kind of parse error adds to its words.
pub trait Explain: fmt::Display {
    /// An error, or only a warning.
    fn severity(&self) -> Severity {
        Severity::Error
    }

    /// What to do about it, where that is obvious.
    fn hint(&self) -> Option<String> {
        None
    }

    /// How much of the offending line may be shown, as a range of its bytes.
    ///
    /// `line` is the whole line without its end. The default shows all of it; a file whose values are secrets shows less.
    fn visible(&self, line: &str) -> std::ops::Range<usize> {
        0..line.len()
    }
}

impl<K: Explain> ParseError<K> {
    /// The error as something to show, given the name of the file and the text it was parsed from.
    #[must_use]
    pub fn diagnose(&self, file: &str, text: &str) -> Diagnostic {
        let start = floor_char(text, self.span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[line_start..].split('\n').next().unwrap_or_default().trim_end_matches('\r');
        let column = start.min(line_start + line.len()) - line_start;
        let visible = self.kind.visible(line);
        let shown = &line[floor_char(line, visible.start)..floor_char(line, visible.end)];
        let length = floor_char(text, self.span.end).saturating_sub(start);
        Diagnostic {
            severity: self.kind.severity(),
            file: file.to_owned(),
            line: text[..line_start].matches('\n').count() + 1,
            column: line[..column].chars().count() + 1,
            message: self.kind.to_string(),
            excerpt: (!shown.trim().is_empty()).then(|| Excerpt::new(shown, column, length)),
            hint: self.kind.hint(),
        }
    }
}

/// A complaint ready to be shown: place, words, line with caret, hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// An error or a warning.
    pub severity: Severity,
    /// The file as the user named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// The line and the place in it, unless it may not be shown.
    pub excerpt: Option<Excerpt>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        let file = printable(&self.file);
        write!(f, "{file}:{}:{}: {label}{}", self.line, self.column, self.message)?;
        if let Some(excerpt) = &self.excerpt {
            let gutter = self.line.to_string();
            let blank = " ".repeat(gutter.len());
            write!(f, "\n {gutter} | {}\n {blank} | {}", excerpt.text, excerpt.caret)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// A line of the source, cut to a readable length, and the carets that go below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    text: String,
    caret: String,
}

/// Characters of a line that are shown at most: enough to recognise it, little enough for a terminal.
const WIDTH: usize = 100;

impl Excerpt {
    /// Draws `line` with carets under the `length` bytes from byte `column` on.
    fn new(line: &str, column: usize, length: usize) -> Self {
        let column = floor_char(line, column.min(line.len()));
        let end = floor_char(line, column.saturating_add(length).min(line.len()));
        let before = line[..column].chars().count();
        let skipped = before.saturating_sub(WIDTH / 2);
        let mut text = String::from(if skipped > 0 { "…" } else { "" });
        let mut caret = String::from(if skipped > 0 { " " } else { "" });
        for (index, (offset, char)) in line.char_indices().enumerate().skip(skipped) {
            if index >= skipped + WIDTH {
                text.push('…');
                break;
            }
            let drawn = printable(char.encode_utf8(&mut [0; 4]));
            let mark = if (column..end.max(column + 1)).contains(&offset) { "^" } else { " " };
            caret.extend(drawn.chars().map(|_| mark));
            text.push_str(&drawn);
        }
        if column >= line.len() {
            caret.push('^');
        }
        Self { text: text.trim_end().to_owned(), caret: caret.trim_end().to_owned() }
    }
}

/// The text with every control character made visible, so that showing it cannot do anything to a terminal.
///
/// A tab becomes one blank; that keeps a caret in its place.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|char| match char {
            '\t' => vec![' '],
            char if is_unsafe(char) => char.escape_unicode().collect(),
            char => vec![char],
        })
        .collect()
}

/// Control characters, C1 included, and those that change the direction of what follows (CVE-2021-42574).
pub(crate) fn is_unsafe(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The nearest character boundary at or before `offset`.
fn floor_char(text: &str, offset: usize) -> usize {
    text.floor_char_boundary(offset)
}

/// The candidate that was most likely meant by `word`, if one is near enough to suggest.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().max(word.len()) / 5)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Bad(Option<&'static str>);

    impl fmt::Display for Bad {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("this is bad")
        }
    }

    impl Explain for Bad {
        fn hint(&self) -> Option<String> {
            self.0.map(ToOwned::to_owned)
        }
    }

    fn draw(text: &str, start: usize, end: usize) -> String {
        let error = ParseError { span: Span::new(start, end), kind: Bad(Some("do better")) };
        error.diagnose("Procfile", text).to_string()
    }

    #[test]
    fn the_caret_stands_under_the_offending_bytes() {
        insta::assert_snapshot!(draw("web: a\nwor ker: b\n", 10, 14), @r"
        Procfile:2:4: this is bad
         2 | wor ker: b
           |    ^^^^
          hint: do better
        ");
    }

    #[test]
    fn a_column_counts_characters_and_a_tab_is_one() {
        let text = "\th\u{e9}: x";
        let drawn = draw(text, text.find(':').unwrap(), text.find(':').unwrap() + 1);
        insta::assert_snapshot!(drawn, @r"
        Procfile:1:4: this is bad
         1 |  hé: x
           |    ^
          hint: do better
        ");
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("{}!{}", "a".repeat(500), "b".repeat(500));
        let drawn = draw(&text, 500, 501);
        assert!(drawn.lines().all(|line| line.chars().count() < 120), "{drawn}");
        let [_, line, caret, _] = drawn.lines().collect::<Vec<_>>()[..] else { panic!("{drawn}") };
        let place = caret.chars().position(|char| char == '^').unwrap();
        assert_eq!(line.chars().nth(place), Some('!'), "{drawn}");
    }

    #[test]
    fn control_characters_are_shown_and_not_sent() {
        let drawn = draw("a\u{1b}]0;x\u{7}b", 1, 2);
        assert!(!drawn.contains(['\u{1b}', '\u{7}']), "{drawn}");
        assert!(drawn.contains(r"\u{1b}"), "{drawn}");
    }

    #[test]
    fn any_span_in_any_text_can_be_drawn() {
        proptest::proptest!(|(text in "(?s).{0,60}", start in 0usize..80, length in 0usize..80)| {
            let _ = draw(&text, start, start + length);
        });
    }

    #[test]
    fn a_near_word_is_suggested_and_a_far_one_is_not() {
        assert_eq!(nearest("wrker", ["web", "worker"]), Some("worker"));
        assert_eq!(nearest("wbe", ["web", "worker"]), Some("web"));
        assert_eq!(nearest("redis", ["web", "worker"]), None);
    }
}
