"""Web servers that fork their workers, as they run in production, against a real sidecar."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pytest

from devserver import DEADLINE, DevServer, eventually, free_address
from measured import Measured
from program import PROGRAMS
from webserver import Answer, WebServer, gunicorn, uwsgi

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

WORKERS = 4

Command = Callable[[str, int], list[str]]
Serve = Callable[..., WebServer]


def command(kind: Callable[..., list[str]], *options: str, **more: bool) -> Command:
    def made(address: str, workers: int) -> list[str]:
        return kind(address, workers, *options, **more)

    return made


SERVERS = {
    "gunicorn": command(gunicorn),
    "gunicorn --preload": command(gunicorn, "--preload"),
    "gunicorn -k gevent": command(gunicorn, "-k", "gevent"),
    "gunicorn -k gevent --preload": command(gunicorn, "-k", "gevent", "--preload"),
    "uwsgi --enable-threads": command(uwsgi, "--enable-threads"),
    "uwsgi --enable-threads --lazy-apps": command(uwsgi, "--enable-threads", "--lazy-apps"),
    "uwsgi --enable-threads, no master": command(uwsgi, "--enable-threads", master=False),
}
PRELOADED = ["gunicorn --preload", "uwsgi --enable-threads", "uwsgi --enable-threads, no master"]
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
        "uwsgi --enable-threads",
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


@pytest.mark.parametrize("name", PRELOADED)
def test_a_sidecar_that_comes_later_than_the_program(
    own_sidecar: DevServer, serve: Serve, name: str
) -> None:
    server = serve(SERVERS[name])
    server.start(own_sidecar.url, "database.pool_size", timeout=DEADLINE)
    own_sidecar.start()
    answers = [follower.first for follower in server.followers(WORKERS)]
    assert {answer.value for answer in answers} == {20}


@pytest.mark.parametrize("name", PRELOADED)
def test_workers_do_what_the_program_asked_for_before_the_fork(
    sidecar: DevServer, serve: Serve, tmp_path: Path, name: str
) -> None:
    """They tell its listener, and keep its cache file."""
    sidecar.set("workers.told", "before")
    server, file = serve(SERVERS[name]), tmp_path / "cache.json"
    more = {"WEB_LISTENS": "yes", "CONFIG_SERVICE_CACHE_FILE": str(file)}
    server.start(sidecar.url, "workers.told", timeout=DEADLINE, **more)
    followers = server.followers(WORKERS)
    assert {follower.first.value for follower in followers} == {"before"}
    sidecar.set("workers.told", "after")
    assert [follower.next.told for follower in followers] == [["after"]] * WORKERS
    eventually(lambda: cached(file).get("workers.told") == "after")


@pytest.mark.parametrize(
    "name",
    [
        "gunicorn",
        "gunicorn --preload",
        "uwsgi --enable-threads",
        "uwsgi --enable-threads --lazy-apps",
    ],
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


@pytest.mark.parametrize(
    "name", ["gunicorn --preload", "uwsgi --enable-threads", "uwsgi --enable-threads --lazy-apps"]
)
def test_workers_that_die_are_replaced(sidecar: DevServer, serve: Serve, name: str) -> None:
    sidecar.set("workers.dead", "first")
    server = serve(SERVERS[name])
    server.start(sidecar.url, "workers.dead", timeout=DEADLINE)
    followers = server.followers(WORKERS)
    sidecar.set("workers.dead", "second")
    kill(follower.next.pid for follower in followers)

    # What the program was loaded with is older.
    followers = server.followers(WORKERS)
    assert {follower.first.value for follower in followers} == {"second"}
    sidecar.set("workers.dead", "third")
    assert {follower.next.value for follower in followers} == {"third"}


@pytest.mark.parametrize("name", ["gunicorn --preload", "uwsgi --enable-threads"])
def test_workers_are_replaced_without_a_sidecar(
    own_sidecar: DevServer, serve: Serve, tmp_path: Path, name: str
) -> None:
    """They go on with what the others had, not with what the program was loaded with."""
    own_sidecar.start()
    own_sidecar.set("workers.kept", "first")
    server, file = serve(SERVERS[name]), tmp_path / "cache.json"
    more = {"CONFIG_SERVICE_CACHE_FILE": str(file)}
    server.start(own_sidecar.url, "workers.kept", timeout=DEADLINE, **more)
    followers = server.followers(WORKERS)
    eventually(lambda: cached(file).get("workers.kept") == "first")
    own_sidecar.set("workers.kept", "second")
    replaced = [follower.next.pid for follower in followers]
    eventually(lambda: cached(file).get("workers.kept") == "second")
    own_sidecar.kill()
    kill(replaced)

    followers = server.followers(WORKERS)
    assert {follower.first.value for follower in followers} == {"second"}
    own_sidecar.start()
    own_sidecar.set("workers.kept", "third")
    assert {follower.next.value for follower in followers} == {"third"}


@pytest.mark.parametrize(
    ("name", "threads"),
    [
        ("uwsgi --enable-threads", []),
        ("uwsgi --enable-threads, no master", []),
        (
            "uwsgi --enable-threads --lazy-apps",
            ["config-service-cache", "config-service-listeners", "config-service-watch"],
        ),
    ],
)
def test_no_thread_runs_where_uwsgi_forks(
    sidecar: DevServer, serve: Serve, tmp_path: Path, name: str, threads: list[str]
) -> None:
    # It forks without a word to Python: a worker would now and then inherit a lock that nobody
    # gives back.
    sidecar.set("workers.threads", "value")
    server = serve(SERVERS[name])
    more = {"WEB_LISTENS": "yes", "CONFIG_SERVICE_CACHE_FILE": str(tmp_path / "cache.json")}
    server.start(sidecar.url, "workers.threads", timeout=DEADLINE, **more)
    server.wait_up()
    answer = server.ask()
    assert (answer.value, answer.threads) == ("value", threads)


@pytest.mark.parametrize("options", [[], ["--lazy-apps"]], ids=["", "--lazy-apps"])
def test_a_mule_of_uwsgi(
    sidecar: DevServer, serve: Serve, tmp_path: Path, options: list[str]
) -> None:
    sidecar.set("workers.mule", "before")
    file = tmp_path / "mule.txt"
    mule = ["--mule=" + str(PROGRAMS / "mule.py")]
    server = serve(command(uwsgi, "--enable-threads", *mule, *options), FEW)
    server.start(sidecar.url, "workers.mule", timeout=DEADLINE, MULE_FILE=str(file))
    eventually(lambda: file.exists() and file.read_text() == "before\n")
    sidecar.set("workers.mule", "after")
    eventually(lambda: file.read_text() == "before\nafter\n")


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


@pytest.mark.parametrize("options", [[], ["--lazy-apps"]], ids=["", "--lazy-apps"])
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


def cached(file: Path) -> dict[str, object]:
    """What a cache file holds; nothing while there is none."""
    if not file.exists():
        return {}
    entries = json.loads(file.read_text())["entries"]
    return {entry["key"]: entry["value"] for entry in entries}


def kill(pids: Iterable[int]) -> None:
    killed = list(pids)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not any(map(runs, killed)))


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
