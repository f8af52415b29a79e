//! What the log files make of slow, short, failing and stuck disks: everything is written or counted.

use super::*;
use crate::model::instance::InstanceId;
use crate::output::{LONGEST, StreamId, Tee};
use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

/// Far beyond what any step takes: a test that comes here has failed.
const LIMIT: Duration = Duration::from_secs(20);

const WEB: InstanceId = InstanceId { process: 0, number: 1 };
const WORKER: InstanceId = InstanceId { process: 1, number: 1 };

fn names() -> BTreeMap<InstanceId, String> {
    [(WEB, "log/web.1.log".to_owned()), (WORKER, "log/worker.1.log".to_owned())].into()
}

/// Log files whose every write waits until the test has seen it and said what comes of it.
struct Test {
    logs: Logs,
    calls: Receiver<(InstanceId, Vec<u8>)>,
    results: Sender<io::Result<usize>>,
}

impl Test {
    fn new(limit: usize) -> Self {
        let (call, calls) = mpsc::channel();
        let (results, result) = mpsc::channel();
        let write = move |id, bytes: &[u8]| {
            let _ = call.send((id, bytes.to_vec()));
            result.recv().unwrap_or(Ok(bytes.len()))
        };
        Self { logs: Logs::start(write, names(), limit).unwrap(), calls, results }
    }

    fn push(&self, text: &str) {
        self.logs.push(WEB, text.as_bytes());
    }

    /// Waits for the thread to write, and expects this.
    fn sees(&self, id: InstanceId, text: &str) {
        let (seen, bytes) = self.calls.recv_timeout(LIMIT).unwrap();
        assert_eq!((seen, String::from_utf8(bytes).unwrap().as_str()), (id, text));
    }

    fn writes(&self, bytes: usize) {
        self.results.send(Ok(bytes)).unwrap();
    }

    fn fails(&self) {
        self.results.send(Err(io::Error::from_raw_os_error(libc::ENOSPC))).unwrap();
    }

    /// Waits until there is something to say, and expects this.
    fn says(&self, expected: &str) {
        let mut notices = self.logs.take_notices();
        while notices.is_empty() {
            assert!(within(LIMIT, self.logs.changed()), "nothing is said");
            notices = self.logs.take_notices();
        }
        assert_eq!(notices, [expected]);
    }

    /// Fails the first write of `text` when `more` has been pushed, and waits for the complaint.
    fn begins_to_fail(&self, text: &str, more: &str) {
        self.push(text);
        self.sees(WEB, text);
        self.push(more);
        self.fails();
        self.says("failed to write log/web.1.log: No space left on device; trying again");
    }
}

fn within(limit: Duration, future: impl Future<Output = ()>) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(limit, future).await.is_ok() })
}

/// Log files that take everything at once; and what they took, once they have been dropped.
fn recording() -> (Logs, Receiver<(InstanceId, Vec<u8>)>) {
    let (call, calls) = mpsc::channel();
    let write = move |id, bytes: &[u8]| {
        let _ = call.send((id, bytes.to_vec()));
        Ok(bytes.len())
    };
    (Logs::start(write, names(), usize::MAX).unwrap(), calls)
}

#[test]
fn each_file_gets_its_bytes_in_the_order_in_which_they_were_pushed() {
    let (logs, calls) = recording();
    let mut expected = [Vec::new(), Vec::new()];
    for number in 0..10_000 {
        let line = format!("{number}\n").into_bytes();
        let id = if number % 3 == 0 { WEB } else { WORKER };
        expected[id.process].extend_from_slice(&line);
        logs.push(id, &line);
    }
    logs.push(InstanceId { process: 9, number: 1 }, b"an instance without a file");
    assert_eq!(logs.finish(LIMIT), []);
    let mut written = [Vec::new(), Vec::new()];
    for (id, bytes) in calls {
        written[id.process].extend_from_slice(&bytes);
    }
    assert!(written == expected);
}

#[test]
fn a_slow_disk_takes_the_room_and_gives_it_back_and_nothing_is_dropped() {
    let test = Test::new(10);
    test.push("123456789");
    assert!(test.logs.has_room());
    test.sees(WEB, "123456789");
    test.push("0");
    assert!(!test.logs.has_room(), "what is being written still counts");
    test.push("what was read before somebody looked");
    test.writes(4);
    test.sees(WEB, "56789");
    assert!(!test.logs.has_room());
    test.writes(5);
    test.sees(WEB, "0what was read before somebody looked");
    test.writes(37);
    assert!(within(LIMIT, test.logs.changed()));
    assert!(test.logs.has_room());
    assert_eq!(test.logs.finish(LIMIT), []);
}

#[test]
fn a_disk_that_fails_for_a_while_costs_nothing_that_can_be_kept() {
    let test = Test::new(1000);
    test.begins_to_fail("one\n", "two\n");
    test.sees(WEB, "one\n");
    test.writes(2);
    test.sees(WEB, "e\n");
    test.fails();
    test.sees(WEB, "e\n");
    test.writes(2);
    test.says("log/web.1.log is written again; nothing is missing in it");
    test.sees(WEB, "two\n");
    test.writes(4);
    assert_eq!(test.logs.finish(LIMIT), []);
}

#[test]
fn what_had_to_be_dropped_is_counted_in_the_file_in_its_place() {
    let test = Test::new(10);
    test.begins_to_fail("12345", "67890");
    assert!(test.logs.has_room(), "a disk that fails holds up nobody");
    test.push("abc");
    test.push("d");
    test.sees(WEB, "12345");
    test.writes(5);
    test.sees(WEB, "67890");
    test.push("behind");
    test.writes(5);
    test.sees(WEB, "\n[proc: 4 bytes are missing here: No space left on device]\n");
    // A count that was written in part stays what it was, and is written to its end.
    test.writes(9);
    test.sees(WEB, " bytes are missing here: No space left on device]\n");
    test.fails();
    test.sees(WEB, " bytes are missing here: No space left on device]\n");
    test.writes(50);
    test.says("log/web.1.log is written again; 4 bytes are missing in it");
    test.sees(WEB, "behind");
    test.writes(6);
    assert_eq!(test.logs.finish(LIMIT), []);
}

#[test]
fn a_file_that_fails_does_not_hold_up_another() {
    let test = Test::new(10);
    test.begins_to_fail("12345678901", "");
    test.logs.push(WORKER, b"text");
    loop {
        let (id, bytes) = test.calls.recv_timeout(LIMIT).unwrap();
        if id == WORKER {
            assert_eq!(bytes, b"text");
            break;
        }
        test.fails();
    }
    test.writes(4);
    test.sees(WEB, "12345678901");
    test.writes(11);
    assert_eq!(test.logs.finish(LIMIT), []);
}

#[test]
fn a_disk_that_stays_full_does_not_hold_up_the_end_which_has_the_count() {
    let write = |_, _: &[u8]| Err(io::Error::from_raw_os_error(libc::ENOSPC));
    let logs = Logs::start(write, names(), 4).unwrap();
    for text in [&b"123"[..], b"45", b"6"] {
        logs.push(WEB, text);
    }
    let why = Some("No space left on device".to_owned());
    while logs.take_notices().is_empty() {
        assert!(within(LIMIT, logs.changed()));
    }
    logs.push(WEB, b"789");
    let unwritten = Unwritten { name: "log/web.1.log".to_owned(), bytes: 9, why };
    assert_eq!(logs.finish(Duration::from_millis(1)), [unwritten]);
}

#[test]
fn a_stuck_disk_does_not_hold_up_the_end_and_gets_no_more_when_it_comes_back() {
    let test = Test::new(1000);
    test.push("12345");
    test.sees(WEB, "12345");
    test.push("67");
    let unwritten = Unwritten { name: "log/web.1.log".to_owned(), bytes: 7, why: None };
    assert_eq!(test.logs.finish(Duration::from_millis(1)), [unwritten]);
    test.writes(2);
    assert_eq!(test.calls.recv_timeout(LIMIT), Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn a_writer_that_panics_holds_up_nobody_and_everything_is_counted() {
    let logs = Logs::start(|_, _: &[u8]| panic!("a test of panics"), names(), 1).unwrap();
    logs.push(WEB, b"text");
    assert!(within(LIMIT, async {
        while !logs.has_room() {
            logs.changed().await;
        }
    }));
    logs.push(WEB, b"more");
    assert_eq!(logs.finish(LIMIT).iter().map(|unwritten| unwritten.bytes).collect::<Vec<_>>(), [8]);
}

#[test]
fn two_streams_of_one_file_do_not_tear_each_others_lines() {
    let (logs, calls) = recording();
    let mut tee = Tee::new(Arc::new(logs), true);
    let (out, err) = (StreamId(1), StreamId(2));
    tee.open(out, WEB);
    tee.open(err, WEB);
    for (stream, text) in
        [(out, "ou"), (err, "err\ner"), (out, "t\nout"), (err, "r2\n"), (out, " tail"), (err, "x")]
    {
        tee.feed(stream, WEB, text.as_bytes());
    }
    tee.close(out);
    tee.feed(err, WEB, b"yz\n");
    tee.close(err);
    tee.close(err);
    tee.feed(out, WEB, b"later");
    tee.close(out);
    drop(tee);
    let written: Vec<u8> = calls.iter().flat_map(|(_, bytes)| bytes).collect();
    assert_eq!(written.escape_ascii().to_string(), r"err\nout\nerr2\nxyz\nout taillater");
}

#[test]
fn no_more_than_the_longest_line_is_held_back_and_one_stream_is_not_at_all() {
    for (share, held) in [(true, LONGEST), (false, 0)] {
        let (logs, calls) = recording();
        let logs = Arc::new(logs);
        let mut tee = Tee::new(Arc::clone(&logs), share);
        tee.feed(StreamId(1), WEB, &vec![b'x'; LONGEST]);
        assert_eq!(logs.finish(LIMIT), []);
        assert_eq!(calls.try_iter().map(|(_, bytes)| bytes.len()).sum::<usize>(), LONGEST - held);
    }
    let (logs, calls) = recording();
    let mut tee = Tee::new(Arc::new(logs), true);
    tee.feed(StreamId(1), WEB, &vec![b'x'; LONGEST + 1]);
    assert_eq!(calls.recv_timeout(LIMIT).unwrap().1.len(), LONGEST + 1);
}
