//! What processes cost that do nothing but answer their probes.

use crate::run::Run;
use std::time::{Duration, Instant};

/// The processes.
const PROCESSES: usize = 50;

/// How long they are looked at.
const WHILE: Duration = Duration::from_secs(10);

/// The share of a core that the supervisor takes, in percent, for processes with these settings, once it has said this of each.
pub(crate) fn cost(settings: &str, said: &str) -> f64 {
    let scale = format!("web={PROCESSES}");
    let settings = format!("[process.web]\n{settings}\n");
    let mut run =
        Run::start_with("web: exec ./child child serve $PORT\n", &settings, &["-p", "23400", &scale]);
    run.wait_for(said, PROCESSES);
    let supervisor = run.supervisor();
    let (begin, before) = (Instant::now(), time_of(supervisor));
    std::thread::sleep(WHILE);
    let used = time_of(supervisor).saturating_sub(before);
    let share = used.as_secs_f64() / begin.elapsed().as_secs_f64();
    run.stop();
    share * 100.0
}

/// The processor time that all threads of a process have used.
fn time_of(pid: u32) -> Duration {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let nanos = threads.map(|thread| {
        let text = std::fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap();
        text.split_whitespace().next().unwrap().parse::<u64>().unwrap()
    });
    Duration::from_nanos(nanos.sum())
}
