//! Records in json: each is one line and one object, gives the bytes back, and holds nothing that a terminal obeys.
#![no_main]

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use libfuzzer_sys::fuzz_target;
use proc_start::model::policy::{LogFormat, Timestamps};
use proc_start::output::{Colour, Formatter, Label, Piece, Source, Stream};
use serde_json::Value;

fuzz_target!(|data: (String, bool, &[u8])| {
    let (name, ended, bytes) = data;
    let label = Label { process: name.clone(), process_type: name, index: Some(1), colour: Colour::nth(0) };
    let source = Source { label: &label, pid: Some(7), stream: Stream::Stdout };
    let mut out = Vec::new();
    let formatter = Formatter::new(LogFormat::Json, Timestamps::Time, true, 0);
    formatter.records(&source).write(&mut out, Piece { bytes, ended });
    let text = str::from_utf8(&out).unwrap();
    let line = text.strip_suffix('\n').unwrap();
    assert!(!line.contains(char::is_control), "{line:?}");
    let record: Value = serde_json::from_str(line).unwrap();
    assert_eq!(record["process"], label.process);
    assert_eq!(record["partial"].as_bool().unwrap_or_default(), !ended);
    assert_eq!(content(&record), bytes);
});

/// What was written, as a reader of the records finds it.
fn content(record: &Value) -> Vec<u8> {
    match &record["bytes_base64"] {
        Value::String(base64) => BASE64_STANDARD.decode(base64).unwrap(),
        _ => record["line"].as_str().unwrap().as_bytes().to_vec(),
    }
}
