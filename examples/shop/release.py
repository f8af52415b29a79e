"""The one-off `release`: what has to be right before a new release may start. Safe to run again."""

import signal

from shop import migrations, settings, store
from shop.process import say


def main() -> None:
    """Exit code 0: ready. 1: no configuration or no redis, so the release must not start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
    config = settings.read_or_exit()
    say("checked the configuration: complete")
    db = store.connect(config.redis_url)
    store.wait(db)
    migrations.migrate(db)


if __name__ == "__main__":
    main()
