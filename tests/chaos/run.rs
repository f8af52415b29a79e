//! Performing a schedule.

use crate::schedule::{Schedule, Strike};
use crate::support::{LIMIT, Proc, Running};
use crate::verdict::{Facts, judge};
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use std::fs::File;
use std::io::{PipeReader, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often it is looked whether the run goes on.
const A_MOMENT: Duration = Duration::from_millis(10);

/// Runs it, and holds what came of it against what may.
pub(crate) fn run(schedule: &Schedule) {
    let proc = Proc::start(schedule.procfile()).args(schedule.args()).fifo("up");
    let (alive, up) = (proc.liveness(), Up::open(&proc.path("up")));
    let mut command = proc.command();
    command.stdin(Stdio::null()).stderr(Stdio::piped());
    let output = connect(&mut command, schedule);
    let mut victim = Victim { proc: proc.spawn_as(command, None), output };
    if schedule.waits_until_up {
        up.wait_for(schedule.instances(), &mut victim);
    }
    let killed_supervisor = victim.suffer(schedule);
    let run = victim.proc.finish();
    alive.wait_for_death();
    run.left_nobody_behind();
    judge(schedule, &Facts { killed_supervisor }, &run);
}

/// Gives `proc` a standard output: one that is read to its end, or ours to close.
fn connect(command: &mut Command, schedule: &Schedule) -> Option<PipeReader> {
    if !schedule.has(Strike::CloseOutput) {
        command.stdout(Stdio::piped());
        return None;
    }
    let (ours, theirs) = std::io::pipe().unwrap();
    command.stdout(theirs);
    Some(ours)
}

/// The run, and its standard output if that is to be closed.
struct Victim {
    proc: Running,
    output: Option<PipeReader>,
}

impl Victim {
    /// Lets everything happen; whether the supervisor was killed.
    fn suffer(&mut self, schedule: &Schedule) -> bool {
        let mut killed_supervisor = false;
        for (pause, strike) in &schedule.strikes {
            self.is_over_within(*pause);
            match strike {
                Strike::Signal(signal) => drop(self.proc.signal(*signal)),
                Strike::KillGuard => drop(self.proc.signal(Signal::SIGKILL)),
                Strike::KillSupervisor => killed_supervisor = self.kill_supervisor(),
                Strike::CloseOutput => self.output = None,
            }
        }
        if schedule.has(Strike::Signal(Signal::SIGTSTP)) {
            self.continue_until_over();
        }
        killed_supervisor
    }

    /// Lets time pass, unless the run ends before; whether it has.
    ///
    /// What happens next is to come at any moment, which no event tells: so this is a wait for the end that is given up, and no sleep.
    fn is_over_within(&mut self, limit: Duration) -> bool {
        if let Some(output) = &mut self.output {
            read_for(output, limit);
            return self.proc.is_over_within(Duration::ZERO);
        }
        self.proc.is_over_within(limit)
    }

    /// Kills the supervisor as soon as there is one; false if the run is over before.
    ///
    /// While the guard stands still it reaps nobody, so the number is that of its child.
    fn kill_supervisor(&self) -> bool {
        let guard = self.proc.pid();
        let give_up_at = Instant::now() + LIMIT;
        while Instant::now() < give_up_at {
            self.proc.signal(Signal::SIGSTOP);
            let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            let status = waitid(Id::Pid(guard), flags).unwrap();
            if !matches!(status, WaitStatus::Stopped(..)) {
                return false;
            }
            let supervisor = self.proc.supervisor_now();
            if let Some(supervisor) = supervisor {
                kill(supervisor, Signal::SIGKILL).unwrap();
            }
            self.proc.signal(Signal::SIGCONT);
            if supervisor.is_some() {
                return true;
            }
            std::thread::yield_now();
        }
        panic!("no supervisor to be killed");
    }

    /// Does what a shell does with a job that stops, `fg`, until it ends. It may stop a while after SIGTSTP: the processes stop first.
    fn continue_until_over(&mut self) {
        let give_up_at = Instant::now() + LIMIT;
        while !self.is_over_within(A_MOMENT) && Instant::now() < give_up_at {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.proc.pid())).unwrap();
            if stat.contains(") T ") {
                self.proc.signal(Signal::SIGCONT);
            }
        }
    }
}

/// Reads along for so long.
fn read_for(output: &mut PipeReader, length: Duration) {
    let end = Instant::now() + length;
    let mut buffer = [0; 16384];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let mut fds = [PollFd::new(output.as_fd(), PollFlags::POLLIN)];
        let is_readable = poll(&mut fds, PollTimeout::try_from(left).unwrap()).unwrap() > 0;
        if !is_readable || output.read(&mut buffer).unwrap() == 0 {
            return;
        }
    }
}

/// A FIFO into which each instance puts a byte when it is up, and all it has started too.
struct Up(File);

impl Up {
    /// Both ends, so that nobody waits to open the other.
    fn open(path: &Path) -> Self {
        let flags = OFlag::O_RDWR | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        Self(File::from(open(path, flags, Mode::empty()).unwrap()))
    }

    /// Waits until so many are up, or the run is over.
    fn wait_for(mut self, count: u64, victim: &mut Victim) {
        let give_up_at = Instant::now() + LIMIT;
        let mut seen = 0;
        while seen < count && !victim.is_over_within(Duration::ZERO) {
            assert!(Instant::now() < give_up_at, "{seen} of {count} are up");
            let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
            poll(&mut fds, PollTimeout::try_from(A_MOMENT).unwrap()).unwrap();
            seen += self.0.read(&mut [0; 64]).unwrap_or(0) as u64;
        }
    }
}
