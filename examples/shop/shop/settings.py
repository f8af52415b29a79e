"""The configuration, from the environment and nowhere else (factor III). See `.env.example`."""

import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit


class ConfigError(Exception):
    """What is wrong with the environment, one complaint a line. Never holds a value: values may be secrets."""


@dataclass(frozen=True)
class Settings:
    """Everything that differs from one deploy to the next."""

    redis_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    shop_name: str
    ship_seconds: float
    count_every_seconds: float


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Reads the settings; complains of all that is missing or malformed at once."""
    complaints: list[str] = []

    def text(name: str) -> str:
        value = environment.get(name, "")
        if not value:
            complaints.append(f"{name} is not set")
        return value

    def seconds(name: str) -> float:
        value = text(name)
        try:
            number = float(value or "0")
        except ValueError:
            number = -1.0
        if not (math.isfinite(number) and number >= 0):
            complaints.append(f"{name} is not a number of seconds")
        return number

    settings = Settings(
        redis_url=text("REDIS_URL"),
        secret_key=text("SECRET_KEY"),
        shop_name=text("SHOP_NAME"),
        ship_seconds=seconds("SHIP_SECONDS"),
        count_every_seconds=seconds("COUNT_EVERY_SECONDS"),
    )
    if settings.redis_url:
        complaints += redis_url_complaints(settings.redis_url)
    if settings.secret_key and len(settings.secret_key) < 16:
        complaints.append("SECRET_KEY is shorter than 16 characters")
    if complaints:
        raise ConfigError("\n".join(complaints))
    return settings


def redis_url_complaints(url: str) -> list[str]:
    """An empty port would quietly mean 6379, somebody else's redis; so it is an error here."""
    try:
        parts = urlsplit(url)
        well_formed = parts.scheme in {"redis", "rediss", "unix"} and (parts.port is None or parts.port > 0)
    except ValueError:
        well_formed = False
    if not well_formed:
        return ["REDIS_URL is not a redis:// URL"]
    if parts.netloc.endswith(":"):
        return ["REDIS_URL has no port (is PROC_REDIS_PORT set? start this with proc)"]
    return []


def read_or_exit() -> Settings:
    """For the start of a process: without its configuration it ends here, with code 1."""
    try:
        return read()
    except ConfigError as error:
        sys.exit("\n".join(f"error: {line}" for line in str(error).splitlines()))
