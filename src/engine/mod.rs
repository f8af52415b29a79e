//! The only loop: waits for the world, tells the supervisor, does what it says.
//!
//! Everything that can happen arrives in one `select!`, whose arms only say *what* woke us (`Wake`); it becomes an
//! [`Event`], the supervisor turns that into actions, and `perform` does them before anything else is looked at.
//! Nothing here blocks: standard output is written by a thread of its own, and while that has no room for more we do not read what the
//! children write.

pub mod attach;
mod channel;
mod children;
pub mod clock;
mod commands;
mod copies;
mod desk;
mod finish;
pub mod handle;
mod inbox;
mod keys;
mod logs;
mod looks;
mod names;
mod perform;
mod pipes;
mod press;
mod probes;
mod reload;
mod replan;
mod search;
mod strays;
pub mod tally;

use crate::model::exit::{Outcome, code};
use crate::model::instance::{InstanceId, Pid};
use crate::model::plan::Plan;
use crate::model::signal::Signal;
use crate::output::{Closed, Label, Logs, Mux, Sink, Target, Tee};
use crate::supervisor::{Event, Supervisor};
use crate::unix::limits::Limits;
use crate::unix::link::SupervisorLink;
use crate::unix::pty::Window;
use crate::unix::signals::Signals;
use crate::unix::sweep::Sweep;
use crate::watch::Watcher;
use attach::Writers;
pub use channel::Channel;
use children::{Changes, Children};
use clock::Clock;
use copies::Copies;
pub use finish::LAST_CHANCE;
use finish::Patience;
use handle::{Call, Desk};
use inbox::{Inbox, Incoming};
use perform::Performed;
use pipes::{CHUNK, Pipes, SMALL_CHUNK};
use press::Pressing;
use probes::Probes;
pub use reload::{Reload, Reloaded};
pub use replan::{Replanned, Replanning};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// Where the output of a run goes, and how it looks.
#[derive(Debug)]
pub struct Console {
    /// Puts bytes into words.
    pub mux: Mux,
    /// Writes them.
    pub sink: Sink,
    /// Writes what the processes write to files too, if that is wanted.
    pub logs: Option<Arc<Logs>>,
    /// The name and colour of each instance.
    pub labels: BTreeMap<InstanceId, Label>,
    /// The process types, as indices, whose output is not shown.
    pub quiet: BTreeSet<usize>,
    /// What the processes write to that have no word of their own in that.
    pub channel: Channel,
    /// The columns that stand before each of their lines: what terminals of theirs have less than ours.
    pub margin: usize,
    /// Whether standard output and standard error are to be told apart.
    pub tells_streams_apart: bool,
    /// Lines about the whole that come before everything else.
    pub preamble: Vec<String>,
    /// Where questions come in from other terminals, and what is kept for them.
    pub desk: Desk,
}

/// How many chunks are taken at most before everything else is looked at: some tenths of a millisecond.
const MOST_CHUNKS: usize = 4;

/// The bytes of output from which on no more is put on a page.
const LARGEST_PAGE: usize = 256 * 1024;

/// What the engine was woken by.
#[derive(Debug)]
enum Wake {
    /// Something came in from outside of the run.
    Inbox,
    /// The sink has room again, or has closed.
    Sink,
    /// The log files have room again, or there is something to say about them.
    Logs,
    /// A probe was answered, or its command wrote something.
    Probes,
    /// A child wrote something.
    Output,
    /// A file has changed.
    File,
    /// Somebody asks something.
    Call(Call),
    /// A deadline has come.
    Time,
}

/// A run: the supervisor, and the hands that do what it says.
pub struct Engine {
    /// With what the env files said last.
    plan: Rc<Plan>,
    supervisor: Supervisor,
    clock: Clock,
    /// When we woke up: the time of everything that is done until we sleep again.
    now: Instant,
    console: Console,
    pipes: Pipes,
    children: Children,
    inbox: Inbox,
    probes: Probes,
    /// Watches the files that processes are restarted for, if there are any.
    watcher: Option<Watcher>,
    events: VecDeque<Event>,
    is_output_closed: bool,
    /// The window of those processes that have a terminal.
    window: Window,
    /// Who types into those terminals.
    writers: Writers,
    /// What was pressed on the keyboard of the run.
    keys: Pressing,
    limits: Limits,
    /// What reads the env files again.
    reader: reload::Reader,
    tally: tally::Tally,
    /// What is needed for another plan.
    planner: replan::Planner,
    /// Who whoever started the run sees.
    guard_pid: u32,
}

impl Engine {
    /// An engine for this plan. Needs a runtime to be entered, and the signals to be taken over by now.
    pub fn new(
        plan: Plan,
        console: Console,
        signals: Signals,
        link: SupervisorLink,
        limits: Limits,
        reload: Reload,
    ) -> io::Result<Self> {
        let clock = Clock::start();
        let window = channel::window(console.margin);
        let chunk = if console.tells_streams_apart { SMALL_CHUNK } else { CHUNK };
        let tee = console.logs.clone().map(|logs| Tee::new(logs, console.tells_streams_apart));
        let copies = Copies::new(tee, Arc::clone(&console.desk.ring));
        Ok(Self {
            tally: tally::Tally::default(),
            supervisor: Supervisor::new(&plan, fastrand::u64(..)),
            children: Children::new(&plan),
            reader: reload::Reader::new(reload),
            plan: Rc::new(plan),
            now: clock.now(),
            clock,
            console,
            pipes: Pipes::new(chunk, copies)?,
            inbox: Inbox::new(signals, link)?,
            probes: Probes::new()?,
            watcher: None,
            events: VecDeque::new(),
            is_output_closed: false,
            window,
            writers: Writers::default(),
            keys: Pressing::default(),
            limits,
            planner: replan::Planner::default(),
            guard_pid: std::os::unix::process::parent_id(),
        })
    }

    /// The same engine, told of files by this watcher.
    #[must_use]
    pub fn watching(self, watcher: Option<Watcher>) -> Self {
        Self { watcher, ..self }
    }

    /// Runs the plan to its end; the outcome, and how many bytes of output could not be written.
    pub async fn run(mut self) -> (Outcome, u64) {
        self.set_time();
        for line in std::mem::take(&mut self.console.preamble) {
            self.say(None, &line);
        }
        self.look_into_inbox();
        self.events.push_back(Event::Start);
        loop {
            if self.inbox.is_unguarded() {
                return self.abandon().await;
            }
            if let Some(outcome) = self.settle().await {
                return self.finish(outcome, Patience::with(outcome)).await;
            }
            // It may have gone while we were suspended.
            if self.inbox.is_unguarded() {
                continue;
            }
            let wake = self.wait().await;
            self.set_time();
            match wake {
                Wake::Inbox => self.look_into_inbox(),
                Wake::Sink => self.look_at_sink(),
                Wake::Logs => self.look_at_logs(),
                Wake::Probes => {
                    self.look_at_probes();
                    // As below: a command may write without end.
                    tokio::task::yield_now().await;
                }
                Wake::File => self.look_at_files(),
                Wake::Call(call) => self.answer(call),
                Wake::Output => {
                    self.pump();
                    self.look_at_probes();
                    // Where there is always something to read, nothing else would ever be looked at: signals, deadlines, the sink.
                    tokio::task::yield_now().await;
                }
                Wake::Time => {
                    // Whoever has died by now has met the deadline.
                    self.look_into_inbox();
                    self.look();
                    self.end_overdue_commands();
                    self.events.push_back(Event::Tick);
                }
            }
        }
    }

    /// Hands in the events there are and performs what comes of them, until nothing is left or the outcome is there.
    async fn settle(&mut self) -> Option<Outcome> {
        while let Some(event) = self.events.pop_front() {
            self.tell_supervisor(&event);
            while let Some(action) = self.supervisor.poll_action() {
                match self.perform(action) {
                    Performed::Done => {}
                    Performed::Reported(report) => self.tell_supervisor(&report),
                    Performed::Suspended => {
                        self.rest().await;
                        self.supervisor.handle(&Event::Resumed, self.now);
                    }
                    Performed::Finished(outcome) => return Some(outcome),
                }
            }
        }
        self.console.mux.show_tails(self.now);
        self.flush();
        None
    }

    fn tell_supervisor(&mut self, event: &Event) {
        self.remark(event);
        self.tally_end(event);
        self.supervisor.handle(event, self.now);
    }

    /// Sleeps until something happens. What keeps us from reading the children never keeps us from a signal.
    async fn wait(&mut self) -> Wake {
        let deadline = self.next_deadline();
        let Console { sink, logs, desk, .. } = &mut self.console;
        let has_room = sink.has_room() && logs::have_room(logs.as_deref());
        tokio::select! {
            biased;
            () = self.inbox.filled() => Wake::Inbox,
            () = sink.changed() => Wake::Sink,
            () = logs::changed(logs.as_deref()) => Wake::Logs,
            () = changed(self.watcher.as_ref()) => Wake::File,
            () = sleep_until(deadline) => Wake::Time,
            call = desk.next() => Wake::Call(call),
            () = self.pipes.readable(), if has_room => Wake::Output,
            () = self.probes.changed() => Wake::Probes,
        }
    }

    /// Reads the clock, once per wake-up: for what is done now, and for the lines that came in.
    fn set_time(&mut self) {
        self.now = self.clock.now();
        let wall = Clock::wall();
        self.console.mux.set_time(wall, self.clock.elapsed());
        self.console.desk.ring.set_time(wall);
    }

    fn next_deadline(&self) -> Option<Instant> {
        let deadlines = [
            self.supervisor.next_deadline(),
            self.console.mux.next_deadline(),
            self.children.next_look(),
            self.next_command_deadline(),
        ];
        deadlines.into_iter().flatten().min().map(|at| self.clock.real(at))
    }

    fn look_into_inbox(&mut self) {
        for incoming in self.inbox.take() {
            match incoming {
                Incoming::Death => self.reap(),
                // Not the supervisor's affair: no process starts or stops for it.
                Incoming::Window => self.resize(),
                Incoming::Signal(received) => self.events.push_back(Event::Signal(received)),
                Incoming::Key(key) => self.press(key),
                Incoming::Keyboard => self.tell_of_keys(),
            }
        }
    }

    /// Stands still, as Ctrl-Z wants it, until somebody continues the guard.
    async fn rest(&mut self) {
        self.flush();
        // What the processes wrote last is on the terminal before the shell is.
        let _ = tokio::time::timeout(LAST_CHANCE, self.console.sink.idle()).await;
        let begin = Clock::begin_pause();
        self.inbox.suspend().await;
        self.clock.end_pause(begin);
        self.set_time();
        // A change that came while we were in the background was told to others.
        self.resize();
    }

    /// The guard was killed, and whoever did that cannot see us: we take everything with us, and do not wait for anybody.
    async fn abandon(mut self) -> (Outcome, u64) {
        self.inbox.give_keyboard_back();
        self.children.kill_groups();
        let all_killed = Sweep::of_all().kill_all(|_, _| ());
        let rest =
            if all_killed { "all processes were killed" } else { "some processes could not be killed" };
        self.say(None, &format!("the guard of this run was killed: {rest}"));
        self.finish(Outcome::Code(code::BUG), Patience::Short).await
    }

    fn look_at_sink(&mut self) {
        let Some(closed) = self.console.sink.closed() else { return };
        if !std::mem::replace(&mut self.is_output_closed, true) {
            self.events.push_back(match closed {
                Closed::BrokenPipe => Event::OutputClosed,
                // The terminal hung up, and the signal that says so is on its way: it is the same event whichever comes first.
                Closed::Gone => Event::Signal(Signal::HUP.into()),
            });
        }
    }

    /// Makes events of what the watcher has heard.
    fn look_at_files(&mut self) {
        let Some(news) = self.watcher.as_ref().map(Watcher::take) else { return };
        let events = news.changed.into_iter().map(|(process, path)| Event::FileChanged { process, path });
        self.events.extend(events);
        if let Some(complaint) = news.complaint {
            self.say(None, &complaint);
        }
    }

    /// Takes a chunk of what each of some children has written: a few, so that they are one page and everything else is looked at soon.
    fn pump(&mut self) {
        for _ in 0..MOST_CHUNKS {
            let silent = self.pipes.pump(&mut self.console.mux, self.now);
            self.report_found();
            self.events.extend(silent.map(|(instance, generation)| Event::Drained { instance, generation }));
            if !self.pipes.is_ready() || self.console.mux.printed() >= LARGEST_PAGE {
                return;
            }
        }
    }

    /// Reaps the dead and says who they were.
    fn reap(&mut self) {
        let changes = self.children.reap(self.now);
        self.report(changes);
    }

    /// Looks for descendants that left their groups, if it is time to.
    fn look(&mut self) {
        let begun = self.clock.now();
        if let Some(changes) = self.children.look(begun) {
            self.children.looked(begun, self.clock.now().duration_since(begun));
            self.report(changes);
        }
    }

    /// Makes events of what was learnt about the children; what the leaders had written comes before their end.
    fn report(&mut self, changes: Changes) {
        self.events.extend(changes.strayed.into_iter().map(|(of, strays)| Event::Strayed { of, strays }));
        self.events.extend(changes.is_childless.then_some(Event::Childless));
        for (pid, exit) in changes.commands {
            self.events.extend(self.probes.commands.end(pid, exit));
        }
        for (instance, generation) in changes.emptied {
            self.events.push_back(Event::TreeEmpty { instance, generation });
        }
        for (instance, generation, signal) in changes.stopped {
            self.events.push_back(Event::Stopped { instance, generation, signal });
        }
        for (instance, generation, exit) in changes.exited {
            self.end_probes_of((instance, generation));
            let Console { mux, sink, logs, .. } = &mut self.console;
            let has_room = |mux: &mut Mux| has_room(mux, sink) && logs::have_room(logs.as_deref());
            let is_silent = self.pipes.drain((instance, generation), mux, self.now, has_room);
            self.report_found();
            if is_silent {
                self.events.push_back(Event::Drained { instance, generation });
            }
            self.events.push_back(Event::Exited { instance, generation, exit });
        }
        for (instance, generation) in changes.remains {
            self.events.push_back(Event::Remains { instance, generation });
        }
    }

    /// A line of our own, about an instance and its process if it has one, or about the whole.
    fn say(&mut self, about: Option<InstanceId>, text: &str) {
        let pid = about.and_then(|id| self.children.leader(id));
        self.say_of(about, pid, text);
    }

    fn say_of(&mut self, about: Option<InstanceId>, pid: Option<Pid>, text: &str) {
        let label = about.and_then(|id| self.console.labels.get(&id));
        let pid = pid.and_then(|pid| u32::try_from(pid.0).ok());
        self.console.mux.say(label, pid, text);
        self.console.desk.say(about, label, pid, text);
    }

    fn flush(&mut self) {
        push(&mut self.console.mux, &self.console.sink);
    }
}

/// Whether more may be read, once what was read so far is on its way.
fn has_room(mux: &mut Mux, sink: &Sink) -> bool {
    push(mux, sink);
    sink.has_room()
}

fn push(mux: &mut Mux, sink: &Sink) {
    let formatted = mux.take();
    mux.reuse(sink.push(Target::Stdout, formatted.stdout));
    drop(sink.push(Target::Stderr, formatted.stderr));
}

async fn changed(watcher: Option<&Watcher>) {
    match watcher {
        Some(watcher) => watcher.changed().await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
