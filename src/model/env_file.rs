//! Reads an env file: `KEY=value` a line, quotes, comments and variables, by the grammar of the man page and no other.
//!
//! It reads all of a file or none of it: half an environment is worse than an error. Values are secrets, so neither an
//! error nor a debug form shows one; of an offending line only what is plainly a key is drawn.

use std::fmt;
use std::ops::Range;

use super::diagnostic::{Explain, ParseError, Span};
use super::secret::Secrets;
use super::template::{DEPTH, Escapes, Segment, Template, TooDeep};

/// The largest env file that is read, in bytes: 1 MiB.
pub const LARGEST: usize = 1024 * 1024;

/// The entries of an env file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnvFile {
    /// In file order, duplicates included.
    pub entries: Vec<Entry>,
}

/// One `KEY=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name of the variable, see [`is_key`].
    pub key: String,
    /// What it is set to, variables not filled in yet.
    pub value: Template,
    /// The line that it begins in, from 1.
    pub line: usize,
    /// Its source in the bytes of the file, a comment behind it included, the end of the last line not.
    pub span: Span,
}

impl Entry {
    /// Whether something of the value looks like a secret, or is one by name: what stands here, not what a variable brings.
    #[must_use]
    pub fn holds_secret(&self, secrets: &Secrets) -> bool {
        self.value.segments().iter().any(|segment| match segment {
            Segment::Literal(text) => secrets.masked(&self.key, text) != text.as_str(),
            Segment::Variable { .. } => false,
        })
    }
}

/// A kind of quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    /// `'`: what is inside is raw.
    Single,
    /// `"`: escapes and variables inside.
    Double,
}

/// What can be wrong with an env file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvFileError {
    /// The file is larger than [`LARGEST`].
    #[error("the file is larger than 1 MiB")]
    TooLarge,
    /// A byte that is not UTF-8; nothing after it was looked at.
    #[error("not UTF-8")]
    NotUtf8,
    /// A NUL byte, which no environment can hold.
    #[error("a NUL byte")]
    Nul,
    /// A line that is neither blank nor a comment and has no `=`.
    #[error("no `=` in this line")]
    NoEquals,
    /// `KEY: value`.
    #[error("`:` after the key where `=` belongs")]
    Colon,
    /// Nothing before the `=`.
    #[error("no key before the `=`")]
    NoKey,
    /// Something before the `=` that is no key.
    #[error("this is not a key")]
    BadKey,
    /// The value begins with a quote that no other ends.
    #[error("this {} is never closed", .0.name())]
    Unclosed(Quote),
    /// More than a comment after the closing quote.
    #[error("text after the closing quote{}", Opened(*.opened))]
    AfterQuote {
        /// The line of the opening quote, where that is an earlier one.
        opened: Option<usize>,
    },
    /// Defaults within defaults, without end.
    #[error("more than {DEPTH} defaults inside one another")]
    TooDeep,
}

/// ` of line 3`, or nothing.
struct Opened(Option<usize>);

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, " of the value that begins in line {line}"))
    }
}

impl Quote {
    const fn name(self) -> &'static str {
        match self {
            Self::Single => "single quote",
            Self::Double => "double quote",
        }
    }

    const fn char(self) -> char {
        match self {
            Self::Single => '\'',
            Self::Double => '"',
        }
    }

    /// The quote that `text` begins with.
    fn opening(text: &str) -> Option<Self> {
        [Self::Single, Self::Double].into_iter().find(|quote| text.starts_with(quote.char()))
    }

    /// Where in `text`, which begins after the opening quote, the closing one is.
    fn closing(self, text: &str) -> Option<usize> {
        let mut escaped = false;
        text.bytes().position(|byte| {
            let found = !escaped && byte == self.char() as u8;
            escaped = self == Self::Double && byte == b'\\' && !escaped;
            found
        })
    }
}

/// Which characters a key has; said wherever one is refused.
pub(super) const KEY_RULE: &str =
    "a key has letters, digits, `_`, `.` and `-`, and begins with a letter or `_`";

impl Explain for EnvFileError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoEquals => "write KEY=value; a comment begins with `#`".into(),
            Self::Colon => "write KEY=value".into(),
            Self::BadKey | Self::NoKey => KEY_RULE.into(),
            Self::Unclosed(Quote::Single) => {
                "close it with ', or put a value that begins with ' in \"…\"".into()
            }
            Self::Unclosed(Quote::Double) => {
                "close it with \", or put a value that begins with \" in '…'".into()
            }
            Self::AfterQuote { .. } => {
                "put all of the value in quotes; a comment needs a blank before `#`".into()
            }
            Self::TooLarge | Self::NotUtf8 | Self::Nul | Self::TooDeep => return None,
        })
    }

    /// The key, where the line surely is not the middle of a value.
    fn visible(&self, line: &str) -> Range<usize> {
        match self {
            Self::NoKey
            | Self::BadKey
            | Self::Unclosed(_)
            | Self::AfterQuote { opened: None }
            | Self::TooDeep => visible_key(line),
            Self::TooLarge
            | Self::NotUtf8
            | Self::Nul
            | Self::NoEquals
            | Self::Colon
            | Self::AfterQuote { opened: Some(_) } => 0..0,
        }
    }
}

/// How much of a line of an env file may be shown: a plausible key and its `=`, or nothing.
///
/// Nothing either where only `=` follows, as at the end of base64.
pub(super) fn visible_key(line: &str) -> Range<usize> {
    let Some((key, value)) = line.split_once('=') else { return 0..0 };
    let value = value.trim();
    if !is_plausible_key(key) || value.is_empty() || value == "=" { 0..0 } else { 0..key.len() + 1 }
}

/// Whether this looks so much like a key, right or wrong, that it may be shown.
pub(super) fn is_plausible_key(text: &str) -> bool {
    let plausible = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '.' | '-' | ' ' | '\t');
    text.len() <= 32 && text.chars().all(plausible)
}

/// Whether this is a key: `[A-Za-z_][A-Za-z0-9_.-]*`.
#[must_use]
pub fn is_key(text: &str) -> bool {
    text.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_') && key_length(text) == text.len()
}

/// How many bytes at the front of `text` a key may consist of.
fn key_length(text: &str) -> usize {
    let other = |char: char| !char.is_ascii_alphanumeric() && !matches!(char, '_' | '.' | '-');
    text.find(other).unwrap_or(text.len())
}

/// Reads an env file; where anything is wrong, all that is wrong.
pub fn parse(bytes: &[u8]) -> Result<EnvFile, Vec<ParseError<EnvFileError>>> {
    if bytes.len() > LARGEST {
        return Err(vec![ParseError { span: Span::new(0, 0), kind: EnvFileError::TooLarge }]);
    }
    let text = str::from_utf8(bytes).map_err(|error| {
        let start = error.valid_up_to();
        vec![ParseError { span: Span::new(start, start + 1), kind: EnvFileError::NotUtf8 }]
    })?;
    let mut reader = Reader { text, at: if text.starts_with(BOM) { BOM.len_utf8() } else { 0 }, line: 1 };
    let mut entries = Vec::new();
    let mut errors = Vec::new();
    while reader.at < text.len() {
        match reader.statement() {
            Ok(entry) => entries.extend(entry),
            Err(error) => {
                let is_open = matches!(error.kind, EnvFileError::Unclosed(_));
                errors.push(error);
                // All that follows may be a value, which is neither to be read nor to be shown.
                if is_open {
                    break;
                }
            }
        }
    }
    if errors.is_empty() { Ok(EnvFile { entries }) } else { Err(errors) }
}

const BOM: char = '\u{feff}';

/// Blanks: what may stand around a key and before a comment.
const BLANK: [char; 2] = [' ', '\t'];

/// A place in the text, always at the beginning of a line between two statements.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

type Found<T> = Result<T, ParseError<EnvFileError>>;

impl<'a> Reader<'a> {
    /// Reads what begins in this line, and goes on to the line after it, or after its first line where it is wrong.
    fn statement(&mut self) -> Found<Option<Entry>> {
        let (start, number) = (self.at, self.line);
        let line = self.text[start..self.line_end(start)].trim_start_matches(BLANK);
        let start = self.line_end(start) - line.len();
        let read = match line.find('\0') {
            Some(nul) => Err(error(start + nul, 1, EnvFileError::Nul)),
            None if line.is_empty() || line.starts_with('#') => Ok(None),
            None => self.entry(start, line).map(Some),
        };
        // An entry may have taken more lines than this one.
        let end = self.line_end(self.at.max(start));
        self.at = self.text[end..].find('\n').map_or(self.text.len(), |newline| end + newline + 1);
        self.line = number + self.text[start..self.at].bytes().filter(|byte| *byte == b'\n').count();
        read
    }

    /// Where the line that `at` is in ends, its CR or CRLF left out.
    fn line_end(&self, at: usize) -> usize {
        let rest = &self.text[at..];
        let line = rest.split('\n').next().unwrap_or_default();
        at + line.strip_suffix('\r').unwrap_or(line).len()
    }

    /// Reads the entry that `line` begins with; `start` is where that is.
    fn entry(&mut self, start: usize, line: &'a str) -> Found<Entry> {
        let (key, value) = split_entry(start, line)?;
        let number = self.line;
        let (template, end) = if let Some(quote) = Quote::opening(&self.text[value..]) {
            self.quoted(value, quote)?
        } else {
            let end = start + line.len();
            (Template::read(without_comment(&self.text[..end], value), Escapes::Plain), end)
        };
        let value = template.map_err(|TooDeep| error(start, line.len(), EnvFileError::TooDeep))?;
        Ok(Entry { key: key.to_owned(), value, line: number, span: Span::new(start, end) })
    }

    /// Reads the value whose opening quote is at `open`; returns it and where its last line ends.
    fn quoted(&mut self, open: usize, quote: Quote) -> Found<(Result<Template, TooDeep>, usize)> {
        let inside = &self.text[open + 1..];
        let Some(length) = quote.closing(inside) else {
            return Err(error(open, 1, EnvFileError::Unclosed(quote)));
        };
        let raw = &inside[..length];
        self.at = open + 1 + length + 1;
        let end = self.line_end(self.at);
        if let Some(nul) = self.text[open..end].find('\0') {
            return Err(error(open + nul, 1, EnvFileError::Nul));
        }
        let after = &self.text[self.at..end];
        let junk = after.trim_start_matches(BLANK);
        let is_comment = junk.starts_with('#') && junk.len() < after.len();
        if !junk.is_empty() && !is_comment {
            let opened = raw.contains('\n').then_some(self.line);
            return Err(error(end - junk.len(), junk.len(), EnvFileError::AfterQuote { opened }));
        }
        let template = match quote {
            Quote::Single => Ok(Template::literal(raw.replace("\r\n", "\n"))),
            Quote::Double => Template::read(raw, Escapes::Backslash),
        };
        Ok((template, end))
    }
}

const fn error(start: usize, length: usize, kind: EnvFileError) -> ParseError<EnvFileError> {
    ParseError { span: Span::new(start, start + length), kind }
}

/// The key of the entry in `line`, and where in the text its value begins, blanks left out.
fn split_entry(start: usize, line: &str) -> Found<(&str, usize)> {
    let key_at = start + export_length(line);
    let rest = &line[key_at - start..];
    let (key, after) = rest.split_at(key_length(rest));
    let after = after.trim_start_matches(BLANK);
    if let Some(value) = after.strip_prefix('=')
        && is_key(key)
    {
        return Ok((key, start + line.len() - value.trim_start_matches(BLANK).len()));
    }
    if is_key(key) && (after == ":" || after.starts_with(": ") || after.starts_with(":\t")) {
        return Err(error(start + line.len() - after.len(), 1, EnvFileError::Colon));
    }
    let Some((key, _)) = rest.split_once('=') else {
        return Err(error(start, line.len(), EnvFileError::NoEquals));
    };
    let key = key.trim_end_matches(BLANK);
    let kind = if key.is_empty() { EnvFileError::NoKey } else { EnvFileError::BadKey };
    Err(error(key_at, key.len().max(1), kind))
}

/// How long the `export ` in front of the key is; `export` may be a key, too.
fn export_length(line: &str) -> usize {
    let Some(rest) = line.strip_prefix("export").filter(|rest| rest.starts_with(BLANK)) else { return 0 };
    let key = rest.trim_start_matches(BLANK);
    if key.is_empty() || key.starts_with('=') { 0 } else { line.len() - key.len() }
}

/// The unquoted value that begins at `start` and goes on to the end of `text` or a comment, trailing blanks left out.
///
/// A `#` begins a comment only where a blank stands before it, be that the one after the `=`.
fn without_comment(text: &str, start: usize) -> &str {
    let hash = |(at, _): &(usize, &str)| text[..start + at].ends_with(BLANK);
    let end = text[start..].match_indices('#').find(hash).map_or(text.len(), |(at, _)| start + at);
    text[start..end].trim_end_matches(BLANK)
}

/// The value as an env file would have it, in the simplest form that reads back as the same value.
///
/// Bare, in single quotes or in double quotes, always on one line unless there is a NUL, which no env file can hold.
/// dotenv libraries and shells read the first two forms the same; of the third they know all escapes but `\r`.
#[must_use]
pub fn quote(value: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:@%+,=".contains(&byte);
    if value.bytes().all(bare) {
        return value.to_owned();
    }
    if !value.contains(['\'', '\\', '\n', '\r']) {
        return format!("'{value}'");
    }
    let mut quoted = String::from('"');
    for char in value.chars() {
        match char {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\\' | '"' | '$' => quoted.extend(['\\', char]),
            _ => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests;
