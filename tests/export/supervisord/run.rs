//! A real supervisord runs an export.

use crate::support::{fixture, has, proc_export, say};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, Uid, User, mkfifo};
use std::fs::{File, Permissions};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

/// How long anything may take on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_mins(1);

/// A supervisord with an app, which is ended whatever happens.
struct Supervisord {
    /// How it has ended, as soon as it has.
    ended: Receiver<ExitStatus>,
    configuration: PathBuf,
}

impl Supervisord {
    fn start(configuration: PathBuf) -> Self {
        let log = File::create(configuration.with_extension("log")).unwrap();
        let mut child = Command::new("supervisord")
            .arg("-c")
            .arg(&configuration)
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log)
            .spawn()
            .unwrap();
        let (sender, ended) = channel();
        // Where the test has failed meanwhile, nobody wants to know.
        std::thread::spawn(move || sender.send(child.wait().unwrap()).ok());
        Self { ended, configuration }
    }

    /// What supervisorctl answers.
    fn ask(&self, words: &[&str]) -> String {
        let output =
            Command::new("supervisorctl").arg("-c").arg(&self.configuration).args(words).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn pid(&self, process: &str) -> i32 {
        self.ask(&["pid", process]).parse().unwrap()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.configuration.with_extension("log")).unwrap()
    }

    /// Asks it to stop everything and end.
    fn stop(&self) {
        self.ask(&["shutdown"]);
        let status = self.ended.recv_timeout(PATIENCE).expect("supervisord ends");
        assert!(status.success(), "{status}: {}", self.log());
    }
}

impl Drop for Supervisord {
    fn drop(&mut self) {
        if self.ended.try_recv() == Err(TryRecvError::Empty) {
            self.ask(&["shutdown"]);
            let _ = self.ended.recv_timeout(PATIENCE);
        }
    }
}

/// Asks again and again.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited for a minute until {what}");
        std::thread::yield_now();
    }
}

/// Tells when nobody holds this FIFO any more, of those who have once.
fn liveness(path: &Path) -> Receiver<()> {
    mkfifo(path, Mode::S_IRWXU).unwrap();
    let (sender, receiver) = channel();
    let path = path.to_owned();
    std::thread::spawn(move || {
        let mut rest = Vec::new();
        File::open(path).unwrap().read_to_end(&mut rest).unwrap();
        sender.send(()).unwrap();
    });
    receiver
}

/// The first of a hundred ports and more, of which the first is free.
fn free_port() -> u16 {
    let ports = std::iter::repeat_with(|| TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap());
    ports.map(|address| address.port()).take(1000).find(|port| *port < 60_000).unwrap()
}

/// Whether a GET is answered with 200.
fn answers(port: u16) -> Option<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut status = [0; 12];
    stream.read_exact(&mut status).ok()?;
    status.ends_with(b" 200").then_some(())
}

/// Exports what is in a directory into `deploy` below it, whose configuration this is.
fn export(root: &Path, arguments: &[&str]) -> PathBuf {
    let deploy = root.join("deploy");
    let words = ["supervisord", deploy.to_str().unwrap(), "-a", "app", "-d", root.to_str().unwrap()];
    let output = proc_export(&[&words[..], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    deploy.join("supervisord.conf")
}

/// Writes an app with one that serves, one that takes its time to stop, and one that does not stop.
fn write_app(root: &Path) {
    let child = fixture();
    let path = |name: &str| root.join(name).display().to_string();
    let procfile = format!(
        "web: {child} hold {all} say \"$GREETING\" serve $PORT {status} wait\n\
         slow: cd . && {child} hold {all} hold {slow} trap TERM last bye 0 say ready wait\n\
         stubborn: cd . && {child} hold {all} hold {stubborn} ignore TERM fork ignore TERM wait end say ready wait\n",
        all = path("all"),
        status = path("status"),
        slow = path("of_slow"),
        stubborn = path("of_stubborn"),
    );
    let config =
        "[process.slow]\nstop_grace_period = \"1m\"\n[process.stubborn]\nstop_grace_period = \"2s\"\n";
    std::fs::write(path("status"), "200").unwrap();
    std::fs::write(path("Procfile"), procfile).unwrap();
    std::fs::write(path("proc.toml"), config).unwrap();
    std::fs::write(path(".env"), "GREETING='100 % ; # \"hello\"'\n").unwrap();
}

#[test]
fn supervisord_runs_what_was_exported() {
    if !has("supervisord", "supervisord_runs_what_was_exported") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let gone = |name: &str| liveness(&scratch.path().join(name));
    let (all, of_slow, of_stubborn) = (gone("all"), gone("of_slow"), gone("of_stubborn"));
    let port = free_port();
    write_app(scratch.path());
    let configuration = export(scratch.path(), &["-p", &port.to_string()]);
    let log = configuration.with_file_name("slow.1.log");
    let supervisord = Supervisord::start(configuration);

    for (name, word) in [("app:slow.1", "ready"), ("app:stubborn.1", "ready"), ("app:web.1", "hello")] {
        until(name, || supervisord.ask(&["tail", name]).contains(word).then_some(()));
    }
    until("web answers", || answers(port));
    let said = supervisord.ask(&["tail", "app:web.1"]);
    assert!(said.starts_with("100 % ; # \"hello\"\n"), "{said}");
    crash(&supervisord, port);
    stop(&supervisord, &of_slow, &of_stubborn);
    assert!(supervisord.ask(&["status", "app:web.1"]).contains("RUNNING"));

    supervisord.stop();
    all.recv_timeout(PATIENCE).expect("nothing is left");
    // It is there for whoever looks later, too.
    assert_eq!(std::fs::read_to_string(log).unwrap(), "ready\nbye\n");
}

/// A crash is followed by another start: the pid is the application's own.
fn crash(supervisord: &Supervisord, port: u16) {
    let pid = supervisord.pid("app:web.1");
    assert!(std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap().contains("serve"));
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    until("web has another pid", || {
        supervisord.ask(&["pid", "app:web.1"]).parse().ok().filter(|other: &i32| *other != 0 && *other != pid)
    });
    until("web answers again", || answers(port));
}

/// A stop is over when the last of a shell's children has said goodbye, or at the end of the grace period.
fn stop(supervisord: &Supervisord, of_slow: &Receiver<()>, of_stubborn: &Receiver<()>) {
    supervisord.ask(&["stop", "app:slow.1"]);
    of_slow.recv_timeout(PATIENCE).expect("slow has gone");
    assert_eq!(supervisord.ask(&["tail", "app:slow.1"]), "ready\nbye");
    assert!(!supervisord.log().contains("killing 'slow.1'"), "{}", supervisord.log());
    let begin = Instant::now();
    supervisord.ask(&["stop", "app:stubborn.1"]);
    of_stubborn.recv_timeout(PATIENCE).expect("stubborn has gone");
    assert!(begin.elapsed() >= Duration::from_secs(2), "stopped after {:?}", begin.elapsed());
    let log = supervisord.log();
    assert!(log.contains("killing 'stubborn.1'") && log.contains("with SIGKILL"), "{log}");
}

#[test]
fn a_program_finds_the_home_and_the_name_of_its_user() {
    let test = "a_program_finds_the_home_and_the_name_of_its_user";
    if !has("supervisord", test) {
        return;
    }
    let nobody = User::from_name("nobody").unwrap().filter(|_| Uid::effective().is_root());
    let Some(nobody) = nobody else { return say(&format!("skipped: {test}: it takes root, and nobody")) };
    for user in ["nobody", &nobody.uid.to_string()] {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::write(scratch.path().join("Procfile"), "web: env\n").unwrap();
        std::fs::write(scratch.path().join("proc.toml"), "[process.web]\nrestart = \"no\"\n").unwrap();
        std::fs::write(scratch.path().join(".env"), "LOGNAME=mine\n").unwrap();
        let configuration = export(scratch.path(), &["--user", user]);
        let deploy = configuration.parent().unwrap().to_owned();
        let launcher = deploy.join("web.sh");
        for (path, mode) in [
            (scratch.path(), 0o755),
            (&deploy, 0o755),
            (&launcher, 0o644),
            (&deploy.join("config.env"), 0o644),
        ] {
            std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
        let supervisord = Supervisord::start(configuration);
        until("web has ended", || supervisord.ask(&["status", "app:web.1"]).contains("EXITED").then_some(()));
        supervisord.stop();
        let said = std::fs::read_to_string(deploy.join("web.1.log")).unwrap();
        for expected in
            [format!("HOME={}", nobody.dir.display()), "USER=nobody".into(), "LOGNAME=mine".into()]
        {
            assert!(said.lines().any(|line| line == expected), "{user}: {expected} is not in\n{said}");
        }
    }
}
