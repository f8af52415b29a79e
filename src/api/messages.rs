//! What requests and answers say: the bodies of both, as client and server share them.
//!
//! A field of a request that nobody knows is refused, for it was meant to do something. One of an answer is skipped: a newer run may say more.

use crate::model::request::{Refusal, RefusalKind};
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use utoipa::ToSchema;

/// Why a request was not granted: nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// What is wrong.
    pub error: String,
    /// What can be done about it.
    pub hint: Option<String>,
}

impl ErrorBody {
    /// The refusal that this was made of, as far as the status of its answer tells.
    #[must_use]
    pub fn refusal(self, status: u16) -> Refusal {
        let kind = match status {
            404 => RefusalKind::Unknown,
            // Who was too slow, or came when there was no room, may succeed another time.
            408 | 409 | 503 => RefusalKind::Conflict,
            _ => RefusalKind::Invalid,
        };
        Refusal { kind, message: self.error, hint: self.hint }
    }
}

/// Which instances are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// Process types (`web`) and instances (`web.1`); `*` stands for any characters.
    #[schema(example = json!(["web.1", "worker.*"]))]
    pub names: Vec<String>,
}

/// A signal, and who is to have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalRequest {
    /// Process types (`web`) and instances (`web.1`); `*` stands for any characters.
    #[schema(example = json!(["web.1"]))]
    pub names: Vec<String>,
    /// Which: `HUP`, `SIGHUP` or its number.
    #[schema(example = "HUP")]
    pub signal: String,
}

/// Those that something was done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Instances {
    /// Their names.
    #[schema(example = json!(["web.1"]))]
    pub instances: Vec<String>,
}

/// How many there are to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaleRequest {
    /// `TYPE=N`, `TYPE+N` or `TYPE-N` for each.
    #[schema(example = json!(["web=4", "worker+1"]))]
    pub changes: Vec<String>,
}

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changes {
    /// A line for each.
    #[schema(example = json!(["web: command changed"]))]
    pub changes: Vec<String>,
}

/// How many instances there are of each process type, in the order of the Procfile; in JSON an object.
#[derive(Debug, Clone, PartialEq, Eq, Default, ToSchema)]
#[schema(value_type = std::collections::BTreeMap<String, u16>, example = json!({"web": 2, "worker": 1}))]
pub struct Formation(pub Vec<(String, u16)>);

impl Serialize for Formation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (process_type, count) in &self.0 {
            map.serialize_entry(process_type, count)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Formation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Keeps the order, which a map of the standard library does not.
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Formation;
            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object of counts")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Formation, A::Error> {
                let mut counts = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    counts.push(entry);
                }
                Ok(Formation(counts))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Nothing but that it was done, or will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Done {}

/// The window of whoever is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowRequest {
    /// Lines.
    #[schema(example = 24)]
    pub rows: u16,
    /// Characters in a line.
    #[schema(example = 80)]
    pub columns: u16,
}

/// A line of the log, as `--log-format json` writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// When it came, as RFC 3339 has it.
    pub ts: String,
    /// Who wrote it: `web.1`, or `system`.
    pub process: String,
    /// Its process type: `web`, or `system`.
    #[serde(rename = "type")]
    pub process_type: String,
    /// Which of its type it is, from 1; null for `system`.
    pub index: Option<u32>,
    /// The process.
    pub pid: Option<u32>,
    /// Where it was written.
    #[schema(value_type = LogStream)]
    pub stream: LogStream,
    /// The line, with U+FFFD for what is not UTF-8.
    pub line: String,
    /// Whether the line goes on in the next record, or ended without a newline.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Its bytes, if they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_base64: Option<String>,
}

/// Where a line was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogStream {
    /// Standard output; of a process that is not asked for JSON, both.
    Stdout,
    /// Standard error.
    Stderr,
    /// Nowhere: it is a line of `proc` itself.
    System,
}

/// What a reader that was too slow has missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dropped {
    /// How many.
    pub dropped: u64,
}

/// A record of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum LogRecord {
    /// A line.
    Line(LogLine),
    /// In the place of lines that were missed.
    Dropped(Dropped),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formation_keeps_the_order_of_the_procfile() {
        let formation = Formation(vec![("worker".into(), 2), ("api".into(), 1)]);
        let json = serde_json::to_string(&formation).unwrap();
        assert_eq!(json, r#"{"worker":2,"api":1}"#);
        assert_eq!(serde_json::from_str::<Formation>(&json).unwrap(), formation);
    }

    #[test]
    fn what_may_succeed_another_time_is_no_mistake_of_who_asked() {
        let kind = |status| ErrorBody { error: String::new(), hint: None }.refusal(status).kind;
        assert_eq!([404, 408, 409, 503].map(kind), {
            use RefusalKind::{Conflict, Unknown};
            [Unknown, Conflict, Conflict, Conflict]
        });
        assert_eq!([400, 413].map(kind), [RefusalKind::Invalid; 2]);
    }

    #[test]
    fn a_request_with_an_unknown_field_is_refused_and_an_answer_is_not() {
        assert!(serde_json::from_str::<Names>(r#"{"names":[],"force":true}"#).is_err());
        assert!(serde_json::from_str::<Instances>(r#"{"instances":[],"more":true}"#).is_ok());
    }

    #[test]
    fn a_record_of_the_log_is_a_line_or_a_count() {
        let line = r#"{"ts":"2026-01-02T08:34:05.678+05:30","process":"web.1","type":"web","index":1,"pid":7,"stream":"stderr","line":"a"}"#;
        let read = |text| serde_json::from_str::<LogRecord>(text).unwrap();
        let LogRecord::Line(read_line) = read(line) else { panic!("no line") };
        assert_eq!(serde_json::to_string(&read_line).unwrap(), line);
        assert_eq!(read(r#"{"dropped":3}"#), LogRecord::Dropped(Dropped { dropped: 3 }));
    }
}
