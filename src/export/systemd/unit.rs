//! A unit file in the making: sections, settings and comments, in lines that systemd reads.

use std::fmt::Write as _;

/// How many units a line names, so that it stays far below what systemd reads as one (1 MiB), and is one that people read.
const UNITS_A_LINE: usize = 20;

/// A unit file, or a drop-in.
#[derive(Debug)]
pub(super) struct Unit {
    text: String,
}

impl Unit {
    /// One that begins with a comment, which says what it is.
    pub(super) fn new(comment: &str) -> Self {
        let mut unit = Self { text: String::new() };
        unit.comment("Made by proc export.");
        unit.comment(comment);
        unit
    }

    /// Begins a section.
    pub(super) fn section(&mut self, name: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "\n[{name}]");
    }

    /// Puts an empty line between settings.
    pub(super) fn gap(&mut self) {
        self.text.push('\n');
    }

    /// Adds a comment. It is ours, or has been made printable.
    pub(super) fn comment(&mut self, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "# {text}");
    }

    /// Adds a setting, with a value that is ours or has gone through the escaper.
    pub(super) fn set(&mut self, key: &str, value: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{key}={value}");
    }

    /// Adds a setting that names units, as often as it takes.
    pub(super) fn name_units<'a>(&mut self, key: &str, units: impl IntoIterator<Item = &'a String>) {
        let units: Vec<&str> = units.into_iter().map(String::as_str).collect();
        for some in units.chunks(UNITS_A_LINE) {
            self.set(key, &some.join(" "));
        }
    }

    /// How long it is by now, in bytes.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// The whole of it.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_units_take_many_lines() {
        let units: Vec<String> = (1..=45).map(|number| format!("a@{number}.service")).collect();
        let mut unit = Unit::new("a");
        unit.name_units("Wants", &units);
        assert_eq!(unit.finish().lines().filter(|line| line.starts_with("Wants=")).count(), 3);
    }
}
