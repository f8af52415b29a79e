//! What the guard and the supervisor tell each other: packets over a pair of sockets, none of which is ever waited for.

use super::tty::Change;
use crate::model::exit::Outcome;
use crate::model::instance::Pid;
use crate::model::signal::{Received, Signal};
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What the guard tells the supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// A signal came.
    Signal(Received),
    /// It was stopped, and somebody has continued it.
    Continued,
    /// A key was pressed.
    Key(u8),
    /// The terminal is about to give it each key, which changes this; none: it does not any more.
    Keyboard(Option<Change>),
}

/// What the supervisor asks of the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// To stop itself, as Ctrl-Z does: all below is stopped by now.
    Suspend,
    /// To end like this: nothing is left below.
    End(Outcome),
}

/// The guard's end.
pub type GuardLink = Link<News, Request>;

/// The supervisor's end.
pub type SupervisorLink = Link<Request, News>;

/// One end, which sends `S` and hears `R`. That the other process has gone can be read from it.
#[derive(Debug)]
pub struct Link<S, R> {
    socket: OwnedFd,
    ends: PhantomData<fn(S) -> R>,
}

/// What there was to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<R> {
    /// This.
    Message(R),
    /// Nothing, for now.
    Nothing,
    /// Nothing ever again: the other end has gone.
    Gone,
}

/// There is no room: the other end has not listened for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// A tag, and up to two numbers.
type Packet = [i32; 3];

/// Something that fits in a packet.
pub trait Packed: Sized {
    /// The packet of it.
    fn pack(self) -> Packet;
    /// What a packet holds; none if it makes no sense.
    fn unpack(packet: Packet) -> Option<Self>;
}

/// The two ends.
pub fn pair() -> io::Result<(GuardLink, SupervisorLink)> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let (one, other) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?;
    Ok((Link { socket: one, ends: PhantomData }, Link { socket: other, ends: PhantomData }))
}

impl<S: Packed, R: Packed> Link<S, R> {
    /// Sends a message. It is lost if the other end has gone, which is heard, or has not looked at a hundred others.
    pub fn send(&self, message: S) {
        let _: Result<(), Full> = self.try_send(message);
    }

    /// Sends a message, unless the other end has not looked at a hundred others. It is lost if that has gone, which is heard.
    pub fn try_send(&self, message: S) -> Result<(), Full> {
        let mut bytes = [0; size_of::<Packet>()];
        for (place, number) in bytes.as_chunks_mut().0.iter_mut().zip(message.pack()) {
            *place = number.to_ne_bytes();
        }
        loop {
            match send(self.as_raw_fd(), &bytes, MsgFlags::MSG_NOSIGNAL) {
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::ENOMEM) => return Err(Full),
                Ok(_) | Err(_) => return Ok(()),
            }
        }
    }

    /// What the other end has sent.
    #[must_use]
    pub fn receive(&self) -> Heard<R> {
        loop {
            let mut bytes = [0; size_of::<Packet>()];
            match recv(self.as_raw_fd(), &mut bytes, MsgFlags::empty()) {
                Ok(0) => return Heard::Gone,
                Ok(_) => {
                    let mut packet = Packet::default();
                    for (number, place) in packet.iter_mut().zip(bytes.as_chunks().0) {
                        *number = i32::from_ne_bytes(*place);
                    }
                    if let Some(message) = R::unpack(packet) {
                        return Heard::Message(message);
                    }
                }
                // The other end has gone without having heard everything: told once, before what it had sent last.
                Err(Errno::EINTR | Errno::ECONNRESET) => {}
                Err(Errno::EAGAIN) => return Heard::Nothing,
                Err(_) => return Heard::Gone,
            }
        }
    }

    /// Whether the other end has gone; what it has sent and nobody has heard is lost.
    #[must_use]
    pub fn is_over(&self) -> bool {
        loop {
            match self.receive() {
                Heard::Message(_) => {}
                Heard::Nothing => return false,
                Heard::Gone => return true,
            }
        }
    }

    /// The same end once more: the other sees it gone when both are.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { socket: self.socket.try_clone()?, ends: PhantomData })
    }

    /// This end as something the runtime can wait for; a runtime must be entered.
    #[expect(
        unsafe_code,
        reason = "a descriptor that is waited for must stay open, which only its owner knows"
    )]
    pub fn watch(self) -> io::Result<AsyncFd<Self>> {
        // SAFETY: `as_raw_fd` gives the socket that `self` owns, always the same, open until `self` is dropped.
        Ok(unsafe { AsyncFd::register_with_interest(self, Interest::READABLE) }?)
    }
}

impl<S, R> AsRawFd for Link<S, R> {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl<S, R> AsFd for Link<S, R> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Packed for News {
    fn pack(self) -> Packet {
        match self {
            Self::Signal(Received { signal, sender }) => {
                [1, signal.number(), sender.map_or(0, |sender| sender.0)]
            }
            Self::Continued => [2, 0, 0],
            Self::Key(key) => [6, key.into(), 0],
            Self::Keyboard(Some(Change { before, during })) => {
                [7, before.cast_signed(), during.cast_signed()]
            }
            Self::Keyboard(None) => [8, 0, 0],
        }
    }

    fn unpack(packet: Packet) -> Option<Self> {
        match packet {
            [1, signal, sender] => {
                let sender = (sender != 0).then_some(Pid(sender));
                Some(Self::Signal(Received { signal: Signal::from_number(signal), sender }))
            }
            [2, ..] => Some(Self::Continued),
            [6, key, _] => Some(Self::Key(u8::try_from(key).ok()?)),
            [7, before, during] => {
                let (before, during) = (before.cast_unsigned(), during.cast_unsigned());
                Some(Self::Keyboard(Some(Change { before, during })))
            }
            [8, ..] => Some(Self::Keyboard(None)),
            _ => None,
        }
    }
}

impl Packed for Request {
    fn pack(self) -> Packet {
        match self {
            Self::Suspend => [3, 0, 0],
            Self::End(Outcome::Code(code)) => [4, code.into(), 0],
            Self::End(Outcome::Signal(signal)) => [5, signal.number(), 0],
        }
    }

    fn unpack(packet: Packet) -> Option<Self> {
        match packet {
            [3, ..] => Some(Self::Suspend),
            [4, code, _] => Some(Self::End(Outcome::Code(u8::try_from(code).ok()?))),
            [5, signal, _] => Some(Self::End(Outcome::Signal(Signal::from_number(signal)))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_end_sends_the_other_hears_in_order_and_then_that_it_has_gone() {
        let (guard, supervisor) = pair().unwrap();
        assert_eq!(supervisor.receive(), Heard::Nothing);
        let sender = Some(Pid(4321));
        let news = [
            News::Signal(Received { signal: Signal::TERM, sender }),
            News::Continued,
            News::Signal(Received { signal: Signal::from_number(64), sender: None }),
            News::Key(0xff),
            News::Keyboard(Some(Change { before: u32::MAX, during: 1 })),
            News::Keyboard(None),
        ];
        for message in news {
            guard.send(message);
        }
        let requests =
            [Request::Suspend, Request::End(Outcome::Code(255)), Request::End(Outcome::Signal(Signal::INT))];
        for message in requests {
            supervisor.send(message);
        }
        assert_eq!(news.map(|_| supervisor.receive()), news.map(Heard::Message));
        assert_eq!(requests.map(|_| guard.receive()), requests.map(Heard::Message));
        let again = supervisor.try_clone().unwrap();
        drop(supervisor);
        assert_eq!(guard.receive(), Heard::Nothing);
        again.send(Request::Suspend);
        drop(again);
        assert_eq!(guard.receive(), Heard::Message(Request::Suspend));
        assert_eq!(guard.receive(), Heard::Gone);
        // Nobody hears it, and it is no SIGPIPE.
        guard.send(News::Continued);
    }

    #[test]
    fn the_last_word_of_an_end_that_has_not_heard_everything_is_heard() {
        let (guard, supervisor) = pair().unwrap();
        guard.send(News::Continued);
        supervisor.send(Request::End(Outcome::Code(3)));
        drop(supervisor);
        assert_eq!(guard.receive(), Heard::Message(Request::End(Outcome::Code(3))));
        assert_eq!(guard.receive(), Heard::Gone);
    }

    #[test]
    fn nothing_is_waited_for_when_the_other_end_does_not_listen() {
        let (guard, supervisor) = pair().unwrap();
        for _ in 0..100_000 {
            guard.send(News::Continued);
        }
        assert_eq!(guard.try_send(News::Continued), Err(Full));
        assert_eq!(supervisor.receive(), Heard::Message(News::Continued));
    }

    #[test]
    fn what_makes_no_sense_is_no_message() {
        assert_eq!(News::unpack([0, 1, 2]), None);
        assert_eq!(News::unpack([6, 256, 0]), None);
        assert_eq!(Request::unpack([4, 256, 0]), None);
        assert_eq!(Request::unpack([1, 15, 0]), None);
    }
}
