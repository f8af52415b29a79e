//! Bad ports, the rules of the manual one by one: exit code 2 before anything starts.

use crate::support::{Proc, free_ports};
use insta::assert_snapshot;
use nix::sys::signal::Signal;
use std::net::TcpListener;

fn start(args: &[&str]) -> Proc {
    Proc::new("web: ./child wait\nworker: ./child wait\n").args(["start"]).args(args)
}

#[test]
fn a_port_above_the_highest_is_an_error_that_names_the_instance() {
    let run = start(&["-p", "65500"]).run();
    run.exits(2);
    assert_snapshot!(run.stderr(), @r"
    error: worker.1 would get port 65600; the highest is 65535
      hint: choose another base with `-p N`, or start fewer
    ");
    start(&["-p", "65535", "web=2"]).run().exits(2).complains("web.2 would get port 65536");
}

#[test]
fn one_port_for_two_instances_is_an_error_that_names_both() {
    let run = start(&["web=101", "worker"]).run();
    run.exits(2);
    assert_snapshot!(run.stderr(), @r"
    error: web.101 and worker.1 would both get port 5100
      hint: choose another base with `-p N`, or start fewer
    ");
}

#[test]
fn a_base_that_is_no_port_is_an_error() {
    for base in ["0", "65536", "http", "", "5000.5"] {
        let run = start(&["-p", base]).run();
        run.exits(2).complains("--port <N>");
    }
    for base in ["0", "65536", "-1", "http"] {
        let run = start(&[]).variable("PORT", base).run();
        run.exits(2).complains("PORT is not a port, a number from 1 to 65535 (environment)");
    }
    let run = start(&[]).file(".env", "A=1\nPORT=c4n4ry\n").run();
    run.exits(2).never_says("c4n4ry").complains("PORT is not a port, a number from 1 to 65535 (.env:2)");
}

#[test]
fn a_taken_port_of_a_process_that_listens_is_an_error_that_names_the_holder() {
    let base = free_ports(2);
    let listener = TcpListener::bind(("127.0.0.1", base)).unwrap();
    let run = start(&["-p", &base.to_string()]).run();
    run.exits(2);
    let comm = std::fs::read_to_string("/proc/self/comm").unwrap();
    // The name is that of the process, cut to 15 bytes by the kernel, not that of the thread this test is.
    let main = std::fs::read_to_string(format!("/proc/{}/comm", std::process::id())).unwrap_or(comm);
    let expected = format!("error: port {base} of web.1 is taken by pid [pid] ({})\n", main.trim_end());
    assert!(run.stderr().starts_with(&expected), "{expected}\n{}", run.stderr());
    run.complains("hint: stop that process, or choose another base with `-p N`");
    drop(listener);
}

#[test]
fn a_taken_port_of_a_process_that_hardly_listens_is_a_warning() {
    let base = free_ports(2);
    let listener = TcpListener::bind(("127.0.0.1", base + 100)).unwrap();
    let proc = start(&["-p", &base.to_string(), "-t", "0"]).spawn();
    proc.wait_for("worker.1 | started with");
    let run = proc.end_by(Signal::SIGTERM);
    run.complains(&format!("warning: port {} of worker.1 is taken by pid", base + 100)).stdout();
    drop(listener);
}

#[test]
fn a_taken_port_of_a_command_that_names_the_variable_is_an_error() {
    let base = free_ports(2);
    let listener = TcpListener::bind(("127.0.0.1", base + 100)).unwrap();
    let run = Proc::new("web: ./child wait\napi: ./child listen $PORT wait\n")
        .args(["start", "-p", &base.to_string()])
        .run();
    run.exits(2).complains(&format!("error: port {} of api.1 is taken", base + 100));
    drop(listener);
}

#[test]
fn a_process_can_listen_on_the_port_it_was_given() {
    let base = free_ports(2);
    let proc = Proc::new("web: ./child listen $PORT wait\napi: ./child listen $PORT wait\n");
    let proc = proc.args(["start", "-p", &base.to_string()]).spawn();
    proc.wait_for(&format!("listening on {base}\n")).wait_for(&format!("listening on {}\n", base + 100));
    proc.end_by(Signal::SIGINT).dies_by(Signal::SIGINT).stdout();
}
