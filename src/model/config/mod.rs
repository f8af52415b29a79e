//! `proc.toml`: what an app wants beyond its Procfile, read with every mistake in its place.
//!
//! In two steps: [`parse`] makes a [`ProcToml`] of the text, which is what stands there and where; [`resolve`] looks at it beside the
//! Procfile and makes [`Settings`](super::settings::Settings) of it. Both give back all that is wrong. No file is read here: whether what is
//! named exists is a matter of whoever loads.

mod error;
mod file;
mod foreign;
mod graph;
mod keys;
#[cfg(test)]
mod mistakes;
mod reader;
mod resolve;
mod schema;
#[cfg(test)]
mod tests;
mod value;
mod word;

pub use error::{ConfigError, Type};
pub use file::{
    At, DependsOn, EnvEntry, LogChoice, Probe, ProcToml, Process, ProcessKind, Table, Tcp, Watch,
};
pub use resolve::{Resolved, Surround, resolve};
pub use schema::schema;
pub use word::Word;

use super::diagnostic::{ParseError, Span};
use reader::Reader;

/// The largest `proc.toml` that is read, in bytes: 1 MiB.
pub const LARGEST: usize = 1 << 20;

/// A mistake in a `proc.toml`, and its place.
pub type Problem = ParseError<ConfigError>;

/// What a `proc.toml` says, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// What could be read.
    pub file: ProcToml,
    /// What is wrong, in the order of the file.
    pub problems: Vec<Problem>,
}

/// Reads a `proc.toml`. Never fails: what is wrong is in the reading, beside what could be read.
///
/// Where the text is no TOML, nothing is read but all of that is said: what a half-understood table lacks is no mistake.
#[must_use]
pub fn parse(bytes: &[u8]) -> Reading {
    let failed = |start, end, kind| Reading {
        problems: vec![ParseError { span: Span::new(start, end), kind }],
        ..Reading::default()
    };
    if bytes.len() > LARGEST {
        return failed(0, 0, ConfigError::TooLarge);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return failed(error.valid_up_to(), error.valid_up_to() + 1, ConfigError::NotUtf8),
    };
    if let Some(nul) = text.find('\0') {
        return failed(nul, nul + 1, ConfigError::Nul);
    }
    let (table, errors) = toml::de::DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let mut problems: Vec<Problem> = errors.iter().map(|error| syntax(text, error)).collect();
        problems.sort_by_key(|problem| problem.span);
        problems.dedup();
        return Reading { problems, ..Reading::default() };
    }
    let mut reader = Reader::new(text);
    let file = keys::file(&mut reader, &table);
    let mut problems = reader.problems;
    problems.sort_by_key(|problem| problem.span);
    Reading { file, problems }
}

/// A mistake of syntax, in the words of the TOML parser.
fn syntax(text: &str, error: &toml::de::Error) -> Problem {
    let span = error.span().unwrap_or(0..0);
    let (start, end) = (span.start.min(text.len()), span.end.min(text.len()));
    let before = &text[..text.floor_char_boundary(start)];
    let header = before.lines().rev().find(|line| line.trim_start().starts_with('['));
    let is_secret = header.is_some_and(|header| header.trim_end().trim_end_matches(']').ends_with("env"));
    let kind = ConfigError::Syntax { message: error.message().to_owned(), is_secret };
    ParseError { span: Span::new(start, end.max(start)), kind }
}
