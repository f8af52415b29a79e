//! The directory of a run: one run at a time, whatever is in the way, and nothing left behind.

use super::client::{Api, app, ask, run_dir};
use super::support::{LIMIT, Proc};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::Pid;
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// A runtime directory to use again and again, and an application below it.
struct Ground {
    app: Proc,
    runtime: PathBuf,
}

impl Ground {
    fn new(procfile: &str) -> Self {
        let app = app(procfile);
        let runtime = app.path("runtime");
        Self { app, runtime }
    }

    fn command(&self) -> Command {
        let mut command = self.app.command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Where the run has its directory: as a first run that has ended has shown.
    fn dir(&self) -> PathBuf {
        let mut child = self.command().spawn().unwrap();
        let dir = loop {
            if let Some(dir) = run_dir(&self.runtime).filter(|dir| dir.join("control.sock").exists()) {
                break dir;
            }
        };
        end(&mut child);
        assert!(!dir.exists());
        dir
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

fn end(child: &mut Child) {
    kill(pid(child), Signal::SIGTERM).unwrap();
    child.wait().unwrap();
}

/// What a run says until it says this, or ends.
fn until(child: &mut Child, text: &str) -> String {
    let mut said = Vec::new();
    let mut byte = [0; 4096];
    let stdout = child.stdout.as_mut().unwrap();
    while !String::from_utf8_lossy(&said).contains(text) {
        match stdout.read(&mut byte).unwrap() {
            0 => break,
            count => said.extend_from_slice(&byte[..count]),
        }
    }
    String::from_utf8_lossy(&said).into_owned()
}

/// What a run that is over has complained of.
fn complaint(run: Child) -> String {
    let output = run.wait_with_output().unwrap();
    format!("{} {}", output.status, String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_run_leaves_nothing_behind_and_hides_what_it_has_meanwhile() {
    let api = Api::start("web: ./child ready wait\n");
    let dir = api.socket.parent().unwrap().to_owned();
    assert_eq!(std::fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
    let lock = std::fs::read_to_string(dir.join("lock")).unwrap();
    assert_eq!(lock.trim(), api.run.pid().to_string());
    api.run.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).stdout();
    assert!(!dir.exists());
}

#[test]
fn a_second_run_is_told_whose_the_first_is() {
    let ground = Ground::new("web: ./child ready wait\n");
    let mut first = ground.command().spawn().unwrap();
    until(&mut first, "ready");
    let second = ground.command().output().unwrap();
    assert_eq!(second.status.code(), Some(3));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains(&format!("(pid {})", first.id())), "{said}");
    end(&mut first);
    let mut third = ground.command().spawn().unwrap();
    assert!(until(&mut third, "ready").contains("ready"));
    end(&mut third);
}

#[test]
fn what_lies_in_the_way_of_the_socket_is_taken_away_or_said_and_the_processes_run_all_the_same() {
    let ground = Ground::new("web: ./child ready wait\n");
    let dir = ground.dir();
    let victim = ground.app.path("victim");
    std::fs::write(&victim, "kept").unwrap();
    for planted in [
        "a file",
        "a link",
        "a socket",
        "a fifo",
        "a directory",
        "an open directory",
        "a link for a directory",
        "a link for a lock",
    ] {
        let socket = dir.join("control.sock");
        let mut open = 0o700;
        match planted {
            "an open directory" => open = 0o755,
            "a link for a directory" => symlink(ground.app.path("."), &dir).unwrap(),
            _ => {}
        }
        if !dir.exists() {
            std::fs::DirBuilder::new().mode(open).create(&dir).unwrap();
        }
        let _foreign = match planted {
            "a file" => std::fs::write(&socket, "x").map(|()| None).unwrap(),
            "a link" => symlink(&victim, &socket).map(|()| None).unwrap(),
            "a socket" => Some(UnixListener::bind(&socket).unwrap()),
            "a fifo" => nix::unistd::mkfifo(&socket, Mode::S_IRWXU).map(|()| None).unwrap(),
            "a directory" => std::fs::create_dir(&socket).map(|()| None).unwrap(),
            "a link for a lock" => symlink(&victim, dir.join("lock")).map(|()| None).unwrap(),
            _ => None,
        };
        let is_healed = ["a file", "a link", "a socket", "a fifo"].contains(&planted);
        let mut run = ground.command().spawn().unwrap();
        let said = until(&mut run, "ready");
        assert!(said.contains("ready"), "{planted}: {said}");
        assert_eq!(said.contains("cannot be controlled from elsewhere"), !is_healed, "{planted}: {said}");
        if is_healed {
            assert_eq!(ask(&socket, "GET /run HTTP/1.0\r\n\r\n").status, 200, "{planted}");
        }
        end(&mut run);
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "kept", "{planted}");
        let _ = std::fs::remove_file(&dir);
        let _ = std::fs::remove_dir_all(&dir);
    }
}

#[test]
fn a_root_and_a_runtime_directory_with_long_paths_are_as_good_as_others() {
    let part = "x".repeat(100);
    let long = format!("{part}/{part}/{part}");
    let app =
        Proc::without_procfile().file(&format!("{long}/Procfile"), "web: echo ready; exec sleep 1000\n");
    let runtime = app.path(&long).join("runtime");
    std::fs::DirBuilder::new().mode(0o700).create(&runtime).unwrap();
    let app = app.args(["start", "--no-port", "-d", &long]).variable("XDG_RUNTIME_DIR", &runtime);
    let run = app.spawn();
    run.wait_for("ready");
    // As short as the socket of a client has to be, too.
    let dir = std::fs::File::open(run_dir(&runtime).unwrap()).unwrap();
    let socket =
        PathBuf::from(format!("/proc/self/fd/{}/control.sock", std::os::fd::AsRawFd::as_raw_fd(&dir)));
    assert_eq!(ask(&socket, "GET /run HTTP/1.0\r\n\r\n").status, 200);
    run.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).stdout();
    assert_eq!(run_dir(&runtime), None);
}

#[test]
fn after_a_kill_the_next_start_works_two_hundred_times() {
    let ground = Ground::new("web: ./child ready wait\n");
    let dir = ground.dir();
    for round in 0..200 {
        let mut run = ground.command().spawn().unwrap();
        let said = until(&mut run, "ready");
        let is_up = said.contains("ready") && !said.contains("cannot be controlled");
        assert!(is_up, "round {round}: {said}{}", if is_up { String::new() } else { complaint(run) });
        run.kill().unwrap();
        run.wait().unwrap();
    }
    let mut run = ground.command().spawn().unwrap();
    until(&mut run, "ready");
    assert_eq!(ask(&dir.join("control.sock"), "GET /run HTTP/1.0\r\n\r\n").status, 200);
    end(&mut run);
    assert!(!dir.exists());
}

#[test]
fn of_a_hundred_simultaneous_starts_exactly_one_wins() {
    let ground = Ground::new("web: ./child ready wait\n");
    let mut runs: Vec<Child> = (0..100).map(|_| ground.command().spawn().unwrap()).collect();
    let begun = Instant::now();
    let mut codes = Vec::new();
    while runs.len() > 1 && begun.elapsed() < LIMIT {
        runs.retain_mut(|run| match run.try_wait().unwrap() {
            Some(status) => {
                codes.push(status.code());
                false
            }
            None => true,
        });
        std::thread::yield_now();
    }
    let won = runs.len();
    let said = runs.first_mut().map(|run| until(run, "ready"));
    for run in &mut runs {
        end(run);
    }
    assert_eq!(won, 1, "{codes:?}");
    assert!(said.unwrap().contains("ready"));
    assert_eq!(codes, [Some(3); 99]);
}
