//! What is watched and what counts, and that the kernel tells of it.

use super::ground::{Ground, Limits};
use super::*;
use crate::unix::file::read_regular;
use std::collections::BTreeSet;
use std::sync::Mutex;
use tempfile::TempDir;

/// How long news may take.
const LIMIT: Duration = Duration::from_secs(30);

/// An application in a directory of its own.
struct App(TempDir);

impl App {
    fn new(files: &[(&str, &str)]) -> Self {
        let app = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            app.write(name, text);
        }
        app
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn watch(&self, paths: &[&str], ignore: &[&str]) -> Watch {
        Watch {
            paths: paths.iter().map(|path| self.0.path().join(path)).collect(),
            ignore: ignore.iter().map(|pattern| (*pattern).to_owned()).collect(),
            debounce: Duration::ZERO,
        }
    }

    /// The ground of this, and the directories that it has had watched.
    fn ground(&self, watch: &Watch, limits: Limits) -> Result<(Ground, BTreeSet<String>), WatchError> {
        let (ground, watched) = self.recorded(watch, limits)?;
        let watched = watched.lock().unwrap().clone();
        Ok((ground, watched))
    }

    /// The same, and where it is written down which directories it has watched.
    fn recorded(&self, watch: &Watch, limits: Limits) -> Result<(Ground, Recorded), WatchError> {
        let watched = Recorded::default();
        let (kept, root) = (Arc::clone(&watched), self.path(""));
        let keep = move |directory: &Path| {
            let inside = directory.strip_prefix(&root).ok().map(|path| path.display().to_string());
            kept.lock().unwrap().extend(inside);
            Ok(())
        };
        let mut ground = Ground::new(self.0.path(), None, Box::new(keep), limits);
        ground.enter(Wanted { process: 0, watch })?;
        Ok((ground, watched))
    }
}

/// The directories that were watched, from the top of an app.
type Recorded = Arc<Mutex<BTreeSet<String>>>;

const AMPLE: Limits = Limits { directories: 1000, entries: 1000 };

#[test]
fn directories_are_watched_that_nobody_leaves_out() {
    let app = App::new(&[
        (".git/info/exclude", "private/\n"),
        (".git/objects/aa/x", ""),
        (".gitignore", "/build\nnode_modules/\n*.log\n"),
        ("build/x", ""),
        ("src/build/x", ""),
        ("src/node_modules/deep/x", ""),
        ("src/lib/.gitignore", "generated/\n"),
        ("src/lib/generated/x", ""),
        ("src/lib/templates/x", ""),
        ("src/private/x", ""),
        ("docs/x", ""),
    ]);
    let (_, watched) = app.ground(&app.watch(&["."], &["/docs"]), AMPLE).unwrap();
    assert_eq!(
        watched.into_iter().collect::<Vec<_>>(),
        ["", "src", "src/build", "src/lib", "src/lib/templates"]
    );
    // What is named is watched, and `ignore` can take back what .gitignore says.
    let (_, watched) = app.ground(&app.watch(&["build", "src"], &["!generated/"]), AMPLE).unwrap();
    assert!(watched.contains("build") && watched.contains("src/lib/generated"), "{watched:?}");
}

#[test]
fn without_a_gitignore_only_git_itself_and_what_editors_write_is_left_out() {
    let app = App::new(&[("node_modules/x", ""), ("target/x", ""), (".git/x", ""), ("src/x", "")]);
    let (mut ground, watched) = app.ground(&app.watch(&["."], &[]), AMPLE).unwrap();
    assert_eq!(watched.into_iter().collect::<Vec<_>>(), ["", "node_modules", "src", "target"]);
    for (name, counts) in [
        ("src/web.py", true),
        ("src/.hidden", true),
        ("src/web.py~", false),
        ("src/.web.py.swp", false),
        ("src/.web.py.swx", false),
        ("src/.#web.py", false),
        ("src/#web.py#", false),
        ("src/4913", false),
        (".git/index", false),
        ("src/.git", false),
    ] {
        app.write(name, "");
        assert_eq!(!ground.there(&app.path(name)).is_empty(), counts, "{name}");
        assert_eq!(!ground.gone(&app.path(name)).is_empty(), counts, "{name} has gone");
    }
}

#[test]
fn a_file_that_is_named_counts_whatever_is_said_of_it_and_nothing_beside_it_does() {
    let app = App::new(&[(".gitignore", ".env\n"), (".env", ""), ("other", "")]);
    let (mut ground, watched) = app.ground(&app.watch(&[".env"], &[]), AMPLE).unwrap();
    assert_eq!(watched.into_iter().collect::<Vec<_>>(), [""]);
    assert_eq!(ground.there(&app.path(".env")), [(0, ".env".to_owned())]);
    assert_eq!(ground.gone(&app.path(".env")), [(0, ".env".to_owned())]);
    assert_eq!(ground.there(&app.path("other")), []);
}

#[test]
fn what_gitignore_does_not_leave_out_any_more_is_watched_from_then_on() {
    let app = App::new(&[(".gitignore", "lib/\n"), ("lib/x", "")]);
    let (mut ground, _) = app.ground(&app.watch(&["."], &[]), AMPLE).unwrap();
    assert_eq!(ground.there(&app.path("lib/x")), []);
    app.write(".gitignore", "");
    assert_eq!(ground.there(&app.path(".gitignore")), [(0, ".gitignore".to_owned())]);
    assert_eq!(ground.there(&app.path("lib/x")), [(0, "lib/x".to_owned())]);
}

#[test]
fn where_changes_were_missed_all_may_have_changed_and_is_looked_at_again() {
    let app = App::new(&[("src/a/x", ""), ("src/b/x", "")]);
    let (mut ground, _) = app.ground(&app.watch(&["src"], &[]), AMPLE).unwrap();
    app.write("src/c/x", "");
    assert_eq!(ground.survey_again(), [(0, "src".to_owned())]);
    // Nobody hears of a directory that is known.
    assert_eq!(ground.there(&app.path("src/c")), []);
    assert_eq!(ground.complaint(), None);
}

#[test]
fn what_cannot_be_watched_later_on_is_said_once() {
    let app = App::new(&[("src/a/x", "")]);
    let (mut ground, _) =
        app.ground(&app.watch(&["src"], &[]), Limits { directories: 3, entries: 9 }).unwrap();
    app.write("src/b/x", "");
    ground.there(&app.path("src/b"));
    let complaint = ground.complaint().unwrap();
    assert!(
        complaint.starts_with("not all changes of files are seen any more: more than 3 dir"),
        "{complaint}"
    );
    assert_eq!(ground.complaint(), None);
}

#[test]
fn too_many_directories_and_too_many_files_are_errors_that_say_how_many() {
    let app = App::new(&[("src/a/x", ""), ("src/b/x", ""), ("src/c/x", "")]);
    let error = |limits| {
        let error = app.ground(&app.watch(&["src"], &[]), limits).unwrap_err();
        error.to_string().replace(&app.path("").display().to_string(), "/app/")
    };
    let few = Limits { directories: 4, entries: 1000 };
    assert_eq!(
        error(few),
        "more than 4 directories below /app/src: name fewer `paths`, or leave some out with `ignore`"
    );
    let few = Limits { directories: 1000, entries: 5 };
    assert_eq!(
        error(few),
        "more than 5 files below /app/src: name fewer `paths`, or leave some out with `ignore`"
    );
}

#[test]
fn a_pattern_that_is_none_and_a_path_that_is_not_there_are_errors() {
    let app = App::new(&[("src/x", "")]);
    let error = app.ground(&app.watch(&["src"], &["[z-a]"]), AMPLE).unwrap_err();
    assert!(error.to_string().starts_with("`ignore` has a pattern that is none: "), "{error}");
    let error = app.ground(&app.watch(&["nowhere"], &[]), AMPLE).unwrap_err();
    assert!(error.to_string().ends_with("nowhere: No such file or directory (os error 2)"), "{error}");
}

/// A watcher, and what it is asked for.
struct Watching {
    watcher: Watcher,
    runtime: tokio::runtime::Runtime,
}

impl Watching {
    fn start(app: &App, each: &[Watch], except: Option<&Path>) -> Self {
        let wanted: Vec<_> =
            each.iter().enumerate().map(|(process, watch)| Wanted { process, watch }).collect();
        let watcher = Watcher::start(&wanted, app.0.path(), except).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { watcher, runtime }
    }

    /// All that is told until this file of this process type is.
    #[track_caller]
    fn until(&self, process: usize, file: &str) -> Vec<(usize, String)> {
        let mut heard = Vec::new();
        let last = (process, file.to_owned());
        while !heard.contains(&last) {
            let news = self.runtime.block_on(async {
                let news = tokio::time::timeout(LIMIT, self.watcher.changed()).await;
                news.is_ok().then(|| self.watcher.take())
            });
            let Some(news) = news else { panic!("waited for {last:?}, heard {heard:?}") };
            assert_eq!(news.complaint, None);
            heard.extend(news.changed);
        }
        heard
    }

    /// All that is told of what happened before a file called `end` is written.
    #[track_caller]
    fn of(&self, app: &App) -> Vec<String> {
        app.write("src/end", "");
        let mut heard = self.until(0, "src/end");
        heard.retain(|(_, file)| file != "src/end");
        heard.into_iter().map(|(_, file)| file).collect()
    }
}

#[test]
fn a_file_that_is_written_touched_replaced_removed_or_made_has_changed() {
    let app = App::new(&[("src/a.py", "1"), ("src/b.py", "1"), ("src/c.py", "1"), ("src/d.py", "1")]);
    let watching = Watching::start(&app, &[app.watch(&["src"], &[])], None);
    app.write("src/a.py", "2");
    watching.until(0, "src/a.py");
    let file = std::fs::File::options().append(true).open(app.path("src/b.py")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    watching.until(0, "src/b.py");
    // As editors do, and `sed -i`.
    app.write("src/sedXYZ", "2");
    std::fs::rename(app.path("src/sedXYZ"), app.path("src/c.py")).unwrap();
    watching.until(0, "src/c.py");
    std::fs::remove_file(app.path("src/d.py")).unwrap();
    watching.until(0, "src/d.py");
    app.write("src/e.py", "1");
    watching.until(0, "src/e.py");
}

#[test]
fn what_is_only_read_has_not_changed() {
    let app = App::new(&[("src/a.py", "1"), ("src/lib/b.py", "1")]);
    let watching = Watching::start(&app, &[app.watch(&["src"], &[])], None);
    assert_eq!(read_regular(&app.path("src/a.py"), 10).unwrap(), b"1");
    drop(std::fs::File::options().append(true).open(app.path("src/a.py")).unwrap());
    assert_eq!(std::fs::read_dir(app.path("src/lib")).unwrap().count(), 1);
    assert_eq!(watching.of(&app), [""; 0]);
}

#[test]
fn directories_that_are_made_later_are_watched_with_what_is_in_them() {
    let app = App::new(&[("src/a.py", ""), ("elsewhere/deep/b.py", ""), (".gitignore", "cache/\n")]);
    let watching = Watching::start(&app, &[app.watch(&["src"], &[])], None);
    app.write("src/cache/x", "");
    std::fs::rename(app.path("elsewhere"), app.path("src/lib")).unwrap();
    assert_eq!(watching.until(0, "src/lib/deep/b.py"), [(0, "src/lib/deep/b.py".to_owned())]);
    app.write("src/lib/deep/c.py", "");
    watching.until(0, "src/lib/deep/c.py");
    std::fs::rename(app.path("src/lib"), app.path("elsewhere")).unwrap();
    watching.until(0, "src/lib");
    app.write("elsewhere/deep/b.py", "2");
    let heard = watching.of(&app);
    assert!(!heard.iter().any(|file| file.ends_with("b.py")), "{heard:?}");
    // What is made anew under the same name, by a checkout of another branch for example.
    std::fs::remove_dir_all(app.path("src")).unwrap();
    app.write("src/lib/new.py", "");
    watching.until(0, "src/lib/new.py");
    app.write("src/lib/newer.py", "");
    watching.until(0, "src/lib/newer.py");
}

#[test]
fn what_is_named_goes_on_being_watched_when_the_directories_above_it_are_made_anew() {
    let app = App::new(&[("dist/app.js", "1"), ("out/deep/lib/a.js", "1")]);
    let watching = Watching::start(&app, &[app.watch(&["dist/app.js", "out/deep/lib"], &[])], None);
    for count in 0..3 {
        std::fs::remove_dir_all(app.path("dist")).unwrap();
        std::fs::remove_dir_all(app.path("out")).unwrap();
        watching.until(0, "dist/app.js");
        app.write("dist/app.js", "2");
        watching.until(0, "dist/app.js");
        for file in [format!("out/deep/lib/{count}.js"), format!("out/deep/lib/sub/{count}.js")] {
            app.write(&file, "1");
            watching.until(0, &file);
        }
        // All that happened before has been heard by now.
        app.write("dist/app.js", "3");
        watching.until(0, "dist/app.js");
    }
    std::fs::rename(app.path("out"), app.path("old")).unwrap();
    watching.until(0, "out/deep/lib");
    app.write("new/deep/lib/d.js", "1");
    std::fs::rename(app.path("new"), app.path("out")).unwrap();
    watching.until(0, "out/deep/lib/d.js");
}

#[test]
fn a_directory_that_is_made_anew_is_watched_although_somebody_stands_in_the_old_one() {
    let app = App::new(&[("src/lib/a.py", "1")]);
    let watching = Watching::start(&app, &[app.watch(&["src/lib"], &[])], None);
    let mut inside = std::process::Command::new("cat");
    let inside = inside.current_dir(app.path("src/lib")).stdin(std::process::Stdio::piped());
    let mut inside = inside.spawn().unwrap();
    std::fs::remove_dir_all(app.path("src")).unwrap();
    app.write("src/lib/b.py", "1");
    watching.until(0, "src/lib/b.py");
    // It goes when its input ends, and only then the old directory is gone for good.
    drop(inside.stdin.take());
    inside.wait().unwrap();
    for _ in 0..3 {
        app.write("src/lib/c.py", "1");
        watching.until(0, "src/lib/c.py");
    }
}

#[test]
fn what_has_gone_and_is_there_all_the_same_is_watched_anew() {
    let app = App::new(&[("src/lib/x", "")]);
    let (mut ground, watched) = app.recorded(&app.watch(&["src"], &[]), AMPLE).unwrap();
    watched.lock().unwrap().clear();
    assert_eq!(ground.gone(&app.path("src/lib")), [(0, "src/lib".to_owned()), (0, "src/lib/x".to_owned())]);
    assert_eq!(watched.lock().unwrap().iter().collect::<Vec<_>>(), ["src/lib"]);
    assert_eq!(ground.complaint(), None);
}

#[test]
fn who_would_see_it_come_back_is_missed_when_what_is_named_has_gone() {
    let app = App::new(&[("dist/app.js", "")]);
    let (mut ground, _) = app.ground(&app.watch(&["dist/app.js"], &[]), AMPLE).unwrap();
    std::fs::remove_dir_all(app.path("dist")).unwrap();
    ground.gone(&app.path("dist"));
    assert_eq!(ground.complaint(), None);
    let root = app.path("");
    std::fs::rename(&root, root.with_extension("moved")).unwrap();
    ground.gone(&root);
    let complaint = ground.complaint().unwrap();
    std::fs::rename(root.with_extension("moved"), &root).unwrap();
    assert!(complaint.ends_with(" has gone, and nothing is seen of what comes in its place"), "{complaint}");
}

#[test]
fn a_directory_that_has_gone_before_it_could_be_watched_is_no_complaint() {
    let app = App::new(&[("src/x", "")]);
    let (changes, _heard) = sync_channel(MOST_WAITING);
    let notify = RecommendedWatcher::new(listener(changes, Arc::default()), Config::default()).unwrap();
    let mut ground = Ground::new(app.0.path(), None, Box::new(watch_by(notify)), AMPLE);
    ground.enter(Wanted { process: 0, watch: &app.watch(&["src"], &[]) }).unwrap();
    std::fs::remove_dir_all(app.path("src")).unwrap();
    assert_eq!(ground.survey_again(), [(0, "src".to_owned())]);
    assert_eq!(ground.complaint(), None);
}

#[test]
fn a_single_file_goes_on_being_watched_after_it_was_replaced() {
    let app = App::new(&[("config", "1"), ("real/config", "1")]);
    std::os::unix::fs::symlink(app.path("real/config"), app.path("link")).unwrap();
    let watching = Watching::start(&app, &[app.watch(&["config", "link"], &[])], None);
    for _ in 0..3 {
        app.write("other", "2");
        std::fs::rename(app.path("other"), app.path("config")).unwrap();
        assert_eq!(watching.until(0, "config"), [(0, "config".to_owned())]);
    }
    app.write("real/config", "2");
    watching.until(0, "real/config");
    std::fs::remove_file(app.path("link")).unwrap();
    watching.until(0, "link");
}

#[test]
fn each_process_type_hears_of_its_own_files_and_nobody_of_log_files() {
    let app = App::new(&[("src/a.py", ""), ("src/log/web.1.log", ""), ("src/templates/t.html", "")]);
    let watches = [app.watch(&["src"], &["templates/"]), app.watch(&["src"], &[])];
    let watching = Watching::start(&app, &watches, Some(&app.path("src/log")));
    app.write("src/log/web.1.log", "a line");
    app.write("src/templates/t.html", "2");
    let mut heard: BTreeSet<_> = watching.until(1, "src/templates/t.html").into_iter().collect();
    app.write("src/a.py", "2");
    heard.extend(watching.until(1, "src/a.py"));
    let expected = [(0, "src/a.py"), (1, "src/a.py"), (1, "src/templates/t.html")];
    assert_eq!(heard, expected.map(|(process, file)| (process, file.to_owned())).into());
}

#[test]
fn of_many_changes_at_once_some_are_told_and_of_each_process_type() {
    let mailbox = Mailbox::default();
    mailbox.put((0..5000).map(|count| (0, count.to_string())).collect());
    mailbox.put(vec![(1, "one".to_owned()), (1, "one".to_owned())]);
    let changed = mailbox.take().changed;
    assert_eq!(changed.iter().filter(|(process, _)| *process == 0).count(), 100);
    assert_eq!(changed.last(), Some(&(1, "one".to_owned())));
    assert_eq!(changed.len(), 101);
    assert_eq!(mailbox.take(), News::default());
}

#[test]
fn changes_that_are_too_many_to_be_kept_are_known_to_have_been_there() {
    let (changes, heard) = sync_channel(1);
    let has_missed = Arc::new(AtomicBool::new(false));
    let mut listener = listener(changes, Arc::clone(&has_missed));
    let event = |name| {
        let kind = EventKind::Create(notify::event::CreateKind::File);
        notify::Event::new(kind).add_path(PathBuf::from(name))
    };
    listener(Ok(event("first")));
    assert!(!has_missed.load(Ordering::Acquire));
    listener(Ok(event("second")));
    assert!(has_missed.load(Ordering::Acquire));
    assert!(matches!(heard.try_recv(), Ok(Change::There(path)) if path == Path::new("first")));
    let overflow = notify::Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
    listener(Ok(overflow));
    assert!(matches!(heard.try_recv(), Ok(Change::Missed)));
}
