//! What `/logs` tells.

use super::client::{Api, records};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::io::{BufRead, Read};

/// The lines of a log, and how many it says were dropped.
fn lines(text: &str) -> (Vec<String>, u64) {
    let records = records(text);
    let line = |record: &Value| record["line"].as_str().map(str::to_owned);
    let dropped = records.iter().filter_map(|record| record["dropped"].as_u64()).sum();
    (records.iter().filter_map(line).collect(), dropped)
}

fn told(api: &Api, query: &str) -> Vec<String> {
    let response = api.get(&format!("/logs?{query}"));
    assert_eq!(response.status, 200, "{}", response.body);
    let (lines, dropped) = lines(&response.body);
    assert_eq!(dropped, 0);
    lines
}

#[test]
fn the_log_is_chosen_from_by_name_number_pattern_context_and_time() {
    let api = Api::start(
        "web: ./child say a say b say c1 say d say c2 say e ready wait\nworker: ./child say w ready wait\n",
    );
    api.run.wait_until("all", |out| out.matches("ready").count() == 2);
    assert_eq!(told(&api, "name=web&lines=3"), ["c2", "e", "ready"]);
    assert_eq!(told(&api, "name=worker.1&lines=100")[1..], ["w", "ready"]);
    assert_eq!(told(&api, "name=web&grep=^c"), ["c1", "c2"]);
    assert_eq!(told(&api, "name=web&grep=c1&context=1"), ["b", "c1", "d"]);
    assert_eq!(told(&api, "name=web&grep=c.&context=1"), ["b", "c1", "d", "c2", "e"]);
    assert_eq!(told(&api, "name=web&grep=c.&context=1&lines=2"), ["c2", "e"]);
    assert_eq!(told(&api, "name=w*&grep=^w$"), ["w"]);
    assert_eq!(told(&api, "since=3600&name=web").len(), 8);
    assert!(told(&api, "since=0").is_empty());
    assert!(told(&api, "lines=0").is_empty());
    let all = records(&api.get("/logs").body);
    let first = all.iter().find(|record| record["line"] == "a").unwrap();
    assert_eq!(
        (&first["process"], &first["type"], &first["index"]),
        (&"web.1".into(), &"web".into(), &1.into())
    );
    assert!(first["pid"].is_number() && first["ts"].as_str().unwrap().ends_with("+00:00"), "{first}");
    assert!(first.get("partial").is_none() && first.get("bytes_base64").is_none(), "{first}");
}

#[test]
fn what_is_no_text_and_what_has_not_ended_are_told_as_they_are() {
    let api = Api::start("web: ./child bytes ff0a print prompt wait\n");
    api.run.wait_for("\u{fffd}");
    let last = || records(&api.get("/logs?name=web&lines=2").body);
    while last()[1]["line"] != "prompt" {}
    let records = last();
    assert_eq!(records[0]["bytes_base64"], "/w==");
    assert_eq!(records[1]["partial"], true);
}

#[test]
fn who_follows_sees_a_prompt_though_its_line_does_not_end() {
    let api = Api::start("web: ./child say before print 'Password: ' wait\n");
    let mut log = api.follow("/logs?follow=true&name=web");
    let mut line = String::new();
    while !line.contains("Password: ") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0);
    }
    assert_eq!(records(&line)[0]["partial"], true);
}

#[test]
fn a_pattern_of_words_is_not_too_large() {
    let api = Api::start("web: ./child ready wait\n");
    assert!(told(&api, "grep=%5Cw%7B1,20%7D%5Cs%5Cw%7B1,20%7DQ").is_empty());
}

#[test]
fn who_follows_gets_what_comes_and_at_the_end_the_rest() {
    let app = super::client::app("web: ./child ready wait\n");
    let api = Api::of(app);
    api.run.wait_for("ready");
    let mut log = api.follow("/logs?follow=true&name=web&lines=1");
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    assert_eq!(records(&line)[0]["line"], "ready");
    api.send("POST", "/instances/restart", r#"{"names":["web"]}"#).json(200);
    api.run.wait_until("a second web", |out| out.matches("ready").count() == 2);
    api.run.signal(Signal::SIGTERM);
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    let (rest, dropped) = lines(&rest);
    assert_eq!((rest.last().unwrap().as_str(), dropped), ("killed by SIGTERM", 0));
    assert_eq!(rest.iter().filter(|line| *line == "ready").count(), 1);
    api.run.finish().dies_by(Signal::SIGTERM).stdout();
}

#[test]
fn who_reads_too_slowly_is_told_exactly_how_many_lines_are_missing_and_holds_up_nobody() {
    let lines_written = 2_000_000_u64;
    let app = super::client::app(&format!(
        "web: ./child say a say b say c; read x <go; ./child flood {lines_written} say over ready wait\n"
    ));
    let app = app.args(["--quiet", "web"]);
    let gate = app.gate();
    let api = Api::of(app);
    while told(&api, "name=web&lines=1") != ["c"] {}
    // What was told of before, and what was not asked for, is nothing that is missing.
    let mut log = api.follow("/logs?follow=true&name=web&lines=1");
    gate.open();
    // Nobody reads the log until all is written: the flood is held up by nobody.
    let is_over = || told(&api, "name=web&lines=1") == ["ready"];
    while !is_over() {}
    let (mut seen, mut dropped, mut previous) = (0, 0, 0);
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    assert_eq!(records(&line)[0]["line"], "c");
    loop {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0);
        let record: Value = serde_json::from_str(&line).unwrap();
        if let Some(missing) = record["dropped"].as_u64() {
            dropped += missing;
            previous += missing;
            continue;
        }
        let text = record["line"].as_str().unwrap();
        if text == "over" {
            break;
        }
        let number: u64 = text.strip_prefix("line ").unwrap().parse().unwrap();
        previous += 1;
        seen += 1;
        assert_eq!(number, previous, "after {seen} lines and {dropped} dropped");
    }
    assert_eq!(seen + dropped, lines_written);
    assert!(dropped > 0, "the ring holds less than two million lines");
    let figures = api.get("/metrics").body;
    assert!(figures.contains(&format!("proc_log_dropped_lines_total {dropped}.0")), "{dropped}\n{figures}");
}
