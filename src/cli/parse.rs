//! From arguments to a [`Cli`]: which options a command takes, and how the places an option may stand in are put together.
//!
//! Not clap's `global = true`: with it the second of `proc -E A=1 start -E B=2` would drop the first without a word, and every
//! command would take every option. So each command has its own copy of the options that mean something to it, and a hidden
//! copy of the others, to be refused by name.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args as _, FromArgMatches as _, Subcommand as _};

use super::args::{Cli, Command, ExportOptions, Options, Origins, Source};
use super::examples;
use crate::model::policy::Timestamps;

/// The options that mean something to each command, by their ids (the fields of [`Options`]).
const APPLIES: &[(&str, &[&str])] = &[
    (
        "start",
        &[
            "procfile",
            "root",
            "config",
            "formation",
            "except",
            "profile",
            "release",
            "env",
            "set",
            "env_override",
            "no_env_contract",
            "port",
            "no_port",
            "color",
            "timestamps",
            "no_timestamps",
            "log_format",
            "pty",
            "no_keys",
            "quiet",
            "buffer",
            "log_dir",
            "log_rotate",
            "listen",
            "history",
            "timeout",
            "exit_on",
            "detach",
        ],
    ),
    ("ps", &["procfile", "root", "json", "color"]),
    (
        "logs",
        &[
            "procfile",
            "root",
            "json",
            "color",
            "timestamps",
            "no_timestamps",
            "log_format",
            "follow",
            "lines",
            "since",
            "grep",
            "context",
        ],
    ),
    ("restart", &["procfile", "root", "json"]),
    ("stop", &["procfile", "root", "json"]),
    ("signal", &["procfile", "root", "json"]),
    ("scale", &["procfile", "root", "json"]),
    ("wait", &["procfile", "root", "awaited", "timeout"]),
    ("why", &["procfile", "root", "json"]),
    ("attach", &["procfile", "root", "read_only", "detach_key"]),
    ("events", &["procfile", "root", "json"]),
    ("reload", &["procfile", "root", "json"]),
    ("down", &["procfile", "root"]),
    ("run", &["procfile", "root", "config", "env", "set", "env_override", "port", "no_port"]),
    ("check", &["procfile", "root", "config", "env", "set", "env_override", "no_env_contract", "strict"]),
    ("env", &["procfile", "root", "config", "env", "set", "env_override", "port", "no_port", "show_secrets"]),
    (
        "config",
        &[
            "procfile",
            "root",
            "config",
            "formation",
            "except",
            "profile",
            "json",
            "schema",
            "env",
            "set",
            "env_override",
            "port",
            "no_port",
            "show_secrets",
            "timeout",
            "exit_on",
        ],
    ),
    (
        "export",
        &[
            "procfile",
            "root",
            "config",
            "formation",
            "except",
            "profile",
            "env",
            "set",
            "port",
            "no_port",
            "timeout",
            "app",
            "user",
            "image",
            "namespace",
            "ingress",
            "include_secret_values",
            "dry_run",
            "force",
            "report",
        ],
    ),
    ("completions", &[]),
    ("man", &[]),
];

/// What an option is to a command that has its own idea of it.
fn adapt(command: &str, option: Arg) -> Arg {
    match (command, option.get_id().as_str()) {
        // As `tail` and everybody have it; the Procfile has its long name there.
        ("logs", "procfile") => option.short(None),
        ("logs", "follow") => option.short('f'),
        ("wait", "timeout") => option
            .env("PROC_WAIT_TIMEOUT")
            .hide_default_value(true)
            .help("How long to wait at most [default: for ever]"),
        _ => option,
    }
}

/// Pairs that contradict each other, the switch first.
const CONTRADICTIONS: &[(&str, &str)] = &[("no_port", "port"), ("no_timestamps", "timestamps")];

const ABOUT: &str = "A twelve-factor process manager: runs the processes of a Procfile";
const LONG_ABOUT: &str = "\
A twelve-factor process manager: runs the processes of a Procfile, writes their output as one stream, loses none of it, and \
leaves nothing running.";

/// Whether the option `id` means something to `command`.
fn applies(command: &str, id: &str) -> bool {
    APPLIES.iter().any(|(name, ids)| *name == command && ids.contains(&id))
}

/// The command line as users see it: what help, completions and man pages are made from.
#[must_use]
pub fn command() -> clap::Command {
    build(|_| None, &|_| true)
}

/// Reads the command line, the program's own name first, and the `PROC_…` variables.
///
/// The error may also be a request for help or for the version: [`clap::Error::exit_code`] is 0 then.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let args: Vec<OsString> = args.into_iter().collect();
    read(&args, without_an_empty_variable)
}

/// Reads the command line, and the variables of options as `variable` leaves them.
pub(super) fn read(args: &[OsString], variable: fn(Arg) -> Arg) -> Result<Cli, clap::Error> {
    let mut parser = parser(variable, args);
    let root = parser.try_get_matches_from_mut(args).map_err(|error| blame_the_environment(error, args))?;
    let Some((name, sub)) = root.subcommand() else {
        return Err(parser.error(ErrorKind::MissingSubcommand, "a command is needed"));
    };
    let places = Places { root: &root, sub };
    let command = Command::from_arg_matches(&root)?;
    let names_types = matches!(&command, Command::Start { types } if !types.is_empty());
    let complaint = places
        .refuse_what_does_not_apply(name)
        .and_then(|()| places.refuse_contradictions())
        .and_then(|()| places.refuse_two_formations(names_types));
    if let Err(complaint) = complaint {
        let mut sub = parser.find_subcommand(name).cloned().unwrap_or(parser);
        return Err(sub.error(ErrorKind::ArgumentConflict, complaint));
    }
    let mut options = places.merge(Options::from_arg_matches(&root)?, Options::from_arg_matches(sub)?);
    if names_types {
        options.formation.clear();
    }
    Ok(Cli { options, command })
}

/// The command line as it is read: like [`command`], but an option that does not go with a command is known to it.
///
/// Only the commands read the environment, each through `variable` and for its own options: a bad `PROC_TIMEOUT` is nothing to
/// `proc check`. A command whose name is not among the arguments gets no options: it cannot be meant, and they are most of the work.
fn parser(variable: fn(Arg) -> Arg, args: &[OsString]) -> clap::Command {
    let is_meant = |name: &str| args.iter().any(|arg| arg == name);
    let parser = build(|arg| Some(arg.hide(true).env(None)), &is_meant);
    parser.mut_args(without_its_variable).mut_subcommands(|sub| sub.mut_args(variable))
}

/// Puts the options into every command that is wanted; those that do not apply to it as `stranger` makes them, if at all.
fn build(stranger: fn(Arg) -> Option<Arg>, is_wanted: &dyn Fn(&str) -> bool) -> clap::Command {
    let options = Options::augment_args(clap::Command::new("options")).mut_args(|arg| arg.hide_env(true));
    let root = clap::Command::new("proc")
        .bin_name("proc")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .max_term_width(100)
        .args(options.get_arguments())
        .after_help("`proc --help` says more and has examples; `proc COMMAND --help` is about one command.")
        .after_long_help(examples::help("proc"));
    let root = Command::augment_subcommands(root).about(ABOUT).long_about(LONG_ABOUT);
    root.mut_subcommands(|sub| {
        let name = sub.get_name().to_owned();
        if !is_wanted(&name) {
            return sub;
        }
        let own = options.get_arguments().filter_map(|arg| {
            let arg = adapt(&name, arg.clone());
            if applies(&name, arg.get_id().as_str()) { Some(arg) } else { stranger(arg) }
        });
        let help = examples::help(&name);
        let sub = sub.args(own.collect::<Vec<_>>());
        if help.is_empty() { sub } else { sub.after_long_help(help) }
    })
}

/// Drops the variable of an option where it is set to nothing: that counts as unset.
#[expect(
    clippy::disallowed_methods,
    reason = "clap reads these variables itself, and takes an empty one for a value"
)]
fn without_an_empty_variable(arg: Arg) -> Arg {
    let empty = arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    if empty { arg.env(None) } else { arg }
}

/// Drops the variable of an option.
pub(super) fn without_its_variable(arg: Arg) -> Arg {
    arg.env(None)
}

/// Names the variable that a bad value came from, if it is not the command line's.
fn blame_the_environment(mut error: clap::Error, args: &[OsString]) -> clap::Error {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else { return error };
    let long = option.trim_start_matches('-').split([' ', '=']).next().unwrap_or_default();
    let Some(name) = variable_of(long, args) else { return error };
    if parser(without_its_variable, args).try_get_matches_from(args).is_ok() {
        let tip = format!("the value is that of the environment variable {name}");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// The variable of an option of the command that is among the arguments.
fn variable_of(long: &str, args: &[OsString]) -> Option<String> {
    let root = command();
    let mut meant = root.get_subcommands().filter(|sub| args.iter().any(|arg| arg == sub.get_name()));
    let option = meant.find_map(|sub| sub.get_arguments().find(|arg| arg.get_long() == Some(long)))?;
    Some(option.get_env()?.to_string_lossy().into_owned())
}

/// The two places an option may stand in: before the command and after it.
#[derive(Clone, Copy)]
struct Places<'a> {
    root: &'a ArgMatches,
    sub: &'a ArgMatches,
}

impl Places<'_> {
    /// Whether the option stands on the command line, rather than in the environment or nowhere.
    fn given(self, id: &str) -> bool {
        is_given(self.root, id) || is_given(self.sub, id)
    }

    /// Complains of an option that was given and means nothing to the command.
    fn refuse_what_does_not_apply(self, command: &str) -> Result<(), String> {
        let ids = self.sub.ids().chain(self.root.ids()).map(clap::Id::as_str);
        let known = |id: &&str| APPLIES.iter().any(|(_, ids)| ids.contains(id));
        match ids.filter(known).find(|id| self.given(id) && !applies(command, id)) {
            None => Ok(()),
            Some(id) => {
                let takers = APPLIES.iter().filter(|(_, ids)| ids.contains(&id));
                let takers = takers.map(|(name, _)| format!("`proc {name}`")).collect::<Vec<_>>().join(", ");
                Err(format!("`{}` means nothing to `proc {command}`, only to {takers}", long(id)))
            }
        }
    }

    /// Complains of a switch and what it contradicts, if both were given.
    fn refuse_contradictions(self) -> Result<(), String> {
        match CONTRADICTIONS.iter().find(|(switch, value)| self.given(switch) && self.given(value)) {
            None => Ok(()),
            Some((switch, value)) => {
                Err(format!("`{}` and `{}` contradict each other", long(switch), long(value)))
            }
        }
    }

    /// Complains of a formation in both of its forms; types that are named beat one from the environment.
    fn refuse_two_formations(self, names_types: bool) -> Result<(), String> {
        if names_types && self.given("formation") {
            return Err("`TYPE[=N]` and `--formation` both say what to start: give one of them".to_owned());
        }
        Ok(())
    }

    /// Of two single values the later one that was given, else what the command has from the environment.
    fn pick<T>(self, id: &str, early: T, late: T) -> T {
        if is_given(self.root, id) && !is_given(self.sub, id) { early } else { late }
    }

    /// The values of a repeatable option, in the order in which they were given.
    fn join<T>(self, id: &str, early: Vec<T>, late: Vec<T>) -> Vec<T> {
        if is_given(self.root, id) && is_given(self.sub, id) {
            return early.into_iter().chain(late).collect();
        }
        self.pick(id, early, late)
    }

    /// Of a switch and the value it contradicts, drops the one that only the environment has.
    fn switched(self, switch: &str, on: bool, value: &str) -> bool {
        on && (self.given(switch) || !self.given(value))
    }

    /// Where each option has its value from.
    fn origins(self) -> Origins {
        let source = |id: &'static str| {
            let variable = self.sub.try_contains_id(id).is_ok()
                && self.sub.value_source(id) == Some(ValueSource::EnvVariable);
            let source = if self.given(id) { Source::CommandLine } else { Source::Variable };
            (variable || self.given(id)).then_some((id, source))
        };
        let ids = APPLIES.iter().flat_map(|(_, ids)| ids.iter().copied());
        Origins { given: ids.filter_map(source).collect() }
    }

    /// The options of both places as one.
    fn merge(self, early: Options, late: Options) -> Options {
        let no_port = self.pick("no_port", early.no_port, late.no_port);
        let no_port = self.switched("no_port", no_port, "port");
        let no_timestamps = self.pick("no_timestamps", early.no_timestamps, late.no_timestamps);
        let no_timestamps = self.switched("no_timestamps", no_timestamps, "timestamps");
        let timestamps = self.pick("timestamps", early.timestamps, late.timestamps);
        Options {
            procfile: self.pick("procfile", early.procfile, late.procfile),
            root: self.pick("root", early.root, late.root),
            config: self.pick("config", early.config, late.config),
            formation: self.join("formation", early.formation, late.formation),
            except: self.join("except", early.except, late.except),
            profile: self.join("profile", early.profile, late.profile),
            release: self.pick("release", early.release, late.release),
            strict: self.pick("strict", early.strict, late.strict),
            json: self.pick("json", early.json, late.json),
            schema: self.pick("schema", early.schema, late.schema),
            env: self.join("env", early.env, late.env),
            set: self.join("set", early.set, late.set),
            env_override: self.pick("env_override", early.env_override, late.env_override),
            no_env_contract: self.pick("no_env_contract", early.no_env_contract, late.no_env_contract),
            port: self.pick("port", early.port, late.port).filter(|_| !no_port),
            no_port,
            show_secrets: self.pick("show_secrets", early.show_secrets, late.show_secrets),
            color: self.pick("color", early.color, late.color),
            timestamps: if no_timestamps { Timestamps::None } else { timestamps },
            no_timestamps,
            log_format: self.pick("log_format", early.log_format, late.log_format),
            pty: self.pick("pty", early.pty, late.pty),
            read_only: self.pick("read_only", early.read_only, late.read_only),
            detach_key: self.pick("detach_key", early.detach_key, late.detach_key),
            no_keys: self.pick("no_keys", early.no_keys, late.no_keys),
            quiet: self.join("quiet", early.quiet, late.quiet),
            buffer: self.pick("buffer", early.buffer, late.buffer),
            log_dir: self.pick("log_dir", early.log_dir, late.log_dir),
            log_rotate: self.pick("log_rotate", early.log_rotate, late.log_rotate),
            listen: self.pick("listen", early.listen, late.listen),
            history: self.pick("history", early.history, late.history),
            timeout: self.pick("timeout", early.timeout, late.timeout),
            exit_on: self.pick("exit_on", early.exit_on, late.exit_on),
            detach: self.pick("detach", early.detach, late.detach),
            follow: self.pick("follow", early.follow, late.follow),
            lines: self.pick("lines", early.lines, late.lines),
            since: self.pick("since", early.since, late.since),
            grep: self.pick("grep", early.grep, late.grep),
            context: self.pick("context", early.context, late.context),
            awaited: self.pick("awaited", early.awaited, late.awaited),
            export: self.merge_export(early.export, late.export),
            origins: self.origins(),
        }
    }
}

impl Places<'_> {
    fn merge_export(self, early: ExportOptions, late: ExportOptions) -> ExportOptions {
        let secrets = (early.include_secret_values, late.include_secret_values);
        ExportOptions {
            app: self.pick("app", early.app, late.app),
            user: self.pick("user", early.user, late.user),
            image: self.pick("image", early.image, late.image),
            namespace: self.pick("namespace", early.namespace, late.namespace),
            ingress: self.pick("ingress", early.ingress, late.ingress),
            include_secret_values: self.pick("include_secret_values", secrets.0, secrets.1),
            dry_run: self.pick("dry_run", early.dry_run, late.dry_run),
            force: self.pick("force", early.force, late.force),
            report: self.pick("report", early.report, late.report),
        }
    }
}

/// Whether an option stands on this part of the command line.
fn is_given(matches: &ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

/// An option as it is written.
fn long(id: &str) -> String {
    match id {
        "awaited" => "--for".to_owned(),
        id => format!("--{}", id.replace('_', "-")),
    }
}
