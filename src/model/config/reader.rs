//! Walks the tables of a `proc.toml`: each asks for its keys, and what nobody asked for is unknown.

use super::Problem;
use super::error::{ConfigError, Type};
use super::file::{At, Table};
use crate::model::diagnostic::Span;
use std::collections::BTreeSet;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value with its place.
pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// Something that makes a value of what stands in the file, or notes what is wrong with it.
pub(super) type Read<T> = fn(&mut Reader<'_>, &Value<'_>) -> Option<T>;

/// What all tables of a file are read with.
pub(super) struct Reader<'a> {
    pub(super) problems: Vec<Problem>,
    text: &'a str,
    /// Where the lines end.
    newlines: Vec<usize>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let newlines = text.match_indices('\n').map(|(at, _)| at).collect();
        Self { problems: Vec::new(), text, newlines }
    }

    /// Notes a mistake.
    pub(super) fn problem(&mut self, span: Span, kind: ConfigError) {
        self.problems.push(Problem { span, kind });
    }

    /// Notes a mistake in a value, of which nothing comes then.
    pub(super) fn refuse<T>(&mut self, value: &Value<'_>, kind: ConfigError) -> Option<T> {
        self.problem(span_of(value), kind);
        None
    }

    /// Notes a value of another type than the key takes.
    pub(super) fn wrong_type<T>(
        &mut self,
        value: &Value<'_>,
        expected: &'static str,
        hint: Option<&'static str>,
    ) -> Option<T> {
        self.refuse(value, ConfigError::WrongType { expected, found: type_of(value), hint })
    }

    /// The bytes of a value as they stand in the file.
    pub(super) fn source(&self, value: &Value<'_>) -> String {
        self.text.get(value.span()).unwrap_or_default().to_owned()
    }

    pub(super) fn at<T>(&self, value: T, span: Span) -> At<T> {
        At { value, span, line: self.newlines.partition_point(|newline| *newline < span.start) + 1 }
    }

    /// The keys of a table; none, with a complaint, if it is something else.
    pub(super) fn table<'r, 't>(
        &'r mut self,
        value: &'t Value<'t>,
        table: Table,
        hint: Option<&'static str>,
    ) -> Option<Keys<'r, 'a, 't>> {
        let DeValue::Table(values) = value.get_ref() else { return self.wrong_type(value, "a table", hint) };
        Some(Keys { reader: self, values, table, known: Vec::new() })
    }

    /// The top of the file.
    pub(super) fn top<'r, 't>(&'r mut self, values: &'t DeTable<'t>) -> Keys<'r, 'a, 't> {
        Keys { reader: self, values, table: Table::Top, known: Vec::new() }
    }

    /// An array with each of its elements read, in its place.
    pub(super) fn array<T: Ord + Clone>(
        &mut self,
        value: &Value<'_>,
        expected: &'static str,
        read: Read<T>,
    ) -> Option<Vec<At<T>>> {
        let DeValue::Array(array) = value.get_ref() else { return self.wrong_type(value, expected, None) };
        let mut list: Vec<At<T>> = Vec::new();
        let mut seen = BTreeSet::new();
        for element in array {
            let Some(each) = read(self, element) else { continue };
            if seen.insert(each.clone()) {
                list.push(self.at(each, span_of(element)));
            } else {
                let source = self.source(element);
                self.problem(
                    span_of(element),
                    ConfigError::Twice(source.trim_matches(['"', '\'']).to_owned()),
                );
            }
        }
        Some(list)
    }
}

/// The keys of a table that is being read.
pub(super) struct Keys<'r, 'a, 't> {
    pub(super) reader: &'r mut Reader<'a>,
    values: &'t DeTable<'t>,
    table: Table,
    /// What was asked for so far.
    known: Vec<&'static str>,
}

impl<'t> Keys<'_, '_, 't> {
    /// The value of a key, with its place, if it is there and right.
    pub(super) fn take<T>(&mut self, key: &'static str, read: Read<T>) -> Option<At<T>> {
        let value = self.value(key)?;
        let taken = read(self.reader, value)?;
        Some(self.reader.at(taken, span_of(value)))
    }

    /// The same, with nothing in it where it is wrong: it is there, and is not to be missed as well.
    pub(super) fn take_even_if_wrong<T: Default>(
        &mut self,
        key: &'static str,
        read: Read<T>,
    ) -> Option<At<T>> {
        let value = self.value(key)?;
        let taken = read(self.reader, value).unwrap_or_default();
        Some(self.reader.at(taken, span_of(value)))
    }

    /// The value of a key as it stands.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'t Value<'t>> {
        self.known.push(key);
        self.values.get(key)
    }

    /// Complains of every key that nobody has asked for.
    pub(super) fn finish(self) {
        for (key, _) in self.values.iter().filter(|(key, _)| !self.known.contains(&key.get_ref().as_ref())) {
            let kind = ConfigError::UnknownKey {
                key: key.get_ref().clone().into_owned(),
                table: self.table,
                known: self.known.clone(),
            };
            self.reader.problem(span(key.span()), kind);
        }
    }
}

/// The entries of a table in the order of the file.
pub(super) fn in_order<'t>(
    table: &'t DeTable<'t>,
) -> Vec<(&'t Spanned<std::borrow::Cow<'t, str>>, &'t Value<'t>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

pub(super) fn span(range: std::ops::Range<usize>) -> Span {
    Span::new(range.start, range.end)
}

pub(super) fn span_of(value: &Value<'_>) -> Span {
    span(value.span())
}

fn type_of(value: &Value<'_>) -> Type {
    match value.get_ref() {
        DeValue::String(_) => Type::String,
        DeValue::Integer(_) => Type::Integer,
        DeValue::Float(_) => Type::Float,
        DeValue::Boolean(_) => Type::Boolean,
        DeValue::Datetime(_) => Type::Datetime,
        DeValue::Array(_) => Type::Array,
        DeValue::Table(_) => Type::Table,
    }
}
