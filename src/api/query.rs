//! What stands behind the `?` of a request: read on one side, written on the other. A parameter that nobody knows is refused.

use std::fmt::{Display, Write as _};
use std::str::FromStr;
use utoipa::IntoParams;

/// The most lines that can be asked for by number.
pub const MOST_LINES: u32 = 100_000;

/// The most lines around a match.
pub const MOST_CONTEXT: u32 = 1000;

/// The most bytes of history that can be asked for.
const MOST_HISTORY: usize = 1024 * 1024;

/// Of `GET /run`, and of one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RunQuery {
    /// Whether to tell what the processes use, too.
    #[param(required = false)]
    pub usage: bool,
}

/// Of `GET /instances`.
#[derive(Debug, Clone, PartialEq, Eq, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InstancesQuery {
    /// Which instances: process types (`web`) and instances (`web.1`), `*` for any characters. All, if none is named.
    #[param(required = false)]
    pub name: Vec<String>,
    /// Whether to tell what the processes use, too.
    #[param(required = false)]
    pub usage: bool,
}

/// Of `GET /logs`.
#[derive(Debug, Clone, PartialEq, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogsQuery {
    /// Whose lines: process types (`web`) and instances (`web.1`), `*` for any characters. All, if none is named.
    #[param(required = false)]
    pub name: Vec<String>,
    /// Whether to go on with what is written from now on, until the run ends.
    #[param(required = false)]
    pub follow: bool,
    /// The last so many lines of what is chosen; all that is remembered, without it.
    #[param(maximum = 100_000)]
    pub lines: Option<u32>,
    /// Only what was written in the last so many seconds.
    #[param(minimum = 0)]
    pub since: Option<f64>,
    /// Only lines that this regular expression matches somewhere.
    pub grep: Option<String>,
    /// So many lines of the same instance before and after each that matches, too.
    #[param(required = false, maximum = 1000)]
    pub context: u32,
}

/// Of `GET /instances/{name}/attach`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AttachQuery {
    /// Whether to type too, if nobody else does; else only to watch.
    #[param(required = false, default = true)]
    pub write: bool,
    /// About how many of the last bytes come first.
    #[param(required = false, default = 16384, maximum = 1_048_576)]
    pub history: usize,
}

impl Default for AttachQuery {
    fn default() -> Self {
        Self { write: true, history: 16 * 1024 }
    }
}

impl AttachQuery {
    /// Reads it.
    pub fn read(query: &str) -> Result<Self, String> {
        let mut read = Self::default();
        each(query, &["write", "history"], |key, value| match key {
            "write" => set(&mut read.write, key, value, YES_OR_NO),
            "history" => set(&mut read.history, key, value, "a number of bytes"),
            _ => Ok(()),
        })?;
        if read.history > MOST_HISTORY {
            return Err(format!("`history` is a number of bytes up to {MOST_HISTORY}"));
        }
        Ok(read)
    }

    /// Writes it, with the `?` if there is something to say.
    #[must_use]
    pub fn write(&self) -> String {
        let usual = Self::default();
        let written = Written::default().all("write", (!self.write).then_some(false).as_slice());
        written.all("history", (self.history != usual.history).then_some(self.history).as_slice()).0
    }
}

impl RunQuery {
    /// Reads it.
    pub fn read(query: &str) -> Result<Self, String> {
        let mut read = Self::default();
        each(query, &["usage"], |key, value| match key {
            "usage" => set(&mut read.usage, key, value, YES_OR_NO),
            _ => Ok(()),
        })?;
        Ok(read)
    }

    /// Writes it, with the `?` if there is something to say.
    #[must_use]
    pub fn write(&self) -> String {
        Written::default().flag("usage", self.usage).0
    }
}

impl InstancesQuery {
    /// Reads it.
    pub fn read(query: &str) -> Result<Self, String> {
        let mut read = Self::default();
        each(query, &["name", "usage"], |key, value| match key {
            "name" => {
                read.name.push(value.to_owned());
                Ok(())
            }
            "usage" => set(&mut read.usage, key, value, YES_OR_NO),
            _ => Ok(()),
        })?;
        Ok(read)
    }

    /// Writes it, with the `?` if there is something to say.
    #[must_use]
    pub fn write(&self) -> String {
        Written::default().all("name", &self.name).flag("usage", self.usage).0
    }
}

impl LogsQuery {
    /// Reads it.
    pub fn read(query: &str) -> Result<Self, String> {
        let mut read = Self::default();
        let known = ["name", "follow", "lines", "since", "grep", "context"];
        each(query, &known, |key, value| match key {
            "name" => {
                read.name.push(value.to_owned());
                Ok(())
            }
            "follow" => set(&mut read.follow, key, value, YES_OR_NO),
            "lines" => set(read.lines.insert(0), key, value, "a number up to 100000"),
            "since" => set(read.since.insert(0.0), key, value, SECONDS),
            "grep" => {
                read.grep = Some(value.to_owned());
                Ok(())
            }
            "context" => set(&mut read.context, key, value, "a number up to 1000"),
            _ => Ok(()),
        })?;
        read.checked()
    }

    fn checked(self) -> Result<Self, String> {
        if self.lines.is_some_and(|lines| lines > MOST_LINES) {
            return Err(format!("`lines` is a number up to {MOST_LINES}; without it all lines are told"));
        }
        if self.context > MOST_CONTEXT {
            return Err(format!("`context` is a number up to {MOST_CONTEXT}"));
        }
        if self.since.is_some_and(|seconds| !seconds.is_finite() || seconds < 0.0) {
            return Err(format!("`since` is {SECONDS}"));
        }
        Ok(self)
    }

    /// Writes it, with the `?` if there is something to say.
    #[must_use]
    pub fn write(&self) -> String {
        let written = Written::default().all("name", &self.name).flag("follow", self.follow);
        let written = written.all("lines", self.lines.as_slice()).all("since", self.since.as_slice());
        let context = (self.context > 0).then_some(self.context);
        written.all("grep", self.grep.as_slice()).all("context", context.as_slice()).0
    }
}

const YES_OR_NO: &str = "`true` or `false`";

const SECONDS: &str = "a number of seconds";

fn set<T: FromStr>(to: &mut T, key: &str, value: &str, form: &str) -> Result<(), String> {
    *to = value.parse().map_err(|_| format!("`{key}` is {form}, not `{}`", value.escape_debug()))?;
    Ok(())
}

/// Hands out the parameters, each of which must be known.
pub(super) fn each(
    query: &str,
    known: &[&str],
    mut take: impl FnMut(&str, &str) -> Result<(), String>,
) -> Result<(), String> {
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (decoded(key)?, decoded(value)?);
        if !known.contains(&key.as_str()) {
            let known = known.join("`, `");
            return Err(format!("there is no parameter `{}` here; there are `{known}`", key.escape_debug()));
        }
        take(&key, &value)?;
    }
    Ok(())
}

/// The text that a form's encoding stands for.
fn decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut digit =
                    || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let value = digit().zip(digit()).map(|(high, low)| high << 4 | low);
                bytes.push(value.ok_or("a `%` in the query is followed by two hexadecimal digits")?);
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| "the query is not UTF-8".to_owned())
}

/// A query as far as it is written.
#[derive(Default)]
pub(super) struct Written(pub(super) String);

impl Written {
    pub(super) fn all(mut self, key: &str, values: &[impl Display]) -> Self {
        for value in values {
            self.0.push(if self.0.is_empty() { '?' } else { '&' });
            self.0.push_str(key);
            self.0.push('=');
            encode(&value.to_string(), &mut self.0);
        }
        self
    }

    pub(super) fn flag(self, key: &str, is_set: bool) -> Self {
        if is_set { self.all(key, &[true]) } else { self }
    }
}

/// Writes a text so that it may stand in a query or as a part of a path.
pub fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~*".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_query_is_read_as_curl_and_browsers_write_it() {
        let read =
            LogsQuery::read("name=web.1&name=worker.%2A&follow=true&lines=5&since=1.5&grep=a+b%2B&context=2");
        let expected = LogsQuery {
            name: vec!["web.1".into(), "worker.*".into()],
            follow: true,
            lines: Some(5),
            since: Some(1.5),
            grep: Some("a b+".into()),
            context: 2,
        };
        assert_eq!(read, Ok(expected));
        assert_eq!(RunQuery::read(""), Ok(RunQuery { usage: false }));
    }

    #[test]
    fn what_is_wrong_with_a_query_is_said() {
        let wrong = |query| LogsQuery::read(query).unwrap_err();
        assert_eq!(wrong("follow=yes"), "`follow` is `true` or `false`, not `yes`");
        assert_eq!(wrong("lines=-1"), "`lines` is a number up to 100000, not `-1`");
        assert!(wrong("lines=100001").starts_with("`lines` is a number up to 100000"));
        assert_eq!(wrong("since=-1"), "`since` is a number of seconds");
        assert_eq!(wrong("since=NaN"), "`since` is a number of seconds");
        assert_eq!(wrong("context=1001"), "`context` is a number up to 1000");
        assert!(wrong("tail=1").starts_with("there is no parameter `tail` here; there are `name`, "));
        assert_eq!(wrong("grep=%f"), "a `%` in the query is followed by two hexadecimal digits");
        assert_eq!(wrong("grep=%ff"), "the query is not UTF-8");
    }

    #[test]
    fn who_attaches_types_unless_it_is_said_otherwise() {
        assert_eq!(AttachQuery::read(""), Ok(AttachQuery { write: true, history: 16_384 }));
        let query = AttachQuery { write: false, history: 0 };
        assert_eq!(query.write(), "?write=false&history=0");
        assert_eq!(AttachQuery::read("write=false&history=0"), Ok(query));
        assert_eq!(AttachQuery::default().write(), "");
        assert!(AttachQuery::read("history=1048577").unwrap_err().contains("up to 1048576"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            name in proptest::collection::vec(".{0,8}", 0..3),
            follow: bool,
            lines in proptest::option::of(0..=MOST_LINES),
            since in proptest::option::of(0.0..1e9),
            grep in proptest::option::of(".{0,8}"),
            context in 0..=MOST_CONTEXT,
        ) {
            let query = LogsQuery { name, follow, lines, since, grep, context };
            let written = query.write();
            prop_assert_eq!(LogsQuery::read(written.strip_prefix('?').unwrap_or_default()), Ok(query));
        }

        #[test]
        fn any_query_is_read_without_a_panic(query in ".{0,40}") {
            let _ = (LogsQuery::read(&query), InstancesQuery::read(&query), RunQuery::read(&query));
        }
    }
}
