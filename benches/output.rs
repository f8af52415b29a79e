//! How fast the parts of the output are: the splitter, the formatter, the filter for terminals and the mux, each fed as the engine does it.
//!
//! MB/s are those of what goes in, so that the rows can be compared with one another and with the end-to-end bench.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use proc_start::model::policy::{LogFormat, Timestamps};
use proc_start::output::{
    Colour, Filter, Formatter, Label, LineBuffer, Mux, Piece, Source, Stream, StreamId, Terminal,
};
use std::fmt;
use std::time::Instant;

/// What the engine takes from a pipe at a time.
const CHUNK: usize = 64 * 1024;

/// How much goes through in one iteration.
const AMOUNT: usize = 16 * CHUNK;

fn main() {
    divan::main();
}

/// A stream of bytes and the chunks it arrives in.
struct Input {
    name: &'static str,
    bytes: Vec<u8>,
    chunk: usize,
}

impl Input {
    fn new(name: &'static str, line: &[u8]) -> Self {
        Self { name, bytes: repeated(line), chunk: CHUNK }
    }

    fn in_chunks_of(self, chunk: usize) -> Self {
        Self { chunk, ..self }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// As many whole lines as fit.
fn repeated(line: &[u8]) -> Vec<u8> {
    line.repeat(AMOUNT / line.len())
}

/// A line of so many bytes, its newline among them.
fn line(length: usize) -> Vec<u8> {
    let mut line = vec![b'x'; length - 1];
    line.push(b'\n');
    line
}

fn streams() -> Vec<Input> {
    vec![
        Input::new("lines of 10 bytes", &line(10)),
        Input::new("lines of 100 bytes", &line(100)),
        Input::new("lines of 10 kB", &line(10_000)),
        Input::new("no newline", b"x"),
        Input::new("every line cut by a chunk's end", &line(100)).in_chunks_of(90),
    ]
}

#[divan::bench(args = streams())]
fn splitter(bencher: Bencher, input: &Input) {
    bencher.counter(BytesCount::new(input.bytes.len())).bench_local(|| {
        let mut lines = LineBuffer::default();
        for chunk in input.bytes.chunks(input.chunk) {
            lines.feed(black_box(chunk), |piece| {
                black_box(piece);
            });
        }
        lines
    });
}

/// A form of the output and the line that is put into it.
struct Form {
    name: &'static str,
    format: LogFormat,
    is_coloured: bool,
    line: &'static [u8],
}

impl fmt::Display for Form {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

const ASCII: &[u8] = b"GET /orders/4711?page=2 200 in 12.5 ms, 4096 bytes, \"curl/8.5.0\", id 0123456789abcdef0123456789abcdef";
const UTF_8: &[u8] = "GET /bücher/élan → 200 « où êtes-vous ? » 日本語のテキスト, данные, 12,5 ms".as_bytes();
const NO_UTF_8: &[u8] = b"GET /b\xfccher/\xe9lan \xab o\xf9 \xeates-vous ? \xbb 200 in 12.5 ms, 4096 bytes, latin-1 from end to end";

fn forms() -> Vec<Form> {
    let form = |name, format, line| Form { name, format, is_coloured: name == "text, coloured", line };
    vec![
        form("text", LogFormat::Text, ASCII),
        form("text, coloured", LogFormat::Text, ASCII),
        form("json, ASCII", LogFormat::Json, ASCII),
        form("json, UTF-8", LogFormat::Json, UTF_8),
        form("json, not UTF-8", LogFormat::Json, NO_UTF_8),
        form("raw", LogFormat::Raw, ASCII),
    ]
}

#[divan::bench(args = forms())]
fn formatter(bencher: Bencher, form: &Form) {
    let formatter = Formatter::new(form.format, Timestamps::Time, form.is_coloured, 8);
    let label = label("web");
    let source = Source { label: &label, pid: Some(4711), stream: Stream::Stdout };
    let count = AMOUNT / form.line.len();
    let mut page = Vec::new();
    bencher.counter(BytesCount::new(count * form.line.len())).bench_local(|| {
        page.clear();
        let records = formatter.records(&source);
        for _ in 0..count {
            records.write(&mut page, Piece { bytes: black_box(form.line), ended: true });
        }
        black_box(page.len())
    });
}

fn label(process_type: &str) -> Label {
    let process = format!("{process_type}.1");
    Label { process, process_type: process_type.to_owned(), index: Some(1), colour: Colour::nth(0) }
}

/// What a stream may hold for a terminal; each of these is repeated.
fn texts() -> Vec<Input> {
    let coloured = b"\x1b[32mGET\x1b[0m /orders/4711 \x1b[1;38;5;208m200\x1b[0m in \x1b[4m12.5 ms\x1b[24m, 4096 bytes, \"curl/8.5.0\"";
    let hostile = b"\x1b[2J\x1b]0;title\x07\x1b]52;c;aGk=\x1b\\\x1b[6n\x1bP+q\x1b\\\x1b[>4m\xc2\x9b2J\x08\r\x7f\x1b[?1049h\xe2\x80\xae";
    vec![
        Input::new("ASCII", ASCII),
        Input::new("coloured", coloured),
        Input::new("UTF-8", UTF_8),
        Input::new("hostile", hostile),
        Input { name: "random bytes", bytes: random(), chunk: CHUNK },
    ]
}

/// The same random bytes every time (xorshift64).
fn random() -> Vec<u8> {
    let step = |state: &u64| {
        let state = state ^ (state << 13);
        let state = state ^ (state >> 7);
        Some(state ^ (state << 17))
    };
    let states = std::iter::successors(Some(0x9e37_79b9_7f4a_7c15), step);
    states.take(AMOUNT / 8).flat_map(u64::to_le_bytes).collect()
}

#[divan::bench(args = texts())]
fn filter(bencher: Bencher, input: &Input) {
    let mut out = Vec::new();
    bencher.counter(BytesCount::new(input.bytes.len())).bench_local(|| {
        let mut filter = Filter::default();
        for chunk in input.bytes.chunks(input.chunk) {
            out.clear();
            filter.feed(black_box(chunk), &mut out);
        }
        filter.end(&mut out);
        black_box(out.len())
    });
}

/// Four streams in turn, a chunk each, what came of it taken after every chunk.
#[divan::bench(args = [LogFormat::Text, LogFormat::Json, LogFormat::Raw])]
fn mux_into_a_pipe(bencher: Bencher, format: LogFormat) {
    mux(bencher, format, None);
}

/// The same for a terminal.
#[divan::bench]
fn mux_onto_a_terminal(bencher: Bencher) {
    mux(bencher, LogFormat::Text, Some(Terminal { can_erase: true }));
}

fn mux(bencher: Bencher, format: LogFormat, terminal: Option<Terminal>) {
    let formatter = Formatter::new(format, Timestamps::Time, true, 8);
    let mut mux = Mux::new(formatter, terminal, 1 << 20);
    for (id, name) in (0..).zip(["web", "worker", "clock", "mailer"]) {
        mux.open(StreamId(id), label(name), Some(4711), Stream::Stdout, false);
    }
    let (bytes, now) = (repeated(&line(100)), start());
    bencher.counter(BytesCount::new(4 * bytes.len())).bench_local(|| {
        for chunk in bytes.chunks(CHUNK) {
            for id in 0..4 {
                mux.feed(StreamId(id), black_box(chunk), now);
                black_box(mux.take());
            }
        }
    });
}

#[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning, and none waits for it")]
fn start() -> Instant {
    Instant::now()
}
