//! What an export looks like.

use crate::support::proc_export;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

const PROCFILE: &str = "\
web: exec server --port $PORT
worker: cd jobs && ./work
cache: cache --port $PORT
release: ./migrate
console: ./console
";

const CONFIG: &str = r#"
[process.web]
depends_on = { cache = "healthy" }
stop_signal = "QUIT"
stop_grace_period = "inf"

[process.worker]
working_dir = "src"
restart = "on-failure"
success_exit_codes = [3]
max_restarts = 9
min_uptime = "1500ms"
env = { DEPTH = "3", TOKEN = "squeamish" }

[process.cache]
restart = "always"
stop_grace_period = "0s"
readiness = { tcp = true }
"#;

/// What an export of this app looks like.
struct Shown {
    supervisor: String,
    programs: String,
    launchers: String,
    said: String,
}

impl Shown {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path();
        std::fs::write(root.join("Procfile"), PROCFILE).unwrap();
        std::fs::write(root.join("proc.toml"), CONFIG).unwrap();
        std::fs::write(root.join(".env"), "TITLE=\"it's\"\nSECRET_KEY=ossifrage\n").unwrap();
        std::fs::set_permissions(root.join(".env"), Permissions::from_mode(0o600)).unwrap();
        std::fs::create_dir(root.join("src")).unwrap();
        let directory = root.to_str().unwrap();
        let words = ["supervisord", "/srv/deploy", "--dry-run", "-a", "app", "-u", "app", "-d", directory];
        let output = proc_export(&words);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(directory, "ROOT");
        let (files, said) = (text(output.stdout), text(output.stderr));
        for secret in ["squeamish", "ossifrage"] {
            assert!(!files.contains(secret) && !said.contains(secret), "{secret}");
        }
        let (supervisor, rest) = files.split_once("# app.conf\n").unwrap();
        let (programs, launchers) = rest.split_once("# secrets.env.example\n").unwrap();
        let [supervisor, programs, launchers] = [supervisor, programs, launchers].map(str::to_owned);
        Self { supervisor, programs, launchers, said }
    }
}

#[test]
fn a_supervisord_of_its_own_includes_the_programs() {
    insta::assert_snapshot!(Shown::new().supervisor, @r#"
    # supervisord.conf
    ; A supervisord for app alone. Made by `proc export supervisord`.

    [supervisord]
    nodaemon=true
    ; What it says itself goes to its standard output; what the programs write, into files beside this one (web.1.log).
    logfile=/dev/null
    logfile_maxbytes=0
    childlogdir=/srv/deploy
    pidfile=/srv/deploy/supervisord.pid

    [unix_http_server]
    file=/srv/deploy/supervisor.sock

    [rpcinterface:supervisor]
    supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

    [supervisorctl]
    serverurl=unix:///srv/deploy/supervisor.sock

    [include]
    files=app.conf
    "#);
}

#[test]
fn an_instance_is_a_program() {
    insta::assert_snapshot!(Shown::new().programs, @r#"
    ; The programs of app. Made by `proc export supervisord`.

    [program:app-web-1]
    process_name=web.1
    command=/bin/sh /srv/deploy/web.sh
    directory=ROOT
    user=app
    environment=PORT="5000",PS="web.1",PROC_TYPE="web",PROC_INSTANCE="1"
    priority=30
    autorestart=true
    stopsignal=QUIT
    ; A year: supervisord cannot wait for ever.
    stopwaitsecs=31536000
    stopasgroup=true
    redirect_stderr=true
    stdout_logfile=/srv/deploy/web.1.log

    [program:app-worker-1]
    process_name=worker.1
    command=/bin/sh /srv/deploy/worker.sh
    directory=ROOT/src
    user=app
    environment=PORT="5100",PS="worker.1",PROC_TYPE="worker",PROC_INSTANCE="1"
    priority=20
    autorestart=unexpected
    exitcodes=0,3
    startsecs=2
    startretries=9
    stopsignal=TERM
    stopwaitsecs=5
    stopasgroup=true
    redirect_stderr=true
    stdout_logfile=/srv/deploy/worker.1.log

    [program:app-cache-1]
    process_name=cache.1
    command=/bin/sh /srv/deploy/cache.sh
    directory=ROOT
    user=app
    environment=PORT="5200",PS="cache.1",PROC_TYPE="cache",PROC_INSTANCE="1"
    priority=20
    autorestart=true
    startsecs=10
    startretries=5
    stopsignal=KILL
    stopwaitsecs=0
    stopasgroup=true
    redirect_stderr=true
    stdout_logfile=/srv/deploy/cache.1.log

    [program:app-release-1]
    process_name=release.1
    command=/bin/sh /srv/deploy/release.sh
    directory=ROOT
    user=app
    environment=PORT="5300",PS="release.1",PROC_TYPE="release",PROC_INSTANCE="1"
    priority=10
    autorestart=false
    startsecs=0
    stopsignal=TERM
    stopwaitsecs=5
    stopasgroup=true
    redirect_stderr=true
    stdout_logfile=/srv/deploy/release.1.log

    [program:app-console-1]
    process_name=console.1
    command=/bin/sh /srv/deploy/console.sh
    directory=ROOT
    user=app
    environment=PORT="5400",PS="console.1",PROC_TYPE="console",PROC_INSTANCE="1"
    priority=20
    autostart=false
    autorestart=false
    startsecs=0
    stopsignal=TERM
    stopwaitsecs=5
    stopasgroup=true
    redirect_stderr=true
    stdout_logfile=/srv/deploy/console.1.log

    [group:app]
    programs=app-release-1,app-worker-1,app-cache-1,app-console-1,app-web-1
    "#);
}

#[test]
fn a_process_type_is_a_launcher_that_reads_its_variables() {
    insta::assert_snapshot!(Shown::new().launchers, @r#"
    # Secrets of app, to be filled in, in a copy called secrets.env. A shell reads it: 'what is not just a word stands in quotes'.
    SECRET_KEY=

    # config.env
    # The variables of app. Made by `proc export supervisord`.
    PROC_CACHE_PORT=5200
    PROC_CONSOLE_PORT=5400
    PROC_RELEASE_PORT=5300
    PROC_WEB_PORT=5000
    PROC_WORKER_PORT=5100
    TITLE='it'\''s'

    # web.sh
    # What supervisord runs for web of app. Made by `proc export supervisord`.
    set -a
    # supervisord leaves these as they are for itself.
    USER=app
    LOGNAME=$USER
    HOME=~app
    case $HOME in /*) ;; *) HOME=/ ;; esac
    . "${0%/*}/config.env"
    . "${0%/*}/secrets.env"
    set +a

    exec server --port $PORT

    # worker.secrets.env.example
    # Secrets of app, to be filled in, in a copy called worker.secrets.env. A shell reads it: 'what is not just a word stands in quotes'.
    TOKEN=

    # worker.sh
    # What supervisord runs for worker of app. Made by `proc export supervisord`.
    set -a
    # supervisord leaves these as they are for itself.
    USER=app
    LOGNAME=$USER
    HOME=~app
    case $HOME in /*) ;; *) HOME=/ ;; esac
    . "${0%/*}/config.env"
    . "${0%/*}/secrets.env"
    DEPTH=3
    . "${0%/*}/worker.secrets.env"
    set +a

    # The command is more than one process. When they are told to stop (all of them are), this shell stays until the last has gone,
    # which is when nobody holds descriptor 4 any more: so supervisord waits for them, and kills them at the end of stopwaitsecs.
    trap : TERM
    exec 3>&1
    {
        trap 'told=yes' TERM
        # A shell has a word for the death of a child (`Terminated`), which is no line of the log.
        exec 5>&2 2>/dev/null
        (exec /bin/sh -c 'cd jobs && ./work' 2>&5 5>&- 4>&1 >&3 3>&-)
        echo "$? $told"
    } | {
        trap '' TERM
        read -r code told
        if [ "$told" ]; then
            cat >/dev/null
        elif [ "$SUPERVISOR_ENABLED" ]; then
            # supervisord gives each program a group of its own.
            kill -s TERM 0
        fi
        exit "$code"
    }

    # cache.sh
    # What supervisord runs for cache of app. Made by `proc export supervisord`.
    set -a
    # supervisord leaves these as they are for itself.
    USER=app
    LOGNAME=$USER
    HOME=~app
    case $HOME in /*) ;; *) HOME=/ ;; esac
    . "${0%/*}/config.env"
    . "${0%/*}/secrets.env"
    set +a

    exec cache --port $PORT

    # release.sh
    # What supervisord runs for release of app. Made by `proc export supervisord`.
    set -a
    # supervisord leaves these as they are for itself.
    USER=app
    LOGNAME=$USER
    HOME=~app
    case $HOME in /*) ;; *) HOME=/ ;; esac
    . "${0%/*}/config.env"
    . "${0%/*}/secrets.env"
    set +a

    exec ./migrate

    # console.sh
    # What supervisord runs for console of app. Made by `proc export supervisord`.
    set -a
    # supervisord leaves these as they are for itself.
    USER=app
    LOGNAME=$USER
    HOME=~app
    case $HOME in /*) ;; *) HOME=/ ;; esac
    . "${0%/*}/config.env"
    . "${0%/*}/secrets.env"
    set +a

    exec ./console
    "#);
}

#[test]
fn what_is_lost_and_what_is_next_is_told() {
    insta::assert_snapshot!(Shown::new().said, @r#"
    not carried over:
      secrets: these values are not written: SECRET_KEY, TOKEN; fill them in where the app is going to run, or export with --include-secret-values
      web: stop_grace_period: supervisord waits for a year at most
      worker, cache: restart_delay, restart_window: supervisord waits 1 s, 2 s, 3 s and so on while starts fail, and not at all otherwise; it counts those that fail in a row, in whatever time
      worker: restart: supervisord takes an end in the first 2 s for a failure, also one with 0; set min_uptime = "0s" if it may end so soon
      cache: readiness: supervisord asks nobody whether it is well; an event listener can (superlance's httpok)
      depends_on: supervisord stops all at once: nobody stays until those who need it have gone
      web: depends_on: supervisord starts cache first, and does not wait until it is healthy; have it try again until that is so
      release: release: supervisord starts it first, at every start, and waits for nobody: the others run beside it; for a new version stop the others, start it alone, then the others: supervisorctl start app:release.1
      stop: supervisord waits for the process that it has started: a child that outlives that, and the stop signal, is left running; have your programs wait for their children, as servers with workers do
    next:
      test -e /srv/deploy/secrets.env || cp /srv/deploy/secrets.env.example /srv/deploy/secrets.env   # and fill it in
      test -e /srv/deploy/worker.secrets.env || cp /srv/deploy/worker.secrets.env.example /srv/deploy/worker.secrets.env   # and fill it in
      chown app /srv/deploy/*.sh /srv/deploy/*.env   # whose launchers read these files
      supervisord -c /srv/deploy/supervisord.conf   # a supervisord for app alone
      supervisorctl -c /srv/deploy/supervisord.conf status
      cp /srv/deploy/app.conf /etc/supervisor/conf.d/   # or beside the other apps of this machine
      supervisorctl update
      supervisorctl start app:console.1   # whenever it is wanted
    "#);
}
