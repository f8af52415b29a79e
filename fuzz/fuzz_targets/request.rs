//! What a client may send: whatever it is, it is read without a panic, and what was read is written so that it is read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proc_start::api::messages::{Formation, LogRecord, Names, ScaleRequest, SignalRequest, WindowRequest};
use proc_start::api::query::{InstancesQuery, LogsQuery, RunQuery};
use proc_start::model::instance::InstanceId;
use proc_start::model::selector::{is_meant, select};
use proc_start::model::{procfile, signal::Signal};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

fuzz_target!(|data: &[u8]| {
    body::<Names>(data);
    body::<SignalRequest>(data);
    body::<ScaleRequest>(data);
    body::<WindowRequest>(data);
    body::<Formation>(data);
    body::<LogRecord>(data);
    let text = String::from_utf8_lossy(data);
    query(&text);
    names(&text);
    let _ = Signal::from_name(&text);
});

fn body<T: DeserializeOwned + Serialize + PartialEq + Debug>(data: &[u8]) {
    if let Ok(read) = serde_json::from_slice::<T>(data) {
        let written = serde_json::to_vec(&read).unwrap();
        assert_eq!(serde_json::from_slice::<T>(&written).unwrap(), read);
    }
}

fn query(text: &str) {
    let behind = |written: String| written.strip_prefix('?').unwrap_or_default().to_owned();
    if let Ok(read) = RunQuery::read(text) {
        assert_eq!(RunQuery::read(&behind(read.write())), Ok(read));
    }
    if let Ok(read) = InstancesQuery::read(text) {
        assert_eq!(InstancesQuery::read(&behind(read.write())), Ok(read));
    }
    if let Ok(read) = LogsQuery::read(text) {
        assert_eq!(LogsQuery::read(&behind(read.write())), Ok(read));
    }
}

/// Who is selected is meant by one of the names, and each name means somebody.
fn names(text: &str) {
    let types = procfile::parse(b"web: a\nworker: b\nworker-low: c\n").types;
    let there = [(0, 1), (1, 1), (1, 2), (1, 12)].map(|(process, number)| InstanceId { process, number });
    let names: Vec<String> = text.split_whitespace().take(8).map(str::to_owned).collect();
    match select(&names, &there, &types) {
        Ok(selected) => {
            assert!(selected.is_sorted());
            let is_meant_by = |id: &InstanceId| names.iter().any(|name| is_meant(name, *id, &types));
            assert!(there.iter().all(|id| selected.contains(id) == is_meant_by(id)));
        }
        Err(refusal) => assert!(!refusal.message.is_empty()),
    }
}
