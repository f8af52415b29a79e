//! Signals by name and number.

use super::instance::Pid;
use std::fmt;

/// A signal, by its number on this system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(i32);

/// Names by number, from 1 (Linux, `signal(7)`; the same on x86, Arm and RISC-V).
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

impl Signal {
    /// The terminal hung up.
    pub const HUP: Self = Self(1);
    /// Ctrl-C.
    pub const INT: Self = Self(2);
    /// Ctrl-\.
    pub const QUIT: Self = Self(3);
    /// Cannot be caught.
    pub const KILL: Self = Self(9);
    /// For the application.
    pub const USR1: Self = Self(10);
    /// For the application.
    pub const USR2: Self = Self(12);
    /// Nobody reads what we write.
    pub const PIPE: Self = Self(13);
    /// The stop signal of factor IX.
    pub const TERM: Self = Self(15);
    /// Go on after a stop.
    pub const CONT: Self = Self(18);
    /// Cannot be caught, and continues with `CONT`.
    pub const STOP: Self = Self(19);
    /// Ctrl-Z.
    pub const TSTP: Self = Self(20);
    /// Reads from the terminal, which others have.
    pub const TTIN: Self = Self(21);
    /// Writes to the terminal, which others have.
    pub const TTOU: Self = Self(22);

    /// The signal with this number.
    #[must_use]
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// The signal with this name, with or without `SIG` and in either case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_uppercase();
        let name = name.strip_prefix("SIG").unwrap_or(&name);
        if let Some(number) = real_time(name) {
            return Some(Self(number));
        }
        let index = NAMES.iter().position(|known| *known == name)?;
        Some(Self(i32::try_from(index).ok()? + 1))
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }
}

/// The real-time signals that the C library leaves to programs (`signal(7)`).
const REAL_TIME: std::ops::RangeInclusive<i32> = 34..=64;

/// The number of `RTMIN+3` or `RTMAX-1`.
fn real_time(name: &str) -> Option<i32> {
    let (from, sign, rest) = match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(rest), _) => (*REAL_TIME.start(), '+', rest),
        (None, Some(rest)) => (*REAL_TIME.end(), '-', rest),
        (None, None) => return None,
    };
    let distance: u8 = if rest.is_empty() { 0 } else { rest.strip_prefix(sign)?.parse().ok()? };
    let distance = i32::from(distance);
    Some(if sign == '+' { from + distance } else { from - distance })
        .filter(|number| REAL_TIME.contains(number))
}

/// A signal that came to us, and from whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Which.
    pub signal: Signal,
    /// The process that sent it; none if the kernel did (a key of the terminal), or one that we cannot see.
    pub sender: Option<Pid>,
}

impl From<Signal> for Received {
    /// One of the kernel's.
    fn from(signal: Signal) -> Self {
        Self { signal, sender: None }
    }
}

impl fmt::Display for Signal {
    /// Writes `SIGTERM`, or `signal 64` for one without a name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = usize::try_from(self.0 - 1).ok().and_then(|index| NAMES.get(index));
        match name {
            Some(name) => write!(f, "SIG{name}"),
            None => write!(f, "signal {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_found_by_its_name_with_or_without_its_prefix() {
        for name in ["SIGTERM", "TERM", "term", "sigterm"] {
            assert_eq!(Signal::from_name(name), Some(Signal::TERM), "{name}");
        }
        assert_eq!(Signal::from_name("SYS"), Some(Signal(31)));
        for (name, number) in [("SIGRTMIN", 34), ("RTMIN+3", 37), ("sigrtmax", 64), ("SIGRTMAX-30", 34)] {
            assert_eq!(Signal::from_name(name), Some(Signal(number)), "{name}");
        }
        for name in
            ["", "SIG", "SIGSIGTERM", "15", "SIGRTMIN-1", "SIGRTMIN+31", "SIGRTMAX-31", "RTMIN+", "RTMIN3"]
        {
            assert_eq!(Signal::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_signal_is_shown_by_its_name() {
        for (signal, name) in [
            (Signal::HUP, "SIGHUP"),
            (Signal::KILL, "SIGKILL"),
            (Signal::TERM, "SIGTERM"),
            (Signal::TSTP, "SIGTSTP"),
            (Signal(31), "SIGSYS"),
        ] {
            assert_eq!(signal.to_string(), name);
        }
        for number in [0, -1, 32, 64, i32::MIN + 1] {
            assert_eq!(Signal(number).to_string(), format!("signal {number}"));
        }
    }
}
