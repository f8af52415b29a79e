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
//! - `files`: what waits for all of them, and the sums of it.
//!
//! What was written last is kept for those who ask later (`proc logs`) in the [`Ring`], which the engine feeds with the same chunk too.
//!
//! Both threads have their work from a `handoff`: the queue, the room in it, and how it ends.
//!
//! Nothing here reads a descriptor or a clock, and all but the two threads is pure.
//!
//! # What makes it fast
//!
//! Seconds are those of 5 million lines of 100 bytes from four processes: 0.61 s as it is, which take 0.85 s of CPU time, the processes'
//! included. docs/performance.md has all of it, and how it was measured.
//!
//! | what | brought |
//! | --- | --- |
//! | chunks of 64 KiB, all that a pipe holds | chunks of 32 KiB take 0.68 s, of 16 KiB 0.80 s |
//! | `writev` of up to 256 KiB, and pages that are written on again | without both 0.66 s; `writev` of fresh pages, 22 page faults each: 0.73 s |
//! | the head of a record put into words once a chunk, not once a line | CPU time from 0.92 s to 0.66 s (in another run) |
//! | up to four chunks on one page | CPU time from 0.69 s to 0.63 s (in another run) |
//! | newlines by `memchr`, a complete line copied once | newlines are found at 9 GB/s, chunks become pages at 5.0 GB/s |
//! | a lone line written by the loop itself (`RWF_NOWAIT`) | median latency from 131 µs to 110 µs, where `cat` has 89 µs |
//!
//! What brought nothing: larger pipes (`F_SETPIPE_SZ`; of 128 KiB 0.64 s, 256 KiB 0.65 s, 1 MiB 0.66 s; our own output one of 1 MiB 0.61 s),
//! and chunks of 256 KiB from pipes as large (0.64 s).

mod backlog;
mod escape;
mod files;
mod format;
mod handoff;
mod line;
mod logs;
mod mux;
mod palette;
mod ring;
mod screen;
mod sgr;
mod sink;
mod table;
mod tee;

pub use escape::Filter;
pub use format::{Formatter, Label, Records, Source, Stream};
pub use line::{LONGEST, LineBuffer, Piece};
pub use logs::{Logs, Unwritten};
pub use mux::{Formatted, Mux, StreamId};
pub use palette::Colour;
pub use ring::{Author, Count, Place, Reading, Ring, Segment};
pub use screen::Terminal;
pub use sink::{Closed, Finished, Sink, Target, WriteNow};
pub use table::table;
pub use tee::Tee;
