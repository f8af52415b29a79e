//! What the sink makes of slow, short, failing and stuck writers.

use super::*;
use std::future::Future;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

/// Far beyond what any step takes: a test that comes here has failed.
const LIMIT: Duration = Duration::from_secs(20);

/// A sink whose every write waits until the test has seen it and said what comes of it.
struct Test {
    sink: Sink,
    calls: Receiver<(Target, Vec<u8>)>,
    results: Sender<io::Result<usize>>,
}

impl Test {
    fn new(limit: usize) -> Self {
        let (call, calls) = mpsc::channel();
        let (results, result) = mpsc::channel();
        let write = move |target, slices: &[IoSlice<'_>]| {
            let bytes = joined(slices);
            let length = bytes.len();
            let _ = call.send((target, bytes));
            result.recv().unwrap_or(Ok(length))
        };
        Self { sink: Sink::start(write, never(), limit).unwrap(), calls, results }
    }

    fn push(&self, text: &str) {
        drop(self.sink.push(Target::Stdout, text.as_bytes().to_vec()));
    }

    /// Waits for the thread to write, and expects this.
    fn sees(&self, target: Target, text: &str) {
        let (seen, bytes) = self.calls.recv_timeout(LIMIT).unwrap();
        assert_eq!((seen, bytes.escape_ascii().to_string()), (target, text.escape_default().to_string()));
    }

    fn writes(&self, bytes: usize) {
        self.results.send(Ok(bytes)).unwrap();
    }

    fn fails(&self, error: i32) {
        self.results.send(Err(io::Error::from_raw_os_error(error))).unwrap();
    }

    /// Waits until the sink says that something has changed.
    fn changes(&self) {
        assert!(within(LIMIT, self.sink.changed()), "no change");
    }
}

fn within(limit: Duration, future: impl Future<Output = ()>) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(limit, future).await.is_ok() })
}

/// A sink on a writer that takes everything at once; and what it took, once the sink has finished.
fn recording() -> (Sink, Receiver<(Target, Vec<u8>)>) {
    let (call, calls) = mpsc::channel();
    let write = move |target, slices: &[IoSlice<'_>]| {
        let bytes = joined(slices);
        let length = bytes.len();
        let _ = call.send((target, bytes));
        Ok(length)
    };
    (Sink::start(write, never(), usize::MAX).unwrap(), calls)
}

/// Nothing can be written at once: the thread gets all of it.
fn never() -> WriteNow {
    Box::new(|_| Err(ErrorKind::Unsupported.into()))
}

fn joined(slices: &[IoSlice<'_>]) -> Vec<u8> {
    slices.iter().flat_map(|slice| slice.to_vec()).collect()
}

#[test]
fn everything_is_written_in_the_order_in_which_it_was_pushed() {
    let (sink, calls) = recording();
    let mut expected = Vec::new();
    for number in 0..10_000 {
        let line = format!("{number}\n").into_bytes();
        expected.extend_from_slice(&line);
        drop(sink.push(Target::Stdout, line));
    }
    assert_eq!(sink.finish(LIMIT), Finished { dropped: 0, closed: None });
    let written: Vec<u8> = calls.iter().flat_map(|(_, bytes)| bytes).collect();
    assert!(written == expected);
}

#[test]
fn what_was_queued_meanwhile_is_written_at_once_and_the_targets_keep_their_order() {
    let test = Test::new(1000);
    test.push("first");
    test.sees(Target::Stdout, "first");
    test.push("a");
    test.push("b");
    drop(test.sink.push(Target::Stderr, b"c".to_vec()));
    test.push("");
    test.push("d");
    for (target, text) in [(Target::Stdout, "ab"), (Target::Stderr, "c"), (Target::Stdout, "d")] {
        test.writes(5);
        test.sees(target, text);
    }
    drop(test.results);
    assert_eq!(test.sink.finish(LIMIT), Finished { dropped: 0, closed: None });
}

#[test]
fn a_page_that_was_written_is_given_out_to_be_written_on_again() {
    let test = Test::new(1000);
    let mut page = Vec::with_capacity(12_345);
    page.push(b'a');
    assert_eq!(test.sink.push(Target::Stdout, page), b"");
    test.sees(Target::Stdout, "a");
    test.push("b");
    test.writes(1);
    // By the time of the next write all is done about the one before.
    test.sees(Target::Stdout, "b");
    let page = test.sink.push(Target::Stdout, b"c".to_vec());
    assert_eq!((page.len(), page.capacity()), (0, 12_345));
}

#[test]
fn what_is_short_is_written_at_once_while_nothing_is_queued() {
    let (call, calls) = mpsc::channel();
    let now = call.clone();
    // Two bytes at once, and then the pipe is full.
    let write_now: WriteNow = Box::new(move |bytes| {
        let _ = now.send(("at once", bytes[..2].to_vec()));
        Ok(2)
    });
    let (go, gone) = mpsc::channel::<()>();
    let write = move |_, slices: &[IoSlice<'_>]| {
        let bytes = joined(slices);
        let length = bytes.len();
        let _ = call.send(("by the thread", bytes));
        let _ = gone.recv();
        Ok(length)
    };
    let sink = Sink::start(write, write_now, usize::MAX).unwrap();
    assert_eq!(sink.push(Target::Stdout, b"ab".to_vec()), b"");
    drop(sink.push(Target::Stdout, b"cdef".to_vec()));
    drop(sink.push(Target::Stdout, b"gh".to_vec()));
    drop(go);
    assert_eq!(sink.finish(LIMIT), Finished { dropped: 0, closed: None });
    let (at_once, by_thread): (Vec<_>, Vec<_>) = calls.iter().partition(|(who, _)| *who == "at once");
    let all =
        |calls: Vec<(&str, Vec<u8>)>| calls.into_iter().flat_map(|(_, bytes)| bytes).collect::<Vec<_>>();
    assert_eq!((all(at_once), all(by_thread)), (b"abcd".to_vec(), b"efgh".to_vec()));
}

#[test]
fn a_batch_does_not_grow_without_bound() {
    let test = Test::new(1000);
    test.push("first");
    test.sees(Target::Stdout, "first");
    test.push(&"x".repeat(BATCH));
    test.push("y");
    test.writes(5);
    assert_eq!(test.calls.recv_timeout(LIMIT).unwrap().1.len(), BATCH);
    test.writes(BATCH);
    test.sees(Target::Stdout, "y");
}

#[test]
fn the_room_ends_at_the_limit_and_comes_back_when_bytes_have_been_written() {
    let test = Test::new(10);
    test.push("123456789");
    assert!(test.sink.has_room());
    test.sees(Target::Stdout, "123456789");
    test.push("0");
    assert!(!test.sink.has_room(), "what is being written still counts");
    assert!(!within(Duration::ZERO, test.sink.changed()));
    test.writes(4);
    test.changes();
    assert!(test.sink.has_room());
    test.sees(Target::Stdout, "56789");
}

#[test]
fn a_change_that_came_before_the_wait_is_not_lost() {
    let test = Test::new(2);
    test.push("12");
    test.sees(Target::Stdout, "12");
    test.writes(2);
    test.push("3");
    test.sees(Target::Stdout, "3");
    test.changes();
}

#[test]
fn a_short_write_is_completed() {
    let test = Test::new(1000);
    test.push("12345");
    for (text, written) in [("12345", 2), ("345", 1), ("45", 2)] {
        test.sees(Target::Stdout, text);
        test.writes(written);
    }
    assert_eq!(test.sink.finish(LIMIT), Finished { dropped: 0, closed: None });
}

#[test]
fn interruptions_and_a_busy_descriptor_lose_nothing_and_are_not_worth_a_word() {
    for target in [Target::Stdout, Target::Stderr] {
        let test = Test::new(1000);
        drop(test.sink.push(target, b"text".to_vec()));
        for error in [libc::EINTR, libc::EAGAIN, libc::EINTR] {
            test.sees(target, "text");
            test.fails(error);
        }
        test.sees(target, "text");
        test.writes(4);
        assert_eq!(test.sink.finish(LIMIT), Finished { dropped: 0, closed: None });
    }
}

#[test]
fn a_reader_that_has_gone_closes_the_sink_and_the_rest_is_counted() {
    for (error, why) in
        [(libc::EPIPE, Closed::BrokenPipe), (libc::EIO, Closed::Gone), (libc::EBADF, Closed::Gone)]
    {
        let test = Test::new(10);
        test.push("12345");
        test.sees(Target::Stdout, "12345");
        test.push("6789012");
        assert_eq!((test.sink.closed(), test.sink.has_room()), (None, false));
        test.writes(3);
        test.sees(Target::Stdout, "45");
        test.fails(error);
        while test.sink.closed().is_none() {
            test.changes();
        }
        assert_eq!((test.sink.closed(), test.sink.has_room()), (Some(why), true));
        test.push("345");
        assert_eq!(test.sink.finish(LIMIT), Finished { dropped: 2 + 7 + 3, closed: Some(why) });
    }
}

#[test]
fn our_own_words_are_written_when_standard_output_has_closed() {
    let test = Test::new(10);
    test.push("1");
    test.sees(Target::Stdout, "1");
    drop(test.sink.push(Target::Stderr, b"before".to_vec()));
    test.fails(libc::EPIPE);
    test.sees(Target::Stderr, "before");
    test.writes(6);
    drop(test.sink.push(Target::Stderr, b"after".to_vec()));
    test.sees(Target::Stderr, "after");
    test.writes(5);
    assert_eq!(test.sink.finish(LIMIT), Finished { dropped: 1, closed: Some(Closed::BrokenPipe) });
}

#[test]
fn a_standard_error_that_nobody_reads_closes_nothing() {
    let test = Test::new(10);
    drop(test.sink.push(Target::Stderr, b"12".to_vec()));
    test.sees(Target::Stderr, "12");
    test.fails(libc::EPIPE);
    test.push("3");
    test.sees(Target::Stdout, "3");
    test.writes(1);
    assert_eq!(test.sink.closed(), None);
    assert_eq!(test.sink.finish(LIMIT), Finished { dropped: 2, closed: None });
}

#[test]
fn a_full_disk_is_said_once_and_nothing_is_lost_when_it_has_space_again() {
    let test = Test::new(1000);
    test.push("text");
    test.sees(Target::Stdout, "text");
    test.fails(libc::ENOSPC);
    let (target, warning) = test.calls.recv_timeout(LIMIT).unwrap();
    assert_eq!(target, Target::Stderr);
    assert!(warning.starts_with(b"system | failed to write the output: No space left"));
    test.fails(libc::EPIPE);
    for error in [libc::EDQUOT, libc::ENOSPC] {
        test.sees(Target::Stdout, "text");
        test.fails(error);
    }
    test.sees(Target::Stdout, "text");
    test.writes(4);
    assert_eq!(test.sink.finish(LIMIT), Finished { dropped: 0, closed: None });
}

#[test]
fn a_disk_that_stays_full_does_not_hold_up_the_end() {
    let write = |_, _: &[IoSlice<'_>]| Err(io::Error::from_raw_os_error(libc::ENOSPC));
    let sink = Sink::start(write, never(), 1).unwrap();
    drop(sink.push(Target::Stdout, b"text".to_vec()));
    assert_eq!(sink.finish(Duration::from_millis(1)), Finished { dropped: 4, closed: None });
}

#[test]
fn a_stuck_writer_does_not_hold_up_the_end_and_writes_no_more_when_it_comes_back() {
    let test = Test::new(1000);
    test.push("12345");
    test.sees(Target::Stdout, "12345");
    test.push("67");
    assert_eq!(test.sink.finish(Duration::from_millis(1)), Finished { dropped: 7, closed: None });
    test.results.send(Ok(2)).unwrap();
    assert_eq!(test.calls.recv_timeout(LIMIT), Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn a_writer_that_panics_closes_the_sink() {
    let sink = Sink::start(|_, _: &[IoSlice<'_>]| panic!("a test of panics"), never(), 1).unwrap();
    drop(sink.push(Target::Stdout, b"text".to_vec()));
    assert!(within(LIMIT, sink.changed()));
    assert_eq!((sink.closed(), sink.has_room()), (Some(Closed::Gone), true));
    assert_eq!(sink.finish(LIMIT), Finished { dropped: 4, closed: Some(Closed::Gone) });
}

#[test]
fn a_sink_that_is_only_dropped_still_writes_what_is_queued() {
    let (sink, calls) = recording();
    drop(sink.push(Target::Stdout, b"text".to_vec()));
    drop(sink);
    assert_eq!(calls.recv_timeout(LIMIT), Ok((Target::Stdout, b"text".to_vec())));
    assert_eq!(calls.recv_timeout(LIMIT), Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn the_thread_has_a_name() {
    let (names, name) = mpsc::channel();
    let write = move |_, slices: &[IoSlice<'_>]| {
        let _ = names.send(thread::current().name().map(str::to_owned));
        Ok(joined(slices).len())
    };
    let sink = Sink::start(write, never(), 1).unwrap();
    drop(sink.push(Target::Stdout, b"x".to_vec()));
    assert_eq!(name.recv_timeout(LIMIT), Ok(Some("proc-output".to_owned())));
}
