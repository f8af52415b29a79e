//! Those who send what is no request, too much of it, or nothing at all.

use super::client::{Api, app, connect};
use super::support::{LIMIT, skip};
use nix::unistd::{Uid, User};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

/// All that is answered until the connection is closed; a reset closes it too.
fn answer(stream: &mut impl Read) -> String {
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => panic!("the connection is not closed: {error}"),
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn what_is_no_request_or_too_much_of_one_closes_the_connection_and_nothing_else() {
    let api = Api::start("web: ./child ready wait\n");
    let long = format!("GET /run HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "x".repeat(1024 * 1024));
    let many = format!("GET /run HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: y\r\n".repeat(10_000));
    let target = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(100_000));
    for (request, status) in [
        (long.as_bytes(), Some("431")),
        (many.as_bytes(), Some("431")),
        (target.as_bytes(), None),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", Some("400")),
        (b"\0\0\0\0\r\n\r\n", Some("400")),
        (b"GET /run HTTP/9.9\r\n\r\n", Some("400")),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", None),
        (b"POST /run/down HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", Some("400")),
    ] {
        let mut stream = connect(&api.socket);
        // Nobody reads to the end what is too much.
        let _ = stream.write_all(request);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let answer = answer(&mut stream);
        if let Some(status) = status.filter(|_| !answer.is_empty()) {
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        }
    }
    assert_eq!(api.get("/run").status, 200);
}

#[test]
fn half_a_request_is_waited_for_no_longer_than_it_may_take() {
    let api = Api::start("web: ./child ready wait\n");
    let parts = [
        "",
        "G",
        "GET /run HTTP/1.1\r\nhost: x\r\n",
        "POST /instances/stop HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
    ];
    let begun = Instant::now();
    let mut streams = parts.map(|part| {
        let mut stream = connect(&api.socket);
        stream.write_all(part.as_bytes()).unwrap();
        stream
    });
    let answers = streams.each_mut().map(answer);
    assert!(answers[3].starts_with("HTTP/1.1 408"), "{}", answers[3]);
    assert!(begun.elapsed() < LIMIT);
    assert_eq!(api.get("/run").status, 200);
}

#[test]
fn a_thousand_idle_connections_keep_nobody_from_an_answer() {
    let api = Api::start("web: ./child ready wait\n");
    let pid = api.run.supervisor();
    let before = memory(pid);
    let idle: Vec<_> = (0..1000).map(|_| connect(&api.socket)).collect();
    let mut times: Vec<Duration> = (0..20)
        .map(|_| {
            let begun = Instant::now();
            assert_eq!(api.get("/run").status, 200);
            begun.elapsed()
        })
        .collect();
    times.sort();
    assert!(times[10] < Duration::from_millis(100), "{times:?}");
    let grown = memory(pid).saturating_sub(before);
    assert!(grown < 4096, "{grown} KiB for connections that nobody asks anything over");
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    assert!(open < 150, "{open} descriptors are open");
    drop(idle);
}

#[test]
fn large_answers_that_nobody_reads_cost_little_memory() {
    let api = Api::of(app("web: ./child flood 100000 say over ready wait\n").args(["--quiet", "web"]));
    while !api.get("/logs?name=web&lines=1").body.contains("\"ready\"") {}
    let pid = api.run.supervisor();
    let before = memory(pid);
    let unread: Vec<_> = (0..16).map(|_| api.follow("/logs?lines=100000")).collect();
    let grown = memory(pid).saturating_sub(before);
    assert!(grown < 24 * 1024, "{grown} KiB for answers that nobody reads");
    drop(unread);
}

/// The resident memory of a process, in KiB.
fn memory(pid: nix::unistd::Pid) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

#[test]
fn those_who_follow_are_not_closed_for_others_and_leave_them_room() {
    let api = Api::start("web: ./child ready wait\n");
    let mut followers: Vec<_> = (0..48).map(|_| api.follow("/logs?follow=true&lines=0")).collect();
    for target in ["/events", "/logs"] {
        assert_eq!(api.get(target).error(503), "48 clients read the log or the events already");
    }
    let idle: Vec<_> = (0..100).map(|_| connect(&api.socket)).collect();
    assert_eq!(api.get("/run").status, 200);
    followers.pop();
    while api.get("/logs").status != 200 {}
    api.send("POST", "/instances/restart", r#"{"names":["web"]}"#).json(200);
    for follower in &mut followers {
        let mut line = String::new();
        std::io::BufRead::read_line(follower, &mut line).unwrap();
        assert!(!line.is_empty());
    }
    drop(idle);
}

#[test]
fn where_all_are_busy_it_is_said_that_there_is_no_room() {
    let api = Api::start("web: ./child ready wait\n");
    let followers: Vec<_> = (0..48).map(|_| api.follow("/events")).collect();
    let request = "POST /instances/stop HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n";
    let half: Vec<_> = (0..16)
        .map(|_| {
            let mut stream = connect(&api.socket);
            stream.write_all(request.as_bytes()).unwrap();
            // From here on its body is waited for.
            super::support::read_until(&mut stream, "100 Continue");
            stream
        })
        .collect();
    assert_eq!(api.get("/run").error(503), "too many connections are open");
    drop((followers, half));
    while api.get("/run").status != 200 {}
}

#[test]
fn who_follows_a_flood_and_chooses_nothing_of_it_holds_up_nobody() {
    let api = Api::of(app("web: yes\n").args(["--quiet", "web"]));
    let mut streams = [(); 2].map(|()| connect(&api.socket));
    for (stream, grep) in streams.iter_mut().zip(["n", "(%5Cw%7Cy)%7B9%7Dn"]) {
        let request = format!("GET /logs?follow=true&grep={grep} HTTP/1.0\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
    }
    for _ in 0..20 {
        assert_eq!(api.get("/run").status, 200);
    }
}

#[test]
fn another_user_is_refused_even_where_the_directory_was_opened_to_all() {
    if !Uid::effective().is_root() {
        return skip("only root can be another user");
    }
    let nobody = User::from_name("nobody").unwrap().unwrap();
    let app = app("web: ./child ready wait\n");
    let (root, runtime) = (app.path(""), app.path("runtime"));
    let api = Api::of(app);
    // Cannot even reach the socket; and once it can, is not answered.
    for opened in [false, true] {
        if opened {
            let all = |path: &std::path::Path, mode| {
                std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
            };
            let dir = api.socket.parent().unwrap();
            for path in [&root, &runtime, &runtime.join("proc"), &dir.to_owned()] {
                all(path, 0o755);
            }
            all(&api.socket, 0o777);
        }
        let script = "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ntry:\n    s.connect(sys.argv[1])\nexcept PermissionError:\n    sys.exit(3)\ntry:\n    s.sendall(b'GET /run HTTP/1.0\\r\\n\\r\\n')\n    sys.exit(4 if s.recv(1) else 5)\nexcept OSError:\n    sys.exit(5)";
        let mut command = Command::new("python3");
        command.args(["-c", script]).arg(&api.socket).current_dir("/");
        let status = command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw()).status().unwrap();
        assert_eq!(status.code(), Some(if opened { 5 } else { 3 }), "opened: {opened}");
    }
    assert_eq!(api.get("/run").status, 200);
}
