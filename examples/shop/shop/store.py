"""The backing service (factor IV): a redis found by its URL. All state of the shop is there, none in a process."""

import json
import sys
import time
from collections.abc import Callable
from typing import TypedDict

import redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry
from rq import Queue
from rq import Retry as JobRetry
from rq.job import Job
from rq.utils import as_text

from shop.process import say

PATIENCE_SECONDS = 10
GONE = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError)
"""What redis-py raises while there is no redis to talk to."""

SCHEMA = "shop:schema"
CATALOGUE = "shop:catalogue"
LAST_ORDER = "shop:last-order"
SHIPPED = "shop:shipped"


class ShippedOrder(TypedDict):
    """An order that a worker has shipped."""

    order: int
    ordered_at: str
    shipped_by: str


def connect(url: str, patient: bool = False) -> redis.Redis:
    """A client; it connects when it is first used. A patient one tries each command for about ten seconds."""
    # Pauses of 0.2, 0.4 and 0.8 seconds, then of one.
    retry = Retry(ExponentialBackoff(cap=1.0, base=0.1), 12) if patient else Retry(NoBackoff(), 0)
    return redis.Redis.from_url(url, retry=retry, socket_connect_timeout=2, socket_timeout=5)


def wait(db: redis.Redis, unless: Callable[[], bool] = lambda: False) -> None:
    """Waits until redis answers, or exits with code 1 when it has not done so in ten seconds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = 0.05
    while not unless():
        try:
            db.ping()
            return
        except GONE as error:
            if time.monotonic() + pause > deadline:
                sys.exit(f"error: redis did not answer within {PATIENCE_SECONDS} seconds: {error}")
        if pause == 0.05:
            say("waits for redis")
        time.sleep(pause)
        pause = min(pause * 2, 1.0)


def queue(db: redis.Redis) -> Queue:
    """The one queue that all workers share."""
    return Queue("shop", connection=db)


def enqueue(db: redis.Redis, function: str, *args: object, job_id: str | None = None) -> Job:
    """Hands a job to the workers. It is tried again when a worker dies with it."""
    return queue(db).enqueue(
        f"shop.jobs.{function}", *args, job_id=job_id, job_timeout=10, result_ttl=60, retry=JobRetry(max=3)
    )


def take_order(db: redis.Redis, ordered_at: str) -> int:
    """Gives the order a number and hands it to the workers."""
    number = int(db.incr(LAST_ORDER))
    enqueue(db, "ship", number, ordered_at, job_id=f"order-{number}")
    return number


def mark_shipped(db: redis.Redis, order: ShippedOrder) -> bool:
    """Writes the order down; false if that has been done before. So a job may safely run twice."""
    return bool(db.hsetnx(SHIPPED, str(order["order"]), json.dumps(order)))


def shipped_orders(db: redis.Redis) -> list[ShippedOrder]:
    """What has been shipped so far, by order number."""
    orders: list[ShippedOrder] = [json.loads(line) for line in db.hvals(SHIPPED)]
    return sorted(orders, key=lambda order: order["order"])


def count_shipped(db: redis.Redis) -> int:
    """How many orders have been shipped so far."""
    return int(db.hlen(SHIPPED))


def catalogue(db: redis.Redis) -> dict[str, str]:
    """Teas and their prices; empty until the first migration has run."""
    return {as_text(tea): as_text(price) for tea, price in db.hgetall(CATALOGUE).items()}


def schema_version(db: redis.Redis) -> int:
    """The number of the last migration that was applied, 0 before the first."""
    return int(db.get(SCHEMA) or 0)
