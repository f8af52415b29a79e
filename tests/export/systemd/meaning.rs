//! What the settings of an app become in the words of systemd, and what is said of those that have none.

use super::{app, exported, process};
use proc_start::export::{App, Brief, Dependency, Export, Instance, Process, Role, export};
use proc_start::model::command::Command as CommandLine;
use proc_start::model::policy::{ExitOn, Grace, Target};
use proc_start::model::settings::{Check, Condition, Probe, RestartPolicy, RestartWhen};
use proc_start::model::signal::Signal;
use std::collections::BTreeMap;
use std::time::Duration;

/// The text of a file.
fn text<'a>(export: &'a Export, path: &str) -> &'a str {
    let file = export.files.iter().find(|file| file.path == path);
    std::str::from_utf8(&file.unwrap_or_else(|| panic!("no {path}")).contents).unwrap()
}

/// The settings of a file that have one of these keys, in its order.
fn settings<'a>(export: &'a Export, path: &str, keys: &[&str]) -> Vec<&'a str> {
    let is_asked = |line: &&str| line.split_once('=').is_some_and(|(key, _)| keys.contains(&key));
    text(export, path).lines().filter(is_asked).collect()
}

/// What is lost of whom.
fn losses(export: &Export) -> Vec<(&str, &str)> {
    export.losses.iter().map(|loss| (loss.process.as_deref().unwrap_or("-"), loss.what.as_str())).collect()
}

fn of_role(name: &str, role: Role) -> Process {
    Process { role, ..process(name, "x", "y") }
}

fn probe(check: Check) -> Probe {
    Probe {
        check,
        interval: Duration::from_secs(10),
        timeout: Duration::from_secs(5),
        retries: 3,
        start_period: Duration::ZERO,
        start_interval: Duration::from_millis(500),
    }
}

/// A database, a release that needs it, a web that needs both, and a task and a one-off that need the database.
fn shop() -> App {
    let on = |process: usize, condition: Condition, restart: bool| Dependency { process, condition, restart };
    let mut db = process("db", "postgres", "y");
    db.settings.readiness = Some(probe(Check::Exec(CommandLine::new("pg_isready -p $PORT"))));
    let mut release = of_role("release", Role::Release);
    release.depends_on = vec![on(0, Condition::Healthy, true)];
    let mut web = process("web", "x", "y");
    web.depends_on = vec![on(0, Condition::Healthy, false)];
    let mut warm = of_role("warm", Role::Task);
    warm.depends_on = vec![on(0, Condition::Started, false)];
    let mut late = process("late", "x", "y");
    late.depends_on = vec![on(3, Condition::CompletedSuccessfully, false), on(2, Condition::Healthy, false)];
    let mut migrate = of_role("migrate", Role::OneOff);
    migrate.depends_on = vec![on(0, Condition::Started, false)];
    app(vec![db, release, web, warm, late, migrate])
}

const NEEDS: &[&str] = &["Requires", "Wants", "After", "PartOf"];

#[test]
fn the_release_goes_before_all_but_what_it_needs_itself() {
    let export = exported(&shop(), &Brief::default());
    assert_eq!(settings(&export, "app-db@.service", NEEDS), ["PartOf=app-db.target", "After=network.target"]);
    assert_eq!(
        settings(&export, "app-release.service", NEEDS),
        ["PartOf=app-db@1.service app.target", "Wants=app-db.target", "After=app-db.target network.target"]
    );
    assert_eq!(
        settings(&export, "app-web@.service", NEEDS),
        [
            "PartOf=app-web.target",
            "Requires=app-release.service",
            "Wants=app-db.target",
            "After=app-db.target app-release.service network.target"
        ]
    );
    assert_eq!(settings(&export, "app-warm.service", &["Requires"]), ["Requires=app-release.service"]);
    assert_eq!(
        settings(&export, "app-late@.service", &["Requires", "Wants"]),
        ["Requires=app-release.service app-warm.service", "Wants=app-web.target"]
    );
    assert_eq!(
        settings(&export, "app-migrate.service", NEEDS),
        ["Wants=app-db.target", "After=app-db.target network.target"]
    );
    assert_eq!(
        settings(&export, "app.target", &["Wants", "WantedBy"]),
        [
            "Wants=app-db.target app-release.service app-web.target app-warm.service app-late.target",
            "WantedBy=multi-user.target"
        ]
    );
}

#[test]
fn a_readiness_that_is_a_command_is_waited_for_and_others_are_told_of() {
    let export = exported(&shop(), &Brief::default());
    let start = settings(&export, "app-db@.service", &["ExecStartPost", "TimeoutStartSec"]);
    let script = "until timeout 5 /bin/sh -c 'pg_isready -p $$PORT' >/dev/null 2>&1; do sleep 0.5; done";
    assert_eq!(start, [&format!("ExecStartPost=/bin/sh -c \"{script}\"")[..], "TimeoutStartSec=infinity"]);
    assert_eq!(losses(&export), [("db", "readiness"), ("release", "depends_on"), ("late", "depends_on")]);
}

#[test]
fn only_a_shell_that_stays_has_the_stop_signal_sent_to_all() {
    let stop = &["KillMode", "KillSignal", "TimeoutStopSec"];
    let with = |command: &str, signal: Signal, grace: Grace| {
        let mut web = process("web", command, "y");
        (web.settings.stop.signal, web.settings.stop.grace) = (signal, grace);
        exported(&app(vec![web]), &Brief::default())
    };
    for (command, signal, grace, expected) in [
        (
            "a $PORT",
            Signal::TERM,
            Grace::default(),
            ["KillMode=mixed", "KillSignal=SIGTERM", "TimeoutStopSec=5s"],
        ),
        (
            "a | b",
            Signal::QUIT,
            Grace::Unlimited,
            ["KillMode=control-group", "KillSignal=SIGQUIT", "TimeoutStopSec=infinity"],
        ),
        (
            "a",
            Signal::from_number(37),
            Grace::For(Duration::from_millis(1500)),
            ["KillMode=mixed", "KillSignal=SIGRTMIN+3", "TimeoutStopSec=1.5s"],
        ),
    ] {
        assert_eq!(settings(&with(command, signal, grace), "app-web@.service", stop), expected);
    }
    let at_once = with("a", Signal::TERM, Grace::For(Duration::ZERO));
    assert_eq!(
        settings(&at_once, "app-web@.service", stop),
        ["KillMode=control-group", "KillSignal=SIGKILL"]
    );
}

#[test]
fn restarts_are_as_they_were_said_or_as_systemds_custom_is() {
    let keys = &[
        "Restart",
        "RestartSec",
        "StartLimitBurst",
        "StartLimitIntervalSec",
        "SuccessExitStatus",
        "RestartForceExitStatus",
    ];
    let with = |restart: Option<RestartWhen>, codes: &[u8], max_restarts: Option<u32>| {
        let mut web = process("web", "a", "y");
        web.restart = restart;
        web.settings.restart =
            RestartPolicy { max_restarts, max_delay: Duration::from_secs(1), ..RestartPolicy::default() };
        web.settings.success_exit_codes = codes.iter().copied().collect();
        let export = exported(&app(vec![web]), &Brief::default());
        assert_eq!(losses(&export), []);
        settings(&export, "app-web@.service", keys).join(" ")
    };
    insta::assert_snapshot!(with(None, &[], None), @"StartLimitIntervalSec=0 Restart=always RestartSec=1s SuccessExitStatus=143");
    insta::assert_snapshot!(with(Some(RestartWhen::No), &[], Some(5)), @"Restart=no SuccessExitStatus=143");
    insta::assert_snapshot!(with(Some(RestartWhen::Always), &[3], Some(5)), @"StartLimitIntervalSec=60s StartLimitBurst=6 Restart=always RestartSec=1s SuccessExitStatus=3 143");
    insta::assert_snapshot!(with(Some(RestartWhen::OnFailure), &[130, 143], None), @"StartLimitIntervalSec=0 Restart=on-failure RestartSec=1s RestartForceExitStatus=SIGHUP SIGPIPE SuccessExitStatus=130 143 SIGINT SIGTERM");
}

#[test]
fn everything_that_systemd_has_no_words_for_is_told() {
    let mut web = process("web", "a", "y");
    web.restart = Some(RestartWhen::Always);
    web.settings.readiness = Some(probe(Check::Http("/".into())));
    web.settings.liveness = Some(probe(Check::Tcp(None)));
    web.settings.stop.command = Some(CommandLine::new("stop"));
    web.settings.on_exit = Some(ExitOn::Any);
    web.settings.restart.min_uptime = Duration::from_mins(1);
    let mut dev = process("dev", "a", "y");
    dev.profiles = vec!["dev".into()];
    let export = exported(&app(vec![web, dev]), &Brief::default());
    let told: Vec<&str> = losses(&export).into_iter().map(|(_, what)| what).collect();
    assert_eq!(
        told,
        ["readiness", "liveness", "stop_command", "on_exit", "restart_max_delay", "min_uptime", "profiles"]
    );
    assert!(!text(&export, "app.target").contains("dev"));
}

#[test]
fn the_uptime_that_counts_is_told_where_systemd_would_give_up_somebody_who_has_run_for_so_long() {
    let advice = |max_restarts: Option<u32>, min_uptime: u64| {
        let mut web = process("web", "a", "y");
        web.settings.restart = RestartPolicy {
            max_restarts,
            max_delay: Duration::from_secs(1),
            min_uptime: Duration::from_secs(min_uptime),
            ..RestartPolicy::default()
        };
        web.restart = Some(RestartWhen::OnFailure);
        let losses = exported(&app(vec![web]), &Brief::default()).losses;
        losses.into_iter().map(|loss| (loss.what, loss.advice)).collect::<Vec<_>>()
    };
    let told = |advice: Option<&str>| vec![("min_uptime".to_owned(), advice.map(str::to_owned))];
    assert_eq!(advice(Some(5), 10), []);
    assert_eq!(advice(None, 10), []);
    assert_eq!(advice(Some(1), 10), told(Some("a restart_window of 20s or less comes close")));
    assert_eq!(advice(Some(1), 0), told(None));
    assert_eq!(advice(Some(1), 30), told(None));
}

#[test]
fn what_is_said_of_restarts_is_told_of_those_that_systemd_runs_once() {
    let with = |restart: Option<RestartWhen>| {
        let roles = [("warm", Role::Task), ("release", Role::Release), ("migrate", Role::OneOff)];
        let all = roles.map(|(name, role)| Process { restart, ..of_role(name, role) });
        let export = exported(&app(all.into()), &Brief::default());
        losses(&export).into_iter().map(|(who, what)| format!("{who} {what}")).collect::<Vec<_>>()
    };
    assert_eq!(with(Some(RestartWhen::OnFailure)), ["warm restart", "release restart", "migrate restart"]);
    assert_eq!(with(Some(RestartWhen::No)), Vec::<String>::new());
    assert_eq!(with(None), Vec::<String>::new());
}

#[test]
fn an_instance_has_its_port_in_a_drop_in_and_a_task_in_its_unit() {
    let mut web = process("web", "a", "50% of $X");
    web.instances.push(Instance { number: 2, port: Some(5001), variables: BTreeMap::new() });
    let export = exported(&app(vec![web, of_role("warm", Role::Task)]), &Brief::default());
    let own = |path: &str| settings(&export, path, &["Environment"]).join("; ");
    assert_eq!(own("app-web@1.service.d/port.conf"), "Environment=PORT=5000; Environment=\"OWN=50%% of $X\"");
    assert_eq!(own("app-web@2.service.d/port.conf"), "Environment=PORT=5001");
    assert!(own("app-warm.service").contains("PROC_INSTANCE=1; Environment=PORT=5000; "));
    assert_eq!(
        settings(&export, "app-web.target", &["Wants"]),
        ["Wants=app-web@1.service app-web@2.service"]
    );
}

#[test]
fn names_that_are_systemds_own_are_refused() {
    let service = Role::Service;
    for (name, process_type, role) in [
        ("network", "web", service),
        ("multi", "user", service),
        ("systemd-x", "web", service),
        ("root", "web", service),
        ("games", "web", service),
        ("www-data", "web", service),
        ("user", "runtime-dir", service),
        ("rc", "local", Role::Task),
    ] {
        let mut odd = app(vec![of_role(process_type, role)]);
        odd.name = name.into();
        assert!(export(Target::Systemd, &odd, &Brief::default()).is_err(), "{name}");
    }
    let mut games = app(vec![process("web", "x", "y")]);
    games.name = "games".into();
    exported(&games, &Brief { user: Some("games".into()), ..Brief::default() });
}
