"""A watch that does not run: reads ask for the values themselves, now and then."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator

import pytest

from config_service_client import ConfigClient, ConfigDenied, Status, _refresh, _watch
from conftest import NewClient, current_stream
from devserver import DevServer, eventually
from messages import failure, snapshot_line
from rudeserver import RudeServer, Visit


class Freezer(logging.Handler):
    """A logging handler of the program that blocks the watch: it logs from its thread."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.frozen = threading.Event()
        self.thaw = threading.Event()

    # Not emit(), which would hold the lock of the handler.
    def handle(self, record: logging.LogRecord) -> bool:
        if threading.current_thread().name == "config-service-watch":
            self.frozen.set()
            self.thaw.wait(60)
        return True


@pytest.fixture
def freezer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Freezer]:
    monkeypatch.setattr(_watch, "HEARTBEAT", 0.1)
    monkeypatch.setattr(_refresh, "INTERVAL", 0.05)
    monkeypatch.setattr(_refresh, "LONGEST_INTERVAL", 0.2)
    handler = Freezer()
    logger = logging.getLogger("config_service_client")
    logger.addHandler(handler)
    yield handler
    handler.thaw.set()
    logger.removeHandler(handler)


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", refuse)


def test_a_frozen_watch(own_sidecar: DevServer, new_client: NewClient, freezer: Freezer) -> None:
    own_sidecar.start()
    client = new_client(own_sidecar.url, timeout=60)
    assert client["database.pool_size"] == 20
    own_sidecar.kill()
    # It logs the outage, and is stuck.
    assert freezer.frozen.wait(60)
    assert client["database.pool_size"] == 20
    eventually(lambda: client.status is Status.STALE)

    own_sidecar.start()
    own_sidecar.set("frozen.key", 30)
    eventually(lambda: client.get("frozen.key", default=0) == 30)
    own_sidecar.set("frozen.key", 31)
    eventually(lambda: client.snapshot("frozen") == {"frozen.key": 31})
    own_sidecar.delete("frozen.key")
    eventually(lambda: "frozen.key" not in client)

    # And when it wakes up it goes on, and stays.
    freezer.thaw.set()
    eventually(lambda: client.status is Status.VALID)
    own_sidecar.set("database.pool_size", 32)
    eventually(lambda: client["database.pool_size"] == 32)


def test_a_frozen_watch_and_no_sidecar(
    own_sidecar: DevServer,
    new_client: NewClient,
    freezer: Freezer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    own_sidecar.start()
    client = new_client(own_sidecar.url, timeout=60)
    assert client["database.pool_size"] == 20
    own_sidecar.kill()
    assert freezer.frozen.wait(60)
    refresh = client._core._refresh
    eventually(lambda: client["database.pool_size"] == 20 and refresh._interval == 0.2)
    assert client.status is Status.STALE
    with caplog.at_level(logging.INFO):
        for _ in range(100):
            assert client["database.pool_size"] == 20
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


@pytest.mark.usefixtures("no_threads")
def test_no_thread_at_all(
    sidecar: DevServer, new_client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_refresh, "INTERVAL", 0.05)
    client = new_client(sidecar.url, timeout=60)
    sidecar.set("threadless", 1)
    assert client["threadless"] == 1
    # There are values, but no open watch.
    assert client.status is Status.STALE
    assert client.wait_ready(0)
    for value in range(2, 5):
        sidecar.set("threadless", value)
        eventually(lambda value=value: client["threadless"] == value)  # type: ignore[misc]
    refresh = client._core._refresh
    assert refresh._tag is not None


def listing(visit: Visit, tag: str, value: int) -> None:
    line = snapshot_line(k=value)
    body = line.replace(b'{"result": ', b"", 1).replace(b'"snapshot": {', b"", 1)[:-3]
    visit.answer("200 OK", body, f"ETag: {tag}")


# As Thread.start is refused, the server's threads must have begun: so there is one visit at a time.
def test_what_did_not_change_is_not_sent(
    new_client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_refresh, "INTERVAL", 0.01)
    state = ["Epoch: e1", "Revision: 43", "Freshness: FRESH", "Source: LIVE"]
    names = ["Namespace: payment-service", "Environment: development"]
    headers = [f"Config-{header}" for header in state + names]

    def act(visit: Visit) -> None:
        if b"If-None-Match: W/one" in visit.request:
            visit.answer("304 Not Modified", b"", *headers)
        else:
            listing(visit, "W/one", 7)

    def no_watch(self: _watch.Watch) -> bool:
        return False

    with RudeServer(act) as server:
        monkeypatch.setattr(_watch.Watch, "start", no_watch)
        client = new_client(server.url, timeout=60)
        assert client["k"] == 7
        eventually(lambda: client["k"] == 7 and len(server.visits) >= 3)
        assert all(b"If-None-Match" in visit.request for visit in server.visits[1:])
        assert client.get_detail("k").revision == 7
        view = client._memory.base
        assert view is not None
        assert view.state.revision == 43


@pytest.mark.parametrize(
    "body", [b"", b"null", b"{}", b"<html>", b'{"entries": [7], "state": {}}', b"x" * 9_000_000]
)
def test_an_answer_that_is_none(
    body: bytes, new_client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_refresh, "INTERVAL", 0.01)
    monkeypatch.setattr(_refresh, "LONGEST_INTERVAL", 0.01)

    def bad(visit: Visit) -> None:
        visit.answer("200 OK", body)

    with RudeServer(bad, bad, lambda visit: listing(visit, "W/one", 7)) as server:
        monkeypatch.setattr(_watch.Watch, "start", lambda self: False)
        client = new_client(server.url, timeout=60)
        assert client.get("k", default=10) == 10
        eventually(lambda: client.get("k", default=10) == 7)


def test_a_server_that_never_answers_costs_a_read_a_second(
    new_client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RudeServer(Visit.stay) as server:
        monkeypatch.setattr(_watch.Watch, "start", lambda self: False)
        client = new_client(server.url, timeout=60)
        for _ in range(100):
            assert client.get("k", default=10) == 10
        # One request; and no other for ten seconds.
        assert len(server.visits) <= 1
        eventually(lambda: len(server.visits) == 1)


def test_a_refusal_is_noticed(new_client: NewClient, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps(failure(7, "PERMISSION_DENIED")).encode()
    with RudeServer(lambda visit: visit.answer("403 Forbidden", body)) as server:
        monkeypatch.setattr(_watch.Watch, "start", lambda self: False)
        client: ConfigClient = new_client(server.url, timeout=60)
        with pytest.raises(ConfigDenied, match="PERMISSION_DENIED"):
            client["k"]


def test_a_watch_that_runs_is_not_disturbed(sidecar: DevServer, new_client: NewClient) -> None:
    client = new_client(sidecar.url, timeout=60)
    assert client["database.pool_size"] == 20
    stream = current_stream(client)
    for _ in range(1000):
        client["database.pool_size"]
    assert current_stream(client) is stream
    assert client._core._refresh._tag is None
