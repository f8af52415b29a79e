//! The probes of a container, in whole seconds.

use super::escape::words;
use crate::export::app::{App, Process};
use crate::export::container::{check_seconds, run, whole_seconds};
use crate::export::draft::Draft;
use crate::model::settings::{self, Check};
use k8s_openapi::api::core::v1::{ExecAction, HTTPGetAction, Probe, TCPSocketAction};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::time::Duration;

/// What Kubernetes asks of a container.
#[derive(Debug, Default)]
pub(super) struct Probes {
    pub(super) readiness: Option<Probe>,
    pub(super) liveness: Option<Probe>,
    /// Until it succeeds for the first time the others are not asked, and a container that never gets there is restarted.
    pub(super) startup: Option<Probe>,
}

/// The probes of a process type, as far as Kubernetes has them.
///
/// Only liveness has a startup probe: a container that is not ready yet loses nothing by it.
pub(super) fn probes(app: &App, process: &Process, draft: &mut Draft) -> Probes {
    let settings = &process.settings;
    let readiness =
        settings.readiness.as_ref().and_then(|probe| asked(app, process, "readiness", probe, draft));
    let liveness = settings.liveness.as_ref().and_then(|probe| asked(app, process, "liveness", probe, draft));
    if let Some(probe) = settings.readiness.as_ref().filter(|_| readiness.is_some()) {
        check_start(process, probe, draft);
    }
    let startup = settings.liveness.as_ref().zip(liveness.as_ref());
    Probes { readiness, startup: startup.and_then(|(settings, probe)| startup_of(settings, probe)), liveness }
}

/// What a readiness probe has, and there only matters to what is restarted for it.
fn check_start(process: &Process, probe: &settings::Probe, draft: &mut Draft) {
    for (key, is_default) in [
        ("readiness.start_period", probe.start_period == settings::Probe::START_PERIOD),
        ("readiness.start_interval", probe.start_interval == settings::Probe::START_INTERVAL),
    ] {
        if !is_default {
            let why = "it is asked every `interval` from the start on, and a pod loses nothing by not being ready yet";
            draft.lose(Some(&process.name), key, why, None);
        }
    }
}

/// The same question, from the start on: as often as in the start period, and as many times as there is room for in that and in the
/// failures that count after it.
fn startup_of(settings: &settings::Probe, probe: &Probe) -> Option<Probe> {
    let period = whole_seconds(settings.start_interval);
    let counted = settings.interval.saturating_mul(settings.retries);
    let room = settings.start_period.saturating_add(counted);
    (settings.start_period > Duration::ZERO).then(|| Probe {
        period_seconds: Some(small(period)),
        failure_threshold: Some(small(whole_seconds(room).div_ceil(period))),
        ..probe.clone()
    })
}

fn asked(
    app: &App,
    process: &Process,
    what: &str,
    probe: &settings::Probe,
    draft: &mut Draft,
) -> Option<Probe> {
    let mut asked = Probe {
        period_seconds: Some(small(whole_seconds(probe.interval))),
        timeout_seconds: Some(small(whole_seconds(probe.timeout))),
        failure_threshold: Some(i32::try_from(probe.retries).unwrap_or(i32::MAX)),
        ..Probe::default()
    };
    match &probe.check {
        Check::Http(path) => {
            let port = port(process, what, process.port(), draft)?;
            asked.http_get =
                Some(HTTPGetAction { path: Some(path.clone()), port, ..HTTPGetAction::default() });
        }
        Check::Tcp(own) => {
            let port = port(process, what, own.or(process.port()), draft)?;
            asked.tcp_socket = Some(TCPSocketAction { port, host: None });
        }
        Check::Exec(command) => {
            let run = run(command, app.below(process).as_deref());
            asked.exec = Some(ExecAction { command: Some(words(&run.words)) });
        }
        Check::Log(_) => {
            let why = "Kubernetes does not read logs: it counts as ready as soon as it runs";
            draft.lose(Some(&process.name), what, why, Some("use http, tcp or exec"));
            return None;
        }
    }
    check_seconds(&process.name, what, probe, draft);
    Some(asked)
}

fn port(process: &Process, what: &str, port: Option<u16>, draft: &mut Draft) -> Option<IntOrString> {
    if port.is_none() {
        let why = "its port is not known";
        draft.lose(Some(&process.name), what, why, Some("say -p, or `port` in proc.toml"));
    }
    Some(IntOrString::Int(port?.into()))
}

/// A number of seconds or times as Kubernetes has them; no duration of ours is longer than a year.
fn small(number: u64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
