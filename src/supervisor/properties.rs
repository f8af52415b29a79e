//! What holds whatever happens, in whatever order: the invariants of a run, over arbitrary sequences of events.

mod plans;
mod requests;

use super::{Action, Event, Owners, ProbeKind, SpawnFailure, Stray, Supervisor};
use crate::model::exit::{Exit, Outcome};
use crate::model::instance::{Generation, InstanceId, Pid};
use crate::model::plan::Plan;
use crate::model::policy::{ExitOn, Grace};
use crate::model::signal::Signal;
use plans::{plan, plans};
use proptest::prelude::*;
use requests::{Ask, Idle, asks};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Something that happens in a test; `which` picks among the instances.
#[derive(Debug, Clone)]
enum Move {
    Exit { which: usize, exit: Exit },
    Drain { which: usize },
    Empty { which: usize },
    Stray { which: usize },
    Stop { which: usize },
    Stale { which: usize },
    Probe { which: usize, is_alive: bool, is_good: bool },
    Change { process: usize },
    StopCommand { which: usize, is_good: bool },
    Ask(Ask),
    Signal(Signal),
    OutputClosed,
    Wait { millis: u64 },
}

fn moves() -> impl Strategy<Value = Move> {
    let exit = prop_oneof![
        Just(Exit::Code(0)),
        (1u8..=255).prop_map(Exit::Code),
        (1i32..32).prop_map(|number| Exit::Signal(Signal::from_number(number)))
    ];
    let signal = prop_oneof![
        Just(Signal::INT),
        Just(Signal::TERM),
        Just(Signal::HUP),
        Just(Signal::QUIT),
        Just(Signal::USR1),
        Just(Signal::TSTP)
    ];
    prop_oneof![
        3 => (0usize..4, exit).prop_map(|(which, exit)| Move::Exit { which, exit }),
        3 => (0usize..4).prop_map(|which| Move::Drain { which }),
        3 => (0usize..4).prop_map(|which| Move::Empty { which }),
        1 => (0usize..4).prop_map(|which| Move::Stray { which }),
        1 => (0usize..4).prop_map(|which| Move::Stop { which }),
        1 => (0usize..4).prop_map(|which| Move::Stale { which }),
        3 => (0usize..4, any::<bool>(), any::<bool>())
            .prop_map(|(which, is_alive, is_good)| Move::Probe { which, is_alive, is_good }),
        1 => (0usize..3).prop_map(|process| Move::Change { process }),
        1 => (0usize..4, any::<bool>()).prop_map(|(which, is_good)| Move::StopCommand { which, is_good }),
        3 => asks().prop_map(Move::Ask),
        1 => signal.prop_map(Move::Signal),
        1 => Just(Move::OutputClosed),
        2 => (0u64..8_000).prop_map(|millis| Move::Wait { millis }),
    ]
}

/// What comes of spawning the second instance of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spawning {
    /// A process.
    Works,
    /// None, ever.
    Fails,
    /// None, so many times.
    FailsForNow(u32),
}

fn spawning() -> impl Strategy<Value = Spawning> {
    prop_oneof![Just(Spawning::Works), Just(Spawning::Fails), (1u32..20).prop_map(Spawning::FailsForNow)]
}

/// A supervisor, and what a faithful engine would know of the processes it asked for.
struct World {
    supervisor: Supervisor,
    now: Instant,
    start: Instant,
    spawning: Spawning,
    alive: BTreeMap<InstanceId, Alive>,
    /// What was asked for so far.
    plan: Plan,
    idle: Idle,
    /// When the run began to stop, as its first stop signal or notice shows.
    stopping_since: Option<Instant>,
    outcome: Option<Outcome>,
    transcript: Vec<Action>,
}

struct Alive {
    generation: Generation,
    leader: bool,
    member: bool,
    drained: bool,
}

impl World {
    fn new(plan: &Plan, spawning: Spawning) -> Self {
        let now = super::now_for_tests();
        let mut world = Self {
            supervisor: Supervisor::new(plan, 7),
            now,
            start: now,
            spawning,
            alive: BTreeMap::new(),
            plan: plan.clone(),
            idle: Idle::new(plan),
            stopping_since: None,
            outcome: None,
            transcript: Vec::new(),
        };
        world.hand_in(&Event::Start);
        world
    }

    fn hand_in(&mut self, event: &Event) {
        self.supervisor.handle(event, self.now);
        while let Some(action) = self.supervisor.poll_action() {
            assert_eq!(self.outcome, None, "nothing follows the outcome");
            self.transcript.push(action.clone());
            if let Some(report) = self.perform(&action) {
                self.supervisor.handle(&report, self.now);
            }
        }
    }

    fn perform(&mut self, action: &Action) -> Option<Event> {
        match *action {
            Action::Spawn { instance, generation } => {
                assert_eq!(self.stopping_since, None, "nothing is spawned once the run stops");
                assert!(!self.idle.contains(instance), "who was stopped on request stays down");
                let before = self.alive.get(&instance);
                let is_gone = before.is_none_or(|alive| !alive.leader && !alive.member);
                assert!(is_gone, "at most one process an instance, and nothing of the one before");
                if let Some(failure) = self.spawn_failure(instance, generation) {
                    return Some(Event::SpawnFailed { instance, generation, failure });
                }
                self.alive.insert(instance, Alive { generation, leader: true, member: true, drained: false });
                return Some(Event::Spawned { instance, generation, pid: Pid(1) });
            }
            Action::Signal { instance, generation, .. } => {
                let alive = &self.alive[&instance];
                assert_eq!(alive.generation, generation);
                assert!(alive.leader || alive.member, "what is known to have gone is not signalled");
            }
            Action::SignalStrays { of: Owners::Only(ref owners), .. } => {
                for (instance, generation) in owners {
                    let alive = &self.alive[instance];
                    assert_eq!(alive.generation, *generation);
                    assert!(alive.leader || alive.member, "what is known to have gone is not signalled");
                }
            }
            Action::Probe { instance, generation, .. } | Action::RunStopCommand { instance, generation } => {
                let alive = &self.alive[&instance];
                assert!(alive.generation == generation && alive.leader, "only who lives is asked");
            }
            Action::Suspend => return Some(Event::Resumed),
            Action::SignalStrays { of: Owners::All, .. } | Action::Notify(super::Notice::Stopping { .. }) => {
                self.stopping_since = self.stopping_since.or(Some(self.now));
            }
            Action::Notify(_) => {}
            Action::Finish(outcome) => self.outcome = Some(outcome),
        }
        None
    }

    fn spawn_failure(&self, instance: InstanceId, generation: Generation) -> Option<SpawnFailure> {
        let message = String::new();
        match self.spawning {
            Spawning::Fails if instance.number == 2 => Some(SpawnFailure::Permanent { message, code: 127 }),
            Spawning::FailsForNow(times) if instance.number == 2 && generation.0 <= times => {
                Some(SpawnFailure::Temporary { message })
            }
            Spawning::Works | Spawning::Fails | Spawning::FailsForNow(_) => None,
        }
    }

    fn play(&mut self, each: &Move) {
        match each {
            Move::Exit { which, exit } => self.report(*which, |alive, instance| {
                std::mem::replace(&mut alive.leader, false).then_some(Event::Exited {
                    instance,
                    generation: alive.generation,
                    exit: *exit,
                })
            }),
            Move::Drain { which } => self.report(*which, |alive, instance| {
                (!alive.leader && !std::mem::replace(&mut alive.drained, true))
                    .then_some(Event::Drained { instance, generation: alive.generation })
            }),
            Move::Empty { which } => self.report(*which, |alive, instance| {
                (!alive.leader && std::mem::replace(&mut alive.member, false))
                    .then_some(Event::TreeEmpty { instance, generation: alive.generation })
            }),
            Move::Stray { which } => self.report(*which, |alive, instance| {
                let strays = vec![Stray { pid: Pid(8), name: String::new() }];
                alive.member.then_some(Event::Strayed { of: Some((instance, alive.generation)), strays })
            }),
            Move::Stop { which } => self.report(*which, |alive, instance| {
                let (generation, signal) = (alive.generation, Signal::STOP);
                alive.leader.then_some(Event::Stopped { instance, generation, signal })
            }),
            Move::Probe { which, is_alive, is_good } => self.report(*which, |alive, instance| {
                let kind = if *is_alive { ProbeKind::Liveness } else { ProbeKind::Readiness };
                let result = if *is_good { Ok(()) } else { Err("no answer".to_owned().into()) };
                let generation = alive.generation;
                alive.leader.then_some(Event::Probed { instance, generation, kind, result })
            }),
            Move::Change { process } => {
                self.hand_in(&Event::FileChanged { process: *process, path: "a.py".into() });
            }
            Move::StopCommand { which, is_good } => self.report(*which, |alive, instance| {
                let result = if *is_good { Ok(()) } else { Err("exited with code 1".to_owned()) };
                let generation = alive.generation;
                alive.leader.then_some(Event::StopCommandEnded { instance, generation, result })
            }),
            Move::Stale { which } => self.stale(*which),
            Move::Ask(ask) => {
                let event = ask.event(&mut self.plan);
                if self.stopping_since.is_none() {
                    self.idle.hear(&event);
                }
                self.hand_in(&event);
            }
            Move::Signal(signal) => self.hand_in(&Event::Signal((*signal).into())),
            Move::OutputClosed => self.hand_in(&Event::OutputClosed),
            Move::Wait { millis } => self.wait(Duration::from_millis(*millis)),
        }
    }

    /// Reports what `make` makes of an instance, and that nothing is left if that is so.
    fn report(&mut self, which: usize, make: impl Fn(&mut Alive, InstanceId) -> Option<Event>) {
        let Some((instance, alive)) = self.alive.iter_mut().nth(which) else { return };
        let Some(event) = make(alive, *instance) else { return };
        self.hand_in(&event);
        if self.alive.values().all(|alive| !alive.leader && !alive.member) {
            self.hand_in(&Event::Childless);
        }
    }

    /// Reports of generations that were never, and repeated ones, change nothing.
    fn stale(&mut self, which: usize) {
        let Some((instance, alive)) = self.alive.iter().nth(which) else { return };
        let (instance, current) = (*instance, alive.generation);
        let before = (self.transcript.len(), format!("{:?}", self.supervisor));
        let exit = Exit::Code(9);
        // The next one may be there already: that of an instance that was scaled away and is wanted again.
        for generation in [Generation(0), Generation(current.0 + 1000)] {
            for kind in [ProbeKind::Readiness, ProbeKind::Liveness] {
                self.hand_in(&Event::Probed { instance, generation, kind, result: Ok(()) });
            }
            self.hand_in(&Event::StopCommandEnded { instance, generation, result: Err(String::new()) });
            self.hand_in(&Event::Exited { instance, generation, exit });
            self.hand_in(&Event::Drained { instance, generation });
            self.hand_in(&Event::TreeEmpty { instance, generation });
            self.hand_in(&Event::Remains { instance, generation });
            self.hand_in(&Event::Spawned { instance, generation, pid: Pid(7) });
            self.hand_in(&Event::Stopped { instance, generation, signal: Signal::STOP });
            self.hand_in(&Event::Strayed { of: Some((instance, generation)), strays: Vec::new() });
        }
        self.hand_in(&Event::Spawned { instance, generation: current, pid: Pid(7) });
        assert_eq!(before, (self.transcript.len(), format!("{:?}", self.supervisor)));
    }

    /// Lets time pass, with a tick at every deadline on the way.
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
}

/// How many sequences are tried; `PROC_SEQUENCES` says otherwise.
#[expect(clippy::disallowed_methods, reason = "for a long run by hand")]
fn cases() -> u32 {
    std::env::var("PROC_SEQUENCES").ok().map_or(512, |text| text.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn whatever_happens_the_invariants_hold(plan in plans(), spawning in spawning(), moves in prop::collection::vec(moves(), 0..60)) {
        let mut world = World::new(&plan, spawning);
        for each in &moves {
            world.play(each);
        }
        prop_assert!(world.now >= world.start);
    }

    /// The worst of all: nothing ends, nothing is reported. Grace, five seconds for SIGKILL, five for the strays, and it is over.
    #[test]
    fn a_stop_ends_within_its_grace_and_the_time_to_kill(plan in plans(), spawning in spawning(), moves in prop::collection::vec(moves(), 0..30)) {
        let mut world = World::new(&plan, spawning);
        for each in &moves {
            world.play(each);
        }
        world.hand_in(&Event::Signal(Signal::TERM.into()));
        world.wait(Duration::from_millis(400));
        world.hand_in(&Event::Signal(Signal::INT.into()));
        world.wait(Duration::from_secs(11));
        prop_assert!(world.outcome.is_some(), "{:?}", world.supervisor);
        prop_assert!(world.supervisor.next_deadline().is_none());
    }

    #[test]
    fn when_all_end_obediently_the_first_cause_is_the_outcome(plan in plans(), signal in prop_oneof![Just(Signal::INT), Just(Signal::TERM), Just(Signal::HUP)]) {
        let mut world = World::new(&plan, Spawning::Works);
        world.hand_in(&Event::Signal(signal.into()));
        for which in 0..4 {
            world.play(&Move::Exit { which, exit: Exit::Code(1) });
            world.play(&Move::Drain { which });
            world.play(&Move::Empty { which });
        }
        prop_assert_eq!(world.outcome, Some(Outcome::Signal(signal)));
    }
}

/// Time alone starts what waits, however often it was refused, and no exit of the others is the end of the run meanwhile.
#[test]
fn who_waits_for_room_is_started_when_there_is_some_although_all_others_have_ended() {
    let mut world =
        World::new(&plan(ExitOn::All, Grace::For(Duration::from_secs(1)), false), Spawning::FailsForNow(12));
    for _ in 0..2 {
        for which in 0..2 {
            world.play(&Move::Exit { which, exit: Exit::Code(0) });
            world.play(&Move::Drain { which });
            world.play(&Move::Empty { which });
        }
        assert_eq!(world.outcome, None);
    }
    world.wait(Duration::from_mins(1));
    let second = InstanceId { process: 0, number: 2 };
    assert_eq!(world.alive[&second].generation, Generation(13));
    world.play(&Move::Exit { which: 1, exit: Exit::Code(0) });
    world.play(&Move::Drain { which: 1 });
    world.play(&Move::Empty { which: 1 });
    assert_eq!(world.outcome, Some(Outcome::Code(0)));
}

/// A machine that is late with everything: all had ended in time, and the reports come long after the deadline.
#[test]
fn a_report_that_is_late_counts_before_the_deadline_that_it_missed() {
    let mut world =
        World::new(&plan(ExitOn::Any, Grace::For(Duration::from_secs(1)), false), Spawning::Works);
    world.hand_in(&Event::Signal(Signal::TERM.into()));
    world.now += Duration::from_secs(100);
    for which in 0..3 {
        world.play(&Move::Exit { which, exit: Exit::Code(0) });
        world.play(&Move::Drain { which });
        world.play(&Move::Empty { which });
    }
    assert_eq!(world.outcome, Some(Outcome::Signal(Signal::TERM)));
    let kills = |action: &Action| matches!(action, Action::Signal { signal: Signal::KILL, .. });
    assert!(!world.transcript.iter().any(kills));
}
