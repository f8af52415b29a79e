//! The words that a key takes, of which one is chosen.

use super::file::{LogChoice, ProcessKind};
use crate::model::policy::ExitOn;
use crate::model::settings::{Condition, RestartWhen};

/// A value that is written as one of some words.
pub trait Word: Copy + PartialEq + 'static {
    /// The words, in the order in which they are named.
    const WORDS: &'static [(&'static str, Self)];
    /// Words of others that are taken for the same.
    const ALIASES: &'static [(&'static str, Self)] = &[];
    /// Words of others that are not, and what to write.
    const FOREIGN: &'static [(&'static str, &'static str)] = &[];

    /// The word for this value.
    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, value)| *value == self).map_or("?", |(word, _)| *word)
    }
}

impl Word for ExitOn {
    const WORDS: &'static [(&'static str, Self)] =
        &[("stop", Self::Any), ("stop-on-failure", Self::Failure), ("continue", Self::All)];
    const FOREIGN: &'static [(&'static str, &'static str)] = &[
        ("any", "`--exit-on any` is `on_exit = \"stop\"`"),
        ("failure", "`--exit-on failure` is `on_exit = \"stop-on-failure\"`"),
        ("all", "`--exit-on all` is `on_exit = \"continue\"`"),
        ("stop-all", "write `stop`"),
        ("keep-running", "write `continue`"),
        ("restart", "an end is followed by a restart with `restart = \"always\"`"),
    ];
}

impl Word for RestartWhen {
    const WORDS: &'static [(&'static str, Self)] =
        &[("no", Self::No), ("on-failure", Self::OnFailure), ("always", Self::Always)];
    const FOREIGN: &'static [(&'static str, &'static str)] = &[
        ("on_failure", "write `on-failure`"),
        ("unless-stopped", "write `always`: nothing here restarts what you have stopped"),
        ("exit_on_failure", "write `restart = \"no\"` and `on_exit = \"stop-on-failure\"`"),
        ("never", "write `no`"),
        ("unexpected", "write `on-failure`, and `success_exit_codes` for what is expected"),
    ];
}

impl Word for Condition {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("started", Self::Started),
        ("healthy", Self::Healthy),
        ("completed_successfully", Self::CompletedSuccessfully),
    ];
    const ALIASES: &'static [(&'static str, Self)] = &[
        ("service_started", Self::Started),
        ("service_healthy", Self::Healthy),
        ("service_completed_successfully", Self::CompletedSuccessfully),
        ("process_started", Self::Started),
        ("process_healthy", Self::Healthy),
        ("process_completed_successfully", Self::CompletedSuccessfully),
    ];
    const FOREIGN: &'static [(&'static str, &'static str)] = &[
        (
            "completed",
            "write `completed_successfully`; which codes are success is said by `success_exit_codes`",
        ),
        (
            "process_completed",
            "write `completed_successfully`; which codes are success is said by `success_exit_codes`",
        ),
        ("process_log_ready", "write `healthy`, and give that process `readiness = { log = \"text\" }`"),
        ("ready", "write `healthy`"),
    ];
}

impl Word for ProcessKind {
    const WORDS: &'static [(&'static str, Self)] = &[("oneshot", Self::Oneshot)];
    const FOREIGN: &'static [(&'static str, &'static str)] = &[
        ("simple", "leave `type` out: that is a process that keeps running"),
        ("exec", "leave `type` out: that is a process that keeps running"),
        ("service", "leave `type` out: that is a process that keeps running"),
        ("notify", "leave `type` out, and say with `readiness` when it is ready"),
        ("forking", "leave `type` out, and have the command stay in the foreground"),
    ];
}

impl Word for LogChoice {
    const WORDS: &'static [(&'static str, Self)] = &[("shown", Self::Shown), ("hidden", Self::Hidden)];
    const FOREIGN: &'static [(&'static str, &'static str)] =
        &[("quiet", "write `hidden`"), ("none", "write `hidden`")];
}
