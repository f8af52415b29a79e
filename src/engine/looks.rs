//! When descendants are looked for: soon after a spawn, then ever less often; and when a leader has ended.
//!
//! A look costs some 15 µs a process, which is nothing now and then, and too much for each of a thousand exits.

use std::time::{Duration, Instant};

/// How soon after a spawn we look, and how often when nothing has been spawned for a while.
const INTERVALS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

/// One part in so many of the time is spent with looking at most, however many processes there are.
const SHARE: u32 = 1000;

/// The longest we go without a look.
const LONGEST_INTERVAL: Duration = Duration::from_mins(1);

/// How far apart the looks are that follow deaths, where there are many.
const SPACING: Duration = Duration::from_millis(10);

/// How much of that may be drawn ahead: a few deaths at once are each followed by a look at once.
const ADVANCE: Duration = Duration::from_millis(100);

/// What the next look is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Whether something is left of those whose leader has ended.
    Remains,
    /// Everybody.
    All,
}

/// The looks there will be.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// The next at everybody, and how long after it the one that follows; none while nothing runs.
    regular: Option<(Instant, Duration)>,
    /// One after a death that is put off.
    owed: Option<Instant>,
    /// Until when the looks after deaths have drawn on their time.
    drawn_until: Option<Instant>,
}

impl Looks {
    /// A process was started: what it does first may be to leave its group.
    pub(super) fn spawned(&mut self, now: Instant) {
        let (soon, _) = INTERVALS;
        let at = self.regular.map_or(now + soon, |(at, _)| at.min(now + soon));
        self.regular = Some((at, soon));
    }

    /// Nothing is left to be looked for.
    pub(super) fn childless(&mut self) {
        self.regular = None;
        self.owed = None;
    }

    /// A look at everybody is over, which took this long.
    pub(super) fn looked(&mut self, now: Instant, cost: Duration) {
        let Some((_, interval)) = self.regular else { return };
        let (_, longest) = INTERVALS;
        let interval = (interval * 2).min(longest);
        let pause = interval.max((cost * SHARE).min(LONGEST_INTERVAL));
        self.regular = Some((now + pause, interval));
    }

    /// Somebody has died: whether to look at what is left now. If not, it will be due.
    pub(super) fn may_look(&mut self, now: Instant) -> bool {
        let drawn_until = self.drawn_until.map_or(now, |until| until.max(now));
        if drawn_until > now + ADVANCE {
            self.owed = drawn_until.checked_sub(ADVANCE);
            return false;
        }
        self.drawn_until = Some(drawn_until + SPACING);
        self.owed = None;
        true
    }

    /// What is due by now.
    pub(super) fn due(&self, now: Instant) -> Option<Due> {
        if self.regular.is_some_and(|(at, _)| at <= now) {
            return Some(Due::All);
        }
        self.owed.is_some_and(|at| at <= now).then_some(Due::Remains)
    }

    /// When something will be due.
    pub(super) fn next(&self) -> Option<Instant> {
        [self.regular.map(|(at, _)| at), self.owed].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(of: u64) -> Duration {
        Duration::from_secs(of)
    }

    #[test]
    fn looks_grow_rare_until_something_is_spawned_and_end_with_the_last_process() {
        let start = crate::engine::clock::Clock::start().now();
        let mut looks = Looks::default();
        assert_eq!(looks.next(), None);
        looks.spawned(start);
        let mut at = start;
        for pause in [1, 2, 4, 5, 5] {
            at += seconds(pause);
            assert_eq!((looks.next(), looks.due(at)), (Some(at), Some(Due::All)));
            looks.looked(at, Duration::from_micros(100));
        }
        looks.spawned(at + seconds(1));
        assert_eq!(looks.next(), Some(at + seconds(2)));
        looks.spawned(at + seconds(2));
        assert_eq!(looks.next(), Some(at + seconds(2)), "spawns put off no look");
        looks.childless();
        assert_eq!(looks.next(), None);
        looks.looked(at, Duration::ZERO);
        assert_eq!(looks.next(), None);
    }

    #[test]
    fn looks_that_take_long_are_rarer_still() {
        let start = crate::engine::clock::Clock::start().now();
        let mut looks = Looks::default();
        looks.spawned(start);
        looks.looked(start, Duration::from_millis(10));
        assert_eq!(looks.next(), Some(start + seconds(10)));
        looks.looked(start, seconds(1));
        assert_eq!(looks.next(), Some(start + LONGEST_INTERVAL));
    }

    #[test]
    fn a_few_deaths_are_looked_at_at_once_and_a_thousand_are_not() {
        let start = crate::engine::clock::Clock::start().now();
        let mut looks = Looks::default();
        let at_once = (0..1000).filter(|_| looks.may_look(start)).count();
        assert_eq!(at_once, 11);
        assert_eq!(looks.next(), Some(start + SPACING));
        assert_eq!(looks.due(start + SPACING), Some(Due::Remains));
        assert!(looks.may_look(start + SPACING));
        assert_eq!(looks.next(), None);
        assert!(looks.may_look(start + seconds(1)));
    }
}
