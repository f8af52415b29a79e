//! `proc start`: what is started, with which variables, and what its lines look like.

use crate::support::{PATH, Proc, cpu_ticks, free_ports};
use insta::assert_snapshot;
use nix::sys::signal::Signal;

#[test]
fn each_line_carries_the_name_padded_to_the_longest_that_is_started() {
    let run = Proc::start("web: ./child say hello exit 0\nnot-this-one: ./child wait\n").args(["web"]).run();
    run.exits(0);
    assert_snapshot!(run.stdout(), @r"
    web.1  | started with pid [pid]
    web.1  | hello
    web.1  | exited with code 0
    ");
    let run = Proc::start("a-long-name: ./child say hello exit 0\n").run();
    run.exits(0);
    assert_snapshot!(run.stdout(), @r"
    a-long-name.1 | started with pid [pid]
    a-long-name.1 | hello
    a-long-name.1 | exited with code 0
    ");
}

#[test]
fn instances_are_started_in_the_order_of_the_procfile_and_of_their_numbers() {
    let proc =
        Proc::start("web: ./child wait\nclock: ./child wait\n").args(["clock=2", "web", "-t", "0"]).spawn();
    proc.wait_for("clock.2 | started");
    let run = proc.end_by(Signal::SIGTERM);
    let stdout = run.stdout();
    let started: Vec<&str> = stdout.lines().filter(|line| line.contains("started with")).collect();
    assert_eq!(
        started,
        [
            "web.1   | started with pid [pid]",
            "clock.1 | started with pid [pid]",
            "clock.2 | started with pid [pid]"
        ]
    );
}

#[test]
fn the_started_line_has_the_pid_of_the_command_itself() {
    let proc = Proc::start("web: ./child pid wait\n").spawn();
    assert_eq!(proc.number_after("started with pid "), proc.number_after("| pid "));
}

// F35
#[test]
fn a_run_that_waits_uses_next_to_no_processor_time_whatever_standard_input_is() {
    for input in ["</dev/null", "<&-"] {
        let proc =
            Proc::start("web: ./child ticks 20 wait\n").by_shell(&format!("exec \"$@\" {input}")).spawn();
        proc.wait_for("| tick ");
        let both = [proc.pid(), proc.supervisor()];
        let used = || both.map(cpu_ticks).iter().sum::<u64>();
        let (before, ticks) = (used(), proc.count("| tick "));
        proc.wait_until("a second of ticks", |stdout| stdout.matches("| tick ").count() >= ticks + 50);
        assert!(used() < before + 30, "{} % with stdin {input}", used() - before);
        proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).stdout();
    }
}

#[test]
fn each_instance_gets_its_port_and_its_name_and_the_first_port_of_every_type() {
    let base = free_ports(2);
    let verbs =
        "env PORT env PS env PROC_TYPE env PROC_INSTANCE env PROC_WEB_PORT env PROC_SIDE_KIQ_PORT exit 0";
    let run = Proc::new(format!("web: ./child {verbs}\nside-kiq: ./child {verbs}\n"))
        .args(["start", "web=2", "side-kiq", "--exit-on", "all", "-p", &base.to_string()])
        .run();
    run.exits(0);
    for (name, port) in [("web.1", base), ("web.2", base + 1), ("side-kiq.1", base + 100)] {
        let (process_type, number) = name.split_once('.').unwrap();
        let expected = [
            format!("PORT={port}"),
            format!("PS={name}"),
            format!("PROC_TYPE={process_type}"),
            format!("PROC_INSTANCE={number}"),
            format!("PROC_WEB_PORT={base}"),
            format!("PROC_SIDE_KIQ_PORT={}", base + 100),
        ];
        assert_eq!(run.lines_of(name)[1..7], expected);
    }
}

#[test]
fn the_base_port_is_that_of_the_option_else_of_port_as_the_environment_rules_give_it() {
    let base = free_ports(4).to_string();
    let one = |proc: Proc| {
        let run = proc.run();
        run.exits(0);
        run.lines_of("web.1")[1].clone()
    };
    let web = || Proc::new("web: ./child env PORT exit 0\n").args(["start"]);
    let other = (base.parse::<u16>().unwrap() + 100).to_string();
    let expected = format!("PORT={base}");
    assert_eq!(one(web().args(["-p", &base])), expected);
    assert_eq!(one(web().variable("PORT", &base)), expected);
    assert_eq!(one(web().file(".env", format!("PORT={base}\n"))), expected);
    assert_eq!(one(web().file(".env", format!("PORT={other}\n")).variable("PORT", &base)), expected);
    let overriding = web().file(".env", format!("PORT={base}\n")).variable("PORT", &other);
    assert_eq!(one(overriding.args(["--env-override"])), expected);
    assert_eq!(one(web().args(["-p", &base]).variable("PORT", &other)), expected);
}

#[test]
fn without_ports_the_process_sees_the_port_that_proc_inherited_and_no_other() {
    let run = Proc::start("web: ./child env PORT env PROC_WEB_PORT exit 0\n").run();
    run.exits(0);
    assert_eq!(run.lines_of("web.1")[1..3], ["PORT is unset", "PROC_WEB_PORT is unset"]);
}

/// The names of the instances that a command line starts, in order.
fn started(args: &[&str]) -> Vec<String> {
    let types = "release: ./child wait\nweb: ./child wait\nworker: ./child wait\nclock: ./child wait\nlast: ./child wait\n";
    let run = Proc::start(types).args(["-t", "0"]).args(args).spawn();
    run.wait_for("last.1");
    let run = run.end_by(Signal::SIGTERM);
    let stdout = run.stdout();
    let names = stdout.lines().filter(|line| line.contains("started with pid"));
    names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "last.1")
        .map(Into::into)
        .collect()
}

#[test]
fn the_formation_says_what_is_started() {
    for (args, expected) in [
        (&[][..], &["web.1", "worker.1", "clock.1"][..]),
        (&["web=2", "last"], &["web.1", "web.2"]),
        (&["web", "release", "last"], &["release.1", "web.1"]),
        (&["-m", "web=2,last=1"], &["web.1", "web.2"]),
        (&["-c", "web=2,last=1"], &["web.1", "web.2"]),
        (&["--formation", " web = 1 , last=1"], &["web.1"]),
        (&["--concurrency", "all=1,web=2,clock=0"], &["web.1", "web.2", "worker.1"]),
        (&["-m", "*=1,web=0"], &["worker.1", "clock.1"]),
        (&["-m", "all=1", "-m", "release=1"], &["release.1", "web.1", "worker.1", "clock.1"]),
        (&["-x", "web"], &["worker.1", "clock.1"]),
        (&["-x", "web,clock"], &["worker.1"]),
        (&["-x", "web", "-x", "clock"], &["worker.1"]),
        (&["web=2", "worker", "last", "-x", "web"], &["worker.1"]),
    ] {
        assert_eq!(started(args), expected, "{args:?}");
    }
}

#[test]
fn a_notice_names_the_one_offs_that_were_left_out() {
    let procfile = "release: ./child wait\nmigrate: ./child wait\nweb: ./child exit 0\n";
    let run = Proc::start(procfile).run();
    run.exits(0);
    assert_snapshot!(run.stdout(), @r"
    system | not started: release, migrate (one-offs; proc run migrate)
    web.1  | started with pid [pid]
    web.1  | exited with code 0
    ");
    let run = Proc::start(procfile).args(["web"]).run();
    run.exits(0).never_says("not started");
    run.stdout();
}

#[test]
fn the_lines_of_a_quiet_type_are_hidden() {
    let run = Proc::start("web: ./child say secret-noise exit 0\nworker: ./child say heard exit 0\n")
        .args(["-q", "web", "--exit-on", "all"])
        .run();
    run.exits(0).never_says("secret-noise");
    run.says("heard");
}

#[test]
fn timestamps_have_the_form_that_is_asked_for() {
    let digits = |text: &str| text.replace(|char: char| char.is_ascii_digit(), "9");
    for (args, expected) in [
        (&[][..], "99:99:99 web.9  | hello"),
        (&["--timestamps", "time"], "99:99:99 web.9  | hello"),
        (&["--timestamps", "rfc3339"], "9999-99-99T99:99:99.999+99:99 web.9  | hello"),
        (&["--timestamps", "elapsed"], "    9.999s web.9  | hello"),
        (&["--timestamps", "none"], "web.9  | hello"),
        (&["--no-timestamps"], "web.9  | hello"),
    ] {
        let run = Proc::new("web: ./child say hello exit 0\n").args(["start", "--no-port"]).args(args).run();
        run.exits(0);
        assert_eq!(digits(run.stdout().lines().nth(1).unwrap()), expected, "{args:?}");
    }
}

#[test]
fn colours_go_round_by_procfile_index_and_system_is_bright_white() {
    let run = Proc::start(
        "console: x\nweb: ./child ignore TERM ready wait\nworker: ./child say hello ready wait\n",
    )
    .args(["--color", "always", "-t", "0"])
    .spawn();
    run.wait_until("both", |stdout| stdout.matches("ready").count() == 2);
    let run = run.end_by(Signal::SIGTERM);
    run.says("\u{1b}[0;33mweb.1    | \u{1b}[0mready");
    run.says("\u{1b}[0;32mworker.1 | \u{1b}[0mhello");
    run.says("\u{1b}[0;97msystem   | \u{1b}[0mnot started: console");
}

#[test]
fn without_a_terminal_there_is_no_colour_unless_the_environment_forces_it() {
    let web = || Proc::start("web: ./child say hello exit 0\n");
    web().run().exits(0).never_says("\u{1b}").stdout();
    web().variable("FORCE_COLOR", "1").run().exits(0).says("\u{1b}[0;36mweb.1");
    web()
        .variable("CLICOLOR_FORCE", "1")
        .variable("NO_COLOR", "1")
        .run()
        .exits(0)
        .never_says("\u{1b}")
        .stdout();
}

#[test]
fn the_children_run_beside_the_procfile_or_in_the_root_that_is_named() {
    let cwd = |proc: Proc| {
        let run = proc.run();
        run.exits(0);
        run.lines_of("web.1")[1].replace("/private", "")
    };
    let app = || Proc::without_procfile().file("app/Procfile", "web: /bin/pwd\n").file("else/.env", "");
    assert_eq!(cwd(app().args(["start", "--no-port", "-f", "app/Procfile"])), "[dir]/app");
    assert_eq!(cwd(app().args(["start", "--no-port", "-d", "app"])), "[dir]/app");
    assert_eq!(cwd(app().args(["start", "--no-port", "-f", "app/Procfile", "-d", "else"])), "[dir]/else");
    let piped = Proc::without_procfile().stdin("web: /bin/pwd\n").args(["start", "--no-port", "-f", "-"]);
    assert_eq!(cwd(piped), "[dir]");
}

#[test]
fn procfile_dev_is_read_with_a_notice_where_there_is_no_procfile() {
    let run = Proc::without_procfile()
        .file("Procfile.dev", "web: ./child exit 0\n")
        .args(["start", "--no-port"])
        .run();
    run.exits(0).says("web.1");
    assert_snapshot!(run.stderr(), @"no Procfile here; using Procfile.dev");
}

#[test]
fn a_simple_command_is_found_in_the_childs_own_path() {
    let tool = "#!/bin/sh\necho found in $PATH\n";
    let proc = Proc::start("web: tool\n").file("bin/tool", tool);
    let path = proc.path("bin/tool");
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let bin = proc.path("bin").display().to_string();
    let run = proc.args(["-E", &format!("PATH={bin}:{PATH}")]).run();
    run.exits(0).says("found in [dir]/bin");
}
