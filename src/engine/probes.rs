//! Asking what the probes ask, and running the stop commands: each comes to one event, within its time.

use super::Engine;
use super::children::OF_A_PROBE;
use super::commands::{self, Commands, Order, Purpose};
use super::perform::Performed;
use super::strays::Owner;
use crate::model::answer::{Answer, Failure};
use crate::model::command::Command;
use crate::model::instance::{Generation, InstanceId, Pid};
use crate::model::settings::{Check, Probe};
use crate::probe::{self, Question};
use crate::supervisor::{Event, ProbeKind};
use crate::unix::exec::{ExecError, Program};
use crate::unix::spawn;
use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::panic::resume_unwind;
use std::time::{Duration, Instant};
use tokio::task::{JoinError, JoinSet};

/// The questions that are open.
#[derive(Debug)]
pub(super) struct Probes {
    /// Those that go over the network, one task each. They end with their time, or with us.
    questions: JoinSet<Event>,
    answers: VecDeque<Event>,
    /// Those that could not be asked the last time.
    unasked: BTreeSet<(InstanceId, ProbeKind)>,
    /// Those that are commands, and the stop commands.
    pub(super) commands: Commands,
}

impl Probes {
    /// None yet. Needs a runtime to be entered.
    pub(super) fn new() -> io::Result<Self> {
        let commands = Commands::new()?;
        Ok(Self { questions: JoinSet::new(), answers: VecDeque::new(), unasked: BTreeSet::new(), commands })
    }

    /// Resolves when there is an answer, or a command has written something.
    pub(super) async fn changed(&mut self) {
        if !self.answers.is_empty() {
            return;
        }
        tokio::select! {
            biased;
            Some(answer) = self.questions.join_next(), if !self.questions.is_empty() => {
                self.answers.push_back(answer.unwrap_or_else(propagate));
            }
            () = self.commands.readable() => {}
        }
    }

    /// The answers there are.
    fn take(&mut self) -> VecDeque<Event> {
        self.commands.read();
        while let Some(answer) = self.questions.try_join_next() {
            self.answers.push_back(answer.unwrap_or_else(propagate));
        }
        std::mem::take(&mut self.answers)
    }

    /// Asks over the network.
    fn ask(
        &mut self,
        question: Question,
        within: Duration,
        make: impl FnOnce(Answer) -> Event + Send + 'static,
    ) {
        self.questions.spawn(async move { make(probe::ask(&question, within).await) });
    }
}

/// A panic in a task is a bug like any other; none is ever cancelled while we wait for it.
fn propagate(error: JoinError) -> Event {
    resume_unwind(error.into_panic())
}

impl Engine {
    /// Asks the question of a probe.
    pub(super) fn ask(&mut self, instance: InstanceId, generation: Generation, kind: ProbeKind) -> Performed {
        let answer = move |result| Event::Probed { instance, generation, kind, result };
        let settings = self.plan.settings(instance);
        let probe = match kind {
            ProbeKind::Readiness => settings.readiness.clone(),
            ProbeKind::Liveness => settings.liveness.clone(),
        };
        let Some(Probe { check, timeout, .. }) = probe else { return Performed::Done };
        let port = |port: Option<u16>| {
            port.or_else(|| self.given(instance).port(instance))
                .ok_or_else(|| "it has no PORT to be asked on".to_owned())
        };
        let question = match check {
            Check::Tcp(own) => port(own).map(|port| Question::Tcp { port }),
            Check::Http(path) => port(None).map(|port| Question::Http { port, path }),
            // What asks about somebody who has ended would be killed with nobody to do it: the end is on its way to the supervisor.
            Check::Exec(_) if !self.children.is_led(instance, generation) => return Performed::Done,
            Check::Exec(command) => {
                let text = command.text().to_owned();
                let of = (instance, generation);
                let order = Order { of, purpose: Purpose::Probe(kind), text, limit: Some(timeout) };
                return self.run_beside(&command, order);
            }
            // It is looked for as it comes.
            Check::Log(_) => return Performed::Done,
        };
        match question {
            Ok(question) => self.probes.ask(question, timeout, answer),
            Err(why) => return Performed::Reported(answer(Err(why.into()))),
        }
        Performed::Done
    }

    /// Runs the stop command of an instance.
    pub(super) fn run_stop_command(&mut self, instance: InstanceId, generation: Generation) -> Performed {
        let Some(command) = self.plan.settings(instance).stop.command.clone() else { return Performed::Done };
        let text = command.text().to_owned();
        let order = Order { of: (instance, generation), purpose: Purpose::Stop, text, limit: None };
        if !self.children.is_led(instance, generation) {
            // The number that it would be told may be somebody else's by now.
            let why = "was not run, since there is no leader any more".to_owned();
            return Performed::Reported(order.answer(Err(why.into())));
        }
        self.run_beside(&command, order)
    }

    /// Runs a command beside an instance, unless that is not possible: then that is its answer.
    fn run_beside(&mut self, command: &Command, order: Order) -> Performed {
        if let Some(pid) = self.probes.commands.find(order.of, order.purpose) {
            let why = format!("the last one is still there: pid {pid} could not be killed");
            return Performed::Reported(order.answer(Err(why.into())));
        }
        match self.start_beside(command, &order) {
            Ok((pid, output)) => {
                // A probe is killed with what it asks about; what stops it may have more to do.
                self.children.add_command(pid, order.of, order.purpose == Purpose::Stop);
                self.probes.commands.add(pid, order, output, self.now);
                Performed::Done
            }
            Err(failure) => Performed::Reported(order.answer(Err(failure))),
        }
    }

    fn start_beside(&self, command: &Command, order: &Order) -> Result<(Pid, OwnedFd), Failure> {
        let (instance, _) = order.of;
        let mut environment =
            self.given(instance).environment(instance).map_err(|error| error.to_string())?;
        match order.purpose {
            Purpose::Probe(_) => {
                environment.insert(OF_A_PROBE.into(), std::process::id().to_string().into());
            }
            Purpose::Stop => {
                let pid = self
                    .children
                    .pid(instance)
                    .map(|pid| (OsString::from("PROC_PID"), pid.to_string().into()));
                environment.extend(pid);
            }
        }
        let (ours, theirs) = commands::pipe(&self.limits)
            .map_err(|error| Failure::Unasked(format!("no pipe for its output: {error}")))?;
        let invocation = command.invocation();
        let program = Program {
            invocation: &invocation,
            root: self.plan.directory(instance),
            environment: &environment,
        };
        let pid = spawn::spawn(&program, &theirs, &self.limits).map_err(|error| no_process(&error))?;
        Ok((pid, ours))
    }

    /// Says that a question could not be asked, once until one can be again.
    pub(super) fn remark(&mut self, event: &Event) {
        let Event::Probed { instance, kind, result, .. } = event else { return };
        let Err(Failure::Unasked(why)) = result else {
            self.probes.unasked.remove(&(*instance, *kind));
            return;
        };
        if self.probes.unasked.insert((*instance, *kind)) {
            let what = match kind {
                ProbeKind::Readiness => "readiness",
                ProbeKind::Liveness => "liveness",
            };
            self.say(Some(*instance), &format!("{what} could not be asked about for now: {why}"));
        }
    }

    /// Hands in the answers there are.
    pub(super) fn look_at_probes(&mut self) {
        self.events.extend(self.probes.take());
    }

    /// Has a text looked for in what an instance writes, if that is what its readiness is.
    pub(super) fn listen_for_readiness(&mut self, of: Owner) {
        if let Some(Probe { check: Check::Log(text), .. }) = &self.plan.settings(of.0).readiness {
            self.pipes.look_for(text, of);
        }
    }

    /// Hands in that some have written what was looked for.
    pub(super) fn report_found(&mut self) {
        let kind = ProbeKind::Readiness;
        self.events.extend(self.pipes.found().into_iter().map(|(instance, generation)| Event::Probed {
            instance,
            generation,
            kind,
            result: Ok(()),
        }));
    }

    /// Kills the commands that have had their time.
    pub(super) fn end_overdue_commands(&mut self) {
        for (pid, answer) in self.probes.commands.overdue(self.now) {
            self.children.kill_command(pid);
            self.events.push_back(answer);
        }
    }

    /// Kills the commands that ask about an instance whose leader has ended; the one that stops it may have more to do.
    pub(super) fn end_probes_of(&mut self, of: Owner) {
        self.kill_commands(of, |purpose| matches!(purpose, Purpose::Probe(_)));
    }

    /// Kills all commands that are for an instance, as what there is of that is killed.
    pub(super) fn end_commands_of(&mut self, of: Owner) {
        self.kill_commands(of, |_| true);
    }

    fn kill_commands(&mut self, of: Owner, is_meant: impl Fn(Purpose) -> bool) {
        for (pid, _) in self.probes.commands.of(of).filter(|(_, purpose)| is_meant(*purpose)) {
            self.children.kill_command(pid);
        }
    }

    /// When the next command has had its time.
    pub(super) fn next_command_deadline(&self) -> Option<Instant> {
        self.probes.commands.next_deadline()
    }
}

fn no_process(error: &ExecError) -> Failure {
    let message = error.to_string();
    if error.is_temporary() { Failure::Unasked(message) } else { Failure::Bad(message) }
}
