//! The mistakes of a `proc.toml`, each with its kind and its place.

use super::tests::{problems, read};
use super::*;
use crate::model::diagnostic::Explain;
use std::path::Path;

/// The one mistake that is made by this line in the table of `web`, and the text it points at.
fn mistake(line: &str) -> (ConfigError, String) {
    let text = format!("[process.web]\n{line}\n");
    let mut problems = problems(&text);
    assert_eq!(problems.len(), 1, "{line}: {problems:?}");
    let (kind, place) = problems.remove(0);
    (kind, place.to_owned())
}

fn drawn(text: &str) -> String {
    let problems = read(text, true).1;
    let drawn = problems.iter().map(|problem| problem.diagnose("proc.toml", text).to_string());
    drawn.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_value_of_another_type_is_named_with_what_is_expected() {
    for (line, expected, found, place) in [
        ("scale = \"2\"", "an integer", Type::String, "\"2\""),
        ("scale = 1.5", "an integer", Type::Float, "1.5"),
        ("stop_command = 1", "a string", Type::Integer, "1"),
        ("depends_on = \"x\"", "an array or a table", Type::String, "\"x\""),
        ("depends_on = [1]", "a string", Type::Integer, "1"),
        ("depends_on.worker = 1", "a string", Type::Integer, "1"),
        ("readiness = \"/\"", "a table", Type::String, "\"/\""),
        ("restart = false", "a string", Type::Boolean, "false"),
        ("restart_delay = true", "a duration", Type::Boolean, "true"),
        ("max_restarts = \"5\"", "an integer or \"inf\"", Type::String, "\"5\""),
        ("max_restarts = 1.5", "an integer or \"inf\"", Type::Float, "1.5"),
        ("success_exit_codes = 1", "an array of exit codes", Type::Integer, "1"),
        ("stop_signal = true", "a signal", Type::Boolean, "true"),
        ("watch = \"src\"", "an array of strings", Type::String, "\"src\""),
        ("env = [\"A=1\"]", "a table", Type::Array, "[\"A=1\"]"),
        ("env.A = [1]", "a string, a number or a boolean", Type::Array, "[1]"),
        ("env_file = 1", "a string or an array of strings", Type::Integer, "1"),
        ("profiles = \"dev\"", "an array of strings", Type::String, "\"dev\""),
        ("tty = \"true\"", "a boolean", Type::String, "\"true\""),
        ("port = 1979-05-27", "an integer", Type::Datetime, "1979-05-27"),
        ("readiness.tcp = \"5432\"", "true or a port", Type::String, "\"5432\""),
    ] {
        let (kind, at) = mistake(line);
        let ConfigError::WrongType { expected: named, found: shown, .. } = kind else { panic!("{kind:?}") };
        assert_eq!((named, shown, at.as_str()), (expected, found, place), "{line}");
    }
    let kinds = problems("process = 1\n");
    assert!(matches!(kinds[..], [(ConfigError::WrongType { found: Type::Integer, .. }, "1")]), "{kinds:?}");
    let kinds = problems("[process]\nweb = \"cmd\"\n");
    assert!(
        matches!(kinds[..], [(ConfigError::WrongType { found: Type::String, .. }, "\"cmd\"")]),
        "{kinds:?}"
    );
}

#[test]
fn a_value_that_cannot_be_is_refused_in_its_place() {
    let out_of_range =
        |number: &str, least, most| ConfigError::OutOfRange { number: number.into(), least, most };
    let bad = |text: &str, may_be_endless| ConfigError::BadDuration { text: text.into(), may_be_endless };
    for (line, kind, place) in [
        ("scale = -1", out_of_range("-1", 0, 10_000), "-1"),
        ("scale = 10001", out_of_range("10001", 0, 10_000), "10001"),
        (
            "scale = 99999999999999999999",
            out_of_range("99999999999999999999", 0, 10_000),
            "99999999999999999999",
        ),
        ("port = 0", out_of_range("0", 1, 65_535), "0"),
        ("port = 0x10000", out_of_range("0x10000", 1, 65_535), "0x10000"),
        ("max_restarts = 0", out_of_range("0", 1, 1_000_000), "0"),
        ("success_exit_codes = [256]", out_of_range("256", 0, 255), "256"),
        ("stop_signal = 65", out_of_range("65", 1, 64), "65"),
        ("readiness = { tcp = 0 }", out_of_range("0", 1, 65_535), "0"),
        ("readiness = { tcp = true, retries = 0 }", out_of_range("0", 1, 10_000), "0"),
        ("restart_delay = \"soon\"", bad("soon", false), "\"soon\""),
        ("restart_delay = \"\"", bad("", false), "\"\""),
        ("restart_delay = \"inf\"", bad("inf", false), "\"inf\""),
        ("restart_delay = -1", bad("-1", false), "-1"),
        ("restart_delay = nan", bad("nan", false), "nan"),
        ("restart_delay = inf", ConfigError::LongDuration("inf".into()), "inf"),
        ("stop_grace_period = \"10 s\"", bad("10 s", true), "\"10 s\""),
        ("restart_delay = \"9000h\"", ConfigError::LongDuration("9000h".into()), "\"9000h\""),
        ("restart_delay = 0", ConfigError::ShortDuration("0".into()), "0"),
        (
            "readiness = { tcp = true, interval = \"1ms\" }",
            ConfigError::ShortDuration("1ms".into()),
            "\"1ms\"",
        ),
        ("stop_signal = \"SIGNOPE\"", ConfigError::UnknownSignal("SIGNOPE".into()), "\"SIGNOPE\""),
        ("stop_command = \" \"", ConfigError::Empty, "\" \""),
        ("readiness = { exec = \"\" }", ConfigError::Empty, "\"\""),
        ("readiness = { log = \"\" }", ConfigError::Empty, "\"\""),
        ("working_dir = \"a\\u0000\"", ConfigError::Nul, "\"a\\u0000\""),
        ("profiles = [\"a\", \"b\", \"a\"]", ConfigError::Twice("a".into()), "\"a\""),
        ("readiness = { http = \"healthz\" }", ConfigError::BadPath, "\"healthz\""),
        ("readiness = { http = \"/a b\" }", ConfigError::BadPath, "\"/a b\""),
        ("readiness = { tcp = false }", ConfigError::FalseTcp, "false"),
        ("readiness = {}", ConfigError::NoCheck, "{}"),
        (
            "readiness = { exec = \"x\", log = \"y\" }",
            ConfigError::ManyChecks(vec!["exec", "log"]),
            "{ exec = \"x\", log = \"y\" }",
        ),
        ("liveness = { log = \"y\" }", ConfigError::LogLiveness, "\"y\""),
        ("watch = []", ConfigError::NoPaths, "[]"),
        ("watch = { ignore = [\"x\"] }", ConfigError::NoPaths, "{ ignore = [\"x\"] }"),
        ("env.\"A B\" = 1", ConfigError::BadVariable, "\"A B\""),
        ("type = \"oneshot\"\nrestart = \"always\"", ConfigError::OneshotForEver, "\"always\""),
        ("command = \"x\"", ConfigError::CommandTwice { name: "web".into(), line: 1 }, "\"x\""),
        ("depends_on = [\"web\"]", ConfigError::DependsOnItself("web".into()), "\"web\""),
        ("depends_on.worker = \"healthy\"", ConfigError::NeverHealthy("worker".into()), "\"healthy\""),
    ] {
        assert_eq!(mistake(line), (kind, place.to_owned()), "{line}");
    }
    assert_eq!(problems("version = 2\n"), [(ConfigError::UnknownVersion("2".into()), "2")]);
    assert_eq!(problems("[process.\"a b\"]\n"), [(ConfigError::BadName("a b".into()), "\"a b\"")]);
}

#[test]
fn a_word_of_others_is_answered_with_ours() {
    for (line, hint) in [
        ("restart = \"unless-stopped\"", "write `always`: nothing here restarts what you have stopped"),
        ("restart = \"on_failure\"", "write `on-failure`"),
        ("restart = \"allways\"", "did you mean `always`?"),
        ("on_exit = \"any\"", "`--exit-on any` is `on_exit = \"stop\"`"),
        ("type = \"simple\"", "leave `type` out: that is a process that keeps running"),
        ("log = \"none\"", "write `hidden`"),
        ("depends_on.worker = \"ready\"", "write `healthy`"),
    ] {
        let (kind, _) = mistake(line);
        assert!(matches!(kind, ConfigError::UnknownWord { .. }), "{line}");
        assert_eq!(kind.hint().as_deref(), Some(hint), "{line}");
    }
}

#[test]
fn a_key_of_others_is_answered_with_ours_and_the_unit() {
    for (line, hint) in [
        ("numprocs = 2", "write `scale = N`"),
        ("instances = 2", "write `scale = N`"),
        ("replicas = 2", "write `scale = N`"),
        (
            "kill_timeout = 1600",
            "write `stop_grace_period`: milliseconds of pm2 as in `\"1600ms\"`, a bare number is seconds",
        ),
        ("stopwaitsecs = 10", "write `stop_grace_period = N`, in seconds"),
        ("TimeoutStopSec = 90", "write `stop_grace_period = N`, in seconds"),
        ("terminationGracePeriodSeconds = 30", "write `stop_grace_period = N`, in seconds"),
        ("healthcheck = 1", "write `readiness = { http = \"/healthz\" }`; `liveness` restarts"),
        ("readiness_probe = 1", "write `readiness = { … }`"),
        ("livenessProbe = 1", "write `liveness = { … }`"),
        (
            "availability = 1",
            "write `restart`, `restart_delay` and `max_restarts` in the table of the process",
        ),
        ("autorestart = true", "write `restart = \"always\"` or `\"on-failure\"`"),
        ("environment = 1", "write `env = { NAME = \"value\" }`"),
        ("env_files = 1", "write `env_file = \"…\"`; `env_files` is for all processes"),
        ("namespace = 1", "write `profiles = [\"…\"]`"),
        ("scael = 1", "did you mean `scale`?"),
    ] {
        let (kind, place) = mistake(line);
        assert!(matches!(&kind, ConfigError::UnknownKey { table: Table::Process, .. }), "{line}: {kind:?}");
        assert_eq!(place, line.split(' ').next().unwrap(), "{line}");
        assert_eq!(kind.hint().as_deref(), Some(hint), "{line}");
    }
    for (text, table) in [
        ("processes = 1\n", Table::Top),
        ("services = 1\n", Table::Top),
        ("[process.web]\nreadiness = { tcp = true, periodSeconds = 10 }\n", Table::Probe),
        ("[process.web]\nwatch = { paths = [\"a\"], delay = 1 }\n", Table::Watch),
        ("[process.web]\ndepends_on.worker = { required = true }\n", Table::Dependency),
    ] {
        let kinds = problems(text);
        assert!(
            matches!(&kinds[..], [(ConfigError::UnknownKey { table: found, .. }, _)] if *found == table),
            "{kinds:?}"
        );
        assert!(
            kinds[0].0.hint().is_some_and(|hint| hint.contains("write") || hint.contains("every")),
            "{text}"
        );
    }
}

#[test]
fn a_process_type_that_nobody_has_is_an_error() {
    let near = Some("worker".to_owned());
    let kind = ConfigError::UnknownProcess { name: "wroker".into(), near };
    assert_eq!(problems("[process.wroker]\nscale = 2\n"), [(kind, "wroker")]);
    let known = ["web", "worker", "release"].map(str::to_owned).to_vec();
    let kind = ConfigError::UnknownDependency { name: "redis".into(), known };
    assert_eq!(problems("[process.web]\ndepends_on = [\"redis\"]\n"), [(kind, "\"redis\"")]);
    let reading = parse(b"[process.web]\ndepends_on = [\"x\"]\n");
    let surround = Surround { procfile: None, root: Path::new("/app"), has_ports: true };
    assert_eq!(resolve(&reading.file, surround).1, []);
}

#[test]
fn what_never_completes_cannot_be_waited_for() {
    let text = "[process.web]\ndepends_on.worker = \"completed_successfully\"\n[process.worker]\nrestart = \"always\"\n";
    let kind = ConfigError::NeverCompletes("worker".into());
    assert_eq!(problems(text), [(kind, "\"completed_successfully\"")]);
}

#[test]
fn a_circle_of_dependencies_is_named_with_its_chain() {
    let text = "[process.web]\ndepends_on = [\"worker\"]\n[process.worker]\ndepends_on = [\"release\"]\n[process.release]\ndepends_on = [\"web\"]\n";
    let chain = ["web", "worker", "release", "web"].map(str::to_owned).to_vec();
    assert_eq!(problems(text), [(ConfigError::Cycle(chain), "[\"worker\"]")]);
    assert!(
        drawn(text).contains("a circle of dependencies: web -> worker -> release -> web"),
        "{}",
        drawn(text)
    );
}

#[test]
fn a_probe_of_a_process_without_a_port_is_an_error_unless_it_names_one() {
    let text = "[process.web]\nreadiness = { http = \"/\" }\nliveness = { tcp = true }\n[process.worker]\nreadiness = { tcp = 1 }\n";
    assert_eq!(problems(text), []);
    let kind = |is_tcp| ConfigError::NoPort { process: "web".into(), is_tcp };
    let kinds: Vec<ConfigError> = read(text, false).1.into_iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds, [kind(false), kind(true)]);
}

#[test]
fn what_is_there_and_wrong_is_not_said_to_be_missing_as_well() {
    let text = "[process.web]\ndepends_on.redis = \"healthy\"\n[process.redis]\ncommand = 1\nreadiness = 2\n";
    let kinds = problems(text);
    assert_eq!(kinds.len(), 2, "{kinds:?}");
}

#[test]
fn what_is_no_toml_is_said_in_full_and_nothing_else() {
    let kinds = problems("a = \n[process.web\nscale = -1\nb = 1 2\n");
    assert!(kinds.len() >= 2, "{kinds:?}");
    assert!(
        kinds.iter().all(|(kind, _)| matches!(kind, ConfigError::Syntax { is_secret: false, .. })),
        "{kinds:?}"
    );
}

#[test]
fn a_file_that_cannot_be_text_is_an_error_where_it_begins() {
    let problem = |bytes: &[u8]| parse(bytes).problems.remove(0);
    assert_eq!(problem(b"a = \xff"), Problem { span: Span::new(4, 5), kind: ConfigError::NotUtf8 });
    assert_eq!(problem(b"a = \0"), Problem { span: Span::new(4, 5), kind: ConfigError::Nul });
    assert_eq!(problem(&vec![b'#'; LARGEST + 1]).kind, ConfigError::TooLarge);
}

#[test]
fn of_a_file_that_is_nothing_but_mistakes_a_hundred_are_told_of() {
    let lines = |line: fn(u32) -> String| (0..1000).map(line).collect::<Vec<_>>().concat();
    let keys = lines(|number| format!("k{number} = 1\n"));
    let dependencies = lines(|number| format!("[process.p{number}]\ndepends_on = [\"q{number}\"]\n"));
    for text in [keys, dependencies, "a b\n".repeat(1000)] {
        let reading = parse(text.as_bytes());
        let surround = Surround { procfile: Some(&[]), root: Path::new("/app"), has_ports: true };
        let count = reading.problems.len() + resolve(&reading.file, surround).1.len();
        assert_eq!(count, MOST_PROBLEMS);
    }
}

#[test]
fn no_error_shows_a_value_that_may_be_a_secret() {
    for text in [
        "[process.web.env]\nTOKEN = hunter2\n",
        "[process.web.env]\nTOKEN = [\"hunter2\"]\n",
        "[process.web.env]\n\"A B\" = \"hunter2\"\n",
        "[process.web]\nenv = { TOKEN = hunter2 }\n",
        "[process.web]\nenv = { A = [\"hunter2\"] }\n",
        "process.web = { scale = -1, env = { A = \"hunter2\" } }\n",
        "api_key = \"hunter2\"\n",
    ] {
        let drawn = drawn(text);
        assert!(drawn.contains("proc.toml:") && !drawn.contains("hunter2"), "{drawn}");
    }
}

#[test]
fn a_mistake_is_drawn_with_its_place_and_what_to_do() {
    insta::assert_snapshot!(drawn("prot = 1\n[process.web]\nscale = -1\nkill_timeout = 1600\nreadiness = { http = \"http://localhost/\" }\n"), @r#"
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
    proc.toml:5:22: not a path
     5 | readiness = { http = "http://localhost/" }
       |                      ^^^^^^^^^^^^^^^^^^^
      hint: write the path alone, as in `"/healthz"`: host and port are those of the process
    "#);
}
