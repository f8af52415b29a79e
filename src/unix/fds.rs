//! Descriptors: ours kept from the children, the children's pipes, what is read from them, our own output.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::uio::writev;
use nix::unistd::{pipe2, read};
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Sees to it that no child inherits what we were given beyond standard input, output and error.
///
/// Once, at the start: everything we open ourselves is close-on-exec from its birth.
#[expect(unsafe_code, reason = "nix has no close_range")]
pub fn keep_from_children() {
    // SAFETY: with CLOSE_RANGE_CLOEXEC no descriptor is closed, a flag is set on those that are open; there are no pointers.
    let result = unsafe { libc::close_range(3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC.cast_signed()) };
    if result != 0 {
        keep_each_from_children();
    }
}

/// The same for a kernel without the flag (before Linux 5.11).
fn keep_each_from_children() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let open: Vec<RawFd> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for fd in open.into_iter().filter(|fd| *fd > 2) {
        set_cloexec(fd);
    }
}

#[expect(unsafe_code, reason = "descriptors that we did not open have no owner to borrow from")]
fn set_cloexec(fd: RawFd) {
    // SAFETY: the descriptor is used for this one call, which fails harmlessly (EBADF) if it is not open.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    let _ = fcntl(borrowed, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
}

/// The two ends of a pipe for a child's output: ours, which does not block, and the child's, which does.
pub fn output_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = pipe2(OFlag::O_CLOEXEC)?;
    fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok((ours, theirs))
}

/// What came of reading from a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// So many bytes.
    Bytes(usize),
    /// Nothing, for now.
    Nothing,
    /// Nothing ever again: all writers have closed it.
    End,
}

/// Reads what is there, without waiting.
pub fn receive(from: &OwnedFd, buffer: &mut [u8]) -> Received {
    loop {
        match read(from, buffer) {
            Ok(0) => return Received::End,
            Ok(count) => return Received::Bytes(count),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Received::Nothing,
            // EIO is how a pseudo-terminal ends; nothing else can come of a descriptor that is ours.
            Err(_) => return Received::End,
        }
    }
}

/// Reads what is there until the buffer is full: a read of a pseudo-terminal gives 4 KiB at most, however much is asked for.
///
/// Not for ever: whoever writes a byte whenever one was read gets no more turns than this.
pub fn receive_more(from: &OwnedFd, buffer: &mut [u8]) -> Received {
    const MOST_READS: usize = 32;
    let mut filled = 0;
    for _ in 0..MOST_READS {
        match receive(from, &mut buffer[filled..]) {
            Received::Bytes(count) => filled += count,
            received @ (Received::Nothing | Received::End) if filled == 0 => return received,
            // An end is found again.
            Received::Nothing | Received::End => break,
        }
        if filled == buffer.len() {
            break;
        }
    }
    Received::Bytes(filled)
}

/// Whether there is something to read now, be it the end.
///
/// Of a pseudo-terminal, FIONREAD counts only what has arrived at our end of it; to be asked this makes the kernel bring over what is
/// on the way (`n_tty_poll`).
#[must_use]
pub fn is_readable(fd: &impl AsFd) -> bool {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::ZERO).is_ok_and(|count| count > 0)
}

/// Whether a short text can be written now, or before this time has passed.
#[must_use]
pub fn is_writable(fd: &impl AsFd, within: Duration) -> bool {
    let within = PollTimeout::try_from(within).unwrap_or(PollTimeout::MAX);
    poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLOUT)], within).is_ok_and(|count| count > 0)
}

/// How many bytes a pipe holds now.
#[must_use]
pub fn waiting(fd: &OwnedFd) -> usize {
    let mut count: libc::c_int = 0;
    bytes_waiting(fd.as_raw_fd(), &mut count);
    usize::try_from(count).unwrap_or(0)
}

#[expect(unsafe_code, reason = "nix has no FIONREAD")]
fn bytes_waiting(fd: RawFd, count: &mut libc::c_int) {
    // SAFETY: FIONREAD writes one int, to a place that is valid for that; on failure nothing is written.
    unsafe { libc::ioctl(fd, libc::FIONREAD, std::ptr::from_mut(count)) };
}

/// Which of many descriptors can be read, level-triggered: one that is passed over is reported again.
#[derive(Debug)]
pub struct Poller {
    epoll: Epoll,
    events: Vec<EpollEvent>,
}

impl Poller {
    /// A poller that watches nothing yet.
    pub fn new() -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        Ok(Self { epoll, events: vec![EpollEvent::empty(); 64] })
    }

    /// The poller as something the runtime can wait for; a runtime must be entered.
    #[expect(
        unsafe_code,
        reason = "a descriptor that is waited for must stay open, which only its owner knows"
    )]
    pub fn watch(self) -> io::Result<AsyncFd<Self>> {
        // SAFETY: `as_raw_fd` gives the descriptor of the epoll instance that `self` owns, always the same, open until `self` is dropped.
        Ok(unsafe { AsyncFd::register_with_interest(self, Interest::READABLE) }?)
    }

    /// Watches a descriptor under this key.
    pub fn add(&self, fd: &OwnedFd, key: u64) -> io::Result<()> {
        Ok(self.epoll.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, key))?)
    }

    /// Watches it no longer.
    pub fn remove(&self, fd: &OwnedFd) {
        let _ = self.epoll.delete(fd);
    }

    /// The keys of up to 64 descriptors that can be read now. The kernel rotates them, so that none is passed over for ever.
    pub fn ready(&mut self) -> Vec<u64> {
        let count = self.epoll.wait(&mut self.events, PollTimeout::ZERO).unwrap_or(0);
        self.events[..count].iter().map(EpollEvent::data).collect()
    }
}

impl AsRawFd for Poller {
    fn as_raw_fd(&self) -> RawFd {
        self.epoll.0.as_raw_fd()
    }
}

/// Writes the slices to a descriptor, waiting where somebody else made it non-blocking.
///
/// We never set `O_NONBLOCK` on standard output ourselves: the flag belongs to everyone who has it open.
pub fn write_waiting(fd: BorrowedFd<'_>, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    loop {
        match writev(fd, slices) {
            Ok(count) => return Ok(count),
            Err(Errno::EAGAIN) => {
                poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLOUT)], PollTimeout::NONE).ok();
            }
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Writes to a descriptor what can be written without waiting, although it may be one that waits.
///
/// Fails where that is nothing (`EAGAIN`), and where the kernel cannot promise it (`EOPNOTSUPP`: terminals, most files, pipes before Linux 6.4).
#[expect(unsafe_code, reason = "nix has no pwritev2")]
pub fn write_now(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let slice = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: the one slice is of bytes that live as long as the call, which only reads them; -1 is the descriptor's own position.
    let result = unsafe { libc::pwritev2(fd.as_raw_fd(), &raw const slice, 1, -1, libc::RWF_NOWAIT) };
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::write;

    #[test]
    fn a_pipe_tells_nothing_from_the_end() {
        let (ours, theirs) = output_pipe().unwrap();
        let mut buffer = [0; 16];
        assert_eq!(receive(&ours, &mut buffer), Received::Nothing);
        write(&theirs, b"abc").unwrap();
        assert_eq!(waiting(&ours), 3);
        assert_eq!(receive(&ours, &mut buffer), Received::Bytes(3));
        drop(theirs);
        assert_eq!(receive(&ours, &mut buffer), Received::End);
    }

    #[test]
    fn a_poller_reports_what_can_be_read_until_it_is_read() {
        let mut poller = Poller::new().unwrap();
        let (one, one_writer) = output_pipe().unwrap();
        let (other, other_writer) = output_pipe().unwrap();
        poller.add(&one, 1).unwrap();
        poller.add(&other, 2).unwrap();
        assert_eq!(poller.ready(), Vec::<u64>::new());
        write(&other_writer, b"x").unwrap();
        assert_eq!(poller.ready(), [2]);
        assert_eq!(poller.ready(), [2]);
        receive(&other, &mut [0; 4]);
        assert_eq!(poller.ready(), Vec::<u64>::new());
        drop(one_writer);
        assert_eq!(poller.ready(), [1]);
        poller.remove(&one);
        assert_eq!(poller.ready(), Vec::<u64>::new());
    }

    #[test]
    fn what_cannot_be_written_now_is_not_waited_for() {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).unwrap();
        let mut written = 0;
        loop {
            match write_now(writer.as_fd(), &[b'x'; 4096]) {
                Ok(count) => written += count,
                // Where pipes cannot promise it, that is what we hear of the first one.
                Err(error) => {
                    let why = error.raw_os_error();
                    assert!(
                        why == Some(libc::EAGAIN) || (why == Some(libc::EOPNOTSUPP) && written == 0),
                        "{error}"
                    );
                    break;
                }
            }
        }
        assert_eq!(waiting(&reader), written);
    }

    #[test]
    fn a_full_pipe_that_does_not_block_is_waited_for() {
        let (reader, writer) = output_pipe().unwrap();
        fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        let sent: usize = 1 << 20;
        let thread = std::thread::spawn(move || {
            let bytes = vec![b'x'; sent];
            let mut written = 0;
            while written < sent {
                written += write_waiting(writer.as_fd(), &[IoSlice::new(&bytes[written..])]).unwrap();
            }
        });
        let mut buffer = vec![0; 1 << 16];
        let mut received = 0;
        loop {
            match receive(&reader, &mut buffer) {
                Received::Bytes(count) => received += count,
                Received::Nothing => {
                    poll(&mut [PollFd::new(reader.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE).unwrap();
                }
                Received::End => break,
            }
        }
        thread.join().unwrap();
        assert_eq!(received, sent);
    }
}
