//! The rule of watched files: a process type whose files have changed is restarted, once they have been quiet for a while.

use super::fleet::{Change, Fleet};
use super::intent::Intent;
use super::notice::Notice;
use crate::model::instance::{Generation, InstanceId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// How many times the debounce a restart waits at most: files that are never quiet do not put it off for ever.
const MOST_DEBOUNCES: u32 = 10;

/// How many files are counted at most.
const MOST_COUNTED: usize = 1000;

/// What has changed and was not acted on yet, by process type.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pending: BTreeMap<usize, Pending>,
}

#[derive(Debug)]
struct Pending {
    /// The file that changed first.
    first: String,
    others: BTreeSet<String>,
    /// When it has been quiet for long enough.
    at: Instant,
    /// When that does not matter any more.
    latest: Instant,
}

impl Watch {
    /// Takes note of a change; each further one puts the restart off.
    pub(crate) fn decide(&mut self, fleet: &Fleet, change: Change<'_>, now: Instant) -> Vec<Intent> {
        let Change::FileChanged { process, path } = change else { return Vec::new() };
        let settings = fleet.settings(InstanceId { process, number: 1 });
        let Some(debounce) = settings.watch.as_ref().map(|watch| watch.debounce) else { return Vec::new() };
        let pending = self.pending.entry(process).or_insert_with(|| Pending {
            first: path.to_owned(),
            others: BTreeSet::new(),
            at: now,
            latest: now + debounce.saturating_mul(MOST_DEBOUNCES),
        });
        pending.at = (now + debounce).min(pending.latest);
        if path != pending.first && pending.others.len() < MOST_COUNTED {
            pending.others.insert(path.to_owned());
        }
        Vec::new()
    }

    /// Restarts those whose files have been quiet by `due`. Whoever was not started yet, or was
    /// stopped on request, will see the new files anyway.
    pub(crate) fn conclude(&mut self, fleet: &Fleet, due: Option<Instant>) -> Vec<Intent> {
        let Some(now) = due else { return Vec::new() };
        let is_quiet = |_: &usize, pending: &mut Pending| pending.at <= now;
        let quiet: Vec<_> = self.pending.extract_if(.., is_quiet).collect();
        let was_started =
            |id: &InstanceId| fleet.generation(*id) > Some(Generation::default()) && !fleet.is_parked(*id);
        let renew = |id, Pending { first, others, .. }: &Pending| {
            let notice = Notice::FilesChanged { instance: id, path: first.clone(), others: others.len() };
            [Intent::Say(notice), Intent::Renew(id)]
        };
        let of = |(process, pending): &(usize, Pending)| {
            let ids = fleet.of_type(*process).filter(was_started);
            ids.flat_map(|id| renew(id, pending)).collect::<Vec<_>>()
        };
        quiet.iter().flat_map(of).collect()
    }

    /// When the next of them has been quiet for long enough.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.pending.values().map(|pending| pending.at).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::environment::Environment;
    use crate::model::exit::Exit;
    use crate::model::instance::Pid;
    use crate::model::plan::Plan;
    use crate::model::policy::ExitOn;
    use crate::model::procfile;
    use crate::model::settings::{self, RestartPolicy, RestartWhen, Settings};
    use crate::model::signal::Signal;
    use crate::supervisor::{Action, Event, Supervisor, now_for_tests};
    use std::time::Duration;

    const DEBOUNCE: Duration = Duration::from_millis(300);

    const WEB: InstanceId = InstanceId { process: 0, number: 1 };

    /// Two of `web`, whose files are watched, and one `other`.
    struct Run {
        plan: Plan,
        supervisor: Supervisor,
        now: Instant,
    }

    impl Run {
        fn with(restart: RestartWhen) -> Self {
            let watch = settings::Watch { paths: Vec::new(), ignore: Vec::new(), debounce: DEBOUNCE };
            let restart = RestartPolicy { when: restart, ..RestartPolicy::default() };
            let web = Settings { watch: Some(watch), restart, ..Settings::default() };
            let other = InstanceId { process: 1, number: 1 };
            let plan = Plan {
                types: procfile::parse(b"web: a\nother: b\n").types,
                settings: vec![web, Settings::default()],
                instances: [WEB, InstanceId { number: 2, ..WEB }, other].map(|id| (id, None)).into(),
                left_out: Vec::new(),
                gone: [].into(),
                base_port: None,
                environment: Environment::default(),
                root: "/".into(),
                exit_on: ExitOn::All,
            };
            let supervisor = Supervisor::new(&plan, 1);
            let mut run = Self { plan, supervisor, now: now_for_tests() };
            run.hand_in(&Event::Start);
            run
        }

        /// What comes of an event: what is said, started and signalled. What is started runs.
        fn hand_in(&mut self, event: &Event) -> Vec<String> {
            self.supervisor.handle(event, self.now);
            let mut done = Vec::new();
            while let Some(action) = self.supervisor.poll_action() {
                match action {
                    Action::Spawn { instance, generation } => {
                        done.push(format!("start {}", self.plan.name(instance)));
                        let pid = Pid(i32::from(instance.number));
                        self.supervisor.handle(&Event::Spawned { instance, generation, pid }, self.now);
                    }
                    Action::Signal { instance, signal, .. } if signal != Signal::CONT => {
                        done.push(format!("{signal} {}", self.plan.name(instance)));
                    }
                    Action::Notify(notice @ Notice::FilesChanged { .. }) => {
                        let name = notice.about().map_or_else(String::new, |id| self.plan.name(id));
                        done.push(format!("{name}: {}", notice.text(&self.plan, &|_| None).unwrap()));
                    }
                    Action::Signal { .. }
                    | Action::SignalStrays { .. }
                    | Action::Probe { .. }
                    | Action::RunStopCommand { .. }
                    | Action::Suspend
                    | Action::Notify(_)
                    | Action::Finish(_) => {}
                }
            }
            done
        }

        fn change(&mut self, path: &str) {
            let event = Event::FileChanged { process: 0, path: path.into() };
            assert_eq!(self.hand_in(&event), [""; 0]);
        }

        fn wait(&mut self, time: Duration) -> Vec<String> {
            self.now += time;
            self.hand_in(&Event::Tick)
        }

        /// All of an instance has gone.
        fn end(&mut self, instance: InstanceId, generation: u32, exit: Exit) -> Vec<String> {
            let generation = (0..generation).fold(Generation::default(), |generation, _| generation.next());
            let mut done = self.hand_in(&Event::TreeEmpty { instance, generation });
            done.extend(self.hand_in(&Event::Drained { instance, generation }));
            done.extend(self.hand_in(&Event::Exited { instance, generation, exit }));
            done
        }
    }

    #[test]
    fn a_change_restarts_every_instance_of_the_type_once_it_has_been_quiet() {
        let mut run = Run::with(RestartWhen::No);
        run.change("app.py");
        assert_eq!(run.wait(Duration::from_millis(299)), [""; 0]);
        let said = [
            "web.1: app.py changed; restarting",
            "SIGTERM web.1",
            "web.2: app.py changed; restarting",
            "SIGTERM web.2",
        ];
        assert_eq!(run.wait(Duration::from_millis(1)), said);
        assert_eq!(run.end(WEB, 1, Exit::Signal(Signal::TERM)), ["start web.1"]);
        assert_eq!(run.wait(10 * DEBOUNCE), [""; 0]);
    }

    #[test]
    fn each_further_change_puts_it_off_and_ten_times_the_debounce_is_the_most() {
        let mut run = Run::with(RestartWhen::No);
        for count in 0..19 {
            run.change(&format!("{}.py", count % 4));
            assert_eq!(run.wait(DEBOUNCE / 2), [""; 0], "{count}");
        }
        run.change("0.py");
        let said = run.wait(DEBOUNCE / 2);
        assert_eq!(said[0], "web.1: 0.py and 3 more changed; restarting");
        assert!(run.supervisor.next_deadline().is_none_or(|at| at > run.now));
    }

    #[test]
    fn whoever_has_ended_or_waits_for_its_restart_starts_at_once() {
        for restart in [RestartWhen::No, RestartWhen::Always] {
            let mut run = Run::with(restart);
            assert_eq!(run.end(WEB, 1, Exit::Code(1)), [""; 0]);
            run.change("app.py");
            let said = run.wait(DEBOUNCE);
            assert!(said.contains(&"start web.1".to_owned()), "{said:?}");
            assert!(said.contains(&"SIGTERM web.2".to_owned()), "{said:?}");
        }
    }

    #[test]
    fn nothing_is_restarted_while_the_run_stops() {
        let mut run = Run::with(RestartWhen::No);
        run.change("app.py");
        run.hand_in(&Event::Signal(Signal::TERM.into()));
        let deadline = run.supervisor.next_deadline();
        assert!(deadline.is_some_and(|at| at > run.now + 2 * DEBOUNCE), "the grace period is the next");
        run.change("app.py");
        assert_eq!(run.wait(2 * DEBOUNCE), [""; 0]);
    }
}
