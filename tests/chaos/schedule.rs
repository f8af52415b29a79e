//! A schedule: an application, options, and what happens to the run when. All of it follows from a seed.

use crate::support::random::Random;
use nix::sys::signal::Signal;
use std::fmt;
use std::time::Duration;

/// What a seed comes to.
pub(crate) struct Schedule {
    seed: u64,
    pub(crate) types: Vec<ProcessType>,
    pub(crate) exit_on: ExitOn,
    pub(crate) format: &'static str,
    timeout: &'static str,
    pty: &'static str,
    /// Whether all instances are up before time begins to count.
    pub(crate) waits_until_up: bool,
    /// What happens, each so long after what happened before.
    pub(crate) strikes: Vec<(Duration, Strike)>,
}

/// A process type, and what comes of it.
pub(crate) struct ProcessType {
    name: String,
    pub(crate) instances: u64,
    command: String,
    /// The exit code it gives to the run if it ends by itself.
    pub(crate) ends_with: Option<i32>,
}

/// `--exit-on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitOn {
    Any,
    Failure,
    All,
}

/// Something that happens to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strike {
    /// A signal to the guard.
    Signal(Signal),
    KillGuard,
    KillSupervisor,
    /// Nobody reads our standard output any more.
    CloseOutput,
}

const STOP_SIGNALS: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

impl Schedule {
    pub(crate) fn new(seed: u64) -> Self {
        let random = &mut Random::new(seed);
        let is_left_alone = random.is_one_in(6);
        let types = (1..=random.below(3) + 1).map(|number| process_type(random, number, is_left_alone));
        let mut schedule = Self {
            seed,
            types: types.collect(),
            exit_on: random.pick(&[ExitOn::Any, ExitOn::Failure, ExitOn::All]),
            format: random.pick(&["text", "text", "json", "raw"]),
            timeout: random.pick(&["0", "0", "0.2", "0.2", "0.2", "5"]),
            pty: random.pick(&["always", "never"]),
            waits_until_up: !random.is_one_in(3),
            strikes: Vec::new(),
        };
        if !is_left_alone {
            schedule.add_strikes(random);
        }
        schedule
    }

    /// The last of them is always one that ends the run.
    fn add_strikes(&mut self, random: &mut Random) {
        let first = self.moment(random);
        let later = |random: &mut Random| Duration::from_millis(random.below(400));
        let stop_signal = |random: &mut Random| Strike::Signal(random.pick(&STOP_SIGNALS));
        match random.below(8) {
            0 | 1 => self.strikes.push((first, stop_signal(random))),
            2 => {
                self.strikes.push((first, stop_signal(random)));
                self.strikes.push((later(random), stop_signal(random)));
            }
            3 => self.strikes.push((first, Strike::KillSupervisor)),
            4 => self.strikes.push((first, Strike::KillGuard)),
            5 => {
                self.strikes.push((first, stop_signal(random)));
                let kill = random.pick(&[Strike::KillGuard, Strike::KillSupervisor]);
                self.strikes.push((Duration::from_micros(random.below(20_000)), kill));
            }
            6 => {
                self.strikes.push((first, Strike::CloseOutput));
                self.strikes.push((later(random), stop_signal(random)));
            }
            _ => {
                self.strikes.push((first, Strike::Signal(Signal::SIGTSTP)));
                self.strikes.push((later(random), Strike::Signal(Signal::SIGCONT)));
                self.strikes.push((later(random), stop_signal(random)));
            }
        }
    }

    /// When the first thing happens: while the run starts, or somewhat later.
    fn moment(&self, random: &mut Random) -> Duration {
        Duration::from_micros(random.below(if self.waits_until_up { 200_000 } else { 30_000 }))
    }

    pub(crate) fn procfile(&self) -> String {
        let lines: Vec<String> =
            self.types.iter().map(|each| format!("{}: {}\n", each.name, each.command)).collect();
        lines.concat()
    }

    pub(crate) fn args(&self) -> Vec<String> {
        let exit_on = format!("{:?}", self.exit_on).to_lowercase();
        let options =
            ["-t", self.timeout, "--pty", self.pty, "--log-format", self.format, "--exit-on", &exit_on];
        let formation = self.types.iter().map(|each| format!("{}={}", each.name, each.instances));
        options.into_iter().map(str::to_owned).chain(formation).collect()
    }

    pub(crate) fn instances(&self) -> u64 {
        self.types.iter().map(|each| each.instances).sum()
    }

    /// Whether this is among the strikes.
    pub(crate) fn has(&self, strike: Strike) -> bool {
        self.strikes.iter().any(|(_, each)| *each == strike)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "schedule {}\n{}proc start {}", self.seed, self.procfile(), self.args().join(" "))?;
        let begin = if self.waits_until_up { "when all are up" } else { "from the start on" };
        write!(f, "{begin}:")?;
        self.strikes.iter().try_for_each(|(pause, strike)| write!(f, " after {pause:?} {strike:?};"))
    }
}

/// A process type; `must_end`: by itself.
fn process_type(random: &mut Random, number: u64, must_end: bool) -> ProcessType {
    let is_stubborn = random.is_one_in(4);
    let mut verbs = vec!["hold alive".to_owned()];
    verbs.extend(is_stubborn.then(|| "ignore TERM".to_owned()));
    for _ in 0..random.below(3) {
        let kind = random.pick(&["fork", "setsid", "daemon"]);
        verbs.push(format!("{kind} {}wait end", random.pick(&["", "", "ignore TERM "])));
    }
    verbs.push("mark up".to_owned());
    verbs.push(random.pick(&["flood 100", "flood 5000", "ticks 10", "say hello"]).to_owned());
    let end = (must_end || random.is_one_in(2)).then(|| end(random, is_stubborn));
    let how = ["wait", "wait", "trap TERM exit 0 wait", "trap TERM last goodbye 9 wait"];
    verbs.push(end.as_ref().map_or_else(|| random.pick(&how).to_owned(), |(verbs, _)| verbs.clone()));
    let verbs = verbs.join(" ");
    let command = match random.below(8) {
        0 if end.is_none() => "exec 9>alive; echo >up; exec yes".to_owned(),
        1 | 2 => format!("./child {verbs} || exit $?"),
        _ => format!("./child {verbs}"),
    };
    let ends_with = end.map(|(_, code)| code);
    ProcessType { name: format!("type{number}"), instances: 1 + random.below(2), command, ends_with }
}

/// How a process ends by itself, and the exit code that it comes to.
fn end(random: &mut Random, ignores_term: bool) -> (String, i32) {
    let pause = random.below(300);
    if random.is_one_in(3) {
        let names = ["KILL", "SEGV", "ABRT", "HUP", "USR1", "TERM"];
        let name = random.pick(&names[..names.len() - usize::from(ignores_term)]);
        let signal: Signal = format!("SIG{name}").parse().unwrap();
        return (format!("pause {pause} die {name}"), 128 + signal as i32);
    }
    let code = random.pick(&[0, 0, 0, 1, 3, 70, 143, 255]);
    (format!("pause {pause} exit {code}"), code)
}
