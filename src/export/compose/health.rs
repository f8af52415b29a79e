//! The health check of a service: its readiness probe, or else that for liveness.
//!
//! Compose runs a command in the container, and has no other way to ask. So HTTP and TCP take a program that the image may not have.

use super::file::Healthcheck;
use super::text::Text;
use crate::export::app::{App, Process};
use crate::export::container::run;
use crate::export::draft::Draft;
use crate::model::command::{Command, shell_word};
use crate::model::policy::Seconds;
use crate::model::settings::{Check, Probe};

/// The health check of a process type, if Compose can be told of one.
pub(super) fn check(app: &App, process: &Process, draft: &mut Draft) -> Option<Healthcheck> {
    let readiness = process.settings.readiness.as_ref();
    let liveness = process.settings.liveness.as_ref();
    let ask = |probe: &Probe| question(app, process, &probe.check);
    let name = Some(process.name.as_str());
    if liveness.is_some() {
        let why = "Compose restarts nothing for its health";
        draft.lose(name, "liveness", why, None);
    }
    let asked = readiness.and_then(|probe| Some((probe, ask(probe)?)));
    if readiness.is_some() && asked.is_none() {
        let (why, advice) = if readiness.is_some_and(|probe| matches!(probe.check, Check::Log(_))) {
            ("Compose does not read logs: who waits for it waits for its start only", "use http, tcp or exec")
        } else {
            ("its port is not known", "say -p, or `port` in proc.toml")
        };
        draft.lose(name, "readiness", why, Some(advice));
    }
    let (probe, text) = asked.or_else(|| liveness.and_then(|probe| Some((probe, ask(probe)?))))?;
    tell_what_it_takes(process, probe, draft);
    Some(Healthcheck {
        test: vec![Text::from("CMD-SHELL".to_owned()), Text::from(text)],
        interval: Seconds(probe.interval).to_string(),
        timeout: Seconds(probe.timeout).to_string(),
        retries: probe.retries,
        start_period: Seconds(probe.start_period).to_string(),
        start_interval: Seconds(probe.start_interval).to_string(),
    })
}

/// A question as a command of the shell; none: there is no such command.
fn question(app: &App, process: &Process, check: &Check) -> Option<String> {
    match check {
        Check::Http(path) => Some(http(process.port()?, path)),
        Check::Tcp(port) => Some(tcp(port.or(process.port())?)),
        Check::Exec(command) => Some(exec(command, app.below(process).as_deref())),
        Check::Log(_) => None,
    }
}

fn http(port: u16, path: &str) -> String {
    let url = shell_word(&format!("http://127.0.0.1:{port}{path}"));
    // As it is written, and past the proxy that the app may have in its environment.
    let curl = format!("curl -g --noproxy '*' -fsS -o /dev/null {url}");
    let wget = format!("http_proxy= wget -q -O /dev/null {url}");
    format!("if command -v curl >/dev/null; then {curl}; else {wget}; fi")
}

fn tcp(port: u16) -> String {
    format!(
        "if command -v nc >/dev/null; then nc -z 127.0.0.1 {port}; else bash -c ': </dev/tcp/127.0.0.1/{port}'; fi"
    )
}

fn exec(command: &Command, below: Option<&str>) -> String {
    match below {
        None => command.text().to_owned(),
        Some(_) => {
            run(command, below).words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")
        }
    }
}

fn tell_what_it_takes(process: &Process, probe: &Probe, draft: &mut Draft) {
    let (why, advice) = match probe.check {
        Check::Http(_) => (
            "Compose has no HTTP probe: curl or wget asks, in the container",
            "have one of them in the image",
        ),
        Check::Tcp(_) => {
            ("Compose has no TCP probe: nc or bash asks, in the container", "have one of them in the image")
        }
        Check::Exec(_) | Check::Log(_) => return,
    };
    let what = if process.settings.readiness.as_ref() == Some(probe) { "readiness" } else { "liveness" };
    draft.lose(Some(&process.name), what, why, Some(advice));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_whatever_is_in_it() {
        assert!(http(5000, "/up?a=1&b='x'").contains(r"'http://127.0.0.1:5000/up?a=1&b='\''x'\'''"));
        assert!(http(5000, "/healthz").ends_with("wget -q -O /dev/null http://127.0.0.1:5000/healthz; fi"));
    }

    #[test]
    fn the_app_itself_is_asked_and_no_proxy() {
        let asked = http(5000, "/up?f[a]=1&x={1,2}");
        assert!(
            asked.contains("curl -g --noproxy '*' ") && asked.contains("; else http_proxy= wget "),
            "{asked}"
        );
    }
}
