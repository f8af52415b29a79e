//! What the routes answer.

use super::client::Api;
use super::support::skip;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::io::{BufRead, Write};
use std::process::{Command, Stdio};

fn names(instances: &Value) -> Vec<&str> {
    instances.as_array().unwrap().iter().map(|each| each["name"].as_str().unwrap()).collect()
}

#[test]
fn the_run_its_types_and_its_instances_are_told() {
    let api = Api::of(
        super::client::app("web: ./child ready wait\nworker: ./child ready wait\n")
            .args(["-m", "web=1,worker=2"]),
    );
    api.run.wait_until("all", |out| out.matches("ready").count() == 3);
    let run = api.get("/run").json(200);
    assert_eq!(run["pid"], api.run.pid().as_raw());
    assert_eq!(names(&run["instances"]), ["web.1", "worker.1", "worker.2"]);
    assert!(run["instances"][0]["usage"].is_null());
    let run = api.get("/run?usage=true").json(200);
    assert_eq!(run["instances"][0]["usage"]["processes"], 1);
    assert_eq!(names(&api.get("/instances?name=worker.2&name=web").json(200)), ["web.1", "worker.2"]);
    assert_eq!(names(&api.get("/instances?name=w*.1").json(200)), ["web.1", "worker.1"]);
    assert_eq!(api.get("/instances/web").json(200)["phase"], "running");
    assert_eq!(
        api.get("/instances/worker").error(400),
        "`worker` means more than one instance: worker.1, worker.2"
    );
    let types = api.get("/types").json(200);
    assert_eq!(
        types[1],
        json!({"name": "worker", "command": "./child ready wait", "instances": ["worker.1", "worker.2"]})
    );
    assert_eq!(api.get("/formation").body, r#"{"web":1,"worker":2}"#);
    assert_eq!(api.get("/openapi.json").body, proc_start::api::document());
    api.run.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).stdout();
}

#[test]
fn instances_are_stopped_started_restarted_and_signalled_by_name() {
    let api = Api::start("web: ./child trap HUP say hup ready wait\nworker: ./child ready wait\n");
    api.run.wait_until("all", |out| out.matches("ready").count() == 2);
    let done = |target, body| api.send("POST", target, body).json(200)["instances"].clone();
    assert_eq!(done("/instances/signal", r#"{"names":["web"],"signal":"HUP"}"#), json!(["web.1"]));
    api.run.wait_for("web.1    | hup");
    assert_eq!(done("/instances/restart", r#"{"names":["web.*"]}"#), json!(["web.1"]));
    api.run.wait_until("a second web", |out| out.matches("web.1    | ready").count() == 2);
    assert_eq!(done("/instances/stop", r#"{"names":["worker"]}"#), json!(["worker.1"]));
    api.run.wait_for("worker.1 | killed by SIGTERM");
    assert_eq!(done("/instances/start", r#"{"names":["*"]}"#), json!(["worker.1"]));
    api.run.wait_until("a second worker", |out| out.matches("worker.1 | ready").count() == 2);
    assert_eq!(
        api.send("PATCH", "/formation", r#"{"changes":["worker+1"]}"#).body,
        r#"{"web":1,"worker":2}"#
    );
    api.run.wait_for("worker.2 | ready");
    assert_eq!(api.send("POST", "/run/down", "").json(202), json!({}));
    api.run.finish().exits(0).stdout();
}

#[test]
fn what_is_wrong_with_a_request_is_said_in_json() {
    let api = Api::start("web: ./child ready wait\n");
    let stop = |body| api.send("POST", "/instances/stop", body);
    for (response, status, error) in [
        (api.get("/nope"), 404, "there is nothing at this path"),
        (api.send("DELETE", "/run", ""), 405, "this path does not take this method"),
        (api.get("/run?all=true"), 400, "there is no parameter `all` here; there are `usage`"),
        (api.get("/run?usage=maybe"), 400, "`usage` is `true` or `false`, not `maybe`"),
        (api.get("/instances?name=wbe"), 404, "no process type `wbe`; there are web"),
        (api.get("/instances/web.7"), 404, "there is no `web.7`; there are web.1"),
        (api.get("/instances/%ff"), 400, "UTF-8"),
        (api.get("/logs?grep=("), 400, "`grep` is no regular expression"),
        (api.get("/logs?grep=(a{1000}){1000}"), 400, "`grep` is too large a regular expression"),
        (api.get("/logs?name=wbe"), 404, "no process type `wbe`"),
        (stop("{"), 400, "JSON"),
        (stop(r#"{"names":"web"}"#), 400, "JSON"),
        (stop(r#"{"names":["web"],"force":true}"#), 400, "unknown field `force`"),
        (stop(r#"{"names":[]}"#), 400, "no instance is named"),
        (stop(&format!(r#"{{"names":["{}"]}}"#, "x".repeat(70_000))), 413, "the body is longer than 64 KiB"),
        (
            api.send("POST", "/instances/signal", r#"{"names":["web"],"signal":"HUB"}"#),
            400,
            "there is no signal `HUB`",
        ),
        (api.send("PATCH", "/formation", r#"{"changes":["web=many"]}"#), 400, "many"),
        (
            super::client::ask(&api.socket, "POST /instances/stop HTTP/1.0\r\ncontent-length: 2\r\n\r\n{}"),
            415,
            "the body is not declared to be JSON",
        ),
    ] {
        let said = response.error(status);
        assert!(said.contains(error), "{said:?} has no {error:?}");
    }
    let hint = &api.get("/instances?name=wbe").json(404)["hint"];
    assert_eq!(hint, "did you mean `web`?");
    assert!(api.send("DELETE", "/run", "").head.to_ascii_lowercase().contains("allow: get"));
    assert_eq!(api.run.count("exited"), 0);
}

#[test]
fn what_happens_is_told_as_it_happens_until_the_run_ends() {
    let api = Api::start("web: ./child ready wait\n");
    let mut events = api.follow("/events");
    api.send("POST", "/instances/restart", r#"{"names":["web"]}"#).json(200);
    api.run.wait_until("a second web", |out| out.matches("ready").count() == 2);
    api.send("POST", "/run/down", "").json(202);
    let mut text = String::new();
    std::io::Read::read_to_string(&mut events, &mut text).unwrap();
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let expected = ["exited", "started", "exited"];
    let mut rest = names.iter();
    assert!(expected.iter().all(|event| rest.any(|name| name == event)), "{names:?}\n{text}");
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    for data in data {
        let happening: Value = serde_json::from_str(data).unwrap();
        assert!(happening["text"].is_string() && happening["ts"].is_string(), "{data}");
    }
    api.run.finish().exits(0).stdout();
}

#[test]
fn the_figures_are_those_of_the_run_and_promtool_has_nothing_to_say_of_them() {
    let api = Api::start("web: ./child say one say two ready wait\nworker: ./child ready wait\n");
    api.run.wait_until("all", |out| out.matches("ready").count() == 2);
    api.send("POST", "/instances/restart", r#"{"names":["worker"]}"#).json(200);
    api.run.wait_until("a second worker", |out| out.matches("worker.1 | ready").count() == 2);
    let figures = api.get("/metrics");
    assert!(figures.head.contains("text/plain; version=0.0.4"), "{}", figures.head);
    for line in [
        "# TYPE proc_restarts_total counter",
        "proc_up{process=\"web.1\",type=\"web\"} 1.0",
        "proc_restarts_total{process=\"worker.1\",type=\"worker\"} 1.0",
        "proc_phase{process=\"web.1\",type=\"web\",phase=\"running\"} 1.0",
        "proc_phase{process=\"web.1\",type=\"web\",phase=\"down\"} 0.0",
        "proc_output_lines_total{process=\"web.1\",type=\"web\",stream=\"stdout\"} 3.0",
        "proc_output_bytes_total{process=\"web.1\",type=\"web\",stream=\"stdout\"} 14.0",
        "proc_stop_duration_seconds_count{process=\"worker.1\",type=\"worker\"} 1",
        "proc_log_dropped_lines_total 0.0",
    ] {
        assert!(figures.body.lines().any(|each| each == line), "{line} is not in\n{}", figures.body);
    }
    let Ok(mut promtool) = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    else {
        return skip("there is no promtool (package prometheus)");
    };
    promtool.stdin.take().unwrap().write_all(figures.body.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    assert!(said.status.success() && said.stderr.is_empty(), "{}", String::from_utf8_lossy(&said.stderr));
}

#[test]
fn a_connection_answers_one_request_after_another() {
    let api = Api::start("web: ./child ready wait\n");
    let mut stream = super::client::connect(&api.socket);
    let mut reader = std::io::BufReader::new(stream.try_clone().unwrap());
    for _ in 0..100 {
        stream.write_all(b"GET /formation HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            assert!(reader.read_line(&mut line).unwrap() > 0);
        }
        let mut body = [0; r#"{"web":1}"#.len()];
        std::io::Read::read_exact(&mut reader, &mut body).unwrap();
        assert_eq!(&body, br#"{"web":1}"#);
    }
}
