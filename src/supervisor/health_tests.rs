//! The rule of the probes on the virtual clock: what holds whatever is answered, and when. What it comes to is in `tests/scenarios/health-*`.

use super::{Action, Event, Notice, ProbeKind, Supervisor};
use crate::model::answer::{Answer, Failure};
use crate::model::environment::Environment;
use crate::model::exit::Exit;
use crate::model::instance::{Generation, InstanceId, Pid};
use crate::model::plan::Plan;
use crate::model::policy::ExitOn;
use crate::model::procfile;
use crate::model::settings::{Check, Probe, RestartWhen, Settings};
use crate::model::signal::Signal;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const WEB: InstanceId = InstanceId { process: 0, number: 1 };

fn probe(check: Check) -> Probe {
    Probe {
        check,
        interval: Duration::from_secs(2),
        timeout: Duration::from_secs(1),
        retries: 3,
        start_period: Duration::from_secs(30),
        start_interval: Duration::from_millis(200),
    }
}

fn plan(settings: Settings, count: u16) -> Plan {
    Plan {
        types: procfile::parse(b"web: a\n").types,
        settings: vec![settings],
        instances: (1..=count).map(|number| (InstanceId { process: 0, number }, None)).collect(),
        left_out: Vec::new(),
        gone: [].into(),
        base_port: None,
        environment: Environment::default(),
        root: "/".into(),
        exit_on: ExitOn::All,
    }
}

fn bad(reason: &str) -> Failure {
    Failure::Bad(reason.to_owned())
}

fn asked_both() -> Settings {
    let mut settings = Settings {
        readiness: Some(probe(Check::Tcp(None))),
        liveness: Some(probe(Check::Http("/".into()))),
        ..Settings::default()
    };
    settings.restart.when = RestartWhen::Always;
    settings
}

/// A supervisor whose processes start, and what it has asked and nobody has answered.
struct World {
    supervisor: Supervisor,
    now: Instant,
    open: BTreeMap<(InstanceId, Generation, ProbeKind), Instant>,
    spawned: BTreeMap<InstanceId, Generation>,
    notices: Vec<Notice>,
    asked: usize,
}

impl World {
    fn new(plan: &Plan) -> Self {
        let now = super::now_for_tests();
        let mut world = Self {
            supervisor: Supervisor::new(plan, 1),
            now,
            open: BTreeMap::new(),
            spawned: BTreeMap::new(),
            notices: Vec::new(),
            asked: 0,
        };
        world.hand_in(&Event::Start);
        world
    }

    fn hand_in(&mut self, event: &Event) {
        self.supervisor.handle(event, self.now);
        while let Some(action) = self.supervisor.poll_action() {
            match action {
                Action::Spawn { instance, generation } => {
                    self.spawned.insert(instance, generation);
                    let spawned = Event::Spawned { instance, generation, pid: Pid(1) };
                    self.supervisor.handle(&spawned, self.now);
                }
                Action::Probe { instance, generation, kind } => {
                    assert_eq!(self.spawned[&instance], generation, "only what runs is asked");
                    let earlier = self.open.insert((instance, generation, kind), self.now);
                    assert_eq!(earlier, None, "one question at a time");
                    self.asked += 1;
                }
                Action::Notify(notice) => self.notices.push(notice),
                Action::Signal { .. }
                | Action::SignalStrays { .. }
                | Action::RunStopCommand { .. }
                | Action::Suspend
                | Action::Finish(_) => {}
            }
        }
    }

    /// Answers the question that is open.
    fn answer(&mut self, kind: ProbeKind, result: Answer) {
        let generation = self.spawned[&WEB];
        self.open.remove(&(WEB, generation, kind));
        self.hand_in(&Event::Probed { instance: WEB, generation, kind, result });
    }

    fn end(&mut self, instance: InstanceId) {
        let generation = self.spawned[&instance];
        self.hand_in(&Event::TreeEmpty { instance, generation });
        self.hand_in(&Event::Drained { instance, generation });
        self.hand_in(&Event::Exited { instance, generation, exit: Exit::Code(1) });
    }

    fn wait(&mut self, duration: Duration) {
        let until = self.now + duration;
        while let Some(deadline) = self.supervisor.next_deadline().filter(|deadline| *deadline <= until) {
            self.now = self.now.max(deadline);
            self.hand_in(&Event::Tick);
            assert!(
                self.supervisor.next_deadline().is_none_or(|next| next > self.now),
                "a tick clears its deadline"
            );
        }
        self.now = until;
    }

    fn state(&self) -> String {
        format!("{:?}", self.supervisor)
    }
}

#[test]
fn an_answer_to_nothing_changes_nothing() {
    let mut world = World::new(&plan(asked_both(), 1));
    world.answer(ProbeKind::Readiness, Ok(()));
    world.answer(ProbeKind::Liveness, Ok(()));
    let before = (world.state(), world.notices.len());
    for kind in [ProbeKind::Readiness, ProbeKind::Liveness] {
        for result in [Ok(()), Err(bad("late"))] {
            world.answer(kind, result.clone());
            for generation in [Generation(0), Generation(2)] {
                let result = result.clone();
                world.hand_in(&Event::Probed { instance: WEB, generation, kind, result });
            }
        }
    }
    assert_eq!((world.state(), world.notices.len()), before);
}

#[test]
fn whoever_has_no_probes_is_asked_nothing() {
    let mut world = World::new(&plan(Settings::default(), 2));
    world.wait(Duration::from_mins(5));
    assert_eq!((world.asked, world.supervisor.next_deadline()), (0, None));
}

#[test]
fn nothing_is_asked_once_the_run_stops() {
    let mut world = World::new(&plan(asked_both(), 1));
    world.answer(ProbeKind::Readiness, Err(bad("refused")));
    let asked = world.asked;
    world.hand_in(&Event::Signal(Signal::TERM.into()));
    world.wait(Duration::from_secs(3));
    assert_eq!(world.asked, asked);
}

#[test]
fn a_question_that_is_never_answered_is_not_asked_again() {
    let mut world = World::new(&plan(asked_both(), 1));
    world.wait(Duration::from_hours(1));
    assert_eq!(world.asked, 1);
    // The next process is asked anew.
    world.end(WEB);
    world.wait(Duration::from_mins(1));
    assert_eq!(world.asked, 2);
}

#[test]
fn a_question_that_could_not_be_asked_is_no_failure_and_no_success() {
    let mut settings = asked_both();
    settings.readiness = None;
    settings.liveness.iter_mut().for_each(|probe| probe.start_period = Duration::ZERO);
    let mut world = World::new(&plan(settings, 1));
    let unasked = |world: &mut World| {
        for _ in 0..10 {
            world.answer(ProbeKind::Liveness, Err(Failure::Unasked("too many open files".to_owned())));
            world.wait(Duration::from_secs(3));
        }
    };
    let is_dead =
        |world: &World| world.notices.iter().any(|notice| matches!(notice, Notice::NotAlive { .. }));
    unasked(&mut world);
    assert_eq!((world.asked, is_dead(&world)), (11, false));
    for times in 1..=3 {
        unasked(&mut world);
        world.answer(ProbeKind::Liveness, Err(bad("refused")));
        world.wait(Duration::from_secs(3));
        assert_eq!(is_dead(&world), times == 3);
    }
}

#[test]
fn a_text_that_is_found_twice_is_said_once_and_only_while_it_is_waited_for() {
    let log = Settings { readiness: Some(probe(Check::Log("ready".into()))), ..Settings::default() };
    let mut world = World::new(&plan(log, 1));
    for _ in 0..2 {
        world.answer(ProbeKind::Readiness, Ok(()));
    }
    world.wait(Duration::from_mins(1));
    let healthy = |notice: &&Notice| matches!(notice, Notice::Healthy { .. } | Notice::StillUnhealthy { .. });
    assert_eq!(world.notices.iter().filter(healthy).count(), 1);
    assert_eq!(world.asked, 0);
}

#[test]
fn no_interval_makes_questions_that_never_end() {
    let mut settings = asked_both();
    if let Some(readiness) = &mut settings.readiness {
        readiness.interval = Duration::ZERO;
        readiness.start_interval = Duration::ZERO;
    }
    let mut world = World::new(&plan(settings, 1));
    for _ in 0..10 {
        world.answer(ProbeKind::Readiness, Err(bad("refused")));
        world.wait(Duration::from_millis(10));
    }
    assert_eq!(world.asked, 11);
}

#[derive(Debug, Clone)]
enum Move {
    Answer { which: usize, is_success: bool },
    Late { liveness: bool, is_success: bool },
    End { which: usize },
    Suspend,
    Wait { millis: u64 },
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        6 => (0usize..4, any::<bool>()).prop_map(|(which, is_success)| Move::Answer { which, is_success }),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(liveness, is_success)| Move::Late { liveness, is_success }),
        1 => (0usize..2).prop_map(|which| Move::End { which }),
        1 => Just(Move::Suspend),
        6 => (0u64..6_000).prop_map(|millis| Move::Wait { millis }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_is_answered_each_is_asked_one_question_at_a_time(moves in prop::collection::vec(moves(), 0..80)) {
        let mut world = World::new(&plan(asked_both(), 2));
        for each in moves {
            let result = |is_success| if is_success { Ok(()) } else { Err(bad("refused")) };
            match each {
                Move::Answer { which, is_success } => {
                    let Some(key @ (instance, generation, kind)) = world.open.keys().nth(which).copied() else { continue };
                    world.open.remove(&key);
                    world.hand_in(&Event::Probed { instance, generation, kind, result: result(is_success) });
                }
                Move::Late { liveness, is_success } => {
                    let kind = if liveness { ProbeKind::Liveness } else { ProbeKind::Readiness };
                    if !world.open.contains_key(&(WEB, world.spawned[&WEB], kind)) {
                        world.answer(kind, result(is_success));
                    }
                }
                Move::End { which } => {
                    let Some(instance) = world.spawned.keys().nth(which).copied() else { continue };
                    world.end(instance);
                }
                Move::Suspend => world.hand_in(&Event::Resumed),
                Move::Wait { millis } => world.wait(Duration::from_millis(millis)),
            }
        }
    }
}
