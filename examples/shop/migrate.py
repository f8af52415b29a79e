"""The one-off `migrate`: brings the shop's data to the newest schema version, or to the one named by --to."""

import argparse
import signal
import sys

from shop import migrations, settings, store


def main() -> None:
    """Exit code 0: done, or nothing to do. 1: no configuration or no redis. 3: no such version."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
    parser = argparse.ArgumentParser(prog="migrate", description="Applies the migrations that are missing.")
    parser.add_argument("--to", type=int, default=migrations.LATEST, metavar="VERSION", help="default: the latest")
    target: int = parser.parse_args().to
    db = store.connect(settings.read_or_exit().redis_url)
    store.wait(db)
    try:
        migrations.migrate(db, target)
    except migrations.UnknownVersion as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(3)


if __name__ == "__main__":
    main()
