//! `proc env`: every variable with its source, secrets masked; and which source beats which.

use crate::support::Proc;
use insta::assert_snapshot;

/// What `proc env` prints for an application with this `.env`, without what every test has.
fn env(proc: Proc) -> String {
    let run = proc.run();
    run.exits(0);
    let common = ["PATH=", "HOME=", "TZ=", "COLUMNS=", "TERM="];
    let stdout = run.stdout();
    let lines = stdout.lines().filter(|line| !common.iter().any(|name| line.starts_with(name)));
    lines.collect::<Vec<_>>().join("\n")
}

fn app() -> Proc {
    Proc::new("web: a\nside-kiq: b\n")
}

#[test]
fn each_variable_is_shown_with_its_source() {
    let proc = app().file(".env", "FROM_FILE=1\nBLANKS=a b\n\nEMPTY=\n").variable("INHERITED", "2");
    let shown = env(proc.args(["env", "web.2", "-E", "SET=3"]));
    assert_snapshot!(shown, @r"
    BLANKS='a b' # .env:2
    EMPTY= # .env:4
    FROM_FILE=1 # .env:1
    INHERITED=2 # environment
    PORT=5001 # proc
    PROC_INSTANCE=2 # proc
    PROC_SIDE_KIQ_PORT=5100 # proc
    PROC_TYPE=web # proc
    PROC_WEB_PORT=5000 # proc
    PS=web.2 # proc
    SET=3 # -E
    ");
}

#[test]
fn without_a_type_it_is_what_a_command_of_run_sees() {
    assert_snapshot!(env(app().args(["env"])), @r"
    PORT=5000 # proc
    PROC_INSTANCE=1 # proc
    PROC_SIDE_KIQ_PORT=5100 # proc
    PROC_TYPE=run # proc
    PROC_WEB_PORT=5000 # proc
    PS=run.1 # proc
    ");
    assert_snapshot!(env(app().args(["env", "side-kiq", "-p", "3000"])), @r"
    PORT=3100 # proc
    PROC_INSTANCE=1 # proc
    PROC_SIDE_KIQ_PORT=3100 # proc
    PROC_TYPE=side-kiq # proc
    PROC_WEB_PORT=3000 # proc
    PS=side-kiq.1 # proc
    ");
    assert_snapshot!(env(app().args(["env", "web", "--no-port"])), @r"
    PROC_INSTANCE=1 # proc
    PROC_TYPE=web # proc
    PS=web.1 # proc
    ");
}

#[test]
fn secrets_are_masked_unless_they_are_asked_for() {
    let file = "API_KEY=c4n4ry\nDATABASE_URL=postgres://me:c4n4ry@host/db\nPLAIN=seen\nDB_PASSWORD=\n";
    let run = app()
        .file(".env", file)
        .variable("GITHUB_TOKEN", "c4n4ry")
        .args(["env", "-E", "MY_SECRET=c4n4ry"])
        .run();
    run.exits(0).never_says("c4n4ry").says("API_KEY='********' # .env:1").says("PLAIN=seen # .env:3");
    run.says("DATABASE_URL='postgres://me:********@host/db' # .env:2").says("GITHUB_TOKEN='********'");
    let run = app().file(".env", file).args(["env", "--show-secrets"]).run();
    run.exits(0).says("API_KEY=c4n4ry").says("DATABASE_URL=postgres://me:c4n4ry@host/db");
}

#[test]
fn what_it_prints_reads_back_as_an_env_file() {
    let file = "A='it is $HOME'\nB=\"two\\nlines 'and' \\\"quotes\\\" \\\\ \\$x\"\nC=a#b\nD=\"#\"\nE=\nF=\"tab\\there \"\n";
    let first = app().file(".env", file).args(["env", "web", "--show-secrets"]).run();
    first.exits(0);
    let values = |text: &str| {
        let run = Proc::new("web: a\n")
            .file("read.env", text)
            .args(["env", "web", "--show-secrets", "-e", "read.env"])
            .run();
        run.exits(0);
        let own = ["A=", "B=", "C=", "D=", "E=", "F="];
        let stdout = run.stdout();
        let lines = stdout.lines().filter(|line| own.iter().any(|name| line.starts_with(name)));
        lines.map(|line| line.rsplit_once(" # ").unwrap().0.to_owned()).collect::<Vec<_>>()
    };
    let (again, original) = (values(&first.stdout()), values(file));
    assert_eq!(again.len(), 6);
    assert_eq!(again, original);
}

#[test]
fn a_type_that_is_not_there_and_a_number_that_is_none_are_errors() {
    let run = app().args(["env", "wbe"]).run();
    run.exits(2);
    assert_snapshot!(run.stderr(), @r"
    error: no process type `wbe`; there are web, side-kiq
      hint: did you mean `web`?
    ");
    for instance in ["web.0", "web.x", "web.-1", "web.", "web.1.2"] {
        app().args(["env", instance]).run().exits(2).complains(&format!("`{instance}` is not TYPE.N"));
    }
}

/// The value that a started process sees, and the one that `proc env` and `proc run` tell of: they must be the same.
fn value(name: &str, files: &[&str], proc: &dyn Fn() -> Proc, args: &[&str]) -> String {
    let with_files = || {
        let proc = files
            .iter()
            .enumerate()
            .fold(proc(), |proc, (index, text)| proc.file(&format!("{index}.env"), text));
        let names = (0..files.len()).flat_map(|index| ["-e".to_owned(), format!("{index}.env")]);
        proc.args(args).args(names)
    };
    let procfile = format!("web: ./child env {name} exit 0\n");
    let started = with_files().file("Procfile", &procfile).args(["start", "--no-port"]).run();
    started.exits(0);
    let started = started.lines_of("web.1")[1].clone();
    let run = with_files().file("Procfile", &procfile).args(["run", "--no-port", "web"]).run();
    run.exits(0);
    assert_eq!(run.stdout().trim_end(), started);
    started
}

#[test]
fn the_highest_source_that_has_a_variable_gives_its_value() {
    let plain = || Proc::without_procfile();
    let inherited = || plain().variable("K", "inherited").variable("PS", "inherited");
    for (files, proc, args, expected) in [
        (&["K=first\n"][..], &plain as &dyn Fn() -> Proc, &[][..], "K=first"),
        (&["K=first\n", "K=second\n"], &plain, &[], "K=second"),
        (&["K=first\nK=again\n"], &plain, &[], "K=again"),
        (&["K=first\n"], &inherited, &[], "K=inherited"),
        (&["K=first\n"], &inherited, &["--env-override"], "K=first"),
        (&[], &inherited, &["--env-override"], "K=inherited"),
        (&["K=first\n"], &inherited, &["-E", "K=set"], "K=set"),
        (&["K=first\n"], &inherited, &["-E", "K=set", "--env-override"], "K=set"),
        (&["K=first\n"], &plain, &["-E", "K=set", "-E", "K=later"], "K=later"),
        (&["K=first\n"], &plain, &["-E", "K="], "K="),
        (&["K=${L:-none}\n"], &plain, &["-E", "L=set"], "K=set"),
        (&["L=a\n", "K=$L-b\n"], &plain, &[], "K=a-b"),
        (&[], &plain, &[], "K is unset"),
    ] {
        assert_eq!(value("K", files, proc, args), expected, "{files:?} {args:?}");
    }
    assert_eq!(value("PS", &["PS=file\n"], &inherited, &[]), "PS=web.1");
    assert_eq!(value("PS", &["PS=file\n"], &inherited, &["-E", "PS=set"]), "PS=set");
}

#[test]
fn a_value_is_expanded_for_each_instance_with_its_own_port_and_name() {
    let base = crate::support::free_ports(1);
    let run = Proc::new("web: ./child env URL exit 0\n")
        .file(".env", "URL=http://localhost:$PORT/${PS}\n")
        .args(["start", "web=2", "--exit-on", "all", "-p", &base.to_string()])
        .run();
    run.exits(0);
    assert_eq!(run.lines_of("web.1")[1], format!("URL=http://localhost:{base}/web.1"));
    assert_eq!(run.lines_of("web.2")[1], format!("URL=http://localhost:{}/web.2", base + 1));
}

#[test]
fn several_files_may_be_named_in_one_list() {
    let run = Proc::without_procfile().file("a.env", "A=1\nK=a\n").file("b.env", "K=b\n");
    let run = run.args(["run", "-e", "a.env,b.env", "./child", "env", "A", "env", "K", "exit", "0"]).run();
    run.exits(0);
    assert_eq!(run.stdout(), "A=1\nK=b\n");
}

#[test]
fn the_default_file_is_not_read_where_others_are_named() {
    let run = Proc::without_procfile().file(".env", "A=1\n").file("b.env", "K=b\n");
    let run = run.args(["run", "-e", "b.env", "./child", "env", "A", "exit", "0"]).run();
    run.exits(0);
    assert_eq!(run.stdout(), "A is unset\n");
}

#[test]
fn a_secret_of_the_environment_is_in_no_output_of_a_run() {
    let run = Proc::start("web: ./child exit 3\nworker: no-such-command\n")
        .file(".env", "API_KEY=c4n4ry\n")
        .args(["-E", "OTHER=c4n4ry", "--exit-on", "all"])
        .run();
    run.never_says("c4n4ry").stdout();
}

#[test]
fn a_secret_is_hidden_in_what_it_was_filled_into() {
    let env = "API_KEY=hunter2\nHEADER=\"Bearer $API_KEY\"\n";
    let run = Proc::new("web: x\n").file(".env", env).args(["env", "web"]).run();
    run.exits(0).says("HEADER='Bearer ********'").never_says("hunter2");
    let shown = Proc::new("web: x\n").file(".env", env).args(["env", "web", "--show-secrets"]).run();
    shown.exits(0).says("Bearer hunter2");
}
