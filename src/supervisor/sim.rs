//! A run without processes: scripted ones on a virtual clock, and a transcript of everything that passed.
//!
//! The scripts are the files of `tests/scenarios`, so that a report of a bug can become one. `PROC_BLESS=1 cargo test scenario`
//! writes the transcripts anew; read the difference before you keep it.

mod probes;
mod requests;
mod settings;

use super::{Action, Event, Owners, SpawnFailure, Stray, Supervisor};
use crate::model::environment::Environment;
use crate::model::exit::{Exit, Outcome};
use crate::model::formation::{self, Wanted};
use crate::model::instance::{Generation, InstanceId, Pid};
use crate::model::plan::Plan;
use crate::model::policy::{ExitOn, Grace};
use crate::model::settings::{Condition, Dependency, Settings};
use crate::model::signal::Signal;
use crate::model::{port, procfile};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// A run as a scenario file describes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    #[expect(dead_code, reason = "for the reader of the file")]
    about: String,
    procfile: String,
    #[serde(default)]
    start: Vec<String>,
    #[serde(default)]
    exit_on: Option<String>,
    #[serde(default)]
    timeout: Option<String>,
    #[serde(default)]
    release: bool,
    #[serde(default)]
    settings: BTreeMap<String, settings::Table>,
    #[serde(default)]
    process: BTreeMap<String, Script>,
    #[serde(default)]
    event: Vec<Outside>,
    expected: Expected,
}

/// What a process does.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a line that a scenario may have")]
struct Script {
    /// It cannot be started, with this exit code.
    spawn_fails: Option<u8>,
    /// It cannot be started for now: so many attempts fail.
    delayed: u32,
    /// It ends by itself.
    exits: Option<Ending>,
    /// What SIGTERM makes it do; nothing said: it dies of it at once.
    on_term: Option<OnTerm>,
    /// A member of its group stays until SIGKILL when it ends.
    leaves_member: bool,
    /// A descendant outside of its group is found after this many seconds, and stays until SIGKILL.
    strays_after: Option<f64>,
    /// Nobody can tell whose that is.
    stray_is_nobodys: bool,
    /// A descendant outside of its group stays until SIGKILL when it ends.
    leaves_stray: bool,
    /// SIGKILL does nothing to it.
    unkillable: bool,
    /// SIGKILL does nothing to its stray.
    stray_is_unkillable: bool,
    /// It is stopped after a second, by this signal.
    stopped_by: Option<i32>,
    /// What it wrote cannot be shown: nobody reads.
    output_stuck: bool,
    /// Only in its first spawn does it do any of this.
    only_first: bool,
    /// How its stop command ends: it stops the process, or exits with this code and does nothing.
    stop_command_fails: Option<u8>,
    /// What its readiness probe is answered.
    readiness: Vec<probes::Turn>,
    /// What its liveness probe is answered.
    liveness: Vec<probes::Turn>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ending {
    /// Seconds.
    #[serde(default)]
    after: f64,
    code: Option<u8>,
    signal: Option<i32>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OnTerm {
    Ignored,
    Exit(Ending),
}

/// Something that comes from outside.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outside {
    /// Seconds after the start.
    at: f64,
    signal: Option<i32>,
    #[serde(default)]
    output_closed: bool,
    /// A file of this process type has changed.
    changed: Option<String>,
    /// Somebody asks for something: `stop web.1`, `scale web=2`.
    request: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    transcript: String,
}

impl Scenario {
    fn plan(&self) -> Plan {
        let types = procfile::parse(self.procfile.as_bytes()).types;
        let wanted = Wanted { named: &self.start, ..Wanted::default() };
        let formation = formation::resolve(wanted, &types).unwrap();
        let ports = port::assign(port::DEFAULT_BASE, &types, &[], &formation).unwrap();
        let mut instances: BTreeMap<_, _> = ports.into_iter().map(|(id, port)| (id, Some(port))).collect();
        let mut settings = vec![Settings::default(); types.len()];
        for each in &mut settings {
            each.stop.grace = self.timeout.as_deref().map_or(Grace::default(), |text| text.parse().unwrap());
        }
        for (name, table) in &self.settings {
            let process = types.iter().position(|each| each.name == *name).unwrap();
            table.apply(&mut settings[process], &types);
        }
        if let Some(process) = types.iter().position(|each| each.name == "release").filter(|_| self.release) {
            instances.insert(InstanceId { process, number: 1 }, None);
            settings[process].is_oneshot = true;
            let dependency =
                Dependency { process, condition: Condition::CompletedSuccessfully, restart: false };
            let others = settings.iter_mut().enumerate().filter(|(index, _)| *index != process);
            others.for_each(|(_, each)| each.depends_on.push(dependency));
        }
        Plan {
            types,
            settings,
            instances,
            left_out: formation.left_out,
            gone: [].into(),
            base_port: Some(port::DEFAULT_BASE),
            environment: Environment::default(),
            root: "/".into(),
            exit_on: self.exit_on.as_deref().map_or(ExitOn::default(), |text| text.parse().unwrap()),
        }
    }
}

/// A scripted process while it is there.
#[derive(Debug)]
struct Process {
    generation: Generation,
    script: Script,
    since: Instant,
    leader: bool,
    member: bool,
    stray: bool,
}

/// The world around a supervisor.
struct Sim {
    plan: Plan,
    scripts: BTreeMap<String, Script>,
    start: Instant,
    now: Instant,
    /// What is to come: sorted by time, then by the order in which it was put there.
    agenda: BTreeMap<(Instant, usize), Happening>,
    count: usize,
    processes: BTreeMap<InstanceId, Process>,
    transcript: String,
    outcome: Option<Outcome>,
}

enum Happening {
    Event(Event),
    Strays(InstanceId),
    Dies(InstanceId, Generation, Exit),
    Why(InstanceId),
}

impl Sim {
    fn new(scenario: &Scenario) -> Self {
        let start = super::now_for_tests();
        Self {
            plan: scenario.plan(),
            scripts: scenario.process.clone(),
            start,
            now: start,
            agenda: BTreeMap::new(),
            count: 0,
            processes: BTreeMap::new(),
            transcript: String::new(),
            outcome: None,
        }
    }

    fn later(&mut self, after: f64, happening: Happening) {
        self.count += 1;
        self.agenda.insert((self.now + Duration::from_secs_f64(after), self.count), happening);
    }

    fn note(&mut self, text: &str) {
        let elapsed = self.now.duration_since(self.start).as_secs_f64();
        writeln!(self.transcript, "{elapsed:7.3} {text}").unwrap();
    }

    /// Runs until the outcome, or for a virtual hour.
    fn run(mut self, outside: &[Outside]) -> String {
        self.schedule(outside);
        let mut supervisor = Supervisor::new(&self.plan, 7);
        self.hand_in(&mut supervisor, &Event::Start);
        while self.outcome.is_none() && self.now < self.start + Duration::from_hours(1) {
            let next = self.agenda.first_key_value().map(|((at, _), _)| *at);
            let deadline = supervisor.next_deadline();
            match (next, deadline) {
                (None, None) => break,
                (next, Some(deadline)) if next.is_none_or(|next| deadline < next) => {
                    self.now = self.now.max(deadline);
                    self.hand_in(&mut supervisor, &Event::Tick);
                    assert!(
                        supervisor.next_deadline().is_none_or(|next| next > self.now),
                        "a tick clears its deadline"
                    );
                }
                (_, _) => self.next_happening(&mut supervisor),
            }
        }
        let end = self.outcome.map_or("the run goes on".to_owned(), |outcome| match outcome {
            Outcome::Code(code) => format!("=> exit {code}"),
            Outcome::Signal(signal) => format!("=> die by {signal}"),
        });
        self.note(&end);
        self.transcript
    }

    fn next_happening(&mut self, supervisor: &mut Supervisor) {
        let Some(((at, _), happening)) = self.agenda.pop_first() else { return };
        self.now = at;
        match happening {
            Happening::Event(event) => {
                if let Some(text) = requests::text(&event, &self.plan) {
                    self.note(&format!("<- {text}"));
                }
                self.hand_in(supervisor, &event);
            }
            Happening::Why(id) => {
                let status = supervisor.status(id, &self.plan, self.now).unwrap();
                self.note(&format!("?? {}: {}: {}", self.plan.name(id), status.phase.word(), status.why));
            }
            Happening::Strays(instance) => self.stray(supervisor, instance),
            Happening::Dies(instance, generation, exit) => self.die(supervisor, instance, generation, exit),
        }
    }

    /// Hands in an event and performs what comes of it, each report before the next action.
    fn hand_in(&mut self, supervisor: &mut Supervisor, event: &Event) {
        supervisor.handle(event, self.now);
        while let Some(action) = supervisor.poll_action() {
            if let Some(report) = self.perform(action) {
                supervisor.handle(&report, self.now);
            }
        }
    }

    fn perform(&mut self, action: Action) -> Option<Event> {
        assert_eq!(self.outcome, None, "nothing follows the outcome");
        match action {
            Action::Spawn { instance, generation } => return Some(self.spawn(instance, generation)),
            Action::Signal { instance, generation, signal } => self.signal(instance, generation, signal),
            Action::SignalStrays { of, signals } => self.signal_strays(&of, &signals),
            Action::Probe { instance, generation, kind } => self.probe(instance, generation, kind),
            Action::RunStopCommand { instance, generation } => self.run_stop_command(instance, generation),
            Action::Suspend => {
                self.note("-> suspend");
                return Some(Event::Resumed);
            }
            Action::Notify(notice) => {
                let about = notice.about().map_or("system".to_owned(), |id| self.plan.name(id));
                if let Some(text) = notice.text(&self.plan, &|_| None) {
                    self.note(&format!("   {about} | {text}"));
                }
            }
            Action::Finish(outcome) => self.outcome = Some(outcome),
        }
        None
    }

    fn spawn(&mut self, instance: InstanceId, generation: Generation) -> Event {
        let name = self.plan.name(instance);
        self.note(&format!("-> spawn {name}"));
        assert!(
            !self.processes.get(&instance).is_some_and(|process| process.leader),
            "one process an instance"
        );
        let script = self.scripts.get(&name).cloned().unwrap_or_default();
        let script = if script.only_first && generation.0 > 1 { Script::default() } else { script };
        let failure = match script.spawn_fails {
            Some(code) => Some(SpawnFailure::Permanent { message: "no such command".into(), code }),
            None => (generation.0 <= script.delayed)
                .then(|| SpawnFailure::Temporary { message: "no room for it".into() }),
        };
        if let Some(failure) = failure {
            return Event::SpawnFailed { instance, generation, failure };
        }
        if let Some(ending) = script.exits {
            self.later(ending.after, Happening::Dies(instance, generation, ending.exit()));
        }
        if let Some(after) = script.strays_after {
            self.later(after, Happening::Strays(instance));
        }
        if let Some(signal) = script.stopped_by.map(Signal::from_number) {
            self.later(1.0, Happening::Event(Event::Stopped { instance, generation, signal }));
        }
        let since = self.now;
        self.processes.insert(
            instance,
            Process { generation, script, since, leader: true, member: false, stray: false },
        );
        self.write_line(instance, generation);
        let pid = Pid(i32::try_from(100 * (instance.process + 1)).unwrap() + i32::from(instance.number));
        Event::Spawned { instance, generation, pid }
    }

    fn signal(&mut self, instance: InstanceId, generation: Generation, signal: Signal) {
        let name = self.plan.name(instance);
        self.note(&format!("-> {signal} {name}"));
        let Some(process) =
            self.processes.get_mut(&instance).filter(|process| process.generation == generation)
        else {
            return;
        };
        let dies_of_it = Exit::Signal(signal);
        let is_stop = signal == self.plan.settings(instance).stop.signal;
        match (signal, process.script.on_term) {
            (Signal::KILL, _) if process.script.unkillable => {}
            (Signal::KILL, _) => {
                process.member = false;
                self.later(0.001, Happening::Dies(instance, generation, dies_of_it));
            }
            (_, None) if is_stop => self.later(0.001, Happening::Dies(instance, generation, dies_of_it)),
            (_, Some(OnTerm::Exit(ending))) if is_stop => {
                self.later(ending.after, Happening::Dies(instance, generation, ending.exit()));
            }
            _ => {}
        }
    }

    fn run_stop_command(&mut self, instance: InstanceId, generation: Generation) {
        self.note(&format!("-> stop command of {}", self.plan.name(instance)));
        let code = self.processes.get(&instance).and_then(|process| process.script.stop_command_fails);
        let result = code.map_or(Ok(()), |code| Err(format!("exited with code {code}")));
        if result.is_ok() {
            self.later(0.05, Happening::Dies(instance, generation, Exit::Code(0)));
        }
        self.later(0.1, Happening::Event(Event::StopCommandEnded { instance, generation, result }));
    }

    fn signal_strays(&mut self, of: &Owners, signals: &[Signal]) {
        let whose = match of {
            Owners::All => String::new(),
            Owners::Only(owners) => {
                let names: Vec<_> = owners.iter().map(|(id, _)| self.plan.name(*id)).collect();
                format!(" of {}", names.join(", "))
            }
        };
        let names: Vec<_> = signals.iter().map(Signal::to_string).collect();
        self.note(&format!("-> {} to strays{whose}", names.join(", ")));
        let is_meant = |(id, process): (&InstanceId, &Process)| match of {
            Owners::All => true,
            Owners::Only(owners) => {
                owners.contains(&(*id, process.generation)) && !process.script.stray_is_nobodys
            }
        };
        let hit = |(id, process): &(&InstanceId, &mut Process)| {
            process.stray && !process.script.stray_is_unkillable && is_meant((id, process))
        };
        let mut dead = Vec::new();
        if signals == [Signal::KILL] {
            for (id, process) in self.processes.iter_mut().filter(hit) {
                process.stray = false;
                dead.push((*id, process.generation));
            }
        }
        for (id, generation) in dead {
            self.later(0.001, Happening::Dies(id, generation, Exit::Signal(Signal::KILL)));
        }
    }

    /// Reports that a descendant of an instance was found outside of its group.
    fn stray(&mut self, supervisor: &mut Supervisor, instance: InstanceId) {
        let Some(process) = self.processes.get_mut(&instance) else { return };
        process.stray = true;
        let of = (!process.script.stray_is_nobodys).then_some((instance, process.generation));
        let strays = vec![Stray { pid: Pid(4321), name: "sleep".into() }];
        self.hand_in(supervisor, &Event::Strayed { of, strays });
    }

    /// Reports the end of a leader, or of what else there is of an instance, in the order of the engine.
    fn die(&mut self, supervisor: &mut Supervisor, instance: InstanceId, generation: Generation, exit: Exit) {
        let current = self.processes.get_mut(&instance);
        let Some(process) = current.filter(|process| process.generation == generation) else { return };
        let was_leader = std::mem::replace(&mut process.leader, false);
        if was_leader {
            process.member = process.script.leaves_member && exit != Exit::Signal(Signal::KILL);
        }
        if was_leader && process.script.leaves_stray {
            self.stray(supervisor, instance);
        }
        let Some(process) = self.processes.get(&instance) else { return };
        let is_left = process.member || process.stray && !process.script.stray_is_nobodys;
        let (is_empty, stuck) = (!process.leader && !is_left, process.script.output_stuck);
        if self.is_childless() {
            self.hand_in(supervisor, &Event::Childless);
        }
        if is_empty {
            self.hand_in(supervisor, &Event::TreeEmpty { instance, generation });
        }
        if was_leader {
            self.note(&format!("<- {} {exit}", self.plan.name(instance)));
            if !stuck {
                self.hand_in(supervisor, &Event::Drained { instance, generation });
            }
            self.hand_in(supervisor, &Event::Exited { instance, generation, exit });
            if !is_empty {
                self.hand_in(supervisor, &Event::Remains { instance, generation });
            }
        }
    }

    fn is_childless(&self) -> bool {
        self.processes.values().all(|process| !process.leader && !process.member && !process.stray)
    }
}

impl Ending {
    fn exit(self) -> Exit {
        self.signal
            .map_or(Exit::Code(self.code.unwrap_or(0)), |signal| Exit::Signal(Signal::from_number(signal)))
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the files are the tests; the variable is for who changes them"
)]
fn every_scenario_gives_its_transcript() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 10, "the scenarios are gone");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let scenario: Scenario =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let transcript = Sim::new(&scenario).run(&scenario.event);
        if std::env::var_os("PROC_BLESS").is_some() {
            let kept = text.split("[expected]").next().unwrap();
            std::fs::write(&file, format!("{kept}[expected]\ntranscript = '''\n{transcript}'''\n")).unwrap();
        } else {
            assert_eq!(transcript, scenario.expected.transcript, "{}", file.display());
        }
    }
}
