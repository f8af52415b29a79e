"""The migrations of the shop's data, in order. Each one brings it from one schema version to the next."""

from collections.abc import Callable

import redis
from redis.client import Pipeline

from shop import store
from shop.process import say


class UnknownVersion(Exception):
    """The schema version asked for cannot be reached."""


Migration = Callable[[redis.Redis, Pipeline], None]
"""Reads from the first, writes to the second: what is written there happens at once or not at all."""


def stock_the_shelves(_db: redis.Redis, writes: Pipeline) -> None:
    """stock the shelves"""
    writes.hset(store.CATALOGUE, mapping={"Assam": "4", "Darjeeling": "6", "Earl Grey": "5"})


def write_prices_with_cents(db: redis.Redis, writes: Pipeline) -> None:
    """write prices with cents"""
    for tea, price in store.catalogue(db).items():
        writes.hset(store.CATALOGUE, tea, f"{price}.00")


def add_green_tea(_db: redis.Redis, writes: Pipeline) -> None:
    """add green tea"""
    writes.hset(store.CATALOGUE, "Sencha", "7.50")


MIGRATIONS: list[Migration] = [stock_the_shelves, write_prices_with_cents, add_green_tea]
LATEST = len(MIGRATIONS)


def migrate(db: redis.Redis, target: int = LATEST) -> None:
    """Applies what is missing up to `target`; a second run finds nothing to do, two at once take turns."""
    if not 0 < target <= LATEST:
        raise UnknownVersion(f"there is no migration {target}, the latest is {LATEST}")
    with db.lock("shop:migrating", timeout=60, blocking_timeout=30):
        version = store.schema_version(db)
        if version > target:
            raise UnknownVersion(f"the schema is at version {version} and cannot go back to {target}")
        if version == target:
            say(f"has nothing to do: the schema is at version {version}")
        for number in range(version + 1, target + 1):
            step = MIGRATIONS[number - 1]
            with db.pipeline() as writes:
                step(db, writes)
                writes.set(store.SCHEMA, number)
                writes.execute()
            say(f"applied migration {number}: {step.__doc__}")
