"""The process type `clock`: has the shipped orders counted every few seconds. One is enough, never start two."""

import signal
import threading

from shop import settings, store
from shop.process import NAME, say


def main() -> None:
    """Ticks until it is told to stop."""
    config = settings.read_or_exit()
    db = store.connect(config.redis_url)
    store.wait(db)

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    say(f"is ticking, every {config.count_every_seconds:g} s")
    last = ""
    while not stop.wait(config.count_every_seconds):
        try:
            if last and store.queue(db).get_job_position(last) is not None:
                say("asks for no other count: the last one still waits for a worker")
            else:
                last = store.enqueue(db, "count", NAME).id
        except store.GONE:
            say("cannot reach redis, tries again at the next tick")
    say("stopped")


if __name__ == "__main__":
    main()
