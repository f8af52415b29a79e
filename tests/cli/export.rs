//! `proc export`: what is asked of it wrongly, what is in its way, and what it says of itself. What the files are worth, tests/export asks
//! the tools that they are for.

use crate::support::{Finished, Proc};
use insta::assert_snapshot;
use std::os::unix::fs::{PermissionsExt as _, symlink};

const APP: &str = "web: ./web --port $PORT\nworker: ./work\nrelease: ./migrate\n";

fn export(arguments: &[&str]) -> Proc {
    Proc::new(APP).args([&["export"], arguments].concat())
}

/// Whatever the formats have to say at the end.
#[track_caller]
fn is_done(run: &Finished) {
    run.exits(0).says("").complains("carried over");
}

#[test]
fn a_format_has_to_be_named_and_be_one() {
    assert_snapshot!(export(&["upstart"]).run().exits(2).stderr(), @r"
    error: invalid value 'upstart' for '<FORMAT>'
      [possible values: systemd, compose, kubernetes, supervisord, launchd]

    For more information, try '--help'.
    ");
    export(&[]).run().exits(2).complains("<FORMAT>");
}

#[test]
fn an_option_of_another_format_is_refused() {
    for (arguments, reason) in [
        (&["systemd", "--image", "x"][..], "--image means nothing to systemd"),
        (&["compose", "--ingress", "x"], "--ingress means nothing to compose"),
        (&["launchd", "--namespace", "x"], "--namespace means nothing to launchd"),
        (&["kubernetes"], "--image"),
    ] {
        export(arguments).run().exits(2).complains(reason);
    }
    // What the environment has is for whoever takes it.
    is_done(&export(&["systemd", "--dry-run"]).variable("PROC_IMAGE", "x").run());
}

#[test]
fn names_cannot_lead_anywhere() {
    for (option, value) in [
        ("--app", "../../etc/cron.d/x"),
        ("--app", "a/b"),
        ("--app", "A"),
        ("--app", ""),
        ("--user", "root\nExecStart=/bin/x"),
        ("--namespace", "a_b"),
        ("--ingress", "a b"),
        ("--image", "a: b"),
    ] {
        let run = export(&["kubernetes", "--image", "x:1", &format!("{option}={value}")]).run();
        run.exits(2).complains(option);
    }
    let long = "w".repeat(64);
    Proc::new(format!("{long}: x\n"))
        .args(["export", "systemd"])
        .run()
        .exits(2)
        .complains("longer than 63 bytes");
}

#[test]
fn a_file_that_is_there_is_replaced_by_force_only() {
    let first = export(&["compose", "out"]).run();
    first.exits(0).complains("1 file for compose in out");
    let again = export(&["compose", "out"]).file("out/compose.yaml", "mine\n").run();
    again.exits(2).complains("compose.yaml exists").complains("--force replaces them; nothing was written");
    let forced = export(&["compose", "out", "--force"]).file("out/compose.yaml", "mine\n").run();
    is_done(&forced);
}

#[test]
fn where_one_file_is_in_the_way_none_is_written() {
    let proc = export(&["supervisord", "out"]).file("out/web.sh", "mine\n");
    let directory = proc.path("out");
    let run = proc.run();
    run.exits(2).complains("web.sh exists");
    assert_eq!(std::fs::read_dir(directory).unwrap().count(), 1);
}

#[test]
fn a_directory_that_is_a_link_or_none_or_not_ours_is_refused() {
    let linked = export(&["compose", "out"]);
    symlink("/tmp", linked.path("out")).unwrap();
    linked.run().exits(2).complains("out is a symbolic link, and not followed");
    export(&["compose", "out"]).file("out", "").run().exits(2).complains("out is not a directory");
    let closed = export(&["compose", "/proc/nobody"]).run();
    closed.exits(2).complains("failed to write /proc/nobody");
}

#[test]
fn files_are_their_owners_only_and_hold_no_secret() {
    let proc =
        export(&["systemd", "out"]).file(".env", "API_KEY=hunter2\nURL=postgres://u:hunter2@h/d\nNAME=x\n");
    let out = proc.path("out");
    let run = proc.run();
    is_done(&run);
    let mut open = vec![out];
    let mut count = 0;
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        count += 1;
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600,
            "{}",
            path.display()
        );
        assert!(!std::fs::read_to_string(&path).unwrap().contains("hunter2"), "{}", path.display());
    }
    assert!(count > 3);
}

#[test]
fn no_format_prints_a_secret_unless_it_is_told_to() {
    for format in ["systemd", "compose", "kubernetes", "supervisord", "launchd"] {
        let proc = |more: &[&str]| {
            let image = if format == "kubernetes" { &["--image", "x:1"][..] } else { &[] };
            let env = "API_KEY=hunter2\nURL=postgres://u:hunter2@h/d\nNAME=x\n";
            export(&[&[format, "--dry-run"], image, more].concat()).file(".env", env).run()
        };
        let without = proc(&[]);
        without.exits(0).says("API_KEY").complains("carried over");
        assert!(!format!("{}{}", without.stdout(), without.stderr()).contains("hunter2"), "{format}");
        proc(&["--include-secret-values"]).exits(0).says("hunter2").complains("carried over");
    }
}

#[test]
fn the_report_says_what_is_not_carried_over() {
    let toml = "[process.web]\nwatch = [\"src\"]\n";
    let run =
        export(&["supervisord", "out", "-m", "web=2..4", "--report", "json"]).file("proc.toml", toml).run();
    let report: serde_json::Value = serde_json::from_str(&run.exits(0).stdout()).unwrap();
    assert_eq!(report["format"], "supervisord");
    assert_eq!(report["directory"], "out");
    assert!(
        report["files"].as_array().unwrap().iter().any(|file| file["path"] == "supervisord.conf"),
        "{report}"
    );
    let lost: Vec<_> =
        report["not_carried_over"].as_array().unwrap().iter().map(|loss| &loss["what"]).collect();
    assert!(lost.contains(&&"watch".into()) && lost.contains(&&"formation".into()), "{report}");
    let text = export(&["supervisord", "out"]).file("proc.toml", toml).run();
    text.exits(0).complains("not carried over:\n").complains("web: watch: ");
}

#[test]
fn a_dry_run_for_programs_has_the_files_in_it() {
    let run = export(&["compose", "--dry-run", "--report", "json"]).run();
    let report: serde_json::Value = serde_json::from_str(&run.exits(0).stdout()).unwrap();
    assert_eq!(report["directory"], serde_json::Value::Null);
    assert!(report["files"][0]["contents"].as_str().unwrap().contains("services:"), "{report}");
}

#[test]
fn what_refers_to_a_secret_or_to_this_machine_is_one() {
    let env = "API_KEY=hunter2\nHEADER=\"Bearer $API_KEY\"\nOURS=\"x-${DEVELOPER}-y\"\nNAME=x\n";
    for format in ["systemd", "compose", "kubernetes", "supervisord", "launchd"] {
        let image = if format == "kubernetes" { &["--image", "x:1"][..] } else { &[] };
        let proc = export(&[&[format, "--dry-run"], image].concat()).file(".env", env);
        let run = proc.variable("DEVELOPER", "marvin").run();
        run.exits(0)
            .says("HEADER")
            .complains("not written: API_KEY, HEADER, OURS")
            .complains("OURS: its value was made");
        let all = format!("{}{}", run.stdout(), run.stderr());
        assert!(!all.contains("hunter2") && !all.contains("marvin"), "{format}: {all}");
    }
}

#[test]
fn a_list_leaves_no_release_out_and_names_who_it_leaves_out() {
    let run = export(&["systemd", "out", "-m", "web=2"]).run();
    run.exits(0).complains("worker: formation: -m does not name it");
    assert!(
        run.directory()
            .join("out")
            .read_dir()
            .unwrap()
            .any(|file| { file.unwrap().file_name().to_string_lossy().ends_with("-release.service") })
    );
    let without = export(&["systemd", "out", "-m", "web=2,worker=0", "-x", "release"]).run();
    is_done(&without);
    assert!(!without.stderr().contains("formation"), "{}", without.stderr());
}

#[test]
fn what_is_needed_is_exported_although_it_has_a_profile() {
    let toml = "[process.db]\ncommand = \"./db\"\nport = 6000\nprofiles = [\"dev\"]\n[process.web]\ndepends_on = [\"db\"]\n";
    let run = export(&["compose", "--dry-run"]).file("proc.toml", toml).run();
    run.exits(0).says("  db:\n").complains("db is exported too: web depends on it");
    assert!(!run.stdout().contains("- dev"), "{}", run.stdout());
}

#[test]
fn a_bad_range_and_too_many_ports_are_named() {
    export(&["kubernetes", "--image", "x", "-m", "web=5..2"])
        .run()
        .exits(2)
        .complains("`web=5..2` is not a range");
    export(&["systemd", "-m", "web=9000", "-p", "60000"]).run().exits(2).complains("the highest is 65535");
}

#[test]
fn types_that_differ_in_capitals_only_are_refused() {
    for format in ["systemd", "supervisord", "launchd"] {
        let proc = Proc::new("web: a\nWeb: b\n").args(["export", format, "--dry-run"]);
        proc.run().exits(2).complains("where file names have no capitals");
    }
}

#[test]
fn what_no_process_can_be_given_is_refused_and_what_is_odd_is_carried() {
    let huge = format!("BIG={}\n", "x".repeat(200 * 1024));
    let refused = export(&["systemd", "--dry-run"]).file(".env", huge).run();
    refused.exits(2).complains("BIG: it is larger than 128 KiB");
    let odd = "A=\"line\nline\"\nB='%h $HOME \"quoted\" \\\\'\nC=\"it's\"\n";
    for format in ["systemd", "compose", "kubernetes", "supervisord", "launchd"] {
        let image = if format == "kubernetes" { &["--image", "x:1"][..] } else { &[] };
        is_done(&export(&[&[format, "--dry-run"], image].concat()).file(".env", odd).run());
    }
}

#[test]
fn five_thousand_instances_are_exported() {
    for format in ["systemd", "compose", "kubernetes", "supervisord", "launchd"] {
        let image = if format == "kubernetes" { &["--image", "x:1"][..] } else { &[] };
        is_done(&export(&[&[format, "out", "-m", "web=5000"], image].concat()).run());
    }
}
