//! What is in an env file stays between it and the processes; and what it says does nothing to `proc`.

use crate::support::{Finished, Proc};
use insta::assert_snapshot;
use nix::sys::signal::Signal;
use std::os::unix::fs::PermissionsExt;

const CANARY: &str = "c4n4ryvalue";

/// An application below a directory that everybody may pass through.
fn open(env: &str) -> Proc {
    let proc = Proc::new("web: ./child exit 0\n").file(".env", env);
    mode(&proc, "", 0o755);
    mode(&proc, ".env", 0o644);
    proc
}

fn mode(proc: &Proc, name: &str, mode: u32) {
    std::fs::set_permissions(proc.path(name), PermissionsExt::from_mode(mode)).unwrap();
}

fn check(proc: Proc) -> Finished {
    proc.args(["check"]).run()
}

// F85
#[test]
fn secrets_that_everybody_can_read_are_warned_of() {
    let run = check(open("PORT=1\nAPI_KEY=c4n4ryvalue\n"));
    run.exits(0).never_says(CANARY).says("valid procfile");
    assert_snapshot!(run.stderr(), @"warning: everybody on this machine can read .env, and line 2 of it looks like a secret (API_KEY): `chmod 600 .env`");
    let run = open("DATABASE_URL=postgres://shop:c4n4ryvalue@host/db\n").args(["start", "--no-port"]).run();
    run.exits(0)
        .never_says(CANARY)
        .complains("looks like a secret (DATABASE_URL): `chmod 600 .env`")
        .stdout();
    check(open("A=1\n").args(["-e", ".env"])).exits(0).says("valid");
    let listed = open("LICENCE=c4n4ryvalue\n").file("proc.toml", "secrets = [\"LIC*\"]\n");
    check(listed).exits(0).never_says(CANARY).complains("(LICENCE): `chmod 600 .env`").says("valid");
    let named = open("").file("my.env", "TOKEN=c4n4ryvalue\n");
    mode(&named, "my.env", 0o604);
    check(named.args(["-e", "my.env"])).exits(0).complains("can read my.env, and line 1").says("valid");
}

// F85
#[test]
fn there_is_no_warning_where_nobody_else_can_read_or_nothing_is_a_secret() {
    let quiet = |proc: Proc| {
        check(proc).exits(0).says("valid procfile");
    };
    for env in ["PORT=1\nLOG_LEVEL=debug\n", "API_KEY=\n", "API_KEY=$OTHER\n", "URL=http://host/\n"] {
        quiet(open(env));
    }
    for (name, permissions) in [(".env", 0o600), (".env", 0o640), ("", 0o700), ("", 0o750)] {
        let proc = open("API_KEY=c4n4ryvalue\n");
        mode(&proc, name, permissions);
        quiet(proc);
    }
    for name in [".env.example", "sample.env"] {
        let proc = open("").file(name, "API_KEY=c4n4ryvalue\n");
        mode(&proc, name, 0o644);
        quiet(proc.args(["-e", name]));
    }
    open("API_KEY=c4n4ryvalue\n").args(["run", "./child", "exit", "0"]).run().exits(0);
}

// F77
#[test]
fn who_is_root_is_warned_of_files_that_everybody_can_change() {
    let warnings = |exposed: &str, permissions: u32| {
        let proc = open("A=1\n");
        mode(&proc, exposed, permissions);
        let run = check(proc);
        run.exits(0).says("valid procfile");
        run.stderr()
    };
    assert_eq!(warnings("Procfile", 0o644), "");
    let is_root = nix::unistd::geteuid().is_root();
    for (exposed, permissions, named) in
        [("Procfile", 0o666, "Procfile,"), (".env", 0o646, ".env,"), ("", 0o777, "Procfile,")]
    {
        let said = warnings(exposed, permissions);
        assert_eq!(
            said.contains(&format!("warning: everybody on this machine can change {named}")),
            is_root,
            "{said}"
        );
    }
}

// F85
#[test]
fn a_secret_is_in_the_environment_of_the_processes_and_nowhere_else() {
    let proc = Proc::start("web: ./child ready wait\nshell: ./child ready && ./child wait\n");
    let proc = proc.file(".env", format!("API_KEY={CANARY}\n")).args(["--log-dir", "logs"]);
    mode(&proc, ".env", 0o600);
    let proc = proc.spawn();
    proc.wait_until("both to be ready", |stdout| stdout.matches("| ready").count() == 2);
    let of = |pid: i32, file: &str| std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let holds = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(CANARY);
    let all = proc.all_processes();
    assert!(all.len() > 2, "{all:?}");
    assert!(all.iter().any(|pid| holds(&of(*pid, "environ"))));
    for pid in &all {
        assert!(!holds(&of(*pid, "cmdline")) && !holds(&of(*pid, "comm")), "{pid}");
    }
    assert!(!holds(&of(proc.pid().as_raw(), "environ")));
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).never_says(CANARY).stdout();
    for entry in std::fs::read_dir(run.directory().join("logs")).unwrap() {
        assert!(!holds(&std::fs::read(entry.unwrap().path()).unwrap()));
    }
}

// F77
#[test]
fn a_library_that_an_env_file_preloads_is_the_processes_affair() {
    let run =
        Proc::start("web: ./child env LD_PRELOAD exit 0\n").file(".env", "LD_PRELOAD=./no-such.so\n").run();
    // The dynamic linker says on standard error of whom it concerns: were it ours, the end of this test would find it there.
    run.exits(0).says("| LD_PRELOAD=./no-such.so\n").says("web.1  | ERROR: ld.so: object './no-such.so'");
}

// F77
#[test]
fn the_shell_is_that_of_the_system_whatever_the_path_of_an_env_file_says() {
    let proc = Proc::start("web: echo \"the shell is $0\"; exit 0\n").args(["--env-override"]);
    let proc = proc.file(".env", "PATH=./bin:/usr/bin:/bin\nENV=./bin/sh\nBASH_ENV=./bin/sh\n");
    let proc = proc.file("bin/sh", "#!/bin/sh\necho not me\n");
    mode(&proc, "bin/sh", 0o755);
    let run = proc.run();
    run.exits(0).says("| the shell is sh\n").never_says("not me");
}

// F78
#[test]
fn a_value_is_never_text_of_a_command() {
    let values = "X='$(touch pwned); touch pwned'\nY='\"; touch pwned; \"'\n";
    let run = Proc::start("web: echo $X \"$Y\" '$X' $FOOX; exit 0\n").file(".env", values).run();
    run.exits(0).says("| $(touch pwned); touch pwned \"; touch pwned; \" $X\n");
    assert!(!run.directory().join("pwned").exists());
}
