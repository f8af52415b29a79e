//! Who is attached to the terminal of an instance: one who types into it, and whose window it has; any number who only watch.

use super::Engine;
use super::channel::Channel;
use super::handle::{Call, Handle, Reply};
use crate::model::instance::InstanceId;
use crate::model::request::{Refusal, RefusalKind};
use crate::model::selector::select;
use crate::model::snapshot::PhaseName;
use crate::unix::pty::{self, Key, SignalKeys, Window};
use crate::unix::signals;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

/// Somebody who is attached.
#[derive(Debug)]
pub struct Attachment {
    /// To which instance.
    pub instance: InstanceId,
    /// What that is called.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// What somebody who is attached may do.
#[derive(Debug)]
pub enum Role {
    /// Type, and watch. Nobody else types while this is there.
    Writer(Arc<()>),
    /// Watch; why not more, in words.
    Watcher(String),
}

/// What somebody asks who is attached, or wants to be.
#[derive(Debug)]
pub(super) enum Ask {
    /// To be attached to the one instance that this name means.
    Attach { name: String, wants_to_type: bool, reply: Reply<Attachment> },
    /// To type into the terminal of an instance; how many of the bytes there was room for.
    Type { instance: InstanceId, bytes: Vec<u8>, reply: Reply<usize> },
    /// To give the terminal of an instance this window, for as long as the writer is there.
    Resize { name: String, window: Window, reply: Reply<()> },
    /// To go.
    Detach { instance: InstanceId, writer: Arc<()>, reply: Reply<()> },
}

impl Handle {
    /// Attaches somebody to the one instance that a name means, to type if nobody else does.
    pub async fn attach(&self, name: String, wants_to_type: bool) -> Result<Attachment, Refusal> {
        self.call(|reply| Call::Terminal(Ask::Attach { name, wants_to_type, reply })).await
    }

    /// Types into the terminal of an instance; how many of the bytes there was room for.
    pub async fn type_in(&self, instance: InstanceId, bytes: Vec<u8>) -> Result<usize, Refusal> {
        self.call(|reply| Call::Terminal(Ask::Type { instance, bytes, reply })).await
    }

    /// Gives the terminal of an instance a window, until the one who types into it goes.
    pub async fn set_window(&self, name: String, window: Window) -> Result<(), Refusal> {
        self.call(|reply| Call::Terminal(Ask::Resize { name, window, reply })).await
    }

    /// Lets the one go who types into the terminal of an instance.
    pub async fn detach(&self, instance: InstanceId, writer: Arc<()>) -> Result<(), Refusal> {
        self.call(|reply| Call::Terminal(Ask::Detach { instance, writer, reply })).await
    }
}

/// Those who type.
#[derive(Debug, Default)]
pub(super) struct Writers(BTreeMap<InstanceId, Writer>);

#[derive(Debug)]
struct Writer {
    /// Gone with the writer, who may not have said so.
    claim: Weak<()>,
    window: Option<Window>,
}

impl Writers {
    /// The window that the one who types into the terminal of an instance wants it to have.
    pub(super) fn window(&self, instance: InstanceId) -> Option<Window> {
        self.0.get(&instance)?.window
    }

    /// Makes somebody the writer, unless there is one.
    fn claim(&mut self, instance: InstanceId) -> Option<Arc<()>> {
        if self.0.get(&instance).is_some_and(Writer::is_there) {
            return None;
        }
        let claim = Arc::new(());
        let window = None;
        self.0.insert(instance, Writer { claim: Arc::downgrade(&claim), window });
        Some(claim)
    }

    /// Lets somebody go; whether that was the writer, with a window.
    fn release(&mut self, instance: InstanceId, writer: &Arc<()>) -> bool {
        let is_writer = |each: &Writer| each.claim.as_ptr() == Arc::as_ptr(writer);
        if !self.0.get(&instance).is_some_and(is_writer) {
            return false;
        }
        self.0.remove(&instance).is_some_and(|writer| writer.window.is_some())
    }
}

impl Writer {
    fn is_there(&self) -> bool {
        self.claim.strong_count() > 0
    }
}

impl Engine {
    /// Does what somebody asks. Whoever has asked may have gone: then nobody hears the answer.
    pub(super) fn serve(&mut self, ask: Ask) {
        match ask {
            Ask::Attach { name, wants_to_type, reply } => drop(reply.send(self.attach(&name, wants_to_type))),
            Ask::Type { instance, bytes, reply } => drop(reply.send(self.type_in(instance, &bytes))),
            Ask::Resize { name, window, reply } => drop(reply.send(self.set_window(&name, window))),
            Ask::Detach { instance, writer, reply } => {
                self.detach(instance, &writer);
                drop(reply.send(Ok(())));
            }
        }
    }

    /// Attaches somebody to an instance.
    fn attach(&mut self, name: &str, wants_to_type: bool) -> Result<Attachment, Refusal> {
        let instance = self.only_one(name)?;
        let name = self.plan.name(instance);
        let attached = |role| Ok(Attachment { instance, name: name.clone(), role });
        if !wants_to_type {
            return attached(Role::Watcher("as asked".to_owned()));
        }
        let status = self.supervisor.status(instance, &self.plan, self.now);
        if status.is_none_or(|status| matches!(status.phase, PhaseName::Down | PhaseName::Failed)) {
            return Err(self.not_running(instance));
        }
        match self.channel(instance) {
            Channel::Pty => match self.writers.claim(instance) {
                Some(claim) => attached(Role::Writer(claim)),
                None => attached(Role::Watcher(format!("somebody else types into {name}"))),
            },
            Channel::Pipe => Err(self.no_terminal(instance)),
        }
    }

    fn no_terminal(&self, instance: InstanceId) -> Refusal {
        let process_type = self.plan.types.get(instance.process).map_or("", |each| each.name.as_str());
        Refusal {
            kind: RefusalKind::Conflict,
            message: format!("{} has no terminal to type into", self.plan.name(instance)),
            hint: Some(format!(
                "set `tty = true` in [process.{process_type}] of proc.toml, or start with `--pty always`"
            )),
        }
    }

    /// The instance that a name means, which must be one.
    fn only_one(&self, name: &str) -> Result<InstanceId, Refusal> {
        let there: Vec<InstanceId> = self.supervisor.instances().collect();
        match select(&[name.to_owned()], &there, &self.plan.types)?[..] {
            [instance] => Ok(instance),
            ref several => {
                let names: Vec<String> = several.iter().map(|id| self.plan.name(*id)).collect();
                Err(Refusal {
                    kind: RefusalKind::Invalid,
                    message: format!("`{name}` means {} instances", several.len()),
                    hint: Some(format!("name one of them: {}", names.join(", "))),
                })
            }
        }
    }

    /// Types into the terminal of an instance, as far as there is room; how many bytes that were.
    fn type_in(&mut self, instance: InstanceId, bytes: &[u8]) -> Result<usize, Refusal> {
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            let Some((writer, terminal)) = self.pipes.terminal(instance) else {
                return Err(self.not_running(instance));
            };
            let keys = SignalKeys::of(terminal.ours);
            let meaning = |byte: &u8| keys.map_or(Key::Plain, |keys| keys.meaning(*byte));
            let plain = rest.iter().take_while(|byte| meaning(byte) == Key::Plain).count();
            if plain > 0 {
                // Whoever has gone meanwhile does not miss it.
                let count = pty::type_in(terminal.ours, &rest[..plain]).unwrap_or(plain);
                taken += count;
                if count < plain {
                    break;
                }
                continue;
            }
            if let Some(Key::Signal(signal)) = rest.first().map(meaning) {
                pty::forget_typed(terminal.theirs);
                let result = self.children.signal(writer.0, writer.1, signal);
                self.complain_of(Some(instance), signal, result);
            }
            taken += 1;
        }
        Ok(taken)
    }

    fn not_running(&self, instance: InstanceId) -> Refusal {
        let name = self.plan.name(instance);
        let (message, hint) =
            (format!("{name} is not running"), Some(format!("`proc start {name}` starts it")));
        Refusal { kind: RefusalKind::Conflict, message, hint }
    }

    /// Gives the terminal of an instance the window of the one who types into it.
    fn set_window(&mut self, name: &str, window: Window) -> Result<(), Refusal> {
        let instance = self.only_one(name)?;
        let Some(writer) = self.writers.0.get_mut(&instance).filter(|writer| writer.is_there()) else {
            let message = format!("nobody is attached to {} to type", self.plan.name(instance));
            return Err(Refusal { kind: RefusalKind::Conflict, message, hint: None });
        };
        writer.window = Some(window);
        self.resize_that_of(instance, window);
        Ok(())
    }

    /// Lets somebody go; the terminal has the window again that ours leaves.
    fn detach(&mut self, instance: InstanceId, writer: &Arc<()>) {
        if self.writers.release(instance, writer) {
            self.resize_that_of(instance, self.window);
        }
    }

    fn resize_that_of(&mut self, instance: InstanceId, window: Window) {
        for (instance, generation) in self.pipes.resize(window, |each| each == instance) {
            let result = self.children.signal(instance, generation, signals::WINDOW);
            self.complain_of(Some(instance), signals::WINDOW, result);
        }
    }
}
