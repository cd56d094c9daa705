"""Web servers with several workers, as processes. They serve programs/web.py."""

from __future__ import annotations

import contextlib
import functools
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from devserver import DEADLINE, eventually
from program import PYTHONPATH


@dataclass(frozen=True)
class Answer:
    pid: int
    value: object
    status: str
    """Empty when the worker was not asked for more than the value."""
    at: float
    """When the worker saw the value, by time.monotonic()."""
    threads: list[str]
    """Those of the client that ran when the program was loaded."""
    told: list[object]
    """What the listener of this worker was told, if the program has one."""


class Follower:
    """One request to /follow: it holds its worker until the value changes."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=DEADLINE)
        self._connection.request("GET", "/follow")

    @functools.cached_property
    def first(self) -> Answer:
        return _parsed(self._response.readline())

    @functools.cached_property
    def next(self) -> Answer:
        assert self.first
        answer = _parsed(self._response.readline())
        self.close()
        return answer

    def close(self) -> None:
        self._response.close()
        self._connection.close()

    @functools.cached_property
    def _response(self) -> http.client.HTTPResponse:
        return self._connection.getresponse()


class WebServer:
    """A server with its workers, in a process group of its own."""

    def __init__(self, command: list[str], address: str, folder: Path) -> None:
        self.address = address
        self._command = command
        self._log = folder / "web.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, sidecar_url: str, key: str, timeout: float, **settings: str) -> None:
        environment = {
            **os.environ,
            **settings,
            "PYTHONPATH": PYTHONPATH,
            "CONFIG_SERVICE_URL": sidecar_url,
            "WEB_KEY": key,
            "WEB_TIMEOUT": str(timeout),
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def ask(self) -> Answer:
        """What any of the workers answers."""
        connection = http.client.HTTPConnection(self.address, timeout=DEADLINE)
        with contextlib.closing(connection):
            connection.request("GET", "/")
            return _parsed(connection.getresponse().read())

    def followers(self, workers: int) -> list[Follower]:
        """One for each worker, as soon as there are so many. No worker may be held already."""
        self.wait_up()
        found: dict[int, Follower] = {}
        end = time.monotonic() + DEADLINE
        while len(found) < workers:
            assert time.monotonic() < end, f"only {len(found)} workers answer: {self.log()}"
            for follower in [Follower(self.address) for _ in range(workers - len(found))]:
                # A worker that serves many requests at once may take several of them.
                if found.setdefault(follower.first.pid, follower) is not follower:
                    follower.close()
        return list(found.values())

    def wait_up(self) -> None:
        eventually(self._accepts)

    def reload(self) -> None:
        self._running.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        if self._process is None:
            return
        end = time.monotonic() + DEADLINE
        try:
            while self._process.poll() is None:
                assert time.monotonic() < end, f"it does not end: {self.log()}"
                # Again and again: while it starts its workers uWSGI may take no notice.
                self._process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(timeout=1)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=DEADLINE)

    def log(self) -> str:
        return self._log.read_text()

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the server is not running"
        return self._process

    def _accepts(self) -> bool:
        assert self._running.poll() is None, self.log()
        host, port = self.address.split(":")
        try:
            socket.create_connection((host, int(port))).close()
        except ConnectionRefusedError:
            return False
        return True


def gunicorn(address: str, workers: int, *options: str) -> list[str]:
    pytest.importorskip("gunicorn")
    command = [sys.executable, "-m", "gunicorn", "--bind", address, "--workers", str(workers)]
    # A worker that is held by a Follower is not stuck.
    command += ["--timeout", "0", "--graceful-timeout", "1"]
    return [*command, *options, "web:application"]


def uwsgi(address: str, workers: int, *options: str, master: bool = True) -> list[str]:
    program = Path(sys.executable).with_name("uwsgi")
    if not program.exists():
        assert os.environ.get("CI") != "true", "uWSGI is not installed"
        pytest.skip("uWSGI is not installed: it is built from source, which needs gcc")
    command = [str(program), "--http-socket", address, "--processes", str(workers)]
    command += ["--master"] if master else []
    return [*command, "--need-app", "--die-on-term", "--module", "web:application", *options]


def _parsed(line: bytes) -> Answer:
    return Answer(**json.loads(line))
