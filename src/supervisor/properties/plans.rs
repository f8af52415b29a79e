//! Arbitrary plans: three process types, with every rule that there is.

use crate::model::command::Command;
use crate::model::environment::Environment;
use crate::model::instance::InstanceId;
use crate::model::plan::Plan;
use crate::model::policy::{ExitOn, Grace};
use crate::model::procfile;
use crate::model::settings::{
    Check, Condition, Dependency, Probe, RestartPolicy, RestartWhen, Settings, Watch,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) fn plan(exit_on: ExitOn, grace: Grace, release: bool) -> Plan {
    let types = procfile::parse(b"web: a\nworker: b\nrelease: c").types;
    let id = |process, number| InstanceId { process, number };
    let mut instances: BTreeMap<_, _> = [(id(0, 1), None), (id(0, 2), None), (id(1, 1), None)].into();
    if release {
        instances.insert(id(2, 1), None);
    }
    let mut settings = vec![Settings::default(); types.len()];
    for each in &mut settings {
        each.stop.grace = grace;
    }
    if release {
        settings[2].is_oneshot = true;
        let dependency =
            Dependency { process: 2, condition: Condition::CompletedSuccessfully, restart: false };
        settings[..2].iter_mut().for_each(|each| each.depends_on.push(dependency));
    }
    Plan {
        types,
        settings,
        instances,
        left_out: Vec::new(),
        gone: [].into(),
        base_port: None,
        environment: Environment::default(),
        root: "/".into(),
        exit_on,
    }
}

pub(super) fn plans() -> impl Strategy<Value = Plan> {
    let exit_on = prop_oneof![Just(ExitOn::Any), Just(ExitOn::Failure), Just(ExitOn::All)];
    let grace = prop_oneof![
        4 => (0u64..6_000).prop_map(|millis| Grace::For(Duration::from_millis(millis))),
        1 => Just(Grace::Unlimited)
    ];
    let rules = prop_oneof![Just(Vec::new()), prop::collection::vec(rules(), 3)];
    (exit_on, grace, any::<bool>(), rules).prop_map(|(exit_on, grace, release, rules)| {
        let mut plan = plan(exit_on, grace, release);
        for (process, rules) in rules.iter().enumerate() {
            rules.apply(process, &mut plan.settings);
        }
        plan
    })
}

/// What a process type may have of every rule.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a line that a type may have")]
struct Rules {
    restart: RestartPolicy,
    /// On the type before it.
    depends_on: Option<(Condition, bool)>,
    on_exit: Option<ExitOn>,
    has_readiness: bool,
    has_liveness: bool,
    is_watched: bool,
    has_stop_command: bool,
    is_oneshot: bool,
    grace: Option<u64>,
}

fn rules() -> impl Strategy<Value = Rules> {
    let when = prop_oneof![Just(RestartWhen::No), Just(RestartWhen::OnFailure), Just(RestartWhen::Always)];
    let restart = (when, 0u64..3_000, prop::option::of(0u32..4), 0u64..4_000).prop_map(
        |(when, delay, max_restarts, min_uptime)| RestartPolicy {
            when,
            delay: Duration::from_millis(delay),
            max_restarts,
            min_uptime: Duration::from_millis(min_uptime),
            ..RestartPolicy::default()
        },
    );
    let condition = prop_oneof![
        Just(Condition::Started),
        Just(Condition::Healthy),
        Just(Condition::CompletedSuccessfully)
    ];
    let exit_on = prop_oneof![Just(ExitOn::Any), Just(ExitOn::Failure), Just(ExitOn::All)];
    let switches = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let depends_on = prop::option::of((condition, any::<bool>()));
    let others = (depends_on, prop::option::of(exit_on), prop::option::of(0u64..6_000));
    (restart, others, switches).prop_map(|(restart, (depends_on, on_exit, grace), switches)| {
        let (has_readiness, has_liveness, is_watched, has_stop_command, is_oneshot) = switches;
        Rules {
            restart,
            depends_on,
            on_exit,
            has_readiness,
            has_liveness,
            is_watched,
            has_stop_command,
            is_oneshot,
            grace,
        }
    })
}

impl Rules {
    fn apply(&self, process: usize, all: &mut [Settings]) {
        // No cycle: those are refused before a run begins.
        let before = process
            .checked_sub(1)
            .filter(|before| all[*before].depends_on.iter().all(|dependency| dependency.process != process));
        let settings = &mut all[process];
        settings.restart = self.restart;
        if let (Some((condition, restart)), Some(before)) = (self.depends_on, before) {
            settings.depends_on.push(Dependency { process: before, condition, restart });
        }
        settings.on_exit = self.on_exit;
        let probe = || Probe {
            check: Check::Tcp(None),
            interval: Duration::from_secs(1),
            timeout: Duration::from_millis(500),
            retries: 2,
            start_period: Duration::from_secs(2),
            start_interval: Duration::from_millis(200),
        };
        settings.readiness = self.has_readiness.then(probe);
        settings.liveness = self.has_liveness.then(probe);
        let debounce = Duration::from_millis(300);
        settings.watch = self.is_watched.then(|| Watch { paths: Vec::new(), ignore: Vec::new(), debounce });
        settings.stop.command = self.has_stop_command.then(|| Command::new("stop"));
        settings.is_oneshot |= self.is_oneshot;
        if let Some(millis) = self.grace {
            settings.stop.grace = Grace::For(Duration::from_millis(millis));
        }
    }
}
