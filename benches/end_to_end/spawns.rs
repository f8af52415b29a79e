//! What many spawns leave behind in the process that does them: descriptors, memory.
//!
//! Rounds of a thousand instances that fail at once, each round an engine of its own in this process; so what an engine leaves when it ends
//! counts too.

use proc_start::engine::handle::Desk;
use proc_start::engine::{Channel, Console, Engine};
use proc_start::model::environment::Environment;
use proc_start::model::instance::InstanceId;
use proc_start::model::plan::Plan;
use proc_start::model::policy::{ExitOn, LogFormat, Timestamps};
use proc_start::model::procfile;
use proc_start::output::{Formatter, Mux, Ring, Sink};
use proc_start::unix::limits::Limits;
use proc_start::unix::signals::Signals;
use proc_start::unix::tree::adopt_orphans;
use proc_start::unix::{link, reap};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};

/// The instances of a round.
const AT_ONCE: u16 = 1000;

/// What this process has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holdings {
    pub(crate) descriptors: usize,
    pub(crate) rss_kib: u64,
}

/// Spawns so many processes; what there was after the first tenth, and after all.
pub(crate) fn spawn(count: usize) -> (Holdings, Holdings) {
    adopt_orphans().unwrap();
    let limits = Limits::take_over();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rounds = count.div_ceil(AT_ONCE.into()).max(10);
    let mut early = None;
    for round in 1..=rounds {
        runtime.block_on(this_round(limits));
        assert!(reap::reap().childless);
        if round == rounds / 10 {
            early = Some(holdings());
        }
    }
    (early.unwrap(), holdings())
}

async fn this_round(limits: Limits) {
    let plan = Plan {
        types: procfile::parse(b"web: false\n").types,
        instances: (1..=AT_ONCE).map(|number| (InstanceId { process: 0, number }, None)).collect(),
        settings: Vec::new(),
        left_out: Vec::new(),
        gone: BTreeSet::new(),
        base_port: None,
        environment: Environment {
            inherited: vec![("PATH".into(), "/usr/bin:/bin".into())],
            ..Environment::default()
        },
        root: "/".into(),
        exit_on: ExitOn::All,
    };
    let console = Console {
        mux: Mux::new(Formatter::new(LogFormat::Text, Timestamps::None, false, 8), None, 1 << 20),
        sink: Sink::start(
            |_, slices| Ok(slices.iter().map(|slice| slice.len()).sum()),
            Box::new(|_: &[u8]| Err(io::Error::from(ErrorKind::WouldBlock))),
            1 << 20,
        )
        .unwrap(),
        logs: None,
        labels: BTreeMap::new(),
        quiet: BTreeSet::new(),
        channel: Channel::Pipe,
        margin: 0,
        tells_streams_apart: false,
        preamble: Vec::new(),
        desk: Desk::open(Ring::new(1 << 20)).0,
    };
    // Held to the end: without a guard an engine gives up.
    let (_guard, line) = link::pair().unwrap();
    let signals = Signals::take_over().unwrap();
    let reload = Box::new(|| Err(Vec::new()));
    let engine = Engine::new(plan, console, signals, line, limits, reload).unwrap();
    let (outcome, unwritten) = engine.run().await;
    assert_eq!((outcome, unwritten), (proc_start::model::exit::Outcome::Code(1), 0));
}

fn holdings() -> Holdings {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    Holdings {
        descriptors: std::fs::read_dir("/proc/self/fd").unwrap().count(),
        rss_kib: line.split_whitespace().next().unwrap().parse().unwrap(),
    }
}
