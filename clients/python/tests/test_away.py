"""The sidecar is not there yet, not there any more, or does not move."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time

import pytest

from config_service_client import ConfigUnavailable, Status, _stream
from config_service_client._frames import Checkpoint, Snapshot
from config_service_client._stream import Stream
from conftest import NewClient, current_stream, nothing, own_threads
from devserver import DEADLINE, DevServer, eventually, free_address


def test_nothing_starts_before_the_first_read(new_client: NewClient) -> None:
    client = new_client(f"http://{free_address()}")
    assert client.status is Status.INITIALIZING
    assert "INITIALIZING" in repr(client)
    assert not own_threads()


def test_no_sidecar(new_client: NewClient, caplog: pytest.LogCaptureFixture) -> None:
    client = new_client(f"http://{free_address()}", timeout=0.3)
    began = time.monotonic()
    assert client.get("database.pool_size", default=10) == 10
    first = time.monotonic()
    assert first - began >= 0.3
    for _ in range(100):
        assert client.get("database.pool_size", default=10) == 10
    # Later reads do not wait, not even a part of that.
    assert time.monotonic() - first < 100 * 0.3

    assert client.status is Status.INITIALIZING
    with pytest.raises(ConfigUnavailable):
        client.get("database.pool_size")
    with pytest.raises(ConfigUnavailable):
        client["database.pool_size"]
    with pytest.raises(ConfigUnavailable):
        client.snapshot()
    # Not loaded is not the same as not there.
    with pytest.raises(ConfigUnavailable):
        assert "database.pool_size" in client
    assert client.wait_ready(0.1) is False
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "there is no configuration yet" in caplog.text


def test_a_server_that_never_answers(
    new_client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        monkeypatch.setattr(_stream, "ANSWER_TIMEOUT", 2 * DEADLINE)
        client = new_client(f"http://127.0.0.1:{mute.getsockname()[1]}", timeout=0.3)
        began = time.monotonic()
        assert client.get("database.pool_size", default=10) == 10
        assert time.monotonic() - began < DEADLINE
        client.close()


def test_a_timeout_of_zero_never_waits(new_client: NewClient) -> None:
    began = time.monotonic()
    for _ in range(20):
        client = new_client(f"http://{free_address()}", timeout=0)
        assert client.get("database.pool_size", default=10) == 10
    # The usual wait is 2 s.
    assert time.monotonic() - began < 20 * 2


def test_the_sidecar_comes_later(own_sidecar: DevServer, new_client: NewClient) -> None:
    client = new_client(own_sidecar.url, timeout=0.1)
    assert client.get("database.pool_size", default=10) == 10
    own_sidecar.start()
    assert client.wait_ready(DEADLINE)
    assert client.get("database.pool_size", default=10) == 20
    assert client.status is Status.VALID


def test_the_last_values_stay(
    own_sidecar: DevServer, new_client: NewClient, caplog: pytest.LogCaptureFixture
) -> None:
    own_sidecar.start()
    client = new_client(own_sidecar.url)
    assert client.get("database.pool_size", default=10) == 20

    with caplog.at_level(logging.INFO):
        own_sidecar.kill()
        eventually(lambda: client.status is Status.STALE)
        assert client.get("database.pool_size", default=10) == 20
        assert client["database.pool_size"] == 20
        assert client.wait_ready(0)
        eventually(lambda: "the last values stay" in caplog.text)

        own_sidecar.start()
        eventually(lambda: client.status is Status.VALID)
        own_sidecar.set("database.pool_size", 30)
        eventually(lambda: client.get("database.pool_size", default=10) == 30)
    levels = [record.levelname for record in caplog.records]
    assert levels == ["WARNING", "INFO"], caplog.text


def test_a_stream_that_is_cut_is_resumed_without_a_warning(
    own_sidecar: DevServer, new_client: NewClient, caplog: pytest.LogCaptureFixture
) -> None:
    own_sidecar.start()
    client = new_client(own_sidecar.url)
    assert client["database.pool_size"] == 20
    for size in (31, 32, 33):
        current_stream(client).cut()
        own_sidecar.set("database.pool_size", size)
        eventually(lambda size=size: client["database.pool_size"] == size)  # type: ignore[misc]
    eventually(lambda: client.status is Status.VALID)
    assert not caplog.records


def test_a_stream_goes_on_where_the_last_one_ended(
    own_sidecar: DevServer, new_client: NewClient
) -> None:
    own_sidecar.start()
    client = new_client(own_sidecar.url)
    assert client["database.pool_size"] == 20
    view = client._memory.base
    assert view is not None
    with contextlib.closing(Stream(client._settings, view.state, nothing).frames()) as frames:
        assert isinstance(next(frames), Checkpoint)
    with contextlib.closing(Stream(client._settings, None, nothing).frames()) as frames:
        assert isinstance(next(frames), Snapshot)


def test_a_silent_connection_is_a_dead_one(
    own_sidecar: DevServer, new_client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_stream, "SILENCE_TIMEOUT", 3)
    monkeypatch.setattr(_stream, "ANSWER_TIMEOUT", 3)
    own_sidecar.start()
    client = new_client(own_sidecar.url)
    assert client["database.pool_size"] == 20
    own_sidecar.freeze()
    eventually(lambda: client.status is Status.STALE)
    assert client["database.pool_size"] == 20
    own_sidecar.thaw()
    eventually(lambda: client.status is Status.VALID)
    own_sidecar.set("database.pool_size", 40)
    eventually(lambda: client["database.pool_size"] == 40)


def test_reads_go_on_while_the_sidecar_dies_and_comes_back(
    own_sidecar: DevServer, new_client: NewClient
) -> None:
    own_sidecar.start()
    client = new_client(own_sidecar.url)
    assert client["database.pool_size"] == 20
    seen: set[object] = set()
    reads = 0
    over = threading.Event()

    def read() -> None:
        nonlocal reads
        while not over.is_set():
            seen.add(client.get("database.pool_size", default=10))
            seen.add(client.get_int("database.pool_size"))
            seen.add(client.get_detail("database.pool_size").value)
            reads += 3
            over.wait(0.003)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(2):
        own_sidecar.kill()
        eventually(lambda: client.status is Status.STALE)
        own_sidecar.start()
        eventually(lambda: client.status is Status.VALID)
    over.set()
    reader.join()
    assert seen == {20}
    assert reads > 100
