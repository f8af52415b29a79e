//! What comes to us from outside of the run: signals, which the guard passes on, and word from our children that one has died.

use crate::model::signal::{Received, Signal};
use crate::unix::link::{Heard, News, Request, SupervisorLink};
use crate::unix::signals::{self, Signals};
use crate::unix::tty::Change;
use std::collections::VecDeque;
use std::io;
use tokio::io::unix::AsyncFd;

/// Something that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Incoming {
    /// A child has died.
    Death,
    /// The window of the terminal has changed.
    Window,
    /// A signal, to us as a whole.
    Signal(Received),
    /// A key was pressed.
    Key(u8),
    /// Keys will be heard from now on.
    Keyboard,
}

/// Where it comes in.
#[derive(Debug)]
pub(super) struct Inbox {
    signals: AsyncFd<Signals>,
    link: AsyncFd<SupervisorLink>,
    /// Heard while we waited for something else.
    kept: VecDeque<Incoming>,
    is_unguarded: bool,
    /// What the guard has changed of the terminal.
    keyboard: Option<Change>,
}

impl Inbox {
    /// An inbox; a runtime must be entered.
    pub(super) fn new(signals: Signals, link: SupervisorLink) -> io::Result<Self> {
        let (signals, link) = (signals.watch()?, link.watch()?);
        Ok(Self { signals, link, kept: VecDeque::new(), is_unguarded: false, keyboard: None })
    }

    /// Whether the guard has gone: nobody sees to it that nothing outlives us.
    pub(super) fn is_unguarded(&self) -> bool {
        self.is_unguarded
    }

    /// Waits until there is something. What has been waited for is taken back before it is looked at: what comes in between wakes us again.
    pub(super) async fn filled(&mut self) {
        if !self.kept.is_empty() {
            return;
        }
        let Self { signals, link, is_unguarded, .. } = self;
        tokio::select! {
            biased;
            Ok(mut ready) = signals.readable_mut() => ready.clear_ready(),
            Ok(mut ready) = link.readable_mut(), if !*is_unguarded => ready.clear_ready(),
        }
    }

    /// What there is.
    pub(super) fn take(&mut self) -> VecDeque<Incoming> {
        let mut all = std::mem::take(&mut self.kept);
        for signal in self.signals.get_mut().pending() {
            // A signal that is sent to our own number (`pkill proc`) has come to the guard too. If it asks for the end, once is enough.
            match signal {
                signals::CHILD => all.push_back(Incoming::Death),
                Signal::INT | Signal::TERM | Signal::HUP => {
                    all.push_back(Incoming::Signal(Received { signal, sender: None }));
                }
                _ => {}
            }
        }
        while let Some(news) = self.hear() {
            match news {
                News::Signal(Received { signal: signals::WINDOW, .. }) => all.push_back(Incoming::Window),
                News::Signal(received) => all.push_back(Incoming::Signal(received)),
                News::Key(key) => all.push_back(Incoming::Key(key)),
                News::Keyboard(Some(_)) => all.push_back(Incoming::Keyboard),
                // Somebody has continued what nobody had stopped.
                News::Continued | News::Keyboard(None) => {}
            }
        }
        all
    }

    fn hear(&mut self) -> Option<News> {
        if self.is_unguarded {
            return None;
        }
        match self.link.get_ref().receive() {
            Heard::Message(news) => {
                if let News::Keyboard(change) = news {
                    self.keyboard = change;
                }
                Some(news)
            }
            Heard::Nothing => None,
            Heard::Gone => {
                self.is_unguarded = true;
                None
            }
        }
    }

    /// Gives the terminal back as it was, in the place of a guard that was killed.
    pub(super) fn give_keyboard_back(&mut self) {
        if let Some(change) = self.keyboard.take() {
            change.undo();
        }
    }

    /// Has the guard stop itself, and waits until somebody continues it (or it is killed, which is found out later).
    pub(super) async fn suspend(&mut self) {
        self.link.get_ref().send(Request::Suspend);
        while !self.is_unguarded {
            match self.hear() {
                Some(News::Continued) => return,
                // Undone by whoever continues us, as the kernel does with a stop that has not happened yet; the window is looked at anyway.
                Some(
                    News::Signal(Received { signal: Signal::TSTP | signals::WINDOW, .. }) | News::Keyboard(_),
                ) => {}
                Some(News::Signal(received)) => self.kept.push_back(Incoming::Signal(received)),
                Some(News::Key(key)) => self.kept.push_back(Incoming::Key(key)),
                None => {
                    if let Ok(mut ready) = self.link.readable_mut().await {
                        ready.clear_ready();
                    }
                }
            }
        }
    }

    /// Waits for a signal that asks for the end, or for the end of the guard, which leaves no other choice; the rest is of no interest any more.
    pub(super) async fn stop_signal(&mut self) -> Signal {
        loop {
            for incoming in self.take() {
                match incoming {
                    Incoming::Signal(Received {
                        signal: signal @ (Signal::INT | Signal::TERM | Signal::HUP),
                        ..
                    }) => return signal,
                    Incoming::Death
                    | Incoming::Window
                    | Incoming::Signal(_)
                    | Incoming::Key(_)
                    | Incoming::Keyboard => {}
                }
            }
            if self.is_unguarded {
                return Signal::INT;
            }
            self.filled().await;
        }
    }
}
