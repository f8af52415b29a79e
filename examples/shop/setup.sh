#!/bin/sh
# Gets everything the shop needs: checks for python3 and redis-server, makes a .env for development, builds .venv.
# Safe to run again, from anywhere; does nothing when all is there.
set -eu
cd "$(dirname "$0")"

missing() {
    echo "setup: $1" >&2
    echo "       Debian, Ubuntu: apt-get install redis-server python3-venv" >&2
    exit 1
}

command -v redis-server >/dev/null || missing "redis-server is not installed"
command -v python3 >/dev/null || missing "python3 is not installed"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || missing "python3 is older than 3.11"
python3 -c 'import ensurepip, venv' 2>/dev/null || missing "python3 has no venv module"

# A key of its own for every place, for nobody else to read.
if ! [ -e .env ]; then
    (umask 077 && cat >.env) <<EOF
# Development. .env.example says what each of these is for.
# proc knows the port of the redis it starts, so this follows \`proc start -p 6000\` too.
REDIS_URL=redis://127.0.0.1:\${PROC_REDIS_PORT}/0
SECRET_KEY=$(python3 -c 'import secrets; print(secrets.token_hex(16))')
SHOP_NAME="The Twelve-Factor Tea Shop"
SHIP_SECONDS=1
COUNT_EVERY_SECONDS=5
PYTHONUNBUFFERED=1
EOF
    echo "setup: made .env"
fi

# The stamp is written last: a build that was cut short is built again.
stamp=.venv/requirements.stamp
if cmp -s requirements.txt "$stamp" && .venv/bin/gunicorn --version >/dev/null 2>&1; then
    echo "setup: .venv is up to date"
    exit 0
fi

echo "setup: building .venv (takes a moment)"
python3 -m venv --clear .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
.venv/bin/python -m pip check --disable-pip-version-check >/dev/null
cp requirements.txt "$stamp"
echo "setup: done; now: proc start web=2 worker=3 redis"
