from __future__ import annotations

import logging
import time
from typing import Optional

import pytest

from config_service_client import ConfigDenied, Status, _watch
from config_service_client._memory import Denial, Memory
from conftest import NewClient
from devserver import DevServer, eventually

# Longer than any test: what is refused must not be waited for.
PATIENCE = 300.0


@pytest.mark.parametrize(
    ("namespace", "environment", "reason"),
    [
        ("another-service", None, "PERMISSION_DENIED"),
        (None, "production", "PERMISSION_DENIED"),
    ],
)
def test_a_refusal_is_named_at_once(
    sidecar: DevServer,
    new_client: NewClient,
    namespace: Optional[str],
    environment: Optional[str],
    reason: str,
) -> None:
    client = new_client(sidecar.url, namespace, environment, timeout=PATIENCE)
    began = time.monotonic()
    with pytest.raises(ConfigDenied, match=reason) as caught:
        client.get("database.pool_size")
    assert caught.value.reason == reason
    assert str(namespace or environment) in str(caught.value)
    with pytest.raises(ConfigDenied):
        client.wait_ready(PATIENCE)
    with pytest.raises(ConfigDenied):
        client.snapshot()
    with pytest.raises(ConfigDenied):
        assert "database.pool_size" in client
    assert time.monotonic() - began < PATIENCE
    assert client.status is Status.DENIED


def test_a_default_is_answered_and_the_refusal_logged_once(
    sidecar: DevServer, new_client: NewClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = new_client(sidecar.url, "another-service", timeout=PATIENCE)
    with caplog.at_level(logging.INFO):
        for _ in range(5):
            assert client.get("database.pool_size", default=10) == 10
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "PERMISSION_DENIED" in caplog.text
    assert "another-service" in caplog.text


def test_wait_ready_is_refused_without_a_read_before(
    sidecar: DevServer, new_client: NewClient
) -> None:
    client = new_client(sidecar.url, "another-service")
    with pytest.raises(ConfigDenied):
        client.wait_ready(PATIENCE)


def test_what_was_put_right_is_noticed(
    own_sidecar: DevServer,
    new_client: NewClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(_watch, "DENIED_DELAY", 0.1)
    own_sidecar.service = "another-service"
    own_sidecar.start()
    client = new_client(own_sidecar.url, "payment-service")
    with pytest.raises(ConfigDenied):
        client.get("database.pool_size")

    own_sidecar.stop()
    own_sidecar.service = "payment-service"
    own_sidecar.start()
    eventually(lambda: client.status is Status.VALID)
    assert client.wait_ready(0)
    assert client.get("database.pool_size") == 20
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_values_from_before_a_refusal_stay(own_sidecar: DevServer, new_client: NewClient) -> None:
    own_sidecar.start()
    client = new_client(own_sidecar.url, "payment-service")
    assert client.get("database.pool_size") == 20

    own_sidecar.stop()
    own_sidecar.service = "another-service"
    own_sidecar.start()
    eventually(lambda: client.status is Status.DENIED)
    assert client.get("database.pool_size") == 20
    assert client.get("database.pool_size", default=10) == 20
    with pytest.raises(ConfigDenied):
        client.wait_ready(0)
    # Whether there is such a key by now, nobody says.
    with pytest.raises(ConfigDenied):
        client.get("no.such.key")
    assert client.get("no.such.key", default=10) == 10


def test_what_the_watch_sees_of_its_own_end_changes_nothing() -> None:
    memory = Memory()
    memory.deny(Denial("PERMISSION_DENIED", "no"))
    memory.close()
    closed = memory.standing
    memory.lose()
    memory.deny(Denial("UNAUTHENTICATED", "no"))
    assert memory.standing == closed
