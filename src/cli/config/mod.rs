//! `proc config`: what holds in the end, and where each value is from.

mod rows;

use super::args::Options;
use super::error::CliError;
use super::load::{self, App, Demand, Surroundings};
use super::problems::Problems;
use super::ui;
use crate::model::config::schema;
use crate::model::diagnostic::printable;
use rows::{Row, Section};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::process::ExitCode;

/// Prints the effective configuration for people or as JSON, or the schema of `proc.toml`.
pub(super) fn config(options: &Options, around: &Surroundings) -> Result<ExitCode, CliError> {
    if options.schema {
        return print(schema());
    }
    let (app, problems) = load::app(options, around, Demand::Lenient);
    problems.settle()?;
    let Some(app) = app else { return Err(CliError::internal("no app and no error")) };
    let sections = sections(options, &app)?;
    print(if options.json { as_json(&sections) } else { as_text(&sections) })
}

fn print(text: String) -> Result<ExitCode, CliError> {
    ui::print(text).map_err(CliError::unwritten)?;
    Ok(ExitCode::SUCCESS)
}

/// What holds for all, then what holds for each process type.
fn sections(options: &Options, app: &App) -> Result<Vec<Section>, CliError> {
    let mut problems = Problems::default();
    let formation = super::plan::formation(options, &[], app, &mut problems);
    problems.settle()?;
    let counts = formation.map(|formation| formation.counts).unwrap_or_default();
    let reader = rows::Reader { options, app, counts: &counts };
    let processes = (0..app.types.len()).map(|index| reader.process(index));
    Ok(std::iter::once(reader.all()).chain(processes).collect())
}

/// A table for each section, its columns below one another.
fn as_text(sections: &[Section]) -> String {
    let rows = || sections.iter().flat_map(|section| &section.rows);
    let key_of = |row: &Row| row.path.join(".");
    let key_width = rows().map(|row| key_of(row).chars().count()).max().unwrap_or(0);
    // One long command does not push all origins out of sight.
    let value_width =
        rows().map(|row| shown(&row.value).chars().count()).filter(|width| *width <= 40).max().unwrap_or(0);
    let mut text = String::new();
    for section in sections {
        if let Some(name) = &section.name {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "\n[process.{name}]");
        }
        for row in &section.rows {
            let (key, value) = (key_of(row), shown(&row.value));
            let _ = writeln!(text, "{key:key_width$}  {value:value_width$}  {}", row.origin);
        }
    }
    text
}

/// A value as people read it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => printable(text),
        Value::Array(list) if list.is_empty() => "none".to_owned(),
        Value::Array(list) => list.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// One object: `process` holds the process types, everything else is for all. Each value stands beside its origin.
fn as_json(sections: &[Section]) -> String {
    let (mut all, mut processes) = (Map::new(), Map::new());
    for section in sections {
        let mut object = Map::new();
        section.rows.iter().for_each(|row| put(&mut object, &row.path, row));
        match &section.name {
            None => all = object,
            Some(name) => drop(processes.insert(name.clone(), object.into())),
        }
    }
    all.insert("process".to_owned(), processes.into());
    // A value of JSON can be written as JSON.
    serde_json::to_string_pretty(&Value::Object(all)).unwrap_or_default() + "\n"
}

fn put(object: &mut Map<String, Value>, path: &[String], row: &Row) {
    match path {
        [] => {}
        [key] => drop(object.insert(key.clone(), json!({ "value": row.value, "origin": row.origin }))),
        [key, rest @ ..] => {
            let inner = object.entry(key.clone()).or_insert_with(|| Map::new().into());
            if let Value::Object(inner) = inner {
                put(inner, rest, row);
            }
        }
    }
}
