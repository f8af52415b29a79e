//! What a run costs, on the virtual clock: figures that have a bound.

use super::{Action, Event, Supervisor};
use crate::model::environment::Environment;
use crate::model::exit::Exit;
use crate::model::instance::{Generation, InstanceId, Pid};
use crate::model::plan::Plan;
use crate::model::policy::ExitOn;
use crate::model::procfile;
use crate::model::settings::{Check, Condition, Dependency, Probe, RestartWhen, Settings};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A plan of one instance of each of `count` process types.
fn plan(count: usize) -> Plan {
    let procfile = (0..count).map(|number| format!("p{number}: a")).collect::<Vec<_>>().join("\n");
    let types = procfile::parse(procfile.as_bytes()).types;
    assert_eq!(types.len(), count);
    Plan {
        settings: vec![Settings::default(); count],
        instances: (0..count).map(|process| (InstanceId { process, number: 1 }, None)).collect(),
        types,
        left_out: Vec::new(),
        gone: [].into(),
        base_port: None,
        environment: Environment::default(),
        root: "/".into(),
        exit_on: ExitOn::All,
    }
}

/// Runs a plan for so long; `after` says what is reported, and when, after an action was performed.
fn run(
    plan: &Plan,
    duration: Duration,
    after: impl Fn(&Action) -> Vec<(Duration, Event)>,
) -> Vec<(Duration, Action)> {
    let start = super::now_for_tests();
    let mut supervisor = Supervisor::new(plan, 7);
    let mut agenda: BTreeMap<(Instant, usize), Event> = [((start, 0), Event::Start)].into();
    let (mut now, mut count, mut transcript) = (start, 0, Vec::new());
    loop {
        let next = agenda.first_key_value().map(|((at, _), _)| *at);
        let deadline = supervisor.next_deadline();
        let Some(at) = next.into_iter().chain(deadline).min() else { return transcript };
        if at > start + duration {
            return transcript;
        }
        now = now.max(at);
        let event = if next == Some(at) { agenda.pop_first().unwrap().1 } else { Event::Tick };
        supervisor.handle(&event, now);
        while let Some(action) = supervisor.poll_action() {
            if let Action::Spawn { instance, generation } = action {
                supervisor.handle(&Event::Spawned { instance, generation, pid: Pid(1) }, now);
            }
            for (delay, event) in after(&action) {
                count += 1;
                agenda.insert((now + delay, count), event);
            }
            transcript.push((now.duration_since(start), action));
        }
    }
}

/// The end of a process that nothing is left of.
fn end(instance: InstanceId, generation: Generation) -> Vec<(Duration, Event)> {
    [
        Event::TreeEmpty { instance, generation },
        Event::Drained { instance, generation },
        Event::Exited { instance, generation, exit: Exit::Code(1) },
    ]
    .map(|event| (Duration::from_millis(1), event))
    .into()
}

fn spawns(transcript: &[(Duration, Action)]) -> Vec<Duration> {
    transcript
        .iter()
        .filter(|(_, action)| matches!(action, Action::Spawn { .. }))
        .map(|(at, _)| *at)
        .collect()
}

#[test]
fn a_process_that_always_fails_is_started_a_few_times_in_a_minute_ever_more_seldom() {
    for max_restarts in [Some(5), None] {
        let mut plan = plan(1);
        plan.settings[0].restart.when = RestartWhen::Always;
        plan.settings[0].restart.max_restarts = max_restarts;
        let transcript = run(&plan, Duration::from_mins(1), |action| {
            let Action::Spawn { instance, generation } = *action else { return Vec::new() };
            end(instance, generation)
        });
        let starts = spawns(&transcript);
        assert!((3..=12).contains(&starts.len()), "{starts:?}");
        let gaps: Vec<_> = starts.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
        assert!(gaps.windows(2).all(|pair| pair[0] < pair[1]), "{gaps:?}");
    }
}

// F72
#[test]
fn fifty_instances_that_die_together_do_not_come_back_together() {
    let mut plan = plan(50);
    plan.settings.iter_mut().for_each(|settings| settings.restart.when = RestartWhen::Always);
    let transcript = run(&plan, Duration::from_secs(2), |action| {
        let Action::Spawn { instance, generation } = *action else { return Vec::new() };
        if generation == Generation(1) { end(instance, generation) } else { Vec::new() }
    });
    let starts = spawns(&transcript)[50..].to_vec();
    assert_eq!(starts.len(), 50);
    let spread = starts[49].saturating_sub(starts[0]);
    assert!(spread >= plan.settings[0].restart.delay / 5, "{spread:?}");
}

#[test]
fn a_thousand_instances_with_a_chain_of_readiness_settle_in_under_a_second_of_real_time() {
    let mut plan = plan(1_000);
    for process in 0..1_000 {
        let settings = &mut plan.settings[process];
        settings.readiness = Some(Probe {
            check: Check::Tcp(None),
            interval: Duration::from_secs(2),
            timeout: Duration::from_secs(1),
            retries: 3,
            start_period: Duration::from_secs(30),
            start_interval: Duration::from_millis(200),
        });
        let before = process.checked_sub(1);
        let dependency = |process| Dependency { process, condition: Condition::Healthy, restart: false };
        settings.depends_on.extend(before.map(dependency));
    }
    let answer = |action: &Action| {
        let Action::Probe { instance, generation, kind } = *action else { return Vec::new() };
        let event = Event::Probed { instance, generation, kind, result: Ok(()) };
        vec![(Duration::from_millis(1), event)]
    };
    // The best of three: a machine may be busy with something else.
    let cost = (0..3).map(|_| {
        let begun = super::now_for_tests();
        let transcript = run(&plan, Duration::from_secs(2), answer);
        assert_eq!(spawns(&transcript).len(), 1_000);
        begun.elapsed()
    });
    let cost = cost.min().unwrap();
    assert!(cost < Duration::from_secs(1), "{cost:?}");
}
