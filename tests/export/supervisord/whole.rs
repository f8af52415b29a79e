//! What an export looks like.

use crate::support::proc_export;

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

#[test]
#[expect(clippy::too_many_lines, reason = "most of them are the export")]
fn an_export_is_one_program_an_instance() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    std::fs::write(root.join("Procfile"), PROCFILE).unwrap();
    std::fs::write(root.join("proc.toml"), CONFIG).unwrap();
    std::fs::write(root.join(".env"), "TITLE=\"it's\"\nSECRET_KEY=ossifrage\n").unwrap();
    std::fs::create_dir(root.join("src")).unwrap();
    let directory = root.to_str().unwrap();
    let output =
        proc_export(&["supervisord", "/srv/deploy", "--dry-run", "-a", "app", "-u", "app", "-d", directory]);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(directory, "ROOT");
    let (files, said) = (text(output.stdout), text(output.stderr));
    for secret in ["squeamish", "ossifrage"] {
        assert!(!files.contains(secret) && !said.contains(secret), "{secret}");
    }
    insta::assert_snapshot!(format!("{files}\n==== standard error\n{said}"), @r#"
    # supervisord.conf
    ; A supervisord for app alone. Made by `proc export supervisord`.

    [supervisord]
    nodaemon=true
    ; What it says itself goes to its standard output; what the programs write, into files beside this one.
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

    # app.conf
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

    [program:app-cache-1]
    process_name=cache.1
    command=/bin/sh /srv/deploy/cache.sh
    directory=ROOT
    user=app
    environment=PORT="5200",PS="cache.1",PROC_TYPE="cache",PROC_INSTANCE="1"
    priority=20
    autorestart=true
    startretries=5
    stopsignal=KILL
    stopwaitsecs=0
    stopasgroup=true
    redirect_stderr=true

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

    [group:app]
    programs=app-release-1,app-worker-1,app-cache-1,app-console-1,app-web-1

    # secrets.env.example
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
    . "${0%/*}/config.env"
    . "${0%/*}/secrets.env"
    set +a

    exec cache --port $PORT

    # release.sh
    # What supervisord runs for release of app. Made by `proc export supervisord`.
    set -a
    . "${0%/*}/config.env"
    . "${0%/*}/secrets.env"
    set +a

    exec ./migrate

    # console.sh
    # What supervisord runs for console of app. Made by `proc export supervisord`.
    set -a
    . "${0%/*}/config.env"
    . "${0%/*}/secrets.env"
    set +a

    exec ./console

    ==== standard error
    warning: everybody on this machine can read ROOT/.env, and line 2 of it looks like a secret (SECRET_KEY): `chmod 600 ROOT/.env`
    not carried over:
      web: stop_grace_period: supervisord waits for a year at most
      cache: readiness: supervisord asks nobody whether it is well; an event listener can (superlance's httpok)
      depends_on: supervisord stops all at once: nobody stays until those who need it have gone
      web: depends_on: supervisord starts cache first, and does not wait until it is healthy; have it try again until that is so
      release: release: supervisord starts it first, at every start, and waits for nobody: the others run beside it; for a new version stop the others, start it alone, then the others: supervisorctl start app:release.1
    next:
      cp /srv/deploy/secrets.env.example /srv/deploy/secrets.env   # and fill it in
      cp /srv/deploy/worker.secrets.env.example /srv/deploy/worker.secrets.env   # and fill it in
      chown app /srv/deploy/*.sh /srv/deploy/*.env   # whose launchers read these files
      supervisord -c /srv/deploy/supervisord.conf   # a supervisord for app alone
      supervisorctl -c /srv/deploy/supervisord.conf status
      cp /srv/deploy/app.conf /etc/supervisor/conf.d/   # or beside the other apps of this machine
      supervisorctl update
      supervisorctl start app:console.1   # whenever it is wanted
    "#);
}
