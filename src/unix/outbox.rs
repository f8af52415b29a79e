//! What the guard tells the supervisor, none of which is lost: what there is no room for waits here.

use super::link::{GuardLink, Heard, News, Request};
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};

/// The guard's end of the line, and what has not been sent over it.
#[derive(Debug)]
pub(super) struct Outbox {
    link: GuardLink,
    waiting: VecDeque<News>,
}

impl Outbox {
    pub(super) fn new(link: GuardLink) -> Self {
        Self { link, waiting: VecDeque::new() }
    }

    /// Sends this, now or once there is room. A signal that waits already does not wait twice, as with the kernel: so few can wait.
    pub(super) fn send(&mut self, news: News) {
        let is_sent = self.waiting.is_empty() && self.link.try_send(news).is_ok();
        if !is_sent && !self.waiting.iter().any(|other| is_told_by(news, *other)) {
            self.waiting.push_back(news);
        }
    }

    /// Sends what has waited, as far as there is room.
    pub(super) fn send_waiting(&mut self) {
        while let Some(news) = self.waiting.front() {
            if self.link.try_send(*news).is_err() {
                return;
            }
            self.waiting.pop_front();
        }
    }

    /// Whether something waits. Then no keys are to be read: the terminal keeps them.
    pub(super) fn is_stuck(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What the supervisor has asked for.
    pub(super) fn receive(&self) -> Heard<Request> {
        self.link.receive()
    }
}

impl AsFd for Outbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }
}

/// Whether one piece of news says nothing that another, which comes before it, does not.
fn is_told_by(news: News, other: News) -> bool {
    match (news, other) {
        (News::Signal(one), News::Signal(other)) => one.signal == other.signal,
        (News::Continued, News::Continued) => true,
        (News::Signal(_) | News::Continued | News::Key(_) | News::Keyboard(_), _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::link::pair;
    use super::*;
    use crate::model::signal::{Received, Signal};

    const fn signal(signal: Signal) -> News {
        News::Signal(Received { signal, sender: None })
    }

    #[test]
    fn a_signal_behind_more_keys_than_there_is_room_for_is_heard_behind_them() {
        let (guard, supervisor) = pair().unwrap();
        let mut outbox = Outbox::new(guard);
        let mut keys = 0;
        while !outbox.is_stuck() {
            outbox.send(News::Key(b'x'));
            keys += 1;
        }
        for news in [signal(Signal::TERM), signal(Signal::INT), signal(Signal::TERM), News::Continued] {
            outbox.send(news);
        }
        outbox.send_waiting();
        assert!(outbox.is_stuck());
        let mut heard = Vec::new();
        loop {
            match supervisor.receive() {
                Heard::Message(news) => heard.push(news),
                Heard::Nothing if outbox.is_stuck() => outbox.send_waiting(),
                Heard::Nothing | Heard::Gone => break,
            }
        }
        assert_eq!(heard[..keys], vec![News::Key(b'x'); keys]);
        assert_eq!(heard[keys..], [signal(Signal::TERM), signal(Signal::INT), News::Continued]);
    }

    #[test]
    fn nothing_waits_for_a_supervisor_that_has_gone() {
        let (guard, supervisor) = pair().unwrap();
        let mut outbox = Outbox::new(guard);
        drop(supervisor);
        outbox.send(News::Continued);
        assert!(!outbox.is_stuck());
    }
}
