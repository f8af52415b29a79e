//! The commands that ask something of a run that goes on, as types.

use clap::Subcommand;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Ask {
    /// Show how the instances of the run stand
    ///
    /// Phase, pid, port, uptime, restarts, processor and memory of each. A run is found from its root and from every folder below it.
    Ps {
        /// Only these types or instances; `*` stands for any characters
        #[arg(value_name = "TYPE[.N]")]
        names: Vec<String>,
    },
    /// Show what the processes have written last, and follow it
    ///
    /// All that is kept of it, or what the options choose; in the form in which `proc start` prints it.
    Logs {
        /// Only these types or instances; `*` stands for any characters
        #[arg(value_name = "TYPE[.N]")]
        names: Vec<String>,
    },
    /// Stop instances and start them again
    ///
    /// At once, whatever their restart policy is, and without counting as a restart of it. What is down is started.
    Restart {
        /// Types or instances; `*` stands for any characters
        #[arg(value_name = "TYPE[.N]", required = true)]
        names: Vec<String>,
    },
    /// Stop instances; the rest runs on
    ///
    /// They stay down until somebody starts them. `proc down` ends the whole run.
    Stop {
        /// Types or instances; `*` stands for any characters
        #[arg(value_name = "TYPE[.N]", required = true)]
        names: Vec<String>,
    },
    /// Send a signal to instances
    ///
    /// To all processes of each of them that are in its group.
    Signal {
        /// The signal: `HUP`, `SIGUSR1`
        #[arg(value_name = "SIGNAL")]
        signal: String,
        /// Types or instances; `*` stands for any characters
        #[arg(value_name = "TYPE[.N]", required = true)]
        names: Vec<String>,
    },
    /// Change how many instances there are of each type, or show it
    ///
    /// Without a change it prints how many there are, in a form that `proc scale` and `proc start` read.
    Scale {
        /// So many, so many more, or so many fewer: `web=4`, `worker+1`, `worker-1`
        #[arg(value_name = "TYPE=N|TYPE+N|TYPE-N")]
        changes: Vec<String>,
    },
    /// Wait until instances are healthy, or have ended
    ///
    /// Exits with 0 when all are, with 1 as soon as one cannot be any more, with 124 when `--timeout` is over.
    Wait {
        /// Only these types or instances; `*` stands for any characters
        #[arg(value_name = "TYPE[.N]")]
        names: Vec<String>,
    },
    /// Say what an instance is waiting for, or why it ended
    Why {
        /// Types or instances; `*` stands for any characters
        #[arg(value_name = "TYPE[.N]")]
        names: Vec<String>,
    },
    /// Have the terminal of a process: type into it, and see all that it writes
    ///
    /// For a debugger or a prompt. What was written last comes first. One types at a time; the others watch. Ctrl-] leaves, and the process
    /// runs on. The process needs a terminal of its own (`tty = true` in proc.toml, or `--pty`), unless one only watches.
    Attach {
        /// The instance; a type of which there is one will do
        #[arg(value_name = "TYPE[.N]")]
        name: String,
    },
    /// Print what happens in the run, as it happens
    ///
    /// Starts, ends, health, restarts: a line each, until the run is over.
    Events,
    /// Read the Procfile, proc.toml and the env files again
    ///
    /// Prints what differs, and changes that only. Where a file is wrong nothing is changed.
    Reload,
    /// End the run
    ///
    /// As Ctrl-C does in its terminal, but with success. Returns when nothing is left of it.
    Down,
}
