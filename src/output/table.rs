//! How the instances of a run stand, a row each: for `proc ps`, and for whoever presses a key.

use std::time::Duration;

use owo_colors::OwoColorize as _;

use crate::model::policy::Elapsed;
use crate::model::snapshot::{InstanceStatus, PhaseName, Usage};

/// The heads of the columns.
const HEADS: [&str; 8] = ["NAME", "PHASE", "PID", "PORT", "UPTIME", "RESTARTS", "CPU", "MEMORY"];

/// How many of them, the last, say what the processes use.
const USAGE: usize = 2;

/// Where what stands out is.
const PHASE: usize = 1;

/// What stands where there is nothing to say.
const NOTHING: &str = "-";

/// A head and a row for each; what they use only where that is known of one.
///
/// The colour stands around the text and not around what fills the column.
#[must_use]
pub fn table(instances: &[InstanceStatus], is_coloured: bool) -> String {
    let has_usage = instances.iter().any(|instance| instance.usage.is_some());
    let columns = if has_usage { HEADS.len() } else { HEADS.len() - USAGE };
    let rows: Vec<[String; 8]> = instances.iter().map(row).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([HEADS[column].len()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = line(&HEADS.map(str::to_owned), &widths, str::to_owned);
    for (row, instance) in rows.iter().zip(instances) {
        let colour = |phase: &str| if is_coloured { coloured(phase, instance) } else { phase.to_owned() };
        text += &line(row, &widths, colour);
    }
    text
}

fn line(cells: &[String; 8], widths: &[usize], colour: impl Fn(&str) -> String) -> String {
    let mut line = String::new();
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let fill = " ".repeat(width - cell.chars().count() + 2);
        line += &if column == PHASE { colour(cell) } else { cell.clone() };
        line += &fill;
    }
    line.trim_end().to_owned() + "\n"
}

fn row(instance: &InstanceStatus) -> [String; 8] {
    let shown = |text: Option<String>| text.unwrap_or_else(|| NOTHING.to_owned());
    let cpu = instance.usage.zip(instance.uptime_seconds).map(|(usage, uptime)| percent(usage, uptime));
    [
        instance.name.clone(),
        phase(instance),
        shown(instance.pid.map(|pid| pid.to_string())),
        shown(instance.port.map(|port| port.to_string())),
        shown(instance.uptime_seconds.map(uptime)),
        instance.restarts.to_string(),
        shown(cpu),
        shown(instance.usage.map(memory)),
    ]
}

/// Where it is, and with which code it has ended if it has.
fn phase(instance: &InstanceStatus) -> String {
    match (instance.phase, instance.exit_code) {
        (PhaseName::Down | PhaseName::Failed, Some(code)) => format!("{} ({code})", instance.state()),
        _ => instance.state().to_owned(),
    }
}

/// What needs attention stands out: red for what has failed, yellow for what is on its way.
fn coloured(phase: &str, instance: &InstanceStatus) -> String {
    match (instance.phase, instance.is_healthy, instance.exit_code) {
        (PhaseName::Failed, ..) | (PhaseName::Down, _, Some(1..)) => phase.red().bold().to_string(),
        (PhaseName::Backoff | PhaseName::Stopping, ..) | (PhaseName::Running, Some(false), _) => {
            phase.yellow().bold().to_string()
        }
        (PhaseName::Waiting | PhaseName::Starting, ..) => phase.yellow().to_string(),
        (PhaseName::Running, None | Some(true), _) => phase.green().to_string(),
        (PhaseName::Down, ..) => phase.dimmed().to_string(),
    }
}

fn uptime(seconds: f64) -> String {
    Elapsed(Duration::try_from_secs_f64(seconds).unwrap_or_default()).to_string()
}

/// Of one processor, over the life of the process.
fn percent(usage: Usage, uptime: f64) -> String {
    format!("{:.1}%", 100.0 * usage.cpu_seconds / uptime.max(0.01))
}

fn memory(usage: Usage) -> String {
    const UNITS: [&str; 3] = ["KiB", "MiB", "GiB"];
    #[expect(clippy::cast_precision_loss, reason = "it is shown with three digits")]
    let mut amount = usage.memory_bytes as f64 / 1024.0;
    let mut unit = 0;
    while amount >= 1024.0 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && amount < 99.95);
    format!("{amount:.digits$} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(name: &str, phase: PhaseName) -> InstanceStatus {
        InstanceStatus {
            name: name.into(),
            process_type: name.split('.').next().unwrap_or_default().into(),
            index: 1,
            command: "a".into(),
            is_task: false,
            phase,
            is_healthy: None,
            pid: None,
            port: None,
            has_terminal: false,
            uptime_seconds: None,
            restarts: 0,
            exit_code: None,
            has_succeeded: None,
            is_stopped_on_request: false,
            why: String::new(),
            usage: None,
        }
    }

    fn instances() -> Vec<InstanceStatus> {
        let web = InstanceStatus {
            is_healthy: Some(true),
            pid: Some(1_234_567),
            port: Some(5000),
            uptime_seconds: Some(192.7),
            usage: Some(Usage { cpu_seconds: 2.4, memory_bytes: 35_651_584, processes: 3 }),
            ..instance("web.1", PhaseName::Running)
        };
        let worker = InstanceStatus {
            restarts: 12,
            exit_code: Some(137),
            ..instance("worker-low.10", PhaseName::Failed)
        };
        let unhealthy = InstanceStatus { is_healthy: Some(false), ..instance("api.1", PhaseName::Running) };
        vec![web, worker, unhealthy, instance("clock.1", PhaseName::Waiting)]
    }

    #[test]
    fn the_columns_are_aligned_and_what_is_not_known_is_a_dash() {
        insta::assert_snapshot!(table(&instances(), false), @r"
        NAME           PHASE         PID      PORT  UPTIME  RESTARTS  CPU   MEMORY
        web.1          healthy       1234567  5000  3m12s   0         1.2%  34.0 MiB
        worker-low.10  failed (137)  -        -     -       12        -     -
        api.1          unhealthy     -        -     -       0         -     -
        clock.1        waiting       -        -     -       0         -     -
        ");
    }

    #[test]
    fn colours_change_no_column() {
        let shown = table(&instances(), true);
        assert!(shown.contains("\u{1b}[31m") && shown.contains("\u{1b}[32m"), "{shown}");
        let mut plain = Vec::new();
        crate::output::Filter::default().feed(shown.as_bytes(), &mut plain);
        let mut stripped = String::new();
        for (index, piece) in shown.split('\u{1b}').enumerate() {
            stripped += if index == 0 { piece } else { piece.split_once('m').unwrap().1 };
        }
        assert_eq!(stripped, table(&instances(), false));
    }

    #[test]
    fn sizes_have_three_digits() {
        let shown = |memory_bytes| memory(Usage { cpu_seconds: 0.0, memory_bytes, processes: 1 });
        assert_eq!(shown(0), "0 KiB");
        assert_eq!(shown(1_048_576), "1.0 MiB");
        assert_eq!(shown(150 * 1_048_576), "150 MiB");
        assert_eq!(shown(3 << 30), "3.0 GiB");
    }
}
