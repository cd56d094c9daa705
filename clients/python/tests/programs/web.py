"""What the web servers of the tests run. It reads at import, as settings modules do: with
preloading the watch is then open before the fork, but not in uWSGI."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from config_service_client import Change, ConfigClient

KEY = os.environ["WEB_KEY"]
DEFAULT = "the default"

config = ConfigClient(timeout=float(os.environ["WEB_TIMEOUT"]))
config.get(KEY, default=DEFAULT)
told: list[Any] = []


def listener(change: Change) -> None:
    told.append(change.new)


if "WEB_LISTENS" in os.environ:
    config.on_change(KEY, listener)

names = [thread.name for thread in threading.enumerate()]
THREADS = sorted(name for name in names if name.startswith("config-service-"))


def application(
    environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]
) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "application/x-ndjson")])
    return _follow() if environ["PATH_INFO"] == "/follow" else [_line(_value())]


def _follow() -> Iterator[bytes]:
    """The value now, and the next other one. Occupies its worker in between, and does nothing
    but get(), as most programs."""
    first = _value()
    yield _line(first)
    while (value := _value()) == first:
        time.sleep(0.002)
    while "WEB_LISTENS" in os.environ and told[-1:] != [value]:
        time.sleep(0.002)
    yield _line(value, str(config.status))


def _value() -> Any:
    return config.get(KEY, default=None) or DEFAULT


def _line(value: Any, status: str = "") -> bytes:
    # The clock is the same for all processes of a machine.
    answer = {
        "pid": os.getpid(),
        "value": value,
        "status": status,
        "at": time.monotonic(),
        "threads": THREADS,
        "told": told,
    }
    return json.dumps(answer).encode() + b"\n"
