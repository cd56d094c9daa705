"""A client where uWSGI loads the program that it forks into its workers: no thread may run there,
and yet it answers. test_workers.py has the real one; here is what its module says then."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import types
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from time import monotonic

import pytest

from config_service_client import (
    AsyncConfigClient,
    Change,
    ConfigClient,
    ConfigDenied,
    ConfigUnavailable,
    Status,
)
from conftest import NewClient, own_threads
from devserver import DEADLINE, DevServer, eventually, free_address
from messages import entries, failure, state
from program import Program
from rudeserver import RudeServer, Visit


class Uwsgi(types.ModuleType):
    """The module of a uWSGI without a master: the process that loads becomes a worker."""

    def __init__(self) -> None:
        super().__init__("uwsgi")
        self.worker = 0

    def worker_id(self) -> int:
        return self.worker

    def masterpid(self) -> int:
        return 0


@pytest.fixture
def uwsgi(monkeypatch: pytest.MonkeyPatch) -> Uwsgi:
    module = Uwsgi()
    monkeypatch.setitem(sys.modules, "uwsgi", module)
    return module


@pytest.fixture(autouse=True)
def _no_threads(uwsgi: Uwsgi, new_client: NewClient) -> Iterator[None]:
    yield
    # The clients are still open.
    assert uwsgi.worker or not own_threads()


def test_reads(sidecar: DevServer, new_client: NewClient, tmp_path: Path) -> None:
    client = new_client(sidecar.url, timeout=600, cache_file=tmp_path / "cache.json")
    told: list[Change] = []
    client.on_change("*", told.append)
    began = monotonic()
    assert client.get("database.pool_size", default=10) == 20
    assert client.wait_ready(600)
    # The answer ends the wait.
    assert monotonic() - began < 300
    # Nobody tells it when this is not so any more.
    assert client.status is Status.STALE
    client.close()
    assert str(client.status) == "CLOSED"
    assert client["database.pool_size"] == 20
    assert not told


def test_many_reads_are_one_request(new_client: NewClient) -> None:
    def listing(visit: Visit) -> None:
        visit.answer("200 OK", _listing())

    with RudeServer(listing) as server:
        client = new_client(server.url)
        for _ in range(1000):
            assert client["k"] == 20
        assert len(server.visits) == 1


def test_the_process_that_loads_becomes_a_worker(
    sidecar: DevServer, new_client: NewClient, uwsgi: Uwsgi
) -> None:
    sidecar.set("uwsgi.same", "before")
    client = new_client(sidecar.url)
    told: list[object] = []
    client.on_change("uwsgi.same", lambda change: told.append(change.new))
    assert client["uwsgi.same"] == "before"
    assert not own_threads()
    uwsgi.worker = 1
    assert client["uwsgi.same"] == "before"
    eventually(lambda: client.status is Status.VALID)
    sidecar.set("uwsgi.same", "after")
    eventually(lambda: told == ["after"])
    assert client["uwsgi.same"] == "after"


def test_a_module_of_the_program_that_has_the_same_name(
    sidecar: DevServer, new_client: NewClient, monkeypatch: pytest.MonkeyPatch, uwsgi: Uwsgi
) -> None:
    monkeypatch.setitem(sys.modules, "uwsgi", types.ModuleType("uwsgi"))
    uwsgi.worker = 1  # there is none
    client = new_client(sidecar.url)
    assert client["database.pool_size"] == 20
    assert own_threads()


def test_a_sidecar_that_comes_later(own_sidecar: DevServer, new_client: NewClient) -> None:
    client = new_client(own_sidecar.url, timeout=0.1)
    assert client.get("database.pool_size", default=10) == 10
    assert client.wait_ready(0.1) is False
    own_sidecar.start()
    assert client.wait_ready(DEADLINE)
    assert client["database.pool_size"] == 20


def test_nobody_answers(new_client: NewClient) -> None:
    """Neither a read nor wait_ready() hangs."""
    with RudeServer(Visit.stay) as server:
        client = new_client(server.url, timeout=0.5)
        assert client.get("k", default=10) == 10
        assert client.wait_ready(0.5) is False
        with pytest.raises(ConfigUnavailable):
            client["k"]


def test_a_cache_file(sidecar: DevServer, new_client: NewClient, tmp_path: Path) -> None:
    file = tmp_path / "cache.json"
    with ConfigClient(sidecar.url, cache_file=file) as client:
        assert client["database.pool_size"] == 20
    client = new_client(f"http://{free_address()}", timeout=600, cache_file=file)
    # A sidecar that is not there is not waited for.
    assert client["database.pool_size"] == 20
    assert client.wait_ready(600)
    other = new_client(f"http://{free_address()}", timeout=600, cache_file=file)
    assert other.wait_ready(600)


def test_close_writes_the_cache_file(sidecar: DevServer, tmp_path: Path) -> None:
    file = tmp_path / "cache.json"
    with ConfigClient(sidecar.url, cache_file=file) as client:
        assert client["database.pool_size"] == 20
        assert not file.exists()
    assert cached(file)["database.pool_size"] == 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_worker_prefers_a_newer_cache_file(
    own_sidecar: DevServer, tmp_path: Path, uwsgi: Uwsgi
) -> None:
    """What its program was loaded with may be days old."""
    own_sidecar.start()
    own_sidecar.set("uwsgi.kept", "first")
    file = tmp_path / "cache.json"
    program = Program(
        f"""
        import os, sys, time, types
        uwsgi = sys.modules["uwsgi"] = types.ModuleType("uwsgi")
        uwsgi.worker_id, uwsgi.masterpid = lambda: 0, lambda: 0
        from config_service_client import ConfigClient

        config = ConfigClient(timeout=60, cache_file={str(file)!r})
        print(config["uwsgi.kept"], flush=True)
        print(time.time(), flush=True)
        sys.stdin.read()
        child = os.fork()
        if child:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        uwsgi.worker_id = lambda: 1
        print(config["uwsgi.kept"], config.get_detail("uwsgi.kept").source)
        config.close()
        sys.stdout.flush()
        os._exit(0)
        """,
        own_sidecar.url,
    )
    assert program.line() == "first"
    loaded_at = float(program.line())
    own_sidecar.set("uwsgi.kept", "second")

    def another_worker_writes() -> bool:
        with ConfigClient(own_sidecar.url, timeout=DEADLINE, cache_file=file) as client:
            assert client["uwsgi.kept"] == "second"
        written = json.loads(file.read_text())["written"].replace("Z", "+00:00")
        return datetime.fromisoformat(written).timestamp() > loaded_at

    uwsgi.worker = 1
    eventually(another_worker_writes)
    own_sidecar.kill()
    code, out, _ = program.end()
    assert (code, out) == (0, "second CACHE_FILE\n")
    assert cached(file)["uwsgi.kept"] == "second"


def test_a_refusal(new_client: NewClient) -> None:
    def refuse(visit: Visit) -> None:
        visit.answer("403 Forbidden", json.dumps(failure(7, "PERMISSION_DENIED")).encode())

    with RudeServer(refuse) as server:
        client = new_client(server.url, timeout=600)
        assert client.get("k", default=10) == 10
        with pytest.raises(ConfigDenied):
            client["k"]
        with pytest.raises(ConfigDenied):
            client.wait_ready(600)


def test_asyncio(own_sidecar: DevServer) -> None:
    async def main() -> None:
        config = AsyncConfigClient(own_sidecar.url, timeout=0.1)
        await config.start()
        assert config.get("database.pool_size", default=10) == 10
        assert await config.wait_ready(0.1) is False
        starting = asyncio.get_running_loop().run_in_executor(None, own_sidecar.start)
        assert await config.wait_ready(DEADLINE)
        await starting
        assert config["database.pool_size"] == 20
        await config.close()
        async with AsyncConfigClient(own_sidecar.url) as other:
            assert other["database.pool_size"] == 20

    asyncio.run(asyncio.wait_for(main(), 2 * DEADLINE))


def test_a_client_of_a_dict() -> None:
    with ConfigClient.from_dict({"a": 1}) as client:
        client.on_change("a", print)
        assert not own_threads()
        assert client["a"] == 1
        assert client.wait_ready(600)
        with client.override({"a": 2}):
            assert client["a"] == 2


def cached(file: Path) -> dict[str, object]:
    entries = json.loads(file.read_text())["entries"]
    return {entry["key"]: entry["value"] for entry in entries}


def _listing() -> bytes:
    body = {"state": state(), "entries": entries(k=20)}
    return json.dumps(body).encode()
