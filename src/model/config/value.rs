//! Single values: durations, counts, words and the like.

use super::error::ConfigError;
use super::file::{At, Tcp};
use super::reader::{Reader, Value, span_of};
use super::word::Word;
use crate::model::formation::MOST;
use crate::model::policy::{DurationError, Grace, duration as parse_duration, from_seconds};
use crate::model::signal::Signal;
use std::time::Duration;
use toml::de::DeValue;

/// The least duration of what is done again and again: with less, nothing would rest.
const SHORTEST: Duration = Duration::from_millis(10);

/// The most that a number of restarts is counted to; more is `inf`.
const MOST_RESTARTS: u32 = 1_000_000;

/// A text that is not empty.
pub(super) fn text(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<String> {
    let DeValue::String(text) = value.get_ref() else { return reader.wrong_type(value, "a string", None) };
    if text.contains('\0') {
        return reader.refuse(value, ConfigError::Nul);
    }
    if text.trim().is_empty() {
        return reader.refuse(value, ConfigError::Empty);
    }
    Some(text.clone().into_owned())
}

/// A text as it is, or several of them.
pub(super) fn texts(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Vec<At<String>>> {
    if let DeValue::String(_) = value.get_ref() {
        let one = text(reader, value)?;
        return Some(vec![reader.at(one, span_of(value))]);
    }
    reader.array(value, "a string or an array of strings", text)
}

/// An array of texts.
pub(super) fn list(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Vec<At<String>>> {
    let hint = matches!(value.get_ref(), DeValue::String(_)).then_some("put it in brackets: `[\"…\"]`");
    if hint.is_some() {
        return reader.wrong_type(value, "an array of strings", hint);
    }
    reader.array(value, "an array of strings", text)
}

pub(super) fn boolean(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<bool> {
    match value.get_ref() {
        DeValue::Boolean(boolean) => Some(*boolean),
        DeValue::String(text) if matches!(text.as_ref(), "true" | "false") => {
            reader.wrong_type(value, "a boolean", Some("write it without quotes"))
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => reader.wrong_type(value, "a boolean", None),
    }
}

/// A whole number in a range.
fn whole(reader: &mut Reader<'_>, value: &Value<'_>, least: u32, most: u32) -> Option<u32> {
    let DeValue::Integer(integer) = value.get_ref() else {
        let is_quoted = value.get_ref().as_str().is_some_and(|text| text.parse::<i64>().is_ok());
        return reader.wrong_type(value, "an integer", is_quoted.then_some("write it without quotes"));
    };
    let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
    let number =
        number.and_then(|number| u32::try_from(number).ok()).filter(|number| (least..=most).contains(number));
    if number.is_none() {
        return reader.refuse(value, ConfigError::OutOfRange { number: integer.to_string(), least, most });
    }
    number
}

fn small(reader: &mut Reader<'_>, value: &Value<'_>, least: u16, most: u16) -> Option<u16> {
    whole(reader, value, least.into(), most.into()).and_then(|number| u16::try_from(number).ok())
}

/// A number of instances.
pub(super) fn scale(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<u16> {
    small(reader, value, 0, MOST)
}

/// A number of tries.
pub(super) fn retries(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<u16> {
    small(reader, value, 1, MOST)
}

pub(super) fn port(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<u16> {
    small(reader, value, 1, u16::MAX)
}

fn exit_code(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<u8> {
    whole(reader, value, 0, 255).and_then(|number| u8::try_from(number).ok())
}

pub(super) fn exit_codes(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Vec<At<u8>>> {
    reader.array(value, "an array of exit codes", exit_code)
}

pub(super) fn version(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<u16> {
    let source = reader.source(value);
    if value.get_ref().is_integer() && source != "1" {
        return reader.refuse(value, ConfigError::UnknownVersion(source));
    }
    small(reader, value, 1, 1)
}

/// How many restarts there may be; none: any number.
#[expect(clippy::option_option, reason = "whether it could be read, and whether there is a limit")]
pub(super) fn max_restarts(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Option<u32>> {
    match value.get_ref() {
        DeValue::String(text) if text == "inf" => Some(None),
        DeValue::Integer(_) => whole(reader, value, 1, MOST_RESTARTS).map(Some),
        DeValue::String(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => reader.wrong_type(value, "an integer or \"inf\"", None),
    }
}

/// A duration of any length.
pub(super) fn duration(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Duration> {
    span_of_time(reader, value, false)
}

/// A duration that is not nothing.
pub(super) fn interval(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Duration> {
    let duration = duration(reader, value)?;
    if duration < SHORTEST {
        let source = reader.source(value);
        return reader.refuse(value, ConfigError::ShortDuration(source.trim_matches('"').to_owned()));
    }
    Some(duration)
}

/// A duration that may have no end.
pub(super) fn grace(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Grace> {
    let is_endless = match value.get_ref() {
        DeValue::String(text) => text == "inf",
        DeValue::Float(float) => matches!(float.as_str(), "inf" | "+inf"),
        DeValue::Integer(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => false,
    };
    if is_endless { Some(Grace::Unlimited) } else { span_of_time(reader, value, true).map(Grace::For) }
}

fn span_of_time(reader: &mut Reader<'_>, value: &Value<'_>, may_be_endless: bool) -> Option<Duration> {
    let number = |text: &str| text.parse().map_err(|_| DurationError::Malformed).and_then(from_seconds);
    let (text, read) = match value.get_ref() {
        DeValue::String(text) => (text.clone().into_owned(), parse_duration(text)),
        DeValue::Integer(integer) => {
            let seconds =
                i64::from_str_radix(integer.as_str(), integer.radix()).map(|seconds| seconds.to_string());
            (integer.to_string(), number(&seconds.unwrap_or_default()))
        }
        DeValue::Float(float) => (float.to_string(), number(float.as_str())),
        DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
            return reader.wrong_type(
                value,
                "a duration",
                Some("write seconds (`10`) or units (`\"500ms\"`)"),
            );
        }
    };
    match read {
        Ok(duration) => Some(duration),
        Err(DurationError::Malformed) => {
            reader.refuse(value, ConfigError::BadDuration { text, may_be_endless })
        }
        Err(DurationError::TooLong) => reader.refuse(value, ConfigError::LongDuration(text)),
    }
}

/// One of some words.
pub(super) fn word<T: Word>(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<T> {
    let DeValue::String(text) = value.get_ref() else {
        return reader.wrong_type(value, "a string", hint_for_boolean(value));
    };
    let found = T::WORDS.iter().chain(T::ALIASES).find(|(word, _)| *word == text.as_ref());
    if found.is_none() {
        let known = T::WORDS.iter().map(|(word, _)| *word).collect();
        let hint = T::FOREIGN.iter().find(|(word, _)| *word == text.as_ref()).map(|(_, hint)| *hint);
        return reader
            .refuse(value, ConfigError::UnknownWord { word: text.clone().into_owned(), known, hint });
    }
    found.map(|(_, value)| *value)
}

/// What to say of `restart = false`, which YAML makes of `no`.
fn hint_for_boolean(value: &Value<'_>) -> Option<&'static str> {
    match value.get_ref() {
        DeValue::Boolean(false) => Some("the words have quotes: `\"no\"`"),
        DeValue::Boolean(true) => Some("the words have quotes: `\"always\"`"),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => None,
    }
}

/// A signal by name or number.
pub(super) fn signal(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Signal> {
    match value.get_ref() {
        DeValue::Integer(_) => {
            let number = whole(reader, value, 1, 64)?;
            i32::try_from(number).ok().map(Signal::from_number)
        }
        DeValue::String(name) => {
            let signal = Signal::from_name(name);
            if signal.is_none() {
                return reader.refuse(value, ConfigError::UnknownSignal(name.clone().into_owned()));
            }
            signal
        }
        DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => {
            reader.wrong_type(value, "a signal", Some("write a name as in `\"SIGINT\"`, or its number"))
        }
    }
}

/// A path of a URL, as it goes into the first line of a request.
pub(super) fn path(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<String> {
    let text = text(reader, value)?;
    let is_path = text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_path { Some(text) } else { reader.refuse(value, ConfigError::BadPath) }
}

/// What a TCP probe connects to.
pub(super) fn tcp(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Tcp> {
    match value.get_ref() {
        DeValue::Boolean(true) => Some(Tcp::Own),
        DeValue::Boolean(false) => reader.refuse(value, ConfigError::FalseTcp),
        DeValue::Integer(_) => port(reader, value).map(Tcp::Port),
        DeValue::String(_)
        | DeValue::Float(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => reader.wrong_type(
            value,
            "true or a port",
            Some("host is 127.0.0.1: write `true` for its PORT, or the number of another"),
        ),
    }
}
