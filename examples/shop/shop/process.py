"""Who this process is, and how it speaks: one line is one event, on stdout."""

import os
import sys
from pathlib import Path

NAME = os.environ.get("PS") or Path(sys.argv[0]).stem
"""The name the process manager gave this process, such as `web.1`."""


def say(text: str) -> None:
    """Writes one line in one piece, so that threads and signal handlers never tear each other's lines.

    Who says it is not in the line: the process manager puts the name before it.
    """
    os.write(1, f"{text}\n".encode())
