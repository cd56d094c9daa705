"""Drives the client for the conformance scenarios: one JSON request per line on stdin, one JSON
answer per line on stdout. ``--async`` drives AsyncConfigClient."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Optional, Union

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from config_service_client import (
    AsyncConfigClient,
    Change,
    ConfigClient,
    ConfigError,
    Subscription,
)

Client = Union[ConfigClient, AsyncConfigClient]
Request = dict[str, Any]
Answer = dict[str, Any]

_SETTINGS = ("namespace", "environment", "timeout", "cache_file", "token_file")


class Log(logging.Handler):
    """What the client logged since the last look."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._lines: list[Answer] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append({"level": record.levelname, "message": record.getMessage()})

    def take(self) -> list[Answer]:
        taken, self._lines = self._lines, []
        return taken


class Listener:
    """Records what it is told; then it may throw, or block until it is unblocked."""

    def __init__(self, number: int, driver: Driver, behave: Optional[str]) -> None:
        self._number = number
        self._driver = driver
        self._behave = behave

    def __call__(self, change: Change) -> Optional[Awaitable[None]]:
        self._driver.events.append(
            {
                "id": self._number,
                "key": change.key,
                "kind": str(change.kind),
                "old": change.old,
                "new": change.new,
                "revision": change.revision,
            }
        )
        if self._behave == "throw":
            raise RuntimeError("told to throw")
        if self._behave == "block":
            return self._driver.block()
        return None


class Driver:
    """One client, and the requests that do not wait."""

    def __init__(self, kind: Callable[..., Client]) -> None:
        self.events: list[Answer] = []
        self.log = Log()
        self._kind = kind
        self._client: Optional[Client] = None
        self._subscriptions: dict[int, Subscription] = {}
        self._unblocked = threading.Event()

    @property
    def client(self) -> Any:
        if self._client is None:
            raise RuntimeError("no client is open")
        return self._client

    def block(self) -> Optional[Awaitable[None]]:
        self._unblocked.wait()
        return None

    def do_open(self, request: Request) -> Answer:
        settings = {name: request[name] for name in _SETTINGS if name in request}
        self._client = self._kind(request["url"], **settings)
        return {}

    def do_get(self, request: Request) -> Answer:
        kind = request.get("type")
        get = getattr(self.client, f"get_{kind}") if kind else self.client.get
        value = get(request["key"], **_default(request))
        return {"value": value.total_seconds() if isinstance(value, timedelta) else value}

    def do_contains(self, request: Request) -> Answer:
        return {"value": request["key"] in self.client}

    def do_snapshot(self, request: Request) -> Answer:
        return {"value": self.client.snapshot(request.get("prefix"))}

    def do_detail(self, request: Request) -> Answer:
        detail = self.client.get_detail(request["key"], **_default(request))
        return {
            "value": detail.value,
            "layer": detail.layer and str(detail.layer),
            "revision": detail.revision,
            "source": str(detail.source),
            "age": detail.age,
        }

    def do_wait_ready(self, request: Request) -> Any:
        return {"value": self.client.wait_ready(request["timeout"])}

    def do_status(self, _: Request) -> Answer:
        client = self.client
        return {
            "value": str(client.status),
            "namespace": client.namespace,
            "environment": client.environment,
        }

    def do_on_change(self, request: Request) -> Answer:
        number = request["id"]
        listener = Listener(number, self, request.get("behave"))
        self._subscriptions[number] = self.client.on_change(request["pattern"], listener)
        return {}

    def do_off_change(self, request: Request) -> Answer:
        self._subscriptions.pop(request["id"]).cancel()
        return {}

    def do_unblock(self, _: Request) -> Answer:
        self._unblocked.set()
        return {}

    def do_events(self, _: Request) -> Answer:
        taken = self.events[:]
        del self.events[: len(taken)]
        return {"events": taken}

    def do_logs(self, _: Request) -> Answer:
        return {"logs": self.log.take()}

    def do_close(self, _: Request) -> Any:
        self.client.close()
        return {}


class AsyncDriver(Driver):
    """The same for AsyncConfigClient, in the event loop."""

    def __init__(self) -> None:
        super().__init__(AsyncConfigClient)
        self._gate = asyncio.Event()
        self._starting: Optional[asyncio.Task[None]] = None

    def block(self) -> Awaitable[None]:
        return self._wait()

    def do_unblock(self, _: Request) -> Answer:
        self._gate.set()
        return {}

    async def do_start(self) -> None:
        """What the first read of ConfigClient does: waits for the start, once."""
        if self._starting is None:
            self._starting = asyncio.ensure_future(self.client.start())
        await self._starting

    async def do_wait_ready(self, request: Request) -> Answer:
        return {"value": await self.client.wait_ready(request["timeout"])}

    async def do_close(self, _: Request) -> Answer:
        await self.client.close()
        return {}

    async def _wait(self) -> None:
        await self._gate.wait()


# What answers from memory: before the first of them the async client is started.
_READS = ("get", "contains", "snapshot", "detail")


async def answer(driver: Driver, line: str) -> Answer:
    request = json.loads(line)
    do = getattr(driver, f"do_{request['do']}", None)
    if do is None or request["do"] == "start":
        return {"error": "Unsupported"}
    try:
        if isinstance(driver, AsyncDriver) and request["do"] in _READS:
            await driver.do_start()
        result: Any = do(request)
        given: Answer = await result if asyncio.iscoroutine(result) else result
        return given
    except ConfigError as error:
        return {"error": type(error).__name__, "message": str(error)}


def _default(request: Request) -> Answer:
    return {"default": request["default"]} if "default" in request else {}


def _arranged(driver: Driver) -> Driver:
    logger = logging.getLogger("config_service_client")
    logger.setLevel(logging.INFO)
    logger.addHandler(driver.log)
    logger.propagate = False
    return driver


async def drive(make: Callable[[], Driver], in_thread: bool) -> None:
    driver = _arranged(make())
    loop = asyncio.get_running_loop()
    while True:
        # The event loop goes on while nothing is asked.
        read = sys.stdin.readline
        line = await loop.run_in_executor(None, read) if in_thread else read()
        if not line:
            return
        if line.strip():
            print(json.dumps(await answer(driver, line)), flush=True)  # noqa: T201


def main() -> None:
    if "--async" in sys.argv[1:]:
        asyncio.run(drive(AsyncDriver, in_thread=True))
    else:
        asyncio.run(drive(lambda: Driver(ConfigClient), in_thread=False))


if __name__ == "__main__":
    main()
