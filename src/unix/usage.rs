//! What a process uses, as the kernel counts it (proc(5), `/proc/PID/stat`).

use super::file::proc_text;
use crate::model::instance::Pid;
use nix::unistd::{SysconfVar, sysconf};
use std::sync::LazyLock;

/// What one process uses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProcessUsage {
    /// Processor time in user and kernel mode, in seconds; that of children which were waited for included.
    pub cpu_seconds: f64,
    /// Memory in use, in bytes: pages that are shared count in full.
    pub memory_bytes: u64,
}

static TICKS_PER_SECOND: LazyLock<f64> = LazyLock::new(|| {
    let ticks = sysconf(SysconfVar::CLK_TCK).ok().flatten().and_then(|ticks| u32::try_from(ticks).ok());
    f64::from(ticks.unwrap_or(100))
});

static PAGE: LazyLock<u64> = LazyLock::new(|| {
    let size = sysconf(SysconfVar::PAGE_SIZE).ok().flatten().and_then(|size| u64::try_from(size).ok());
    size.unwrap_or(4096)
});

/// What this process uses; none if there is none.
#[must_use]
pub fn of(pid: Pid) -> Option<ProcessUsage> {
    parse(&proc_text(&format!("/proc/{pid}/stat"))?)
}

fn parse(stat: &str) -> Option<ProcessUsage> {
    let rest = stat.get(stat.rfind(')')? + 1..)?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // The third field of the file is the first after the name.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let ticks = [14, 15, 16, 17].into_iter().map(field).sum::<Option<u64>>()?;
    #[expect(clippy::cast_precision_loss, reason = "it would take millions of years to matter")]
    let cpu_seconds = ticks as f64 / *TICKS_PER_SECOND;
    Some(ProcessUsage { cpu_seconds, memory_bytes: field(24)? * *PAGE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_and_the_pages_of_a_process_are_found_behind_any_name() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 0 9 9 9 9 150 50 20 30 20 0 1 0 5 4096 3 18446744073709551615";
        let usage = parse(stat).unwrap();
        assert!((usage.cpu_seconds - 250.0 / *TICKS_PER_SECOND).abs() < 1e-9);
        assert_eq!(usage.memory_bytes, 3 * *PAGE);
        assert_eq!(parse("7 (a) S 1"), None);
    }

    #[test]
    fn we_use_memory() {
        let pid = Pid(i32::try_from(std::process::id()).unwrap());
        assert!(of(pid).unwrap().memory_bytes > 0);
    }
}
