//! The Procfile: which process types an application has, and the command of each.
//!
//! The grammar is the family's (`name: command`, one a line) with the rules that Heroku leaves open decided and its silent
//! failures made loud. The man page, proc(1), states it for users.

use super::command::Command;
use super::diagnostic::{Explain, ParseError, Severity, Span, nearest, printable};
use std::fmt;

/// The largest Procfile read, in bytes: 1 MiB, many times that of any real one.
pub const LARGEST: usize = 1 << 20;

/// The longest name of a process type, in bytes: a DNS label (RFC 1123), so that a name can be one anywhere.
const LONGEST_NAME: usize = 63;

/// One line of a Procfile: a process type and what it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessType {
    /// `[A-Za-z0-9_-]+`, at most 63 bytes.
    pub name: String,
    /// What is run.
    pub command: Command,
    /// The line of its name, from 1.
    pub line: usize,
}

impl ProcessType {
    /// Whether it starts only when it is named: a task that ends, by the names that platforms and people use.
    ///
    /// `release` is Heroku's, `postdeploy` Scalingo's; running `migrate` or `console` with every start is what factor XII warns of.
    #[must_use]
    pub fn is_one_off(&self) -> bool {
        matches!(self.name.as_str(), "release" | "postdeploy" | "migrate" | "console")
    }

    /// Whether it is likely to listen on its PORT: Heroku's `web`, or a command that names the variable.
    #[must_use]
    pub fn listens(&self) -> bool {
        self.name == "web" || self.command.text().contains("PORT")
    }
}

/// What a Procfile says, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The process types, in file order; a repeated name is not in it twice.
    pub types: Vec<ProcessType>,
    /// Errors and warnings, in file order.
    pub problems: Vec<ParseError<ProcfileError>>,
}

/// What can be wrong with a Procfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcfileError {
    /// A line that is neither a process type, a comment nor blank.
    Junk,
    /// White space before the name, or between it and the colon: no other tool reads such a line.
    BlankAroundName,
    /// A name that an earlier line has.
    Duplicate {
        /// The name.
        name: String,
        /// The line that has it first.
        first: usize,
    },
    /// A name with nothing after its colon.
    NoCommand(String),
    /// A name of more than 63 bytes.
    LongName,
    /// No process type in the whole file.
    NoProcesses,
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// A NUL byte, which no command can hold.
    Nul,
    /// More than [`LARGEST`] bytes.
    TooLarge,
    /// A `\` at the end of the file, with no line to continue.
    NothingToContinue,
}

impl fmt::Display for ProcfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Junk => f.write_str("not a process type; `start` and `run` ignore the line"),
            Self::BlankAroundName => {
                f.write_str("white space around the name: other Procfile tools ignore this line")
            }
            Self::Duplicate { name, first } => write!(f, "process type `{name}` is already on line {first}"),
            Self::NoCommand(name) => write!(f, "process type `{name}` has no command"),
            Self::LongName => write!(f, "the name is longer than {LONGEST_NAME} bytes"),
            Self::NoProcesses => f.write_str("no processes defined"),
            Self::NotUtf8 => f.write_str("not UTF-8"),
            Self::Nul => f.write_str("a NUL byte cannot be part of a command"),
            Self::TooLarge => f.write_str("larger than 1 MiB: this cannot be a Procfile"),
            Self::NothingToContinue => f.write_str("`\\` at the end of the file continues nothing"),
        }
    }
}

impl Explain for ProcfileError {
    fn severity(&self) -> Severity {
        match self {
            Self::Junk | Self::BlankAroundName | Self::NothingToContinue => Severity::Warning,
            Self::Duplicate { .. }
            | Self::NoCommand(_)
            | Self::LongName
            | Self::NoProcesses
            | Self::NotUtf8
            | Self::Nul
            | Self::TooLarge => Severity::Error,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Junk => Some("write `name: command`; a name has letters, digits, `_` and `-` only".into()),
            Self::BlankAroundName => {
                Some("begin the line with the name, and put the colon right after it".into())
            }
            Self::Duplicate { .. } => Some("rename one of them; `-m NAME=2` starts two of the same".into()),
            Self::NoProcesses => Some("write a line such as `web: ./server --port $PORT`".into()),
            Self::NoCommand(_) => Some("write it after the colon, or remove the line".into()),
            Self::LongName | Self::NotUtf8 | Self::Nul | Self::TooLarge | Self::NothingToContinue => None,
        }
    }
}

/// Reads a Procfile. Never fails: what is wrong is in the reading, beside what could be read.
#[must_use]
pub fn parse(bytes: &[u8]) -> Reading {
    match text(bytes) {
        Ok(text) => Parser { text, types: Vec::new(), problems: Vec::new() }.run(),
        Err(problem) => Reading { types: Vec::new(), problems: vec![problem] },
    }
}

/// The bytes as text, or why a Procfile cannot be read from them at all.
fn text(bytes: &[u8]) -> Result<&str, ParseError<ProcfileError>> {
    let fail = |start, kind| Err(ParseError { span: Span::new(start, start + 1), kind });
    if bytes.len() > LARGEST {
        return fail(0, ProcfileError::TooLarge);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return fail(error.valid_up_to(), ProcfileError::NotUtf8),
    };
    match memchr::memchr(0, bytes) {
        Some(at) => fail(at, ProcfileError::Nul),
        None => Ok(text),
    }
}

/// A Procfile half read.
struct Parser<'a> {
    text: &'a str,
    types: Vec<ProcessType>,
    problems: Vec<ParseError<ProcfileError>>,
}

impl Parser<'_> {
    fn run(mut self) -> Reading {
        let mut line = 1;
        let mut at = if self.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        while at < self.text.len() {
            let end = self.logical_line_end(at);
            self.line(at, end, line);
            let next = (end + 1).min(self.text.len());
            line += self.text[at..next].matches('\n').count();
            at = next;
        }
        if self.types.is_empty()
            && !self.problems.iter().any(|problem| problem.kind.severity() == Severity::Error)
        {
            self.problem(0, 0, ProcfileError::NoProcesses);
        }
        Reading { types: self.types, problems: self.problems }
    }

    fn problem(&mut self, start: usize, end: usize, kind: ProcfileError) {
        self.problems.push(ParseError { span: Span::new(start, end), kind });
    }

    /// Where the line that begins at `at` ends, the lines that a `\` joins to it included.
    ///
    /// A comment is not continued, as in a shell.
    fn logical_line_end(&self, at: usize) -> usize {
        let comment = self.text[at..].trim_start_matches([' ', '\t']).starts_with('#');
        let mut end = at;
        loop {
            end = self.text[end..].find('\n').map_or(self.text.len(), |newline| end + newline);
            let line = self.text[at..end].trim_end_matches('\r');
            let backslashes = line.len() - line.trim_end_matches('\\').len();
            if comment || backslashes.is_multiple_of(2) || end == self.text.len() {
                return end;
            }
            end += 1;
        }
    }

    /// Reads one line, continued ones joined, that spans the bytes from `start` to `end`.
    fn line(&mut self, start: usize, end: usize, number: usize) {
        let line = &self.text[start..end];
        let trimmed = line.trim_start_matches([' ', '\t']);
        if trimmed.trim().is_empty() || trimmed.starts_with('#') {
            return;
        }
        let Some((name, command)) =
            trimmed.split_once(':').filter(|(name, _)| is_name(name.trim_end_matches([' ', '\t'])))
        else {
            let first = line.lines().next().unwrap_or_default().trim_end();
            let indent = first.len() - first.trim_start().len();
            return self.problem(start + indent, start + first.len(), ProcfileError::Junk);
        };
        let name_start = start + line.len() - trimmed.len();
        let bare = name.trim_end_matches([' ', '\t']);
        if name_start > start || bare.len() < name.len() {
            self.problem(start, name_start + name.len(), ProcfileError::BlankAroundName);
        }
        let command_start = name_start + name.len() + 1;
        self.process_type(Span::new(name_start, name_start + bare.len()), command, command_start, number);
    }

    /// Takes up a process type whose name stands at `name` and whose command, untrimmed, begins at `start`.
    fn process_type(&mut self, name: Span, command: &str, start: usize, line: usize) {
        let text = &self.text[name.start..name.end];
        let mut command = command.replace("\r\n", "\n").trim().to_owned();
        if start + command.len() <= self.text.len() && self.text.trim_end().len() <= start + command.len() + 1
        {
            self.drop_dangling_continuation(&mut command);
        }
        if text.len() > LONGEST_NAME {
            self.problem(name.start, name.end, ProcfileError::LongName);
        } else if let Some(first) = self.types.iter().find(|first| first.name == text) {
            let kind = ProcfileError::Duplicate { name: text.to_owned(), first: first.line };
            self.problem(name.start, name.end, kind);
        } else if command.is_empty() {
            self.problem(name.start, start, ProcfileError::NoCommand(text.to_owned()));
        } else {
            let command = Command::new(command);
            self.types.push(ProcessType { name: text.to_owned(), command, line });
        }
    }

    /// Takes away a `\` that ends the last line of the file.
    fn drop_dangling_continuation(&mut self, command: &mut String) {
        let backslashes = command.len() - command.trim_end_matches('\\').len();
        if backslashes % 2 == 1 {
            command.pop();
            command.truncate(command.trim_end().len());
            let end = self.text.trim_end().len();
            self.problem(end - 1, end, ProcfileError::NothingToContinue);
        }
    }
}

/// Whether a process type can have this name.
#[must_use]
pub fn is_valid_name(text: &str) -> bool {
    is_name(text) && text.len() <= LONGEST_NAME
}

/// Whether the text is made of what a name may have; its length is another matter.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Words for a process type that does not exist: which there are, and which was likely meant.
#[must_use]
pub fn unknown_type(name: &str, types: &[ProcessType]) -> (String, Option<String>) {
    let names: Vec<&str> = types.iter().map(|each| each.name.as_str()).collect();
    let hint = nearest(name, names.iter().copied()).map(|near| format!("did you mean `{near}`?"));
    let those = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    (format!("no process type `{}`; there are {those}", printable(name)), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(text: &str) -> Vec<(String, String)> {
        let reading = parse(text.as_bytes());
        reading.types.into_iter().map(|each| (each.name, each.command.text().to_owned())).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, command)| ((*name).to_owned(), (*command).to_owned())).collect()
    }

    /// Every problem as its kind and the text it points at.
    fn problems(text: &str) -> Vec<(ProcfileError, &str)> {
        let reading = parse(text.as_bytes());
        let problems = reading.problems.into_iter();
        problems.map(|problem| (problem.kind, &text[problem.span.start..problem.span.end])).collect()
    }

    fn drawn(text: &str) -> String {
        let problems = parse(text.as_bytes()).problems;
        let drawn = problems.iter().map(|problem| problem.diagnose("Procfile", text).to_string());
        drawn.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_line_is_a_process_type_in_file_order() {
        for (text, expected) in [
            ("web: a\nworker: b\n", &[("web", "a"), ("worker", "b")][..]),
            ("web:a", &[("web", "a")]),
            ("web:\ta b  c \t\n", &[("web", "a b  c")]),
            ("web: a\r\nworker: b\r\n", &[("web", "a"), ("worker", "b")]),
            ("\u{feff}web: a\n", &[("web", "a")]),
            ("\n  \n# c: d\n  # e: f\nweb: a # stays\n", &[("web", "a # stays")]),
            ("1-a_B: a\n-x: b\n", &[("1-a_B", "a"), ("-x", "b")]),
            ("web: a: b:c\n", &[("web", "a: b:c")]),
            ("web: a", &[("web", "a")]),
        ] {
            assert_eq!(types(text), pairs(expected), "{text:?}");
            assert_eq!(problems(text), [], "{text:?}");
        }
    }

    #[test]
    fn a_backslash_before_a_newline_continues_the_command() {
        for (text, expected) in [
            ("web: a \\\n  b\nworker: c\n", &[("web", "a \\\n  b"), ("worker", "c")][..]),
            ("web: a \\\r\n  b\r\nworker: c\r\n", &[("web", "a \\\n  b"), ("worker", "c")]),
            ("web: a \\\\\nworker: c\n", &[("web", "a \\\\"), ("worker", "c")]),
            ("# comment \\\nweb: a\n", &[("web", "a")]),
        ] {
            assert_eq!(types(text), pairs(expected), "{text:?}");
            assert_eq!(problems(text), [], "{text:?}");
        }
        assert_eq!(parse(b"web: a \\\n b\n\nworker: c").types[1].line, 4);
    }

    #[test]
    fn a_backslash_that_continues_nothing_is_dropped_with_a_warning() {
        assert_eq!(types("web: a \\\n"), pairs(&[("web", "a")]));
        assert_eq!(problems("web: a \\"), [(ProcfileError::NothingToContinue, "\\")]);
    }

    #[test]
    fn white_space_around_a_name_is_accepted_with_a_warning() {
        assert_eq!(types("  web : a\n"), pairs(&[("web", "a")]));
        assert_eq!(problems("  web : a\n"), [(ProcfileError::BlankAroundName, "  web ")]);
        assert_eq!(problems("web: a\n\tworker: b\n"), [(ProcfileError::BlankAroundName, "\tworker")]);
    }

    #[test]
    fn junk_is_ignored_with_a_warning() {
        for junk in ["<<<<<<< HEAD", "h\u{e9}: a", "a.b: c", "just words", ": a", "% note"] {
            let text = format!("web: a\n  {junk} \nworker: b\n");
            assert_eq!(types(&text), pairs(&[("web", "a"), ("worker", "b")]), "{junk}");
            assert_eq!(problems(&text), [(ProcfileError::Junk, junk)], "{junk}");
            assert_eq!(parse(text.as_bytes()).problems[0].kind.severity(), Severity::Warning, "{junk}");
        }
    }

    #[test]
    fn what_cannot_be_started_is_an_error() {
        let duplicate = ProcfileError::Duplicate { name: "web".into(), first: 1 };
        let long = "w".repeat(64);
        for (text, kind, span) in [
            ("web: a\nworker: b\nweb: c\n", duplicate, "web"),
            ("web:\n", ProcfileError::NoCommand("web".into()), "web:"),
            ("web:  \t\n", ProcfileError::NoCommand("web".into()), "web:"),
            (&format!("{long}: a\n"), ProcfileError::LongName, &long),
            ("", ProcfileError::NoProcesses, ""),
            ("# only this\n", ProcfileError::NoProcesses, ""),
            ("web: a\0b\n", ProcfileError::Nul, "\0"),
        ] {
            assert_eq!(problems(text), [(kind, span)], "{text:?}");
            assert_eq!(parse(text.as_bytes()).problems[0].kind.severity(), Severity::Error, "{text:?}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_text_is_an_error_where_it_begins() {
        let problem = |bytes: &[u8]| parse(bytes).problems.remove(0);
        assert_eq!(
            problem(b"web: \xff\n"),
            ParseError { span: Span::new(5, 6), kind: ProcfileError::NotUtf8 }
        );
        assert_eq!(problem(&vec![b'a'; LARGEST + 1]).kind, ProcfileError::TooLarge);
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        insta::assert_snapshot!(drawn("web: a\nworker:\n<<<<<<< HEAD\n web: b\n"), @r"
        Procfile:2:1: process type `worker` has no command
         2 | worker:
           | ^^^^^^^
          hint: write it after the colon, or remove the line
        Procfile:3:1: warning: not a process type; `start` and `run` ignore the line
         3 | <<<<<<< HEAD
           | ^^^^^^^^^^^^
          hint: write `name: command`; a name has letters, digits, `_` and `-` only
        Procfile:4:1: warning: white space around the name: other Procfile tools ignore this line
         4 |  web: b
           | ^^^^
          hint: begin the line with the name, and put the colon right after it
        Procfile:4:2: process type `web` is already on line 1
         4 |  web: b
           |  ^^^
          hint: rename one of them; `-m NAME=2` starts two of the same
        ");
    }

    #[test]
    fn an_empty_file_is_an_error_without_a_line() {
        insta::assert_snapshot!(drawn(""), @r"
        Procfile:1:1: no processes defined
          hint: write a line such as `web: ./server --port $PORT`
        ");
    }

    #[test]
    fn an_unknown_type_is_answered_with_the_ones_there_are() {
        let (message, hint) = unknown_type("wbe", &parse(b"web: a\nworker: b").types);
        assert_eq!(message, "no process type `wbe`; there are web, worker");
        assert_eq!(hint.as_deref(), Some("did you mean `web`?"));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn what_is_written_is_read_back(entries in proptest::collection::btree_map("[A-Za-z0-9_-]{1,63}", "[^\\s\\\\\0]([^\\n\\r\0\\\\]*[^\\s\\\\\0])?", 1..6)) {
            let lines: Vec<_> = entries.iter().map(|(name, command)| format!("{name}: {command}")).collect();
            let text = lines.join("\n");
            let expected: Vec<_> = entries.into_iter().collect();
            proptest::prop_assert_eq!(types(&text), expected);
        }

        #[test]
        fn every_span_lies_in_the_text_and_can_be_drawn(text in "(?s)([a-z]{1,2}|:|\\\\|\r?\n| |#|\t|\u{e9}){0,40}") {
            for problem in parse(text.as_bytes()).problems {
                proptest::prop_assert!(problem.span.end <= text.len() && problem.span.start <= problem.span.end);
                let _ = problem.diagnose("Procfile", &text).to_string();
            }
        }
    }
}
