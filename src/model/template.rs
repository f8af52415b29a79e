//! The value of an env file before its variables are filled in: text, and the variables between.
//!
//! A template is a secret like the value that it becomes: nothing here shows its text.

use std::fmt;

/// A value as it stands in an env file: literal text and variables, in order.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Template {
    segments: Vec<Segment>,
}

/// A part of a template.
#[derive(Clone, PartialEq, Eq)]
pub enum Segment {
    /// Text that stays as it is.
    Literal(String),
    /// `$NAME`, `${NAME}` or `${NAME:-default}`.
    Variable {
        /// The name, `[A-Za-z_][A-Za-z0-9_]*`.
        name: String,
        /// What stands for it where it is unset or empty.
        default: Option<Template>,
    },
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Template(..)")
    }
}

impl fmt::Debug for Segment {
    /// Hides the name of a variable as well: in `pa$word` it is half of the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Segment(..)")
    }
}

/// A value has more than [`DEPTH`] braces inside one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooDeep;

/// Defaults within defaults at most: more than anyone writes, few enough to read and fill in by recursion.
pub(super) const DEPTH: usize = 16;

/// What `\` means in front of another character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    /// Nothing: an unquoted value.
    Plain,
    /// `\n \r \t \\ \" \$`: a value in double quotes.
    Backslash,
}

impl Template {
    /// A template without variables.
    #[must_use]
    pub fn literal(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { segments: if text.is_empty() { Vec::new() } else { vec![Segment::Literal(text)] } }
    }

    /// The parts in order; no two literals stand side by side and none is empty.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The text, if there is no variable in it.
    #[must_use]
    pub fn as_literal(&self) -> Option<&str> {
        match self.segments.as_slice() {
            [] => Some(""),
            [Segment::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Reads the inside of a value; CRLF becomes LF.
    pub(super) fn read(raw: &str, escapes: Escapes) -> Result<Self, TooDeep> {
        let mut reader = Reader::default();
        let mut rest = raw;
        while !rest.is_empty() {
            rest = reader.step(rest, escapes)?;
        }
        Ok(reader.finish())
    }
}

/// Builds a template from left to right, without recursion and looking at each character once.
#[derive(Default)]
struct Reader {
    done: Template,
    open: Vec<Brace>,
}

/// A `${` whose `}` is still to come.
struct Brace {
    opening: String,
    /// The variable whose default is being read; none in a form that the grammar does not list, which is literal.
    variable: Option<String>,
    inside: Template,
}

impl Reader {
    /// Reads one thing from the front of `rest`, which is not empty, and returns what follows it.
    fn step<'a>(&mut self, rest: &'a str, escapes: Escapes) -> Result<&'a str, TooDeep> {
        let special =
            |char| matches!(char, '$' | '}' | '\r') || char == '\\' && escapes == Escapes::Backslash;
        let (plain, rest) = rest.split_at(rest.find(special).unwrap_or(rest.len()));
        self.top().push_str(plain);
        let mut chars = rest.chars();
        match chars.next() {
            Some('$') => return self.dollar(rest, chars.as_str()),
            Some('}') => self.close(),
            Some('\r') if chars.as_str().starts_with('\n') => {}
            Some('\\') => return Ok(self.escape(chars.as_str())),
            Some(char) => self.top().push_str(char.encode_utf8(&mut [0; 4])),
            None => {}
        }
        Ok(chars.as_str())
    }

    /// What follows a `\` in double quotes; all but six characters leave the `\` standing.
    fn escape<'a>(&mut self, after: &'a str) -> &'a str {
        let text = match after.chars().next() {
            Some('n') => "\n",
            Some('r') => "\r",
            Some('t') => "\t",
            Some('\\') => "\\",
            Some('"') => "\"",
            Some('$') => "$",
            _ => {
                self.top().push_str("\\");
                return after;
            }
        };
        self.top().push_str(text);
        &after[1..]
    }

    /// Reads what a `$` begins; `rest` is from the `$` on, `after` without it.
    fn dollar<'a>(&mut self, rest: &'a str, after: &'a str) -> Result<&'a str, TooDeep> {
        let braced = after.strip_prefix('{');
        let literal = self.open.last().is_some_and(|brace| brace.variable.is_none());
        let (name, tail) = split_name(braced.unwrap_or(after));
        if !literal && !name.is_empty() {
            if braced.is_none() {
                self.top().push_variable(name.to_owned(), None);
                return Ok(tail);
            }
            if let Some(tail) = tail.strip_prefix('}') {
                self.top().push_variable(name.to_owned(), None);
                return Ok(tail);
            }
            if let Some(tail) = tail.strip_prefix(":-") {
                self.open(&rest[..rest.len() - tail.len()], Some(name.to_owned()))?;
                return Ok(tail);
            }
        }
        if let Some(tail) = braced {
            self.open("${", None)?;
            return Ok(tail);
        }
        self.top().push_str("$");
        Ok(after)
    }

    fn open(&mut self, opening: &str, variable: Option<String>) -> Result<(), TooDeep> {
        if self.open.len() == DEPTH {
            return Err(TooDeep);
        }
        self.open.push(Brace { opening: opening.to_owned(), variable, inside: Template::default() });
        Ok(())
    }

    fn close(&mut self) {
        match self.open.pop() {
            Some(Brace { variable: Some(name), inside, .. }) => self.top().push_variable(name, Some(inside)),
            Some(brace) => {
                self.spill(brace);
                self.top().push_str("}");
            }
            None => self.top().push_str("}"),
        }
    }

    /// Ends the value; a brace that was never closed is literal.
    fn finish(mut self) -> Template {
        while let Some(brace) = self.open.pop() {
            self.spill(brace);
        }
        self.done
    }

    /// Puts what a brace held behind its opening, as if there were no brace.
    fn spill(&mut self, brace: Brace) {
        let top = self.top();
        top.push_str(&brace.opening);
        for segment in brace.inside.segments {
            match segment {
                Segment::Literal(text) => top.push_str(&text),
                Segment::Variable { name, default } => top.push_variable(name, default),
            }
        }
    }

    /// The template that what comes next belongs to.
    fn top(&mut self) -> &mut Template {
        self.open.last_mut().map_or(&mut self.done, |brace| &mut brace.inside)
    }
}

impl Template {
    fn push_str(&mut self, text: &str) {
        match self.segments.last_mut() {
            Some(Segment::Literal(last)) => last.push_str(text),
            Some(Segment::Variable { .. }) | None if text.is_empty() => {}
            Some(Segment::Variable { .. }) | None => self.segments.push(Segment::Literal(text.to_owned())),
        }
    }

    fn push_variable(&mut self, name: String, default: Option<Self>) {
        self.segments.push(Segment::Variable { name, default });
    }
}

/// Splits the name of a variable off the front; empty if there is none.
fn split_name(text: &str) -> (&str, &str) {
    if text.starts_with(|char: char| char.is_ascii_digit()) {
        return ("", text);
    }
    let other = |char: char| !char.is_ascii_alphanumeric() && char != '_';
    text.split_at(text.find(other).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows a template so that nothing in it can be mistaken: `<NAME>`, `<NAME|default>`.
    fn show(template: &Template) -> String {
        let show = |segment: &Segment| match segment {
            Segment::Literal(text) => text.clone(),
            Segment::Variable { name, default: None } => format!("<{name}>"),
            Segment::Variable { name, default: Some(default) } => format!("<{name}|{}>", show(default)),
        };
        template.segments.iter().map(show).collect()
    }

    fn read(raw: &str, escapes: Escapes) -> String {
        show(&Template::read(raw, escapes).unwrap())
    }

    #[test]
    fn the_three_forms_of_a_variable_are_found() {
        for (raw, shown) in [
            ("$A", "<A>"),
            ("${A}", "<A>"),
            ("a$A_1-b", "a<A_1>-b"),
            ("a${A}b$B", "a<A>b<B>"),
            ("${A:-}", "<A|>"),
            ("${A:-x y}", "<A|x y>"),
            ("${A:-$B}", "<A|<B>>"),
            ("${A:-${B:-${C}d}e}f", "<A|<B|<C>d>e>f"),
            ("$A$B", "<A><B>"),
            ("$_", "<_>"),
        ] {
            assert_eq!(read(raw, Escapes::Plain), shown, "{raw}");
            assert_eq!(read(raw, Escapes::Backslash), shown, "{raw}");
        }
    }

    #[test]
    fn every_other_dollar_is_literal() {
        for raw in [
            "$",
            "a$",
            "$$",
            "$(id)",
            "`id`",
            "$1",
            "$5.00",
            "${}",
            "${1}",
            "${A",
            "${A-b}",
            "${A:+b}",
            "${A:?b}",
            "${A:=b}",
            "${#A}",
            "${A%b}",
            "${A.b}",
            "${A B}",
            "${ A }",
            "}",
            "{A}",
            "$\u{e9}",
            "${A?$B}",
            "${A+${B}}",
            "${A?${B:-c}}",
            "${A:",
            "${A:-b",
        ] {
            assert_eq!(read(raw, Escapes::Plain), raw);
        }
    }

    #[test]
    fn a_form_that_is_not_listed_keeps_its_brace_from_ending_a_default() {
        assert_eq!(read("${A:-${B?}}c", Escapes::Plain), "<A|${B?}>c");
        assert_eq!(read("${A:-$B$C ${D:-e", Escapes::Plain), "${A:-<B><C> ${D:-e");
    }

    #[test]
    fn six_escapes_mean_something_and_only_in_double_quotes() {
        for (raw, quoted, plain) in [
            (r#"\n\r\t\\\"\$A"#, "\n\r\t\\\"$A", r#"\n\r\t\\\"\<A>"#),
            (r"\x\'\ \", r"\x\'\ \", r"\x\'\ \"),
            (r"\\n", r"\n", r"\\n"),
            ("\\\r\n", "\\\n", "\\\n"),
            (r"${A:-\$B}", "<A|$B>", r"<A|\<B>>"),
        ] {
            assert_eq!(read(raw, Escapes::Backslash), quoted, "{raw}");
            assert_eq!(read(raw, Escapes::Plain), plain, "{raw}");
        }
    }

    #[test]
    fn crlf_becomes_lf_and_a_lone_cr_stays() {
        assert_eq!(read("a\r\nb\rc\r\r\n", Escapes::Plain), "a\nb\rc\r\n");
    }

    #[test]
    fn braces_may_stand_inside_one_another_only_so_deep() {
        let nested = |depth| format!("{}x{}", "${A:-".repeat(depth), "}".repeat(depth));
        assert!(Template::read(&nested(DEPTH), Escapes::Plain).is_ok());
        assert_eq!(Template::read(&nested(DEPTH + 1), Escapes::Plain), Err(TooDeep));
        assert_eq!(Template::read(&"${".repeat(500_000), Escapes::Plain), Err(TooDeep));
    }

    #[test]
    fn the_debug_form_shows_nothing() {
        let template = Template::read("hunter2$A${B:-secret}", Escapes::Plain).unwrap();
        assert_eq!(format!("{template:?} {:?}", template.segments()[1]), "Template(..) Segment(..)");
    }

    #[test]
    fn any_text_is_read_and_text_without_dollars_and_escapes_is_literal() {
        proptest::proptest!(|(raw in r"(?s)([$\\{}:\-\r\nA\PC]|\$\{A:-|\$\{){0,40}")| {
            let _ = Template::read(&raw, Escapes::Backslash);
            let template = Template::read(&raw, Escapes::Plain);
            if !raw.contains(['$', '\r']) {
                proptest::prop_assert_eq!(template, Ok(Template::literal(raw)));
            }
        });
    }
}
