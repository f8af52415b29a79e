//! supervisord: one program an instance, in a group of the app's name.
//!
//! Each program is a launcher (`web.sh`), so that the configuration has names and numbers only: see [`launcher`] and [`ini`]. There are two
//! files of it, `APP.conf` with the programs for a supervisord that is there, and `supervisord.conf` with one of its own around them.

mod ini;
mod launcher;
mod order;
mod program;
mod variables;

use super::shell::script;
use super::{App, Brief, Draft, Process, Role};
use crate::model::command::shell_word;
use ini::Ini;
use program::Program;
use std::path::Path;
use variables::Files;

/// What supervisord keeps free of descriptors for its children by default (`minfds`), and what one of them takes at most.
const DESCRIPTORS: usize = 1024;
const DESCRIPTORS_OF_ONE: usize = 4;

/// The longest name that a socket can have (`sun_path` of unix(7), without its NUL), and what supervisord makes of its own at first: `.PID`.
const LONGEST_SOCKET: usize = 107;
const PID: usize = 8;

/// Writes an app.
pub(super) fn write(app: &App, brief: &Brief, draft: &mut Draft) {
    let Some(directory) = text(&brief.directory, "the directory of the export", draft) else { return };
    if app.name == "supervisord" {
        let why = "supervisord.conf is supervisord's own file, and cannot be that of the app, too";
        draft.refuse(None, "the name of the app", why, Some("export with --app NAME"));
        return;
    }
    check(directory, draft);
    let Some(own) = supervisor(app, directory, draft) else { return };
    draft.file("supervisord.conf", own);
    let programs = programs(app, brief, directory, draft);
    draft.file(format!("{}.conf", app.name), programs);
    let mut files = Files::write(app, brief, draft);
    for process in exported(app) {
        let sources = files.sources(process, draft);
        draft.file(format!("{}.sh", process.name), launcher::launcher(app, brief, process, &sources));
        program::lose(process, draft);
    }
    order::lose_conditions(app, draft);
    lose_of_all(app, brief, draft);
    next(app, brief, directory, &files.to_be_filled_in, draft);
}

/// Refuses directories that supervisord would not find the way to.
fn check(directory: &str, draft: &mut Draft) {
    let what = "the directory of the export";
    let advice = Some("export to another directory");
    if directory.contains(['[', '*', '?']) {
        let why = "supervisord looks for its files by a pattern, where `[`, `*` and `?` are not themselves";
        draft.refuse(None, what, why, advice);
    }
    if directory.len() + "/supervisor.sock".len() + PID > LONGEST_SOCKET {
        let why = "its name is so long that supervisord can have no socket in it";
        draft.refuse(None, what, why, advice);
    }
}

/// Notes what is not carried over of more than one process type.
fn lose_of_all(app: &App, brief: &Brief, draft: &mut Draft) {
    if exported(app).any(|process| script(&process.command).is_one_process) {
        let why = "supervisord waits for the process that it has started: a child that outlives that, and the stop signal, is left running";
        let advice = "have your programs wait for their children, as servers with workers do";
        draft.lose(None, "stop", why, Some(advice));
    }
    for process in app.processes.iter().filter(|process| process.is_asleep()) {
        let profile = process.profiles.first().map_or("", String::as_str);
        let why = format!("it belongs to the profile {profile}, which was not asked for");
        draft.lose(
            Some(&process.name),
            "profiles",
            why,
            Some(&format!("--profile {profile} exports it too")),
        );
    }
    if brief.user.is_none() {
        let why = "nobody has said whose processes they are: they are supervisord's, and that may be root";
        draft.lose(None, "user", why, Some("export with --user NAME"));
    }
}

/// The process types that somebody may start.
fn exported(app: &App) -> impl Iterator<Item = &Process> {
    app.processes.iter().filter(|process| !process.is_asleep())
}

/// A path as a value, or a refusal.
fn text<'a>(path: &'a Path, what: &str, draft: &mut Draft) -> Option<&'a str> {
    let text = path.to_str();
    if text.is_none() {
        draft.refuse(None, what, "its name is not UTF-8, and supervisord reads text", Some("rename it"));
    }
    text
}

/// A value of the configuration, or a refusal.
fn value(
    value: Result<String, ini::Unsayable>,
    process: Option<&str>,
    what: &str,
    draft: &mut Draft,
) -> Option<String> {
    value.map_err(|error| draft.refuse(process, what, error.to_string(), Some("rename it"))).ok()
}

/// The configuration of a supervisord for this app alone.
fn supervisor(app: &App, directory: &str, draft: &mut Draft) -> Option<String> {
    let directory = value(ini::value(directory), None, "the directory of the export", draft)?;
    let instances: usize = exported(app).map(Process::count).sum();
    let mut ini = Ini::default();
    ini.comment(format_args!("A supervisord for {} alone. Made by `proc export supervisord`.", app.name));
    ini.section("supervisord");
    ini.set("nodaemon", true);
    ini.comment("What it says itself goes to its standard output; what the programs write, into files beside this one (web.1.log).");
    ini.set("logfile", "/dev/null");
    ini.set("logfile_maxbytes", 0);
    ini.set("childlogdir", &directory);
    ini.set("pidfile", format_args!("{directory}/supervisord.pid"));
    let descriptors = instances * DESCRIPTORS_OF_ONE + 64;
    if descriptors > DESCRIPTORS {
        ini.set("minfds", descriptors);
    }
    ini.section("unix_http_server");
    ini.set("file", format_args!("{directory}/supervisor.sock"));
    ini.section("rpcinterface:supervisor");
    ini.set("supervisor.rpcinterface_factory", "supervisor.rpcinterface:make_main_rpcinterface");
    ini.section("supervisorctl");
    ini.set("serverurl", format_args!("unix://{directory}/supervisor.sock"));
    ini.section("include");
    ini.set("files", format_args!("{}.conf", app.name));
    Some(ini.finish())
}

/// The configuration of the programs, which may be empty where something was refused.
fn programs(app: &App, brief: &Brief, directory: &str, draft: &mut Draft) -> String {
    let priorities = order::priorities(app);
    // It has been looked at by now, for the other file.
    let value_of_directory = ini::value(directory).unwrap_or_default();
    let mut ini = Ini::default();
    ini.comment(format_args!("The programs of {}. Made by `proc export supervisord`.", app.name));
    let mut programs = Vec::new();
    for (index, process) in app.processes.iter().enumerate().filter(|(_, process)| !process.is_asleep()) {
        let Some((command, root)) = values(app, process, directory, draft) else { continue };
        let priority = priorities.as_ref().and_then(|priorities| priorities.get(index).copied());
        for instance in &process.instances {
            let user = brief.user.as_deref();
            let program = Program {
                app,
                process,
                instance,
                command: &command,
                root: &root,
                directory: &value_of_directory,
                user,
                priority,
            };
            program.write(&mut ini);
            programs.push((priority, program.name()));
        }
    }
    // In a group supervisord starts in the order of this list, and stops them all at once, those with the highest priority first.
    programs.sort_by_key(|(priority, _)| *priority);
    let programs: Vec<String> = programs.into_iter().map(|(_, name)| name).collect();
    ini.section(format_args!("group:{}", app.name));
    ini.set("programs", programs.join(","));
    ini.finish()
}

/// The values of `command` and `directory`.
fn values(app: &App, process: &Process, directory: &str, draft: &mut Draft) -> Option<(String, String)> {
    let name = Some(process.name.as_str());
    let launcher = format!("{directory}/{}.sh", process.name);
    let command = value(ini::words(&["/bin/sh", &launcher]), name, "command", draft)?;
    let root = process.settings.working_dir.as_deref().unwrap_or(&app.root);
    let root = ini::value(text(root, "working_dir", draft)?);
    Some((command, value(root, name, "working_dir", draft)?))
}

fn next(app: &App, brief: &Brief, directory: &str, to_be_filled_in: &[String], draft: &mut Draft) {
    let path = |file: &str| shell_word(&format!("{directory}/{file}"));
    for file in to_be_filled_in {
        let (example, file) = (path(&format!("{file}.example")), path(file));
        draft.next(format!("test -e {file} || cp {example} {file}   # and fill it in"));
    }
    if let Some(user) = &brief.user {
        let (user, directory) = (shell_word(user), shell_word(directory));
        let has_files = !to_be_filled_in.is_empty()
            || draft.paths().iter().any(|path| Path::new(path).extension().is_some_and(|it| it == "env"));
        let files = if has_files { format!(" {directory}/*.env") } else { String::new() };
        draft.next(format!("chown {user} {directory}/*.sh{files}   # whose launchers read these files"));
    }
    let own = path("supervisord.conf");
    draft.next(format!("supervisord -c {own}   # a supervisord for {} alone", app.name));
    draft.next(format!("supervisorctl -c {own} status"));
    let programs = path(&format!("{}.conf", app.name));
    draft.next(format!("cp {programs} /etc/supervisor/conf.d/   # or beside the other apps of this machine"));
    draft.next("supervisorctl update".to_owned());
    for process in exported(app).filter(|process| process.role == Role::OneOff) {
        draft.next(format!("supervisorctl start {}:{}.1   # whenever it is wanted", app.name, process.name));
    }
}
