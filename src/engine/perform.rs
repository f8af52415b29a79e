//! Doing what the supervisor says, one arm an action.

use super::pipes::{NewPipes, Origin};
use super::{Channel, Console, Engine, channel};
use crate::model::exit::{Outcome, code};
use crate::model::instance::{Generation, InstanceId, Pid};
use crate::model::procfile::ProcessType;
use crate::model::settings::{Check, Settings};
use crate::model::signal::Signal;
use crate::output::{Label, Stream};
use crate::supervisor::{Action, Event, Notice, SpawnFailure};
use crate::unix::exec::{ExecError, Program};
use crate::unix::process::Process;
use crate::unix::spawn::Outputs;
use crate::unix::{listener, signals, spawn};
use std::io;

/// What came of an action.
pub(super) enum Performed {
    /// It is done, and that is all there is to say.
    Done,
    /// It is done, and this is what the supervisor has to hear before it is asked for the next.
    Reported(Event),
    /// We are to stand still until somebody continues us.
    Suspended,
    /// It was the last.
    Finished(Outcome),
}

impl Engine {
    /// Performs an action.
    pub(super) fn perform(&mut self, action: Action) -> Performed {
        match action {
            Action::Spawn { instance, generation } => {
                return Performed::Reported(match self.spawn(instance, generation) {
                    Ok(pid) => Event::Spawned { instance, generation, pid },
                    Err(failure) => Event::SpawnFailed { instance, generation, failure },
                });
            }
            Action::Signal { instance, generation, signal } => {
                if signal == Signal::KILL {
                    self.end_commands_of((instance, generation));
                }
                self.tally_signal((instance, generation));
                let result = self.children.signal(instance, generation, signal);
                self.complain_of(Some(instance), signal, result);
            }
            Action::SignalStrays { of, signals } => {
                let (changes, complaints) = self.children.signal_strays(&of, &signals);
                self.report(changes);
                for complaint in complaints {
                    self.say(complaint.about, &complaint.text);
                }
            }
            Action::Probe { instance, generation, kind } => return self.ask(instance, generation, kind),
            Action::RunStopCommand { instance, generation } => {
                self.tally_signal((instance, generation));
                return self.run_stop_command(instance, generation);
            }
            Action::Suspend => return Performed::Suspended,
            Action::Notify(notice) => self.tell(&notice),
            Action::Finish(outcome) => return Performed::Finished(outcome),
        }
        Performed::Done
    }

    fn spawn(&mut self, instance: InstanceId, generation: Generation) -> Result<Pid, SpawnFailure> {
        self.renew_environment(instance);
        self.check_ports(instance)?;
        let channel = self.channel(instance);
        let Console { margin, tells_streams_apart, .. } = self.console;
        let window = self.writers.window(instance).unwrap_or_else(|| channel::window(margin));
        let pipes = NewPipes::make(channel, window, tells_streams_apart, &self.limits)
            .map_err(|error| no_pipe(channel, &error))?;
        // Before there is a process: one whose output nobody reads would die of SIGPIPE as soon as it writes.
        self.pipes.watch(&pipes).map_err(|error| no_watch(&error))?;
        let pid = self.start(instance, &pipes.theirs).inspect_err(|_| self.pipes.unwatch(&pipes))?;
        self.children.add(instance, generation, pid, pipes.theirs.are_terminals, self.now);
        let origin = self.origin(instance, pid);
        self.pipes.add(pipes, (instance, generation), &origin, &mut self.console.mux);
        self.listen_for_readiness((instance, generation));
        Ok(pid)
    }

    /// Starts the process of an instance with these outputs.
    fn start(&self, instance: InstanceId, outputs: &Outputs) -> Result<Pid, SpawnFailure> {
        let environment = self
            .plan
            .environment(instance)
            .map_err(|error| SpawnFailure::Permanent { message: error.to_string(), code: code::USAGE })?;
        let invocation = self.plan.invocation(instance);
        let program = Program {
            invocation: &invocation,
            root: self.plan.directory(instance),
            environment: &environment,
        };
        spawn::spawn(&program, outputs, &self.limits)
            .map_err(|error| no_process(self.channel(instance), &error))
    }

    /// What the process of an instance writes to.
    pub(super) fn channel(&self, instance: InstanceId) -> Channel {
        match self.plan.settings(instance).tty {
            Some(true) => Channel::Pty,
            Some(false) => Channel::Pipe,
            None => self.console.channel,
        }
    }

    /// Sees to it that an instance which is started again finds its port free: what it was before may still be on its way out of it.
    ///
    /// Another one that had the port and is not wanted any more may be, too. Not at first: then it was looked at with all that can be wrong before a start.
    fn check_ports(&self, instance: InstanceId) -> Result<(), SpawnFailure> {
        if self.children.pid(instance).is_none() && !self.planner.has_replanned {
            return Ok(());
        }
        let Some(port) = self.wanted_port(instance).filter(|port| listener::is_taken(*port)) else {
            return Ok(());
        };
        // Some servers listen on one port together (SO_REUSEPORT).
        let mut others = self.plan.instances.keys().filter(|other| **other != instance);
        if others.any(|other| self.wanted_port(*other) == Some(port)) {
            return Ok(());
        }
        let by = listener::holder(port).map_or(String::new(), |holder| holder.words());
        Err(SpawnFailure::Temporary { message: format!("port {port} is taken{by}") })
    }

    /// The port that an instance is sure to listen on, if there is one: its PORT, or what is asked of it.
    fn wanted_port(&self, instance: InstanceId) -> Option<u16> {
        let Settings { readiness, liveness, .. } = self.plan.settings(instance);
        let checks = || readiness.iter().chain(liveness).map(|probe| &probe.check);
        let fixed = checks().find_map(|check| if let Check::Tcp(port) = check { *port } else { None });
        let is_asked = || checks().any(|check| matches!(check, Check::Tcp(_) | Check::Http(_)));
        let listens = || self.plan.types.get(instance.process).is_some_and(ProcessType::listens);
        fixed.or_else(|| self.given(instance).port(instance).filter(|_| is_asked() || listens()))
    }

    /// What the mux needs to know of the standard output of a process.
    fn origin(&self, instance: InstanceId, pid: Pid) -> Origin {
        Origin {
            label: self.console.labels.get(&instance).cloned().unwrap_or_else(Label::system),
            pid: u32::try_from(pid.0).ok(),
            is_hidden: self.console.quiet.contains(&instance.process),
            stream: Stream::Stdout,
        }
    }

    fn tell(&mut self, notice: &Notice) {
        self.tally_start(notice);
        let name_of = |pid| Some(Process::look_at(pid)?.name);
        if let Some(text) = notice.text(&self.plan, &name_of) {
            self.publish(notice, &text);
            if let Notice::Exited { instance, .. } = notice {
                // It is about the process that was reaped.
                self.say_of(Some(*instance), self.children.pid(*instance), &text);
            } else {
                self.say(notice.about(), &text);
            }
        }
        if let Notice::Survivors(_) = notice {
            for (about, process) in self.children.everybody().1 {
                let why = process.obstacle().map(|obstacle| format!(": {obstacle}")).unwrap_or_default();
                self.say(about, &format!("pid {} ({}) is still alive{why}", process.pid, process.name));
            }
        }
    }

    /// Gives the terminals of the processes the window that ours has left for them now, and tells them.
    pub(super) fn resize(&mut self) {
        let window = channel::window(self.console.margin);
        if std::mem::replace(&mut self.window, window) == window {
            return;
        }
        let is_free = |instance| self.writers.window(instance).is_none();
        for (instance, generation) in self.pipes.resize(window, is_free) {
            let result = self.children.signal(instance, generation, signals::WINDOW);
            self.complain_of(Some(instance), signals::WINDOW, result);
        }
    }

    /// Says that a signal could not be sent (EPERM: the process belongs to somebody else by now).
    pub(super) fn complain_of(&mut self, about: Option<InstanceId>, signal: Signal, result: io::Result<()>) {
        if let Err(error) = result {
            self.say(about, &format!("{signal} could not be sent: {error}"));
        }
    }
}

fn no_pipe(channel: Channel, error: &io::Error) -> SpawnFailure {
    let message = channel.explain(error);
    if spawn::is_temporary(error) {
        SpawnFailure::Temporary { message }
    } else {
        SpawnFailure::Permanent { message, code: code::NOT_EXECUTABLE }
    }
}

/// Whatever the reason (memory, the bound on what a user may watch), it can pass.
fn no_watch(error: &io::Error) -> SpawnFailure {
    SpawnFailure::Temporary { message: format!("its output cannot be watched: {error}") }
}

fn no_process(channel: Channel, error: &ExecError) -> SpawnFailure {
    if let ExecError::Io { source, .. } = error
        && source.raw_os_error() == Some(libc::EMFILE)
    {
        // The last descriptors went into its pipes.
        return no_pipe(channel, source);
    }
    let message = error.to_string();
    if error.is_temporary() {
        SpawnFailure::Temporary { message }
    } else {
        SpawnFailure::Permanent { message, code: error.code() }
    }
}
