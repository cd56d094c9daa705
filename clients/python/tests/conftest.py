from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config_service_client import ConfigClient
from config_service_client._stream import Stream
from devserver import DEADLINE, DevServer, dev_binary, eventually

pytest_plugins = ["measured"]

NewClient = Callable[..., ConfigClient]


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dev_binary(tmp_path_factory.mktemp("binary"))


@pytest.fixture(scope="session")
def sidecar(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    """A sidecar for payment-service in development. Shared: every test writes keys of its own."""
    server = DevServer(binary, tmp_path_factory.mktemp("sidecar"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def own_sidecar(binary: Path, tmp_path: Path) -> Iterator[DevServer]:
    """A sidecar that a test may stop, kill and start. It is not started yet."""
    server = DevServer(binary, tmp_path)
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def new_client() -> Iterator[NewClient]:
    """Makes clients that wait long for their first values, are closed after the test, and leave
    nothing behind."""
    clients: list[ConfigClient] = []

    def make(*arguments: object, **settings: object) -> ConfigClient:
        settings.setdefault("timeout", DEADLINE)
        client = ConfigClient(*arguments, **settings)  # type: ignore[arg-type]
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()
    eventually(lambda: not own_threads())


@pytest.fixture
def client(sidecar: DevServer, new_client: NewClient) -> ConfigClient:
    client = new_client(sidecar.url)
    assert client.wait_ready(DEADLINE)
    return client


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "CONFIG_SERVICE_URL",
        "CONFIG_SERVICE_TOKEN_FILE",
        "CONFIG_SERVICE_CACHE_FILE",
        "SERVICE_NAME",
        "ENVIRONMENT",
    ):
        monkeypatch.delenv(name, raising=False)


def own_threads() -> list[str]:
    """The threads of all clients."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("config-service-")]


def current_stream(client: ConfigClient) -> Stream:
    watch = client._core._watch
    assert watch is not None
    assert watch._stream is not None
    return watch._stream


def nothing() -> None:
    pass
