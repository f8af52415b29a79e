//! What it costs to ask a run from elsewhere: the one who asks, and the others.

use crate::run::Run;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often a process is restarted.
const PAUSE: Duration = Duration::from_millis(50);

/// How often `proc ps` is asked.
const ASKED: usize = 50;

/// How long a flood is followed.
const FOLLOWED: Duration = Duration::from_secs(3);

/// Restarts the instances of a type again and again until the run is over; how often that was.
pub(crate) fn restart(directory: &Path, name: &str) -> usize {
    let body = format!("{{\"names\":[\"{name}\"]}}");
    let request = format!(
        "POST /instances/restart HTTP/1.1\r\nHost: proc\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let Ok(mut stream) = UnixStream::connect(socket(directory)) else { return 0 };
    let mut answer = [0; 4096];
    let mut count = 0;
    while stream.write_all(request.as_bytes()).is_ok() && stream.read(&mut answer).is_ok_and(|read| read > 0)
    {
        assert!(answer.starts_with(b"HTTP/1.1 200") || answer.starts_with(b"HTTP/1.1 409"));
        count += 1;
        std::thread::sleep(PAUSE);
    }
    count
}

/// Where the run in this directory is asked.
fn socket(directory: &Path) -> PathBuf {
    let runs = std::fs::read_dir(directory.join("proc")).unwrap();
    runs.map(|run| run.unwrap().path().join("control.sock")).find(|path| path.exists()).unwrap()
}

/// How long `proc ps` takes as a whole with 50 processes: the median, and the longest.
pub(crate) fn ps() -> (Duration, Duration) {
    let mut run = Run::start("web: exec sleep 600\n", &["web=50"]);
    run.wait_for("started with pid", 50);
    let mut times: Vec<Duration> = (0..ASKED)
        .map(|_| {
            let begin = Instant::now();
            let output = proc(run.directory(), &["ps"]).output().unwrap();
            assert_eq!(memchr::memchr_iter(b'\n', &output.stdout).count(), 51);
            begin.elapsed()
        })
        .collect();
    run.stop();
    times.sort();
    (times[ASKED / 2], times[ASKED - 1])
}

/// Lines a second that a process writes as fast as it can, and those of them that `proc logs -f` shows.
pub(crate) fn follow() -> (u64, u64) {
    let run = Run::start("web: ./child child flood\n", &["--quiet", "web"]);
    let directory = run.directory().to_owned();
    while proc(&directory, &["ps"]).output().is_ok_and(|output| !output.status.success()) {}
    let mut client = proc(&directory, &["logs", "-f", "-n", "0", "web"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let before = lines_of(&directory);
    let begin = Instant::now();
    let mut shown = 0;
    let mut buffer = vec![0; 65_536];
    let stdout = client.stdout.as_mut().unwrap();
    while begin.elapsed() < FOLLOWED {
        let read = stdout.read(&mut buffer).unwrap();
        shown += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64;
    }
    let written = lines_of(&directory) - before;
    let seconds = FOLLOWED.as_secs();
    client.kill().unwrap();
    client.wait().unwrap();
    run.stop();
    (written / seconds, shown / seconds)
}

/// The lines that all processes have written so far, as the run itself counts them.
fn lines_of(directory: &Path) -> u64 {
    let mut stream = UnixStream::connect(socket(directory)).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: proc\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let is_count =
        |line: &&str| line.starts_with("proc_") && line.contains("lines_total{") && line.contains("stdout");
    text.lines()
        .filter(is_count)
        .filter_map(|line| line.rsplit(' ').next()?.split('.').next()?.parse::<u64>().ok())
        .sum()
}

fn proc(directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proc"));
    command.args(args).current_dir(directory).env_clear().env("XDG_RUNTIME_DIR", directory);
    command
}
