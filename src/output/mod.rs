//! Lines: how what the processes write becomes what we write.
//!
//! A line on its way: the engine reads a chunk of bytes from a pipe and feeds it to the [`Mux`]. The stream's `line`
//! buffer cuts it into lines and keeps the unfinished rest. Each line goes through the [`Formatter`], behind a prefix in
//! a colour of the `palette` or into a json object, onto the page; for a terminal the `screen` puts it there, by way of the
//! [`Filter`]. At the end of the wake-up the engine takes the page and pushes it into the [`Sink`], whose thread writes it.
//! While the sink has no room the engine reads no pipe, so the processes wait and memory stays bounded; the page itself
//! is what one wake-up reads, with a prefix before each line.
//!
//! - `line`: bytes into lines; bounded, decodes nothing.
//! - `palette`: which process type has which colour.
//! - `format`: one record as text, json or raw.
//! - `escape`: what of a stranger's bytes a terminal may be given; `sgr`: the colours that a stream has left on.
//! - `screen`: lines that are seen before they are complete, and those that are written over and over.
//! - `mux`: the streams together.
//! - `sink`: the thread that writes, and what becomes of a writer that is slow, full or gone.
//!
//! Where there are log files (`--log-dir`), the engine feeds the same chunk to the [`Tee`], and nothing of ours is added to it:
//!
//! - `tee`: the bytes of an instance as its file gets them.
//! - `logs`: the thread that writes the files, and what becomes of a disk that is slow or fails.
//! - `backlog`: what waits for one file, and the count of what had to be dropped.
//!
//! Nothing here reads a descriptor or a clock, and all but the two threads is pure.
//!
//! docs/performance.md says how fast it is, and what each of the things that make it so has brought.

mod backlog;
mod escape;
mod format;
mod line;
mod logs;
mod mux;
mod palette;
mod screen;
mod sgr;
mod sink;
mod tee;

pub use escape::Filter;
pub use format::{Formatter, Label, Records, Source, Stream};
pub use line::{LONGEST, LineBuffer, Piece};
pub use logs::{Logs, Unwritten};
pub use mux::{Formatted, Mux, StreamId};
pub use palette::Colour;
pub use screen::Terminal;
pub use sink::{Closed, Finished, Sink, Target, WriteNow};
pub use tee::Tee;
