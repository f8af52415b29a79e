//! What waits to be written to one log file, in order, and what of it had to be dropped.
//!
//! A gap stands in the queue in the place of the bytes that were dropped, and becomes a line of the file there. The count in that line is
//! fixed when its first byte is written, not before: as long as the disk fails, the gap grows.

use std::collections::VecDeque;

/// Bytes that are put together for one write; larger ones gain nothing.
const BATCH: usize = 256 * 1024;

/// What waits for one file.
#[derive(Debug)]
pub(super) struct Backlog {
    /// The file, as it is called in messages.
    name: String,
    queue: VecDeque<Entry>,
    /// Bytes of the instance that are not written yet: those in the queue and those that were taken.
    queued: usize,
    health: Health,
}

/// A stretch of a file to be.
#[derive(Debug)]
enum Entry {
    /// What the instance wrote.
    Bytes(Vec<u8>),
    /// Where so many bytes were dropped.
    Gap(u64),
    /// What is left of the line about a gap, once a part of it was written.
    Note { rest: Vec<u8>, dropped: u64 },
}

/// Whether a file can be written, and what was said of it.
#[derive(Debug)]
enum Health {
    /// It can, and nothing is to be said.
    Well,
    /// The last attempt failed, for this reason.
    Failing(String),
    /// It failed for this reason and can be written again, and the line about a gap is still to come.
    Recovering(String),
}

/// What is to be written next.
pub(super) enum Next {
    /// Bytes of the instance, which are out of the queue now.
    Bytes(Vec<u8>),
    /// The line about a gap of `dropped` bytes, or what is left of it; it stays in the queue until it is written.
    Note { text: Vec<u8>, dropped: u64 },
}

impl Backlog {
    /// Nothing yet, for a file of this name.
    pub(super) fn new(name: String) -> Self {
        Self { name, queue: VecDeque::new(), queued: 0, health: Health::Well }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The bytes of the instance that are not written and not dropped.
    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    /// Whether nothing waits in the queue.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn is_failing(&self) -> bool {
        matches!(self.health, Health::Failing(_))
    }

    /// Why writing failed last, unless it works again for good.
    pub(super) fn failure(&self) -> Option<&str> {
        match &self.health {
            Health::Well => None,
            Health::Failing(why) | Health::Recovering(why) => Some(why),
        }
    }

    /// Whether what was pushed last was dropped.
    pub(super) fn ends_in_a_gap(&self) -> bool {
        matches!(self.queue.back(), Some(Entry::Gap(_)))
    }

    /// The bytes that were dropped and of which the file does not say so yet.
    pub(super) fn dropped(&self) -> u64 {
        let dropped = |entry: &Entry| match entry {
            Entry::Bytes(_) => 0,
            Entry::Gap(dropped) | Entry::Note { dropped, .. } => *dropped,
        };
        self.queue.iter().map(dropped).sum()
    }

    /// Puts bytes at the end of the queue.
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        self.queued += bytes.len();
        match self.queue.back_mut() {
            Some(Entry::Bytes(last)) if last.len() + bytes.len() <= BATCH => last.extend_from_slice(bytes),
            Some(Entry::Bytes(_) | Entry::Gap(_) | Entry::Note { .. }) | None => {
                self.queue.push_back(Entry::Bytes(bytes.to_vec()));
            }
        }
    }

    /// Drops so many bytes that belong at the end of the queue.
    pub(super) fn drop(&mut self, count: usize) {
        let count = count as u64;
        match self.queue.back_mut() {
            Some(Entry::Gap(dropped)) => *dropped += count,
            Some(Entry::Bytes(_) | Entry::Note { .. }) | None => self.queue.push_back(Entry::Gap(count)),
        }
    }

    /// What is to be written next; `is_inside_line` says where the file ends now.
    pub(super) fn next(&mut self, is_inside_line: bool) -> Option<Next> {
        let note = match self.queue.front_mut()? {
            Entry::Bytes(_) => None,
            Entry::Note { rest, dropped } => Some(Next::Note { text: rest.clone(), dropped: *dropped }),
            Entry::Gap(dropped) => {
                let dropped = *dropped;
                let newline = if is_inside_line { "\n" } else { "" };
                let why = self.failure().unwrap_or("there was no room");
                let text = format!("{newline}[proc: {dropped} bytes are missing here: {why}]\n").into_bytes();
                Some(Next::Note { text, dropped })
            }
        };
        note.or_else(|| match self.queue.pop_front() {
            Some(Entry::Bytes(bytes)) => Some(Next::Bytes(bytes)),
            Some(Entry::Gap(_) | Entry::Note { .. }) | None => None,
        })
    }

    /// Takes bytes that were written off the books.
    pub(super) fn settle(&mut self, count: usize) {
        self.queued -= count;
    }

    /// Puts back what could not be written of the bytes that were next.
    pub(super) fn put_back(&mut self, rest: Vec<u8>) {
        self.queue.push_front(Entry::Bytes(rest));
    }

    /// Notes that all of the line about a gap of `dropped` bytes was written but `rest`; a line of our own if that makes it whole.
    pub(super) fn settle_note(&mut self, rest: &[u8], dropped: u64) -> Option<String> {
        // What was dropped since the line was made is a gap of its own.
        if let Some(Entry::Gap(now)) = self.queue.pop_front()
            && now > dropped
        {
            self.queue.push_front(Entry::Gap(now - dropped));
        }
        if !rest.is_empty() {
            self.queue.push_front(Entry::Note { rest: rest.to_vec(), dropped });
            return None;
        }
        self.health = match std::mem::replace(&mut self.health, Health::Well) {
            Health::Failing(why) | Health::Recovering(why) if self.dropped() > 0 => Health::Recovering(why),
            Health::Well | Health::Failing(_) | Health::Recovering(_) => Health::Well,
        };
        Some(format!("{} is written again; {dropped} bytes are missing in it", self.name))
    }

    /// Notes that writing failed; a line of our own, once until it works again.
    pub(super) fn fail(&mut self, why: String) -> Option<String> {
        let notice = format!("failed to write {}: {why}; trying again", self.name);
        let before = std::mem::replace(&mut self.health, Health::Failing(why));
        matches!(before, Health::Well).then_some(notice)
    }

    /// Notes that writing works; a line of our own, unless the file has to say first what is missing in it.
    pub(super) fn recover(&mut self) -> Option<String> {
        match std::mem::replace(&mut self.health, Health::Well) {
            Health::Well => None,
            Health::Failing(why) | Health::Recovering(why) if self.dropped() > 0 => {
                self.health = Health::Recovering(why);
                None
            }
            Health::Failing(_) | Health::Recovering(_) => {
                Some(format!("{} is written again; nothing is missing in it", self.name))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Something that happens to a backlog.
    #[derive(Debug, Clone)]
    enum Step {
        /// A line of so many bytes is pushed, and kept or dropped.
        Push { length: usize, drops: bool },
        /// What is next is written, so many bytes of it; 0 is a failure.
        Write(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let push = (1..30_usize, any::<bool>()).prop_map(|(length, drops)| Step::Push { length, drops });
        prop_oneof![push, prop_oneof![Just(0), 1..60_usize].prop_map(Step::Write)]
    }

    /// Writes the first `count` bytes of what is next, as the thread does.
    fn write(backlog: &mut Backlog, file: &mut Vec<u8>, count: usize) {
        let Some(next) = backlog.next(file.last().is_some_and(|last| *last != b'\n')) else { return };
        match next {
            Next::Bytes(mut bytes) => {
                let rest = bytes.split_off(count.min(bytes.len()));
                backlog.settle(bytes.len());
                file.extend(bytes);
                if rest.is_empty() {
                    let _ = backlog.recover();
                } else {
                    backlog.put_back(rest);
                    let _ = backlog.fail("full".to_owned());
                }
            }
            Next::Note { text, .. } if count == 0 => {
                assert!(!text.is_empty());
                let _ = backlog.fail("full".to_owned());
            }
            Next::Note { text, dropped } => {
                let (written, rest) = text.split_at(count.min(text.len()));
                file.extend(written);
                let _ = backlog.settle_note(rest, dropped);
            }
        }
    }

    /// The number of bytes that the notes of a file speak of, and the file without them.
    fn without_notes(file: &[u8]) -> (u64, String) {
        let mut missing = 0;
        let mut rest = String::new();
        for line in std::str::from_utf8(file).unwrap().split_inclusive('\n') {
            match line.strip_prefix("[proc: ").and_then(|note| note.split_once(" bytes are missing here: ")) {
                Some((count, "full]\n" | "there was no room]\n")) => missing += count.parse::<u64>().unwrap(),
                Some(_) | None => rest += line,
            }
        }
        (missing, rest)
    }

    proptest! {
        #[test]
        fn what_is_written_and_what_is_counted_are_what_was_pushed(
            steps in proptest::collection::vec(step(), 0..60),
        ) {
            let mut backlog = Backlog::new("web.1.log".to_owned());
            let (mut file, mut kept, mut dropped) = (Vec::new(), String::new(), 0);
            for step in steps {
                match step {
                    Step::Push { length, drops: true } => {
                        backlog.drop(length);
                        dropped += length as u64;
                    }
                    Step::Push { length, drops: false } => {
                        let line = "x".repeat(length - 1) + "\n";
                        backlog.keep(line.as_bytes());
                        kept += &line;
                    }
                    Step::Write(count) => write(&mut backlog, &mut file, count),
                }
            }
            while !backlog.is_empty() {
                write(&mut backlog, &mut file, usize::MAX);
            }
            prop_assert_eq!((backlog.queued(), backlog.dropped(), backlog.failure()), (0, 0, None));
            prop_assert_eq!(without_notes(&file), (dropped, kept));
        }
    }
}
