"""The jobs that workers do. Each may be run twice without harm: a worker can be killed at any moment."""

import time

from redis import Redis
from rq import get_current_job

from shop import settings, store
from shop.process import NAME, say


def redis_of_this_job() -> Redis:
    """The connection of the worker that does this job."""
    job = get_current_job()
    assert job is not None, "only a worker does jobs"
    return job.connection


def ship(order: int, ordered_at: str) -> None:
    """Ships an order, which takes its time."""
    db = redis_of_this_job()
    time.sleep(settings.read().ship_seconds)
    if store.mark_shipped(db, {"order": order, "ordered_at": ordered_at, "shipped_by": NAME}):
        say(f"shipped order {order} (ordered at {ordered_at})")
    else:
        say(f"found order {order} shipped already")


def count(asked_by: str) -> None:
    """Counts what has been shipped so far."""
    shipped = store.count_shipped(redis_of_this_job())
    say(f"counted {shipped} {'order' if shipped == 1 else 'orders'} shipped so far (asked by {asked_by})")
