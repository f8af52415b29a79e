//! What waits for all log files, and how much that is.
//!
//! With many files, most of them quiet, nothing that is asked for each chunk may look at every file: the sums are kept, and moved by what a
//! change makes of the one file it is about.

use std::collections::{BTreeMap, BTreeSet};

use super::backlog::Backlog;
use super::handoff::Queue;
use crate::model::instance::InstanceId;

/// What waits for the files.
#[derive(Debug)]
pub(super) struct Files {
    backlogs: BTreeMap<InstanceId, Backlog>,
    /// The files for which something waits in the queue.
    busy: BTreeSet<InstanceId>,
    sums: Sums,
    limit: usize,
    /// The lines of our own that the engine has not taken yet.
    pub(super) notices: Vec<String>,
}

/// What the backlogs come to, in bytes and in files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    /// The bytes that wait for files that do not fail.
    waiting: usize,
    /// The bytes that are kept of files that fail.
    kept: usize,
    /// The files that fail.
    failing: usize,
    /// The files that do not fail and for which something waits in the queue.
    writable: usize,
}

impl Sums {
    /// What one file comes to.
    fn of(file: &Backlog) -> Self {
        if file.is_failing() {
            Self { kept: file.queued(), failing: 1, ..Self::default() }
        } else {
            Self { waiting: file.queued(), writable: usize::from(!file.is_empty()), ..Self::default() }
        }
    }

    /// The sums when what was `before` is `after`.
    fn moved(self, before: Self, after: Self) -> Self {
        Self {
            waiting: self.waiting - before.waiting + after.waiting,
            kept: self.kept - before.kept + after.kept,
            failing: self.failing - before.failing + after.failing,
            writable: self.writable - before.writable + after.writable,
        }
    }
}

impl Files {
    /// Files of these names, for which nothing waits; `limit` is the number of bytes from which on the queue is full.
    pub(super) fn new(names: BTreeMap<InstanceId, String>, limit: usize) -> Self {
        let backlogs = names.into_iter().map(|(id, name)| (id, Backlog::new(name))).collect();
        Self { backlogs, busy: BTreeSet::new(), sums: Sums::default(), limit, notices: Vec::new() }
    }

    /// Changes the backlog of a file, the only way to do so; none if there is no such file.
    pub(super) fn change<T>(&mut self, id: InstanceId, change: impl FnOnce(&mut Backlog) -> T) -> Option<T> {
        let file = self.backlogs.get_mut(&id)?;
        let before = Sums::of(file);
        let result = change(file);
        self.sums = self.sums.moved(before, Sums::of(file));
        if file.is_empty() {
            self.busy.remove(&id);
        } else {
            self.busy.insert(id);
        }
        Some(result)
    }

    /// Every backlog.
    pub(super) fn backlogs(&self) -> impl Iterator<Item = &Backlog> {
        self.backlogs.values()
    }

    /// The files for which something waits, those that fail among them.
    pub(super) fn busy(&self) -> Vec<InstanceId> {
        self.busy.iter().copied().collect()
    }

    /// Whether more bytes for a file would be dropped. Once some have been, all are until it can be written again: one gap, not many.
    pub(super) fn drops(&self, id: InstanceId, count: usize) -> bool {
        let drops = |file: &Backlog| {
            file.is_failing() && (file.ends_in_a_gap() || self.sums.kept + count > self.limit)
        };
        self.backlogs.get(&id).is_some_and(drops)
    }

    /// Whether something waits for a file that does not fail.
    pub(super) fn has_work(&self) -> bool {
        self.sums.writable > 0
    }

    /// Whether a file fails for now.
    pub(super) fn is_failing(&self) -> bool {
        self.sums.failing > 0
    }
}

impl Queue for Files {
    /// A file counts as a byte more: a gap is none, and is to be written too.
    fn queued(&self) -> usize {
        self.sums.waiting + self.sums.kept + self.busy.len()
    }

    fn has_room(&self) -> bool {
        self.sums.waiting < self.limit
    }

    fn end(&mut self, has_panicked: bool) {
        if has_panicked {
            self.notices.push("failed to write the log files: this is a bug in proc".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::backlog::Next;
    use proptest::prelude::*;

    /// Something that happens to a file.
    #[derive(Debug, Clone)]
    enum Step {
        /// So many bytes are pushed.
        Push(usize),
        /// What is next is taken.
        Take,
        /// So many bytes of what was taken are written; 0 is a failure.
        Write(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let write = prop_oneof![Just(0), 1..100_usize].prop_map(Step::Write);
        prop_oneof![(1..30_usize).prop_map(Step::Push), Just(Step::Take), write]
    }

    fn write(file: &mut Backlog, next: Next, count: usize) {
        match next {
            Next::Bytes(mut bytes) => {
                let rest = bytes.split_off(count.min(bytes.len()));
                file.settle(bytes.len());
                if rest.is_empty() {
                    let _ = file.recover();
                } else {
                    file.put_back(rest);
                    let _ = file.fail("full".to_owned());
                }
            }
            Next::Note { .. } if count == 0 => drop(file.fail("full".to_owned())),
            Next::Note { text, dropped } => {
                drop(file.settle_note(&text[count.min(text.len())..], dropped));
            }
        }
    }

    fn happen(files: &mut Files, taken: &mut Option<Next>, id: InstanceId, step: &Step) {
        match step {
            Step::Push(count) if files.drops(id, *count) => drop(files.change(id, |file| file.drop(*count))),
            Step::Push(count) => drop(files.change(id, |file| file.keep(&vec![b'x'; *count]))),
            Step::Take if taken.is_none() => *taken = files.change(id, |file| file.next(false)).flatten(),
            Step::Take => {}
            Step::Write(count) => {
                let Some(next) = taken.take() else { return };
                files.change(id, |file| write(file, next, *count));
            }
        }
    }

    proptest! {
        #[test]
        fn the_sums_that_are_kept_are_those_of_the_backlogs(
            steps in proptest::collection::vec((0..3_usize, step()), 0..100),
        ) {
            let ids = [0, 1, 2].map(|process| InstanceId { process, number: 1 });
            let mut files = Files::new(ids.map(|id| (id, "a.log".to_owned())).into(), 50);
            let mut taken = [None, None, None];
            for (index, step) in steps {
                happen(&mut files, &mut taken[index], ids[index], &step);
                let sum = |value: fn(Sums) -> usize| files.backlogs().map(|file| value(Sums::of(file))).sum();
                let sums = Sums {
                    waiting: sum(|of| of.waiting),
                    kept: sum(|of| of.kept),
                    failing: sum(|of| of.failing),
                    writable: sum(|of| of.writable),
                };
                prop_assert_eq!(files.sums, sums);
                let is_busy = |id: &InstanceId| !files.backlogs[id].is_empty();
                prop_assert_eq!(files.busy(), ids.into_iter().filter(is_busy).collect::<Vec<_>>());
            }
        }
    }
}
