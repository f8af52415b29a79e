//! Readiness, liveness and stop commands for real: what is asked, what comes of the answers, and that no question outlives its time.

use crate::support::{Proc, free_ports, is_readable, read_until};
use nix::sys::signal::Signal;
use std::fs::File;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;

/// `proc start` of this Procfile, and a proc.toml.
fn start(procfile: &str, settings: &str) -> Proc {
    Proc::start(procfile).file("proc.toml", settings)
}

/// The same with a port for `web`, on which nobody listens; that port.
fn start_on_port(procfile: &str, settings: &str) -> (Proc, u16) {
    let port = free_ports(2);
    let proc = Proc::new(procfile).args(["start", "--no-timestamps", "-p", &port.to_string()]);
    (proc.file("proc.toml", settings), port)
}

/// A web that answers with the status which the file `status` holds.
const SERVER: &str = "web: exec ./child serve $PORT status ready wait\n";

/// Has it answer like this from now on; in one step, so that nobody reads half of it.
fn set(path: &Path, status: &str) {
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, status).unwrap();
    std::fs::rename(fresh, path).unwrap();
}

#[test]
fn a_process_is_healthy_when_a_connection_is_taken_on_its_port() {
    let gate = "read x <go; exec ./child listen $PORT wait";
    let toml = "[process.web]\nreadiness = { tcp = true, start_interval = '50ms' }\n";
    let (proc, _) = start_on_port(&format!("web: {gate}\n"), toml);
    let gate = proc.gate();
    let proc = proc.spawn();
    proc.wait_for("started with pid");
    assert_eq!(proc.count("healthy"), 0);
    gate.open();
    proc.wait_for("web.1  | healthy after ");
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("web.1  | started").never_says("not healthy");
}

#[test]
fn a_process_is_as_healthy_as_its_answers_are() {
    let toml =
        "[process.web]\nreadiness = { http = '/healthz', interval = '50ms', start_interval = '50ms' }\n";
    let (proc, _) = start_on_port(SERVER, toml);
    let proc = proc.file("status", "503");
    let status = proc.path("status");
    let proc = proc.spawn();
    proc.wait_for("web.1  | ready");
    set(&status, "204");
    proc.wait_for("web.1  | healthy after ");
    set(&status, "503");
    proc.wait_for("web.1  | not healthy: GET /healthz was answered with 503 (3 times in a row)\n");
    set(&status, "302");
    proc.wait_for("web.1  | healthy again\n");
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM);
    assert_eq!(run.stdout().matches("started with pid").count(), 1, "unready is no reason to restart");
}

#[test]
fn a_process_that_does_not_answer_any_more_is_restarted() {
    let toml = "[process.web]\nrestart_delay = '50ms'\nreadiness = { http = '/', start_interval = '50ms' }\n\
        liveness = { http = '/', start_period = 0, interval = '50ms', timeout = '300ms', retries = 2 }\n";
    let (proc, _) = start_on_port(SERVER, toml);
    let proc = proc.file("status", "200");
    let status = proc.path("status");
    let proc = proc.spawn();
    proc.wait_for("web.1  | healthy after ");
    set(&status, "hang");
    proc.wait_for("web.1  | not alive: no answer to GET / within 0.3s (2 times in a row); stopping it\n");
    set(&status, "200");
    proc.wait_until("a second start", |stdout| stdout.matches("healthy after").count() == 2);
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("; restarting in ");
}

#[test]
fn a_command_asks_in_the_environment_of_its_instance_and_its_last_line_says_why_it_failed() {
    let exec = "echo first; echo no file for $PS >&2; exec test -e up-$PS";
    let toml = format!(
        "[process.web]\nreadiness = {{ exec = '{exec}', start_period = 0, interval = '50ms', retries = 2 }}\n"
    );
    let proc = start("web: ./child wait\n", &toml);
    let up = proc.path("up-web.1");
    let proc = proc.spawn();
    proc.wait_for(&format!("s: {exec} exited with code 1: no file for web.1\n"));
    std::fs::write(up, "").unwrap();
    proc.wait_for("web.1  | healthy after ");
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).says("healthy after").never_says("| first");
}

#[test]
fn what_runs_beside_an_instance_has_the_environment_of_its_start_whatever_the_env_files_say_since() {
    let toml = "[process.redis]\nliveness = { exec = 'echo $NAME >asked', interval = '50ms' }\n\
        stop_command = 'echo stop $NAME >asked; kill $PROC_PID'\n\
        [process.worker]\nrestart = 'always'\nrestart_delay = '10ms'\n";
    let procfile = "redis: ./child wait\nworker: echo NAME=$NAME; read x <go; exit 1\n";
    let proc = start(procfile, toml).file(".env", "NAME=old\n").fifo("asked");
    let (env, gate) = (proc.path(".env"), proc.gate());
    let mut asked = File::options().read(true).write(true).open(proc.path("asked")).unwrap();
    let proc = proc.spawn();
    proc.wait_for("NAME=old");
    std::fs::write(env, "NAME=new\n").unwrap();
    gate.open();
    proc.wait_for("NAME=new");
    // What is there by now was asked before.
    read_until(&mut asked, "\n");
    let seen = [(), ()].map(|()| read_until(&mut asked, "\n")).concat();
    assert!(!seen.contains("new"), "{seen}");
    proc.signal(Signal::SIGTERM);
    read_until(&mut asked, "stop old\n");
    proc.finish().dies_by(Signal::SIGTERM).says("redis.1  | started");
}

#[test]
fn a_question_that_we_have_no_room_for_says_nothing_of_the_process() {
    let toml =
        "[process.web]\nliveness = { exec = 'true', start_period = 0, interval = '50ms', retries = 1 }\n";
    let proc = start("web: ./child wait\nworker: ./child wait\n", toml);
    let proc = proc.args(["-m", "web=1,worker=9", "--exit-on", "all"]).by_shell("ulimit -n 44; exec \"$@\"");
    let proc = proc.spawn();
    proc.wait_for(
        "web.1    | liveness could not be asked about for now: no pipe for its output: Too many open files",
    );
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).complains("those that have no room wait").never_says("not alive").stdout();
}

#[test]
fn a_line_that_has_the_text_in_it_makes_ready_on_whichever_output_it_comes() {
    for (format, write) in [
        ("text", "print rea pause 20 say dy"),
        ("json", "err ready"),
        ("text", "say noise flood 5000 say ready"),
    ] {
        let toml = "[process.web]\nreadiness = { log = 'ready' }\n";
        let proc = start(&format!("web: ./child {write} wait\n"), toml);
        let proc = proc.args(["--log-format", format]).spawn();
        proc.wait_for("healthy after ");
        let run = proc.end_by(Signal::SIGTERM);
        assert_eq!(run.dies_by(Signal::SIGTERM).stdout().matches("healthy after").count(), 1, "{write}");
    }
}

/// Asked once, and answered by a failure; then not for a long time.
fn once(exec: &str, timeout: &str) -> String {
    format!(
        "[process.web]\nreadiness = {{ exec = '{exec}', start_period = 0, timeout = '{timeout}', interval = '1h', retries = 1 }}\n"
    )
}

#[test]
fn a_probe_that_hangs_is_killed_when_its_time_is_over() {
    let toml = once("./child hold alive ignore TERM wait", "300ms");
    let proc = start("web: ./child wait\n", &toml);
    let alive = proc.liveness();
    let proc = proc.spawn();
    proc.wait_for("web.1  | not healthy after ").wait_for("did not end within 0.3s\n");
    alive.wait_for_death();
    proc.end_by(Signal::SIGTERM)
        .dies_by(Signal::SIGTERM)
        .says("web.1  | started")
        .never_says("outside its group");
}

#[test]
fn what_a_probe_puts_into_the_background_ends_with_it() {
    for (exec, timeout, why) in [
        (
            "./child hold alive fork ignore TERM wait end fork fork wait end wait end exit 7",
            "20s",
            "exited with code 7",
        ),
        (
            "./child hold alive fork ignore TERM wait end fork fork wait end wait end wait",
            "1s",
            "did not end within 1s",
        ),
    ] {
        let proc = start("web: ./child wait\n", &once(exec, timeout));
        let alive = proc.liveness();
        let proc = proc.spawn();
        proc.wait_for(why);
        alive.wait_for_death();
        proc.end_by(Signal::SIGTERM)
            .dies_by(Signal::SIGTERM)
            .says("web.1  | started")
            .never_says("outside its group");
    }
}

#[test]
fn a_daemon_of_a_probe_does_not_stay() {
    let exec = "./child daemon hold alive ignore TERM mark went wait end; read x <go; exit 1";
    let proc = start("web: ./child wait\n", &once(exec, "20s")).fifo("went");
    let (alive, gate) = (proc.liveness(), proc.gate());
    let mut went = File::options().read(true).write(true).open(proc.path("went")).unwrap();
    let proc = proc.spawn();
    // It has left the group by then.
    assert!(is_readable(&went), "no daemon");
    went.read_exact(&mut [0]).unwrap();
    gate.open();
    alive.wait_for_death();
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("exited with code 1");
}

#[test]
fn a_probe_that_prints_without_end_holds_up_nobody_and_is_not_shown() {
    let toml = once("./child hold alive loop xyz", "1s");
    let proc = start("web: ./child trap USR1 say heard ready wait\n", &toml);
    let alive = proc.liveness();
    let proc = proc.spawn();
    proc.wait_for("web.1  | ready").signal(Signal::SIGUSR1).wait_for("web.1  | heard");
    proc.wait_for("./child hold alive loop xyz did not end within 1s\n");
    alive.wait_for_death();
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("web.1  | started").never_says("| xyz");
}

#[test]
fn an_instance_that_ends_does_not_wait_for_its_probe() {
    let toml = once("./child hold alive ignore TERM wait", "1h");
    for web in ["./child pause 100 exit 4", "./child ready wait"] {
        let proc = start(&format!("web: {web}\n"), &toml);
        let alive = proc.liveness();
        let proc = proc.spawn();
        // The directory stays as long as the run that is over: it has the FIFO in it.
        let run = if web.contains("ready") {
            proc.wait_for("ready");
            proc.end_by(Signal::SIGTERM)
        } else {
            proc.finish()
        };
        run.says("web.1  | started").never_says("SIGKILL");
        alive.wait_for_death();
    }
}

#[test]
fn a_command_that_cannot_be_run_is_a_failure_with_its_reason() {
    let proc = start("web: ./child wait\n", &once("pinng", "1s")).spawn();
    proc.wait_for(": command not found: pinng\n");
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("web.1  | started");
}

#[test]
fn a_stop_command_stops_and_knows_whom() {
    let stop = "kill -USR1 $PROC_PID; echo not shown; exec ./child pause 100";
    let toml = format!("[process.web]\nstop_command = '{stop}'\n");
    let proc =
        start("web: ./child trap USR1 last asked 0 trap TERM last signalled 1 ready wait\n", &toml).spawn();
    proc.wait_for("ready");
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).says("asked").never_says("signalled").never_says("not shown");
}

#[test]
fn a_stop_command_that_fails_says_why_and_the_stop_signal_follows() {
    let toml = "[process.web]\nstop_command = 'echo cannot reach it; exit 3'\n";
    let proc = start("web: ./child trap TERM last signalled 0 ready wait\n", toml).spawn();
    proc.wait_for("ready");
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).says("exited with code 3: cannot reach it").says("signalled");
}

#[test]
fn a_stop_command_that_hangs_is_killed_with_what_it_should_stop() {
    let toml = "[process.web]\nstop_command = './child hold alive ignore TERM fork wait end wait'\n";
    let proc = start("web: ./child hold alive ignore TERM ready wait\n", toml);
    let alive = proc.liveness();
    let proc = proc.args(["-t", "0.3"]).spawn();
    proc.wait_for("ready");
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).says("grace period over: SIGKILL to web.1\n");
    alive.wait_for_death();
}

#[test]
fn a_process_has_a_terminal_or_none_as_it_wants() {
    for (tty, args, said) in [
        ("true", &[][..], "terminals 0 1 2"),
        ("true", &["--pty", "never"], "terminals 0 1 2"),
        ("false", &["--pty", "always"], "no terminals"),
    ] {
        let proc = start("web: ./child tty\n", &format!("[process.web]\ntty = {tty}\n")).args(args);
        proc.run().exits(0).says(said);
    }
}

#[test]
fn a_process_that_is_started_again_waits_until_its_port_is_free() {
    let toml = "[process.web]\nrestart = 'always'\nrestart_delay = '50ms'\n";
    let (proc, port) = start_on_port("web: read x <go\n", toml);
    let gate = proc.gate();
    let proc = proc.spawn();
    proc.wait_for("started with pid");
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    gate.open();
    let holder = std::process::id();
    proc.wait_for(&format!("web.1  | could not be started: port {port} is taken by pid {holder} ("));
    assert_eq!(proc.count("started with pid"), 1);
    drop(listener);
    proc.wait_until("a second start", |stdout| stdout.matches("started with pid").count() == 2);
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).says("is taken by");
}
