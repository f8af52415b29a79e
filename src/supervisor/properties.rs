//! What holds whatever happens, in whatever order: the invariants of a run, over arbitrary sequences of events.

use super::{Action, Event, Owners, ProbeKind, SpawnFailure, Stray, Supervisor};
use crate::model::command::Command;
use crate::model::environment::Environment;
use crate::model::exit::{Exit, Outcome};
use crate::model::instance::{Generation, InstanceId, Pid};
use crate::model::plan::Plan;
use crate::model::policy::{ExitOn, Grace};
use crate::model::procfile;
use crate::model::settings::{
    Check, Condition, Dependency, Probe, RestartPolicy, RestartWhen, Settings, Watch,
};
use crate::model::signal::Signal;
use proptest::prelude::*;
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
        for generation in [Generation(0), current.next()] {
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

fn plan(exit_on: ExitOn, grace: Grace, release: bool) -> Plan {
    let types = procfile::parse(b"web: a\nworker: b\nrelease: c").types;
    let id = |process, number| InstanceId { process, number };
    let mut instances: BTreeMap<_, _> = [(id(0, 1), None), (id(0, 2), None), (id(1, 1), None)].into();
    if release {
        instances.insert(id(2, 1), None);
    }
    let mut settings = vec![Settings::default(); types.len()];
    for each in &mut settings {
        each.stop.grace = grace;
    }
    if release {
        settings[2].is_oneshot = true;
        let dependency =
            Dependency { process: 2, condition: Condition::CompletedSuccessfully, restart: false };
        settings[..2].iter_mut().for_each(|each| each.depends_on.push(dependency));
    }
    Plan {
        types,
        settings,
        instances,
        left_out: Vec::new(),
        gone: [].into(),
        base_port: None,
        environment: Environment::default(),
        root: "/".into(),
        exit_on,
    }
}

fn plans() -> impl Strategy<Value = Plan> {
    let exit_on = prop_oneof![Just(ExitOn::Any), Just(ExitOn::Failure), Just(ExitOn::All)];
    let grace = prop_oneof![
        4 => (0u64..6_000).prop_map(|millis| Grace::For(Duration::from_millis(millis))),
        1 => Just(Grace::Unlimited)
    ];
    let rules = prop_oneof![Just(Vec::new()), prop::collection::vec(rules(), 3)];
    (exit_on, grace, any::<bool>(), rules).prop_map(|(exit_on, grace, release, rules)| {
        let mut plan = plan(exit_on, grace, release);
        for (process, rules) in rules.iter().enumerate() {
            rules.apply(process, &mut plan.settings);
        }
        plan
    })
}

/// What a process type may have of every rule.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a line that a type may have")]
struct Rules {
    restart: RestartPolicy,
    /// On the type before it.
    depends_on: Option<(Condition, bool)>,
    on_exit: Option<ExitOn>,
    has_readiness: bool,
    has_liveness: bool,
    is_watched: bool,
    has_stop_command: bool,
    is_oneshot: bool,
    grace: Option<u64>,
}

fn rules() -> impl Strategy<Value = Rules> {
    let when = prop_oneof![Just(RestartWhen::No), Just(RestartWhen::OnFailure), Just(RestartWhen::Always)];
    let restart = (when, 0u64..3_000, prop::option::of(0u32..4), 0u64..4_000).prop_map(
        |(when, delay, max_restarts, min_uptime)| RestartPolicy {
            when,
            delay: Duration::from_millis(delay),
            max_restarts,
            min_uptime: Duration::from_millis(min_uptime),
            ..RestartPolicy::default()
        },
    );
    let condition = prop_oneof![
        Just(Condition::Started),
        Just(Condition::Healthy),
        Just(Condition::CompletedSuccessfully)
    ];
    let exit_on = prop_oneof![Just(ExitOn::Any), Just(ExitOn::Failure), Just(ExitOn::All)];
    let switches = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let depends_on = prop::option::of((condition, any::<bool>()));
    let others = (depends_on, prop::option::of(exit_on), prop::option::of(0u64..6_000));
    (restart, others, switches).prop_map(|(restart, (depends_on, on_exit, grace), switches)| {
        let (has_readiness, has_liveness, is_watched, has_stop_command, is_oneshot) = switches;
        Rules {
            restart,
            depends_on,
            on_exit,
            has_readiness,
            has_liveness,
            is_watched,
            has_stop_command,
            is_oneshot,
            grace,
        }
    })
}

impl Rules {
    fn apply(&self, process: usize, all: &mut [Settings]) {
        // No cycle: those are refused before a run begins.
        let before = process
            .checked_sub(1)
            .filter(|before| all[*before].depends_on.iter().all(|dependency| dependency.process != process));
        let settings = &mut all[process];
        settings.restart = self.restart;
        if let (Some((condition, restart)), Some(before)) = (self.depends_on, before) {
            settings.depends_on.push(Dependency { process: before, condition, restart });
        }
        settings.on_exit = self.on_exit;
        let probe = || Probe {
            check: Check::Tcp(None),
            interval: Duration::from_secs(1),
            timeout: Duration::from_millis(500),
            retries: 2,
            start_period: Duration::from_secs(2),
            start_interval: Duration::from_millis(200),
        };
        settings.readiness = self.has_readiness.then(probe);
        settings.liveness = self.has_liveness.then(probe);
        let debounce = Duration::from_millis(300);
        settings.watch = self.is_watched.then(|| Watch { paths: Vec::new(), ignore: Vec::new(), debounce });
        settings.stop.command = self.has_stop_command.then(|| Command::new("stop"));
        settings.is_oneshot |= self.is_oneshot;
        if let Some(millis) = self.grace {
            settings.stop.grace = Grace::For(Duration::from_millis(millis));
        }
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
