//! What a formation lacks for the dependencies of those in it.

use super::formation::{Formation, Share};
use super::settings::{Condition, Dependency, Settings};
use std::collections::{BTreeMap, BTreeSet};

/// Something that is needed and was not in the formation, and what came of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// It is started too.
    Started {
        /// The process type, as an index.
        process: usize,
        /// One that depends on it.
        by: usize,
    },
    /// It was left out by name, so it runs elsewhere: nobody waits for it.
    Elsewhere {
        /// The process type, as an index.
        process: usize,
        /// One that depends on it.
        by: usize,
    },
}

/// Puts into the formation what those in it depend on, and takes away the dependencies on what was left out by name.
pub fn meet(formation: &mut Formation, settings: &mut [Settings], shares: &[Share]) -> Vec<Need> {
    let is_started = |(index, count): (usize, &u16)| (*count > 0).then_some(index);
    let mut open: Vec<usize> = formation.counts.iter().enumerate().filter_map(is_started).rev().collect();
    let mut needs = BTreeMap::new();
    while let Some(by) = open.pop() {
        for Dependency { process, .. } in
            settings.get(by).map(|each| &each.depends_on[..]).unwrap_or_default()
        {
            let process = *process;
            let Some(count) = formation.counts.get_mut(process).filter(|count| **count == 0) else {
                continue;
            };
            if formation.unwanted.contains(&process) {
                needs.entry(process).or_insert(Need::Elsewhere { process, by });
                continue;
            }
            *count = shares.get(process).copied().unwrap_or_default().at_least_one();
            formation.left_out.retain(|index| *index != process);
            needs.insert(process, Need::Started { process, by });
            open.push(process);
        }
    }
    for each in settings {
        each.depends_on
            .retain(|dependency| formation.counts.get(dependency.process).is_none_or(|count| *count > 0));
    }
    needs.into_values().collect()
}

/// Has all wait for this one to do its work (`--release`), but for those that it needs itself.
pub fn put_first(process: usize, settings: &mut [Settings]) {
    let needed = needed_by(process, settings);
    let dependency = Dependency { process, condition: Condition::CompletedSuccessfully, restart: false };
    for (index, each) in settings.iter_mut().enumerate() {
        if index == process {
            each.is_oneshot = true;
        } else if !needed.contains(&index) {
            each.depends_on.retain(|other| other.process != process);
            each.depends_on.push(dependency);
        }
    }
}

/// All that one depends on, and what that does.
fn needed_by(process: usize, settings: &[Settings]) -> BTreeSet<usize> {
    let mut needed = BTreeSet::new();
    let mut open = vec![process];
    while let Some(one) = open.pop() {
        let list = settings.get(one).map(|each| &each.depends_on[..]).unwrap_or_default();
        open.extend(list.iter().map(|each| each.process).filter(|index| needed.insert(*index)));
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who depends on whom, each by `started`.
    fn settings(edges: &[&[usize]]) -> Vec<Settings> {
        let on =
            |process: &usize| Dependency { process: *process, condition: Condition::Started, restart: false };
        let of = |targets: &&[usize]| Settings {
            depends_on: targets.iter().map(on).collect(),
            ..Settings::default()
        };
        edges.iter().map(of).collect()
    }

    fn targets(settings: &[Settings]) -> Vec<Vec<usize>> {
        settings.iter().map(|each| each.depends_on.iter().map(|each| each.process).collect()).collect()
    }

    #[test]
    fn what_is_needed_is_started_and_what_that_needs_too() {
        let mut settings = settings(&[&[1], &[2], &[], &[]]);
        let mut formation = Formation { counts: vec![1, 0, 0, 0], left_out: vec![2], unwanted: vec![] };
        let shares = [Share::default(), Share { scale: Some(3), is_asleep: true }];
        let needs = meet(&mut formation, &mut settings, &shares);
        assert_eq!(needs, [Need::Started { process: 1, by: 0 }, Need::Started { process: 2, by: 1 }]);
        assert_eq!(formation, Formation { counts: vec![1, 3, 1, 0], ..Formation::default() });
        assert_eq!(targets(&settings), [&[1][..], &[2], &[], &[]]);
    }

    #[test]
    fn what_was_left_out_by_name_is_elsewhere_and_not_waited_for() {
        let mut settings = settings(&[&[2], &[2], &[]]);
        let mut formation = Formation { counts: vec![1, 1, 0], left_out: vec![], unwanted: vec![2] };
        assert_eq!(meet(&mut formation, &mut settings, &[]), [Need::Elsewhere { process: 2, by: 0 }]);
        assert_eq!(formation.counts, [1, 1, 0]);
        assert_eq!(targets(&settings), [&[][..], &[], &[]] as [&[usize]; 3]);
    }

    #[test]
    fn what_nobody_in_the_formation_needs_stays_out() {
        let mut formation = Formation { counts: vec![0, 0, 1], left_out: vec![1], unwanted: vec![] };
        assert_eq!(meet(&mut formation, &mut settings(&[&[1], &[], &[]]), &[]), []);
        assert_eq!(formation.left_out, [1]);
    }

    #[test]
    fn all_wait_for_who_is_put_first_but_for_what_that_needs_itself() {
        // release needs redis, redis needs disk; web needs release anyway, with another condition.
        let mut settings = settings(&[&[1], &[2], &[], &[0], &[]]);
        put_first(0, &mut settings);
        assert_eq!(targets(&settings), [&[1][..], &[2], &[], &[0], &[0]]);
        assert!(settings[0].is_oneshot && !settings[1].is_oneshot);
        assert_eq!(settings[3].depends_on[0].condition, Condition::CompletedSuccessfully);
    }
}
