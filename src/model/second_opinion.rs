//! What dotenv libraries make of an env file: applications load the same `.env` by themselves, and are to read the same.
//!
//! The second opinion is the `dotenvy` crate's. It is asked entry by entry, so that one bad line does not spoil the
//! rest. It looks variables up in the real environment before anything else, so each variable that an entry mentions
//! is renamed for the comparison, in what dotenvy gets and in what we read ourselves: `$HOME` becomes
//! `$HProcDoubtHOME`, which no environment has. The result is the same in every environment, but for names that begin with
//! neither a letter, a digit nor `_`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::Range;

use super::diagnostic::{Explain, ParseError, Severity, Span};
use super::env_file::{self, Entry, EnvFile, visible_key};
use super::template::{Segment, Template};

/// Why an application may see another value than the one that we give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// The library reads another value.
    #[error("dotenv libraries may read this value differently{}", .0.words())]
    Differs(Remedy),
    /// The library refuses the line, and often all that follow with it.
    #[error("dotenv libraries may refuse this line and all after it{}", .0.words())]
    Refused(Remedy),
    /// The key was set before, and not everyone takes the last one.
    #[error("set in line {first} already: we take the last, some dotenv libraries the first")]
    Duplicate {
        /// The line that sets it first, from 1.
        first: usize,
    },
}

/// What makes both read the same; each was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Quotes around the value.
    Quote,
    /// Double quotes around the value, and braces around the names in it.
    Brace,
    /// A key without `-`.
    Rename,
    /// Nothing simple.
    Unknown,
}

impl Remedy {
    const fn words(self) -> &'static str {
        match self {
            Self::Quote => "; quote it",
            Self::Brace => "; quote it, and write ${NAME} for $NAME",
            Self::Rename => "; use a key without `-`",
            Self::Unknown => "",
        }
    }
}

impl Explain for Doubt {
    fn severity(&self) -> Severity {
        Severity::Warning
    }

    fn visible(&self, line: &str) -> Range<usize> {
        match self {
            Self::Differs(_) | Self::Refused(_) | Self::Duplicate { .. } => visible_key(line),
        }
    }
}

/// The entries of `file` that dotenv libraries may read otherwise, in file order; `text` is what it was parsed from.
#[must_use]
pub fn differences(text: &str, file: &EnvFile) -> Vec<ParseError<Doubt>> {
    let mut first = BTreeMap::new();
    let mut doubts = Vec::new();
    for entry in &file.entries {
        let doubt = |kind| ParseError { span: key_span(text, entry), kind };
        let first = *first.entry(entry.key.as_str()).or_insert(entry.line);
        if first != entry.line {
            doubts.push(doubt(Doubt::Duplicate { first }));
        }
        doubts.extend(opinion(text, entry).map(doubt));
    }
    doubts
}

/// What is to be underlined: the entry up to its `=`.
fn key_span(text: &str, entry: &Entry) -> Span {
    let source = text.get(entry.span.start..entry.span.end).unwrap_or_default();
    Span::new(entry.span.start, entry.span.start + source.find('=').unwrap_or(source.len()))
}

/// What is to be said of one entry.
fn opinion(text: &str, entry: &Entry) -> Option<Doubt> {
    // With the end of its line, if it has one: dotenvy minds a blank before the end of the file.
    let behind = text.get(entry.span.end..).unwrap_or_default();
    let end = entry.span.end + behind.find('\n').map_or(0, |newline| newline + 1);
    match ask(text.get(entry.span.start..end).unwrap_or_default()) {
        Answer::Same => None,
        Answer::Other => Some(Doubt::Differs(remedy(entry))),
        Answer::Refused => Some(Doubt::Refused(remedy(entry))),
    }
}

/// What dotenvy says to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Same,
    Other,
    Refused,
}

/// Compares what dotenvy makes of the source of an entry with what we do.
fn ask(source: &str) -> Answer {
    let source = rename(source);
    let Ok(file) = env_file::parse(source.as_bytes()) else { return Answer::Other };
    let [entry] = file.entries.as_slice() else { return Answer::Other };
    let mut names = BTreeSet::new();
    collect_names(&entry.value, &mut names);
    let mut question = String::new();
    for name in &names {
        // Writing to a string cannot fail.
        let _ = writeln!(question, "{name}='{}'", value_of(name));
    }
    question.push_str(&source);
    let mut ours = String::new();
    fill_in(&entry.value, &mut ours);
    match dotenvy::from_read_iter(question.as_bytes()).collect::<Result<Vec<_>, _>>() {
        Err(_) => Answer::Refused,
        Ok(theirs) if theirs.len() != names.len() + 1 => Answer::Other,
        Ok(theirs) => match theirs.last() {
            Some((key, value)) if *key == entry.key && *value == ours => Answer::Same,
            Some(_) | None => Answer::Other,
        },
    }
}

/// In the middle of each renamed variable.
const MARKER: &str = "ProcDoubt";

/// Gives each variable a name that no environment has and that begins like the old one.
///
/// Only letters are put in, so neither reader finds more or fewer variables than before.
fn rename(source: &str) -> String {
    let mut renamed = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(dollar) = rest.find('$') {
        let name = dollar + 1 + usize::from(rest[dollar + 1..].starts_with('{'));
        renamed.push_str(&rest[..name]);
        rest = &rest[name..];
        if let Some(char) = rest.chars().next().filter(|char| char.is_alphanumeric() || *char == '_') {
            renamed.push(char);
            renamed.push_str(MARKER);
        }
    }
    renamed + rest
}

/// The names of all variables, those in defaults included.
fn collect_names<'a>(template: &'a Template, names: &mut BTreeSet<&'a str>) {
    for segment in template.segments() {
        match segment {
            Segment::Literal(_) => {}
            Segment::Variable { name, default } => {
                names.insert(name);
                if let Some(default) = default {
                    collect_names(default, names);
                }
            }
        }
    }
}

/// What a variable is set to for the comparison: something that tells it from every other.
fn value_of(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// Writes what we read where all variables are set.
fn fill_in(template: &Template, value: &mut String) {
    for segment in template.segments() {
        match segment {
            Segment::Literal(text) => value.push_str(text),
            Segment::Variable { name, .. } => value.push_str(&value_of(name)),
        }
    }
}

/// Finds what would help, by asking again.
fn remedy(entry: &Entry) -> Remedy {
    if entry.key.contains('-') {
        return Remedy::Rename;
    }
    let literal = entry.value.as_literal().map(env_file::quote);
    let remedy = if literal.is_some() { Remedy::Quote } else { Remedy::Brace };
    match literal.or_else(|| braced(&entry.value)) {
        Some(value) if ask(&format!("{}={value}\n", entry.key)) == Answer::Same => remedy,
        Some(_) | None => Remedy::Unknown,
    }
}

/// The value in double quotes with its variables in braces; none if one has a default, which dotenvy does not know.
fn braced(template: &Template) -> Option<String> {
    let mut value = String::from('"');
    for segment in template.segments() {
        match segment {
            Segment::Literal(text) => {
                for char in text.chars() {
                    value.extend(matches!(char, '\\' | '"' | '$').then_some('\\'));
                    value.push(char);
                }
            }
            Segment::Variable { name, default: None } => value.extend(["${", name, "}"]),
            Segment::Variable { default: Some(_), .. } => return None,
        }
    }
    value.push('"');
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubts(text: &str) -> Vec<Doubt> {
        let file = env_file::parse(text.as_bytes()).unwrap();
        differences(text, &file).into_iter().map(|doubt| doubt.kind).collect()
    }

    #[test]
    fn what_every_library_reads_the_same_raises_no_doubt() {
        for text in [
            "K=v",
            "export K=v\n",
            "K = v # c\n",
            "K=",
            "K=a#b",
            "K='a b'",
            "K=\"a b\\n\\\"\\$A\"",
            "K='a\nb'\n",
            "K=${HOME}/x\n",
            "K=$HOME/x\n",
            "K=\"${A_B}\"\n",
            "K='$A_B'\n",
            "\u{feff}K=v\r\nL='w'\r\n",
            "K=http://x?a=b&c=d",
            "# it's\nK=v\n",
        ] {
            assert_eq!(doubts(text), [], "{text:?}");
        }
    }

    #[test]
    fn what_the_library_reads_otherwise_is_named_with_what_helps() {
        use Doubt::{Differs, Refused};
        for (text, doubt) in [
            ("K=a b\n", Refused(Remedy::Quote)),
            ("K=it's\n", Refused(Remedy::Quote)),
            ("K=[\"http://x\"]\n", Differs(Remedy::Quote)),
            ("K=####\n", Differs(Remedy::Quote)),
            ("K=a\\nb\n", Differs(Remedy::Quote)),
            ("K=\"a\\tb\"\n", Refused(Remedy::Quote)),
            ("K=$COURSEFULL_ENV\n", Differs(Remedy::Brace)),
            ("K=a b $A\n", Refused(Remedy::Brace)),
            ("K=${A:-1}\n", Differs(Remedy::Unknown)),
            ("K=$5\n", Differs(Remedy::Quote)),
            ("K=a$\n", Differs(Remedy::Quote)),
            ("K-L=v\n", Refused(Remedy::Rename)),
            ("K='a\r\nb'\r\n", Differs(Remedy::Quote)),
            ("K=\"a\\rb\"\n", Refused(Remedy::Unknown)),
        ] {
            assert_eq!(doubts(text), [doubt], "{text:?}");
        }
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "dotenvy reads the real environment; this shows that it is all the same"
    )]
    fn the_real_environment_changes_nothing() {
        for name in std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()) {
            if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) && env_file::is_key(&name) {
                assert_eq!(doubts(&format!("K=${name}\nL=${{{name}}}\nM='${name}'\n")), [], "{name}");
                assert_eq!(doubts(&format!("K=${name}_\n")), [Doubt::Differs(Remedy::Brace)], "{name}");
            }
        }
    }

    #[test]
    fn one_bad_line_does_not_spoil_the_others() {
        assert_eq!(doubts("A=a b\nB=b\nC=it's\nD=d\n"), [Doubt::Refused(Remedy::Quote); 2]);
    }

    #[test]
    fn a_key_that_is_set_again_is_named_with_the_line_that_sets_it_first() {
        assert_eq!(doubts("A=1\nB=2\nA=3\nA=1\n"), [Doubt::Duplicate { first: 1 }; 2]);
    }

    #[test]
    fn a_doubt_is_a_warning_that_shows_the_key_only() {
        let text =
            "A=1\nexport SOME_KEY=hunter2 hunter2\nA=2\nB_C=hunter2 $A_B\nD-E=hunter2\nF=${hunter2:-x}\n";
        let file = env_file::parse(text.as_bytes()).unwrap();
        let drawn: Vec<_> =
            differences(text, &file).iter().map(|doubt| doubt.diagnose(".env", text).to_string()).collect();
        insta::assert_snapshot!(drawn.join("\n"), @"
        .env:2:1: warning: dotenv libraries may refuse this line and all after it; quote it
         2 | export SOME_KEY=
           | ^^^^^^^^^^^^^^^
        .env:3:1: warning: set in line 1 already: we take the last, some dotenv libraries the first
         3 | A=
           | ^
        .env:4:1: warning: dotenv libraries may refuse this line and all after it; quote it, and write ${NAME} for $NAME
         4 | B_C=
           | ^^^
        .env:5:1: warning: dotenv libraries may refuse this line and all after it; use a key without `-`
         5 | D-E=
           | ^^^
        .env:6:1: warning: dotenv libraries may read this value differently
         6 | F=
           | ^
        ");
    }

    proptest::proptest! {
        #[test]
        fn any_file_that_we_read_can_be_asked_about(text in r#"(?s)(K=|\n|[A1'"$\\{}# \t\r]|\$\{A:-|\PC){0,40}"#) {
            if let Ok(file) = env_file::parse(text.as_bytes()) {
                let _ = differences(&text, &file);
            }
        }

        #[test]
        fn what_quote_writes_is_read_the_same_unless_it_holds_a_carriage_return(
            value in r#"([^\x00\r]|[$\\'"{}# \t\n]){0,30}"#
        ) {
            let text = format!("K={}\n", env_file::quote(&value));
            proptest::prop_assert_eq!(doubts(&text), []);
        }
    }
}
