//! What comes of a `proc.toml` that is right; its mistakes are in `mistakes.rs`.

use super::schema::keys;
use super::*;
use crate::model::command::Command;
use crate::model::policy::{ExitOn, Grace};
use crate::model::procfile;
use crate::model::settings::{Check, Condition, Dependency, Probe as Settled, RestartWhen, Settings};
use crate::model::signal::Signal;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

const PROCFILE: &[u8] = b"web: a\nworker: b\nrelease: c\n";

/// What the file means beside [`PROCFILE`], and everything that is wrong with it.
pub(super) fn read(text: &str, has_ports: bool) -> (Resolved, Vec<Problem>) {
    let types = procfile::parse(PROCFILE).types;
    let reading = parse(text.as_bytes());
    let surround = Surround { procfile: Some(&types), root: Path::new("/app"), has_ports };
    let (resolved, more) = resolve(&reading.file, surround);
    let mut problems = reading.problems;
    problems.extend(more);
    problems.sort_by_key(|problem| problem.span);
    (resolved, problems)
}

/// Every problem as its kind and the text it points at.
pub(super) fn problems(text: &str) -> Vec<(ConfigError, &str)> {
    let problems = read(text, true).1.into_iter();
    problems.map(|problem| (problem.kind, &text[problem.span.start..problem.span.end])).collect()
}

fn settings(text: &str) -> Vec<Settings> {
    assert_eq!(problems(text), [], "{text}");
    read(text, true).0.settings
}

/// The settings of `web` with this in its table.
fn web(lines: &str) -> Settings {
    settings(&format!("[process.web]\n{lines}\n")).remove(0)
}

#[test]
fn without_a_word_everything_has_its_default() {
    let release = Settings { is_oneshot: true, ..Settings::default() };
    for text in ["", "version = 1\n", "[process.web]\n", "# nothing\r\n", "\u{feff}[process.web]\r\n"] {
        assert_eq!(settings(text), [Settings::default(), Settings::default(), release.clone()], "{text:?}");
    }
}

#[test]
fn each_key_of_a_process_is_what_it_says() {
    let text = r#"
        readiness = { http = "/healthz?full=1", interval = 3, timeout = "1.5s", retries = 1, start_period = 0, start_interval = "50ms" }
        liveness = { tcp = true }
        restart = "on-failure"
        restart_delay = "500ms"
        restart_max_delay = 1.5
        max_restarts = "inf"
        restart_window = "1h"
        min_uptime = "1m30s"
        success_exit_codes = [130, 0x8f]
        stop_signal = "int"
        stop_grace_period = "inf"
        stop_command = " ./stop "
        type = "oneshot"
        watch = { paths = ["src", "/etc/x"], ignore = ["*.log"], debounce = "1s" }
        working_dir = "web"
        port = 8080
        tty = false
        log = "hidden"
        on_exit = "continue"
    "#;
    let web = web(&text.replace("\n        ", "\n"));
    let readiness = Settled {
        check: Check::Http("/healthz?full=1".into()),
        interval: Duration::from_secs(3),
        timeout: Duration::from_millis(1500),
        retries: 1,
        start_period: Duration::ZERO,
        start_interval: Duration::from_millis(50),
    };
    assert_eq!(web.readiness, Some(readiness));
    let liveness = web.liveness.unwrap();
    assert_eq!((liveness.check, liveness.interval), (Check::Tcp(None), Duration::from_secs(10)));
    assert_eq!((liveness.timeout, liveness.retries), (Duration::from_secs(1), 3));
    let restart = web.restart;
    assert_eq!((restart.when, restart.max_restarts), (RestartWhen::OnFailure, None));
    assert_eq!(restart.delay, Duration::from_millis(500));
    assert_eq!(restart.max_delay, Duration::from_millis(1500));
    assert_eq!((restart.window, restart.min_uptime), (Duration::from_hours(1), Duration::from_secs(90)));
    assert_eq!(web.success_exit_codes, BTreeSet::from([130, 143]));
    assert_eq!((web.stop.signal, web.stop.grace), (Signal::INT, Grace::Unlimited));
    assert_eq!(web.stop.command, Some(Command::new("./stop")));
    let watch = web.watch.unwrap();
    assert_eq!(watch.paths, [Path::new("/app/src"), Path::new("/etc/x")]);
    assert_eq!((&watch.ignore[..], watch.debounce), (&["*.log".to_owned()][..], Duration::from_secs(1)));
    assert_eq!(web.working_dir.as_deref(), Some(Path::new("/app/web")));
    assert_eq!((web.port, web.tty, web.is_hidden), (Some(8080), Some(false), true));
    assert_eq!((web.on_exit, web.is_oneshot), (Some(ExitOn::All), true));
}

#[test]
fn a_key_has_more_than_one_form() {
    assert_eq!(web("watch = [\"src\"]").watch.unwrap().debounce, Duration::from_millis(300));
    assert_eq!(web("stop_signal = 3").stop.signal, Signal::QUIT);
    assert_eq!(web("readiness.tcp = 5432").readiness.unwrap().check, Check::Tcp(Some(5432)));
    assert_eq!(web("readiness.exec = \"x\"").readiness.unwrap().check, Check::Exec(Command::new("x")));
    assert_eq!(web("readiness.log = \"up\"").readiness.unwrap().check, Check::Log("up".into()));
    assert_eq!(web("max_restarts = 1").restart.max_restarts, Some(1));
    assert_eq!(web("restart_delay = \"2m\"").restart.max_delay, Duration::from_mins(2));
    let file = parse(b"process.web = { env_file = \"a\" }\nprocess.worker.env_file = [\"a\", \"b\"]").file;
    let names = |index: usize| {
        let list = &file.process[index].1.env_file.as_ref().unwrap().value;
        list.iter().map(|at| at.value.as_str()).collect::<Vec<_>>()
    };
    assert_eq!((names(0), names(1)), (vec!["a"], vec!["a", "b"]));
}

#[test]
fn what_holds_for_all_is_a_default_for_each() {
    let text =
        "stop_grace_period = 20\non_exit = \"stop-on-failure\"\n[process.web]\nstop_grace_period = 1\n";
    let graces: Vec<Grace> = settings(text).iter().map(|each| each.stop.grace).collect();
    let seconds = |seconds| Grace::For(Duration::from_secs(seconds));
    assert_eq!(graces, [seconds(1), seconds(20), seconds(20)]);
    let file = parse(text.as_bytes()).file;
    assert_eq!(file.on_exit.map(|at| (at.value, at.line)), Some((ExitOn::Failure, 2)));
}

#[test]
fn the_value_of_a_variable_is_literal_and_numbers_stand_as_they_are_written() {
    let text = "[process.web.env]\nA = \"$HOME\"\nB = 1.50\nC = 0x10\nD = true\nE = \"\"\n";
    assert_eq!(problems(text), []);
    let file = parse(text.as_bytes()).file;
    let env = &file.process[0].1.env.as_ref().unwrap().value;
    let env: Vec<_> =
        env.iter().map(|each| (each.key.value.as_str(), each.value.as_str(), each.key.line)).collect();
    assert_eq!(env, [("A", "$HOME", 2), ("B", "1.50", 3), ("C", "0x10", 4), ("D", "true", 5), ("E", "", 6)]);
    assert!(!format!("{file:?}").contains("$HOME"), "{file:?}");
}

#[test]
fn who_has_a_command_here_comes_after_the_procfile_in_the_order_of_this_file() {
    let (resolved, problems) =
        read("[process.z]\ncommand = \"z\"\n[process.web]\n[process.a]\ncommand = \"a\"\n", true);
    assert_eq!(problems, []);
    let types: Vec<_> = resolved.types.iter().map(|each| (each.name.as_str(), each.line)).collect();
    assert_eq!(types, [("web", 1), ("worker", 2), ("release", 3), ("z", 1), ("a", 4)]);
    assert_eq!(resolved.tables, [Some(1), None, None, Some(0), Some(2)]);
}

#[test]
fn dependencies_are_names_or_conditions_in_the_words_of_others_too() {
    let text = r#"
[process.web]
depends_on = ["worker"]
[process.worker]
depends_on = { redis = "service_healthy", release = { condition = "process_completed_successfully", restart = true } }
[process.redis]
command = "r"
readiness = { tcp = true }
"#;
    let settings = settings(text);
    let on = |process, condition, restart| Dependency { process, condition, restart };
    assert_eq!(settings[0].depends_on, [on(1, Condition::Started, false)]);
    let expected = [on(3, Condition::Healthy, false), on(2, Condition::CompletedSuccessfully, true)];
    assert_eq!(settings[1].depends_on, expected);
    assert!(settings[2].is_oneshot);
}

#[test]
fn the_reader_and_the_schema_know_the_same_keys() {
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    for (name, text) in [
        ("", "no-key = 1\n"),
        ("Process", "[process.web]\nno-key = 1\n"),
        ("Probe", "[process.web]\nreadiness = { tcp = true, no-key = 1 }\n"),
        ("Dependency", "[process.web]\ndepends_on.worker = { no-key = 1 }\n"),
        ("Watch", "[process.web]\nwatch = { paths = [\"a\"], no-key = 1 }\n"),
    ] {
        let mut kinds = problems(text);
        let (ConfigError::UnknownKey { known, .. }, "no-key") = kinds.remove(0) else { panic!("{kinds:?}") };
        let known: BTreeSet<String> = known.into_iter().map(str::to_owned).collect();
        assert_eq!(sorted(known.into_iter().collect()), sorted(keys()[name].clone()), "{name}");
    }
    assert_eq!(keys().len(), 5);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn every_span_lies_in_the_text_and_can_be_drawn(text in r#"(?s)(\[process\.(web|x)\]\n|(scale|env|watch|command|port|readiness|depends_on|restart|restart_delay)( = |\.)|http|tcp|"|\{|\}|\[|\]|=|,|-1|7|true|inf|"a"|\n|é){0,30}"#) {
        for problem in read(&text, false).1 {
            proptest::prop_assert!(problem.span.start <= problem.span.end && problem.span.end <= text.len());
            let _ = problem.diagnose("proc.toml", &text).to_string();
        }
    }
}
