//! `proc.toml`: what comes of it in each command, what is wrong with it, and `proc config`.

use crate::support::{Proc, free_ports};
use insta::assert_snapshot;
use nix::sys::signal::Signal;

const WEB: &str = "web: ./child env NAME exit 0\n";

fn start(procfile: &str, config: &str) -> Proc {
    Proc::start(procfile).file("proc.toml", config)
}

#[test]
fn a_process_has_its_number_its_variables_and_its_directory() {
    let config = r#"
[process.web]
scale = 2
env = { NAME = "$HOME is literal" }
env_file = "web.env"
working_dir = "app"
on_exit = "continue"
"#;
    let web = "web: ../child env NAME env OTHER cwd exit 0\n";
    let run = start(web, config).file("web.env", "NAME=x\nOTHER=$NAME\n").file("app/x", "").run();
    run.exits(0);
    for name in ["web.1", "web.2"] {
        let lines = run.lines_of(name);
        assert!(lines.contains(&"NAME=$HOME is literal".to_owned()), "{lines:?}");
        assert!(lines.contains(&"OTHER=x".to_owned()), "{lines:?}");
        assert!(lines.contains(&"[dir]/app".to_owned()), "{lines:?}");
    }
}

#[test]
fn a_type_can_exist_here_only_with_a_port_of_its_own() {
    let base = free_ports(3);
    let verbs = "env PORT env PROC_REDIS_PORT exit 0";
    let config =
        format!("port = {base}\n[process.redis]\ncommand = \"./child {verbs}\"\nport = {}\n", base + 200);
    let proc = Proc::new(format!("web: ./child {verbs}\n")).file("proc.toml", config);
    let run = proc.args(["start", "--exit-on", "all", "--no-timestamps"]).run();
    run.exits(0);
    let (redis, web) = (format!("PROC_REDIS_PORT={}", base + 200), format!("PORT={base}"));
    assert!(
        run.lines_of("web.1").contains(&web) && run.lines_of("web.1").contains(&redis),
        "{}",
        run.stdout()
    );
    assert!(run.lines_of("redis.1").contains(&format!("PORT={}", base + 200)), "{}", run.stdout());
}

#[test]
fn lines_can_be_hidden_by_the_file() {
    let run = start("web: ./child say hello exit 0\n", "[process.web]\nlog = \"hidden\"\n").run();
    run.exits(0).says("exited with code 0").never_says("hello");
}

#[test]
fn a_profile_or_a_name_starts_what_sleeps_otherwise() {
    let config = "[process.debug]\ncommand = \"./child say debugging exit 0\"\nprofiles = [\"dev\"]\n";
    let all = |args: &[&str]| start(WEB, config).args(["--exit-on", "all"]).args(args).run();
    all(&[]).exits(0).never_says("debugging").stdout();
    all(&["--profile", "dev"]).exits(0).says("debugging").says("NAME is unset");
    all(&["debug"]).exits(0).says("debugging").never_says("NAME is unset");
    let run = all(&["--profile", "dve"]);
    run.exits(2);
    assert_snapshot!(run.stderr(), @r"
    error: --profile: no process has the profile `dve`; there are dev
      hint: did you mean `dev`?
    ");
    let run = start(WEB, config).args(["--exit-on", "all"]).variable("PROC_PROFILE", "dev").run();
    run.exits(0).says("debugging").stdout();
}

#[test]
fn what_is_needed_is_started_too_and_what_is_left_out_by_name_is_not_waited_for() {
    let config = "[process.web]\ndepends_on = { setup = \"completed_successfully\" }\n[process.setup]\ncommand = \"./child say done exit 0\"\n";
    let run = start(WEB, config).args(["web"]).run();
    run.exits(0).says("setup is started too: web depends on it").says("setup.1 | done");
    let run = start(WEB, config).args(["-x", "setup"]).run();
    run.exits(0)
        .says("setup was left out, so it runs elsewhere: web does not wait for it")
        .never_says("done");
}

#[test]
fn release_first_waits_for_what_it_needs_itself() {
    let config = "[process.release]\ndepends_on = [\"redis\"]\n[process.redis]\ncommand = \"./child wait\"\n";
    let run = start("web: ./child exit 0\nrelease: ./child say released exit 0\n", config)
        .args(["--release", "-t", "0"])
        .run();
    let stdout = run.exits(0).stdout();
    let at = |text: &str| stdout.find(text).unwrap_or_else(|| panic!("{text} is not in\n{stdout}"));
    assert!(
        at("redis.1   | started") < at("released") && at("released") < at("web.1     | started"),
        "{stdout}"
    );
}

#[test]
fn the_command_line_beats_the_environment_and_that_the_file() {
    let config =
        "stop_grace_period = \"7s\"\non_exit = \"continue\"\n[process.web]\nstop_grace_period = \"8s\"\n";
    let rows = |args: &[&str], variables: &[(&str, &str)]| {
        let mut proc = start_config(config).args(args);
        for (name, value) in variables {
            proc = proc.variable(name, value);
        }
        let run = proc.run();
        run.exits(0);
        let stdout = run.stdout();
        let rows = stdout
            .lines()
            .filter(|line| line.starts_with("stop_grace_period") || line.starts_with("on_exit"));
        rows.map(|row| row.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    let file = ["continue proc.toml:2", "7s proc.toml:1", "8s proc.toml:4", "continue proc.toml:2"];
    assert_eq!(rows(&[], &[]), file);
    let variables = [("PROC_TIMEOUT", "9s"), ("PROC_EXIT_ON", "failure")];
    let by_variable = [
        "stop-on-failure PROC_EXIT_ON",
        "9s PROC_TIMEOUT",
        "9s PROC_TIMEOUT",
        "stop-on-failure PROC_EXIT_ON",
    ];
    assert_eq!(rows(&[], &variables), by_variable);
    let by_line = ["stop command line", "1s command line", "1s command line", "stop command line"];
    assert_eq!(rows(&["-t", "1", "--exit-on", "any"], &variables), by_line);
}

fn start_config(config: &str) -> Proc {
    Proc::new(WEB).file("proc.toml", config).args(["config"])
}

#[test]
fn a_number_on_the_command_line_beats_scale_and_a_bare_name_does_not() {
    let scale = |args: &[&str]| {
        let run = start(WEB, "[process.web]\nscale = 3\n").args(["--exit-on", "all"]).args(args).run();
        run.exits(0);
        run.stdout().matches("started with").count()
    };
    for (args, count) in
        [(&[][..], 3), (&["web"], 3), (&["web=2"], 2), (&["-m", "web=1"], 1), (&["-m", "all=2"], 2)]
    {
        assert_eq!(scale(args), count, "{args:?}");
    }
}

#[test]
fn nothing_is_started_and_all_mistakes_are_named_with_their_places() {
    let config = "prot = 1\n[process.web]\nscale = -1\nkill_timeout = 1600\nrestart = \"allways\"\ndepends_on = { redis = \"healthy\" }\n[process.nope]\n";
    for command in ["start", "check", "config", "run", "env"] {
        let words: &[&str] = if command == "run" { &["run", "web"] } else { &[command] };
        let run = Proc::new(WEB).file("proc.toml", config).args(words).run();
        run.exits(2).never_says("started with");
        assert_eq!(run.stderr().matches("proc.toml:").count(), 6, "{command}: {}", run.stderr());
    }
    let run = Proc::new(WEB).file("proc.toml", config).args(["check"]).run();
    run.exits(2);
    assert_snapshot!(run.stderr(), @r#"
    proc.toml:1:1: unknown key `prot`
     1 | prot = 1
       | ^^^^
      hint: did you mean `port`?
    proc.toml:3:9: -1 is out of range: write a whole number from 0 to 10000
     3 | scale = -1
       |         ^^
    proc.toml:4:1: unknown key `kill_timeout`
     4 | kill_timeout = 1600
       | ^^^^^^^^^^^^
      hint: write `stop_grace_period`: milliseconds of pm2 as in `"1600ms"`, a bare number is seconds
    proc.toml:5:11: `allways` is none of no, on-failure, always
     5 | restart = "allways"
       |           ^^^^^^^^^
      hint: did you mean `always`?
    proc.toml:6:16: no process type `redis`; there are web
     6 | depends_on = { redis = "healthy" }
       |                ^^^^^
    proc.toml:7:10: no process type `nope` in the Procfile, and no `command` here
     7 | [process.nope]
       |          ^^^^
      hint: give it a `command` if it is to exist here only, or add `nope: …` to the Procfile
    "#);
}

#[test]
fn what_is_no_text_or_no_file_is_an_error_and_never_a_hang() {
    let check = |proc: Proc, expected: &str| {
        proc.args(["start"]).run().exits(2).complains(expected);
    };
    check(Proc::new(WEB).fifo("proc.toml"), "failed to read proc.toml: it is a FIFO, not a regular file");
    check(Proc::new(WEB).file("proc.toml/x", ""), "failed to read proc.toml: it is a directory");
    check(Proc::new(WEB).args(["--config", "/dev/zero"]), "failed to read /dev/zero: it is a device");
    check(Proc::new(WEB).args(["--config", "nowhere.toml"]), "failed to read nowhere.toml: No such file");
    check(Proc::new(WEB).file("proc.toml", vec![b'#'; 10 << 20]), "proc.toml:1:1: larger than 1 MiB");
    check(Proc::new(WEB).file("proc.toml", b"app = \"\xff\"\n"), "proc.toml:1:8: not UTF-8");
    check(Proc::new(WEB).file("proc.toml", "[process.web\n"), "proc.toml:1:13: unclosed table");
}

#[test]
fn the_file_can_be_named_and_there_can_be_none() {
    let app = || {
        start(WEB, "[process.web.env]\nNAME = \"x\"\n")
            .file("other.toml", "[process.web.env]\nNAME = \"y\"\n")
    };
    app().run().exits(0).says("NAME=x").stdout();
    app().args(["--config", "other.toml"]).run().exits(0).says("NAME=y").stdout();
    app().variable("PROC_CONFIG", "other.toml").run().exits(0).says("NAME=y").stdout();
    app().args(["--config", "/dev/null"]).run().exits(0).says("NAME is unset").stdout();
}

#[test]
fn files_and_directories_that_are_named_must_be_there() {
    let run = start(
        WEB,
        "env_files = [\"none.env\"]\n[process.web]\nenv_file = \"web.env\"\nworking_dir = \"nowhere\"\n",
    )
    .run();
    run.exits(2).complains("failed to read web.env: No such file");
    run.complains("the working_dir of web, nowhere, does not exist").never_says("none.env");
}

#[test]
fn env_files_of_the_file_are_read_in_their_order_and_an_option_beats_them() {
    let app = || {
        let app = start(WEB, "env_files = [\"a.env\", \"none.env\", \"b.env\"]\n");
        app.file("a.env", "NAME=a\n").file("b.env", "NAME=b\n").file(".env", "NAME=dot\n")
    };
    app().run().exits(0).says("NAME=b").stdout();
    app().args(["-e", ".env"]).run().exits(0).says("NAME=dot").stdout();
}

#[test]
fn a_command_that_is_run_once_has_the_variables_of_its_type() {
    let config = "[process.web]\nenv.NAME = \"x\"\nworking_dir = \"app\"\n";
    let app = || Proc::new("web: ../child env NAME cwd\n").file("proc.toml", config).file("app/x", "");
    let run = app().args(["run", "web"]).run();
    assert_eq!(run.exits(0).stdout(), "NAME=x\n[dir]/app\n");
    let run = app().args(["env", "web"]).run();
    run.exits(0).says("NAME=x # proc.toml:2\n");
    app().args(["run", "./child", "env", "NAME", "exit", "0"]).run().exits(0).says("NAME is unset");
}

#[test]
fn what_the_file_calls_a_secret_is_masked() {
    let app = || {
        Proc::new(WEB)
            .file("proc.toml", "secrets = [\"*_seed\"]\n[process.web.env]\nGAME_SEED = \"hunter2\"\n")
    };
    app()
        .args(["env", "web"])
        .run()
        .exits(0)
        .says("GAME_SEED='********' # proc.toml:3")
        .never_says("hunter2");
    app().args(["config"]).run().exits(0).says("env.GAME_SEED").never_says("hunter2");
    app().args(["config", "--show-secrets"]).run().exits(0).says("hunter2");
}

#[test]
fn a_valid_file_is_mentioned_with_the_types_that_only_it_has() {
    let check = |config: &str| Proc::new(WEB).file("proc.toml", config).args(["check"]).run();
    let run = check("[process.redis]\ncommand = \"r\"\n");
    assert_eq!(run.exits(0).stdout(), "valid procfile detected (web)\nvalid proc.toml detected (redis)\n");
    assert_eq!(check("").exits(0).stdout(), "valid procfile detected (web)\nvalid proc.toml detected\n");
}

#[test]
fn the_configuration_is_shown_with_the_origin_of_each_value() {
    let config = "app = \"shop\"\n[process.web]\nscale = 2\nreadiness = { http = \"/healthz\", interval = \"5s\" }\nenv.A = 1\n";
    let run = Proc::new(WEB).file("proc.toml", config).args(["config", "-p", "6000"]).run();
    run.exits(0);
    let stdout = run.stdout();
    // How wide a column is depends on where the test runs.
    let squeezed = stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    assert_snapshot!(squeezed.collect::<Vec<_>>().join("\n"), @r"
    app shop proc.toml:1
    port 6000 command line
    env_files none default
    on_exit stop default
    stop_grace_period 5s default
    secrets none default
    profiles none default

    [process.web]
    command ./child env NAME exit 0 Procfile:1
    scale 2 proc.toml:3
    port 6000 command line
    type none default
    profiles none default
    readiness.http /healthz proc.toml:4
    readiness.interval 5s proc.toml:4
    readiness.timeout 1s default
    readiness.start_period 30s default
    readiness.start_interval 0.2s default
    readiness.retries 3 default
    restart no default
    restart_delay 1s default
    restart_max_delay 60s default
    max_restarts 5 default
    restart_window 60s default
    min_uptime 10s default
    success_exit_codes none default
    stop_signal SIGTERM default
    stop_grace_period 5s default
    stop_command none default
    on_exit stop default
    working_dir [dir] default
    env_file none default
    env.A 1 proc.toml:5
    tty as --pty auto default
    log shown default
    ");
}

#[test]
fn the_configuration_as_json_has_each_value_beside_its_origin() {
    let run =
        start_config("[process.web]\nrestart = \"always\"\nmax_restarts = \"inf\"\nenv.\"a.b\" = true\n")
            .args(["--json"])
            .run();
    run.exits(0);
    let json: serde_json::Value = serde_json::from_slice(run.stdout_bytes()).unwrap();
    let value =
        |value: serde_json::Value, origin: &str| serde_json::json!({ "value": value, "origin": origin });
    assert_eq!(json["port"], value(5000.into(), "default"));
    let web = &json["process"]["web"];
    assert_eq!(web["command"], value("./child env NAME exit 0".into(), "Procfile:1"));
    assert_eq!(web["restart"], value("always".into(), "proc.toml:2"));
    assert_eq!(web["max_restarts"], value("inf".into(), "proc.toml:3"));
    assert_eq!(web["env"]["a.b"], value("true".into(), "proc.toml:4"));
}

#[test]
fn a_restart_reads_the_env_files_again_and_says_what_changed_by_name() {
    let config = "[process.web]\nrestart = \"always\"\nrestart_delay = \"10ms\"\nmax_restarts = \"inf\"\n";
    let web = "web: sh -c 'echo NAME=$NAME NEW=$NEW; read x <go; exit 1'\n";
    let app = start(web, config).file(".env", "NAME=hunter1\nOLD=1\n");
    let env = app.path(".env");
    let gate = app.gate();
    let proc = app.spawn();
    proc.wait_for("NAME=hunter1 NEW=");
    std::fs::write(&env, "NAME=hunter2\nNEW=1\n").unwrap();
    gate.open();
    proc.wait_for("environment changed: NAME, NEW (new), OLD (gone)");
    proc.wait_for("NAME=hunter2 NEW=1");
    std::fs::write(&env, "NAME=hunter3\nbroken\n").unwrap();
    gate.open();
    proc.wait_for("environment not read again: .env:2:1: no `=` in this line");
    proc.wait_until("the old environment", |stdout| stdout.matches("NAME=hunter2 NEW=1").count() == 2);
    proc.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).never_says("hunter3").stdout();
}

#[test]
fn what_keeps_env_files_from_being_read_again_is_said_once_until_it_is_something_else() {
    let config = "[process.web]\nrestart = \"always\"\nrestart_delay = \"10ms\"\nmax_restarts = \"inf\"\n";
    let app = start("web: echo up; read x <go; exit 1\n", config).file("web.env", "NAME=x\n");
    let env = app.path("web.env");
    let gate = app.gate();
    let proc = app.args(["-e", "web.env"]).spawn();
    let restart = |times: usize| {
        gate.open();
        proc.wait_until("another start", |stdout| stdout.matches("| up").count() == times);
    };
    proc.wait_for("| up");
    std::fs::remove_file(&env).unwrap();
    restart(2);
    restart(3);
    std::fs::write(&env, "broken\n").unwrap();
    restart(4);
    let run = proc.end_by(Signal::SIGTERM);
    let lines = run.dies_by(Signal::SIGTERM).lines_of("web.1");
    let said: Vec<_> = lines.iter().filter(|line| line.starts_with("environment")).collect();
    assert_eq!(
        said,
        [
            "environment not read again: failed to read web.env: No such file or directory (os error 2)",
            "environment not read again: web.env:1:1: no `=` in this line"
        ]
    );
}

#[test]
fn in_json_form_a_line_between_two_processes_has_the_number_of_neither() {
    let config = "[process.web]\nrestart = \"always\"\nrestart_delay = \"10ms\"\n";
    let app = start("web: ./child env NAME ready; read x <go; exit 1\n", config).file(".env", "NAME=x\n");
    let env = app.path(".env");
    let gate = app.gate();
    let proc = app.args(["--log-format", "json"]).spawn();
    proc.wait_for("ready");
    std::fs::write(&env, "NAME=y\n").unwrap();
    gate.open();
    proc.wait_for("NAME=y");
    let run = proc.end_by(Signal::SIGTERM);
    let stdout = run.dies_by(Signal::SIGTERM).stdout();
    let objects = stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let pids: Vec<_> = objects
        .filter(|object| object["type"] == "web" && object["stream"] == "system")
        .map(|object| (object["line"].as_str().unwrap().to_owned(), object["pid"].as_u64().is_some()))
        .collect();
    let has_pid = |text: &str| pids.iter().find(|(line, _)| line.starts_with(text)).map(|(_, has)| *has);
    assert_eq!(has_pid("started with pid"), Some(true));
    assert_eq!(has_pid("exited with code 1; restarting"), Some(true));
    assert_eq!(has_pid("environment changed: NAME"), Some(false));
    assert_eq!(has_pid("killed by SIGTERM"), Some(true));
}
