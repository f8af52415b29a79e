//! The mux into a pipe: the lines behind the prefix of a stream are what went into that stream.
#![no_main]

mod input;

use input::Input;
use libfuzzer_sys::fuzz_target;
use proc_start::model::policy::{LogFormat, Timestamps};
use proc_start::output::{Colour, Formatter, Label, Mux, Stream, StreamId};
use std::time::Instant;

/// The streams; the chunks go to them by what they begin with.
const NAMES: [&str; 3] = ["a.1", "b.1", "c.1"];

fuzz_target!(|data: &[u8]| {
    let Some(input) = Input::read(data) else { return };
    let mut mux = Mux::new(Formatter::new(LogFormat::Text, Timestamps::None, false, 0), None, usize::MAX);
    for (id, name) in (0..).zip(NAMES) {
        let label =
            Label { process: name.into(), process_type: name.into(), index: None, colour: Colour::nth(0) };
        mux.open(StreamId(id), label, None, Stream::Stdout, false);
    }
    let (now, mut fed, mut output) = (Instant::now(), [const { Vec::new() }; 3], Vec::new());
    for chunk in input.chunks(input.bytes, 1) {
        let id = usize::from(chunk[0]) % NAMES.len();
        fed[id].extend_from_slice(chunk);
        mux.feed(StreamId(id as u64), chunk, now);
        output.extend(mux.take().stdout);
    }
    (0..).zip(NAMES).for_each(|(id, _)| mux.close(StreamId(id)));
    output.extend(mux.take().stdout);
    assert!(output.is_empty() || output.ends_with(b"\n"));
    output.pop();
    assert_eq!(by_stream(&output), fed.map(|bytes| lines(&bytes)));
});

/// The lines without their prefixes; each must have one.
fn by_stream(output: &[u8]) -> [Vec<Vec<u8>>; 3] {
    let mut streams = [const { Vec::new() }; 3];
    for line in lines(output) {
        let prefix = |name: &str| format!("{name}    | ").into_bytes();
        let id = NAMES.iter().position(|name| line.starts_with(&prefix(name))).expect("a prefix");
        streams[id].push(line[prefix(NAMES[id]).len()..].to_vec());
    }
    streams
}

/// The lines, the last one too if it has no newline.
fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut lines: Vec<_> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    lines.pop_if(|last| last.is_empty());
    lines
}
