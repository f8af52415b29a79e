//! What both ends are told, and how it ends: by itself, by a deadline, by a panic.

use super::*;
use std::future::Future;
use std::sync::mpsc::{self, Receiver};

/// Far beyond what any step takes: a test that comes here has failed.
const LIMIT: Duration = Duration::from_secs(20);

/// Numbers, of which there is room for two.
#[derive(Debug, Default)]
struct Numbers {
    waiting: Vec<u32>,
    taken: usize,
    end: Option<bool>,
}

impl Queue for Numbers {
    fn queued(&self) -> usize {
        self.waiting.len() + self.taken
    }

    fn has_room(&self) -> bool {
        self.queued() < 2
    }

    fn end(&mut self, has_panicked: bool) {
        self.end = Some(has_panicked);
    }
}

/// A thread that sends each number to the test before it takes it off the books.
fn start(send: mpsc::SyncSender<u32>) -> Handoff<Numbers> {
    let run = move |taker: Taker<Numbers>| {
        while let Some(mut state) = taker.wait_for_work() {
            let numbers = std::mem::take(&mut state.queue.waiting);
            state.queue.taken = numbers.len();
            drop(state);
            for number in numbers {
                let _ = send.send(number);
                if taker
                    .update(|state| {
                        state.queue.taken -= 1;
                        state.flow()
                    })
                    .is_break()
                {
                    return;
                }
            }
        }
    };
    Handoff::start("test", Numbers::default(), run).unwrap()
}

/// A thread that stands still at each number until the test takes it.
fn standing_still() -> (Handoff<Numbers>, Receiver<u32>) {
    let (send, numbers) = mpsc::sync_channel(0);
    (start(send), numbers)
}

fn put(handoff: &Handoff<Numbers>, number: u32) {
    handoff.put(|state| state.queue.waiting.push(number));
}

fn within(limit: Duration, future: impl Future<Output = ()>) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(limit, future).await.is_ok() })
}

#[test]
fn the_engine_is_told_when_there_is_room_again_and_only_then() {
    let (handoff, numbers) = standing_still();
    put(&handoff, 1);
    assert_eq!(numbers.recv_timeout(LIMIT), Ok(1));
    assert!(within(LIMIT, handoff.idle()));
    assert!(!within(Duration::ZERO, handoff.changed()), "there was room all the time");
    put(&handoff, 2);
    put(&handoff, 3);
    assert!(!handoff.lock().has_room());
    assert_eq!(numbers.recv_timeout(LIMIT), Ok(2));
    assert!(within(LIMIT, handoff.changed()));
    assert!(handoff.lock().has_room());
    assert!(!within(Duration::ZERO, handoff.idle()), "one is left");
    assert_eq!(numbers.recv_timeout(LIMIT), Ok(3));
    assert!(within(LIMIT, handoff.idle()));
}

#[test]
fn to_finish_is_to_wait_until_all_is_written_and_the_thread_has_ended() {
    let (send, numbers) = mpsc::sync_channel(9);
    let handoff = start(send);
    (1..=9).for_each(|number| put(&handoff, number));
    let state = handoff.finish(LIMIT);
    assert!(state.has_ended());
    assert_eq!((state.queue.queued(), state.queue.end), (0, Some(false)));
    drop(state);
    assert!((1..=9).eq(numbers));
}

#[test]
fn a_thread_that_stands_still_is_left_behind_and_takes_no_more() {
    let (send, steps) = mpsc::sync_channel(0);
    let run = move |taker: Taker<Numbers>| {
        while taker.wait_for_work().is_some() {
            let _ = send.send("stands still").and_then(|()| send.send("goes on"));
        }
    };
    let handoff = Handoff::start("test", Numbers::default(), run).unwrap();
    put(&handoff, 1);
    assert_eq!(steps.recv_timeout(LIMIT), Ok("stands still"));
    let state = handoff.finish(Duration::from_millis(1));
    assert_eq!((state.has_ended(), state.flow()), (false, ControlFlow::Break(())));
    drop(state);
    assert_eq!(steps.recv_timeout(LIMIT), Ok("goes on"));
    assert_eq!(steps.recv_timeout(LIMIT), Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn without_the_engine_the_thread_still_writes_what_is_queued() {
    let (handoff, numbers) = standing_still();
    (1..=9).for_each(|number| put(&handoff, number));
    drop(handoff);
    assert!((1..=9).eq(numbers));
}

#[test]
fn a_thread_that_panics_holds_up_nobody() {
    let run = |taker: Taker<Numbers>| {
        let _ = taker.wait_for_work().map(|state| state.queue.queued());
        panic!("a test of panics");
    };
    let handoff = Handoff::start("test", Numbers::default(), run).unwrap();
    handoff.update(|state| state.queue.waiting.extend([1, 2, 3]));
    handoff.put(|_| ());
    assert!(within(LIMIT, handoff.changed()));
    let state = handoff.finish(LIMIT);
    assert!(state.has_room() && state.has_ended());
    assert_eq!((state.queue.queued(), state.queue.end), (3, Some(true)));
}

#[test]
fn a_pause_ends_when_the_end_begins_or_there_is_something_else_to_do() {
    let (send, pauses) = mpsc::channel();
    let run = move |taker: Taker<Numbers>| {
        for _ in 0..2 {
            // Whoever looks whether it is over has begun to pause.
            let flow = taker.pause(LIMIT * 2, |numbers| {
                let _ = send.send("begins");
                !numbers.waiting.is_empty()
            });
            taker.update(|state| state.queue.waiting.clear());
            let _ = send.send(if flow.is_continue() { "ends" } else { "is of no use" });
        }
    };
    let handoff = Handoff::start("test", Numbers::default(), run).unwrap();
    let ends = || pauses.iter().find(|what| *what != "begins");
    assert_eq!(pauses.recv_timeout(LIMIT), Ok("begins"));
    put(&handoff, 1);
    assert_eq!(ends(), Some("ends"));
    assert_eq!(pauses.recv_timeout(LIMIT), Ok("begins"));
    drop(handoff);
    assert_eq!(ends(), Some("ends"));
}
