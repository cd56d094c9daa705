"""Web servers that fork their workers, as they run in production, against a real sidecar."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pytest

from devserver import DEADLINE, DevServer, eventually, free_address
from measured import Measured
from webserver import Answer, WebServer, gunicorn, uwsgi

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

WORKERS = 4

Command = Callable[[str, int], list[str]]
Serve = Callable[..., WebServer]


def command(kind: Callable[..., list[str]], *options: str) -> Command:
    def made(address: str, workers: int) -> list[str]:
        return kind(address, workers, *options)

    return made


SERVERS = {
    "gunicorn": command(gunicorn),
    "gunicorn --preload": command(gunicorn, "--preload"),
    "gunicorn -k gevent": command(gunicorn, "-k", "gevent"),
    "gunicorn -k gevent --preload": command(gunicorn, "-k", "gevent", "--preload"),
    "uwsgi --enable-threads --lazy-apps": command(uwsgi, "--enable-threads", "--lazy-apps"),
}
# A request goes to any worker: few enough for each to be asked soon.
FEW = 2


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Makes web servers that are stopped after the test."""
    servers: list[WebServer] = []

    def make(command: Command, workers: int = WORKERS) -> WebServer:
        address = free_address()
        server = WebServer(command(address, workers), address, tmp_path)
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.stop()


@pytest.mark.parametrize("name", SERVERS)
def test_every_worker_follows_a_change(
    sidecar: DevServer, serve: Serve, measured: Measured, name: str
) -> None:
    sidecar.set("workers.followed", "before")
    server = serve(SERVERS[name])
    server.start(sidecar.url, "workers.followed", timeout=DEADLINE)
    followers = server.followers(WORKERS)
    assert {follower.first.value for follower in followers} == {"before"}

    began = time.monotonic()
    sidecar.set("workers.followed", "after")
    answers = [follower.next for follower in followers]

    assert {(answer.value, answer.status) for answer in answers} == {("after", "VALID")}
    assert len({answer.pid for answer in answers}) == WORKERS
    took = last(answers) - began
    measured(f"{name}: a change is in all {WORKERS} workers after {took:.2f} s (goal 1 s)")


@pytest.mark.parametrize(
    "name",
    [
        "gunicorn",
        "gunicorn --preload",
        "gunicorn -k gevent --preload",
        "uwsgi --enable-threads --lazy-apps",
    ],
)
def test_up_without_a_sidecar(
    own_sidecar: DevServer, serve: Serve, measured: Measured, name: str
) -> None:
    server = serve(SERVERS[name])
    began = time.monotonic()
    server.start(own_sidecar.url, "database.pool_size", timeout=2)
    followers = server.followers(WORKERS)
    firsts = [follower.first for follower in followers]
    assert {answer.value for answer in firsts} == {"the default"}
    took = last(firsts) - began
    measured(f"{name}: up on defaults, without a sidecar, after {took:.2f} s (goal 2.5 s)")

    own_sidecar.start()
    began = time.monotonic()
    answers = [follower.next for follower in followers]
    assert {(answer.value, answer.status) for answer in answers} == {(20, "VALID")}
    assert {answer.pid for answer in answers} == {answer.pid for answer in firsts}
    took = max(0.0, last(answers) - began)
    measured(f"{name}: all workers on the sidecar {took:.2f} s after it is there (goal 5 s)")


@pytest.mark.parametrize(
    "name", ["gunicorn", "gunicorn --preload", "uwsgi --enable-threads --lazy-apps"]
)
def test_workers_are_replaced(sidecar: DevServer, serve: Serve, name: str) -> None:
    sidecar.set("workers.replaced", "first")
    server = serve(SERVERS[name])
    server.start(sidecar.url, "workers.replaced", timeout=DEADLINE)
    followers = server.followers(WORKERS)
    sidecar.set("workers.replaced", "second")
    replaced = {follower.next.pid for follower in followers}

    server.reload()
    eventually(lambda: not any(map(runs, replaced)))
    followers = server.followers(WORKERS)
    assert {follower.first.value for follower in followers} == {"second"}
    sidecar.set("workers.replaced", "third")
    assert {follower.next.value for follower in followers} == {"third"}


@pytest.mark.parametrize("options", [[], ["--preload"]], ids=["", "--preload"])
def test_workers_that_end_after_some_requests(
    sidecar: DevServer, serve: Serve, options: list[str]
) -> None:
    sidecar.set("workers.shortlived", "value")
    server = serve(command(gunicorn, "--max-requests", "3", *options))
    server.start(sidecar.url, "workers.shortlived", timeout=DEADLINE)
    server.wait_up()
    sidecar.set("workers.shortlived", "other")
    seen: set[int] = set()

    def many_workers_came_and_went() -> bool:
        answer = server.ask()
        assert answer.value in ("value", "other")
        seen.add(answer.pid)
        return len(seen) > 3 * WORKERS

    eventually(many_workers_came_and_went)
    assert server.ask().value == "other"


@pytest.mark.parametrize("options", [["--lazy-apps"]], ids=["--lazy-apps"])
def test_uwsgi_without_threads(
    sidecar: DevServer, serve: Serve, measured: Measured, options: list[str]
) -> None:
    # uWSGI holds the interpreter between two requests: nothing else runs there meanwhile.
    sidecar.set("workers.threadless", "before")
    server = serve(command(uwsgi, *options), FEW)
    server.start(sidecar.url, "workers.threadless", timeout=DEADLINE)
    newest: dict[int, Answer] = {}

    def every_worker_answers(value: str) -> bool:
        answer = server.ask()
        newest[answer.pid] = answer
        values = [answer.value for answer in newest.values()]
        return values == [value] * FEW

    server.wait_up()
    eventually(partial(every_worker_answers, "before"))
    began = time.monotonic()
    sidecar.set("workers.threadless", "after")
    eventually(partial(every_worker_answers, "after"))
    name = " ".join(["uwsgi without threads", *options])
    took = last(newest.values()) - began
    measured(f"{name}: a change is in all {FEW} workers after {took:.2f} s (goal 5 s)")


def last(answers: Iterable[Answer]) -> float:
    return max(answer.at for answer in answers)


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
