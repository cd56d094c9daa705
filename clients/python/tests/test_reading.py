from __future__ import annotations

import logging

import pytest

from config_service_client import ConfigClient, KeyMissing, Status
from conftest import NewClient
from devserver import DEADLINE, DevServer, eventually


def test_one_line(sidecar: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIG_SERVICE_URL", sidecar.url)
    with ConfigClient() as config:
        # For slow machines; an application goes on with its default.
        assert config.wait_ready(DEADLINE)
        assert config.get("database.pool_size", default=10) == 20


def test_a_name_nobody_chose_is_not_sent(sidecar: DevServer, new_client: NewClient) -> None:
    client = new_client(sidecar.url)
    assert (client.namespace, client.environment) == ("default", "development")
    # The sidecar would refuse the namespace `default`: it is not its own.
    assert client.get("database.pool_size") == 20
    assert (client.namespace, client.environment) == ("payment-service", "development")


def test_names_come_from_the_environment(
    sidecar: DevServer, new_client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_NAME", "payment-service")
    monkeypatch.setenv("ENVIRONMENT", "development")
    client = new_client(sidecar.url)
    assert client.namespace == "payment-service"
    assert client.get("database.pool_size") == 20


def test_a_missing_key(client: ConfigClient) -> None:
    assert client.get("database.pool_siz", default=10) == 10
    assert client.get("database.pool_siz", default=None) is None
    with pytest.raises(KeyMissing, match=r'did you mean "database\.pool_size"'):
        client.get("database.pool_siz")
    with pytest.raises(KeyError):
        client["database.pool_siz"]
    assert "database.pool_siz" not in client
    assert "database.pool_size" in client
    assert client["database.pool_size"] == 20


def test_a_client_is_not_a_sequence(client: ConfigClient) -> None:
    with pytest.raises(TypeError):
        iter(client)  # type: ignore[call-overload]


def test_snapshot(sidecar: DevServer, client: ConfigClient) -> None:
    sidecar.set("shelf.b", 2)
    sidecar.set("shelf.a", [1])
    sidecar.set("shelf2", 3)
    eventually(lambda: {"shelf.a", "shelf.b", "shelf2"} <= client.snapshot().keys())
    assert client.snapshot("shelf") == {"shelf.a": [1], "shelf.b": 2}
    assert client.snapshot("shelf.b") == {"shelf.b": 2}
    assert client.snapshot("nothing") == {}
    assert list(client.snapshot()) == sorted(client.snapshot())
    assert client.snapshot()["database.pool_size"] == 20


@pytest.mark.parametrize(
    "value", ["text", "", 7, -7, 2.5, True, None, [1, {"a": None}], {"a": [1]}, "ünï 🦜", [], {}]
)
def test_a_value_arrives_as_it_was_written(
    sidecar: DevServer, client: ConfigClient, value: object
) -> None:
    sidecar.set("round.trip", {"value": value})
    eventually(lambda: client.get("round.trip", default=None) == {"value": value})
    sidecar.set("round.trip", value)
    eventually(lambda: client["round.trip"] == value)
    assert type(client["round.trip"]) is type(value)


def test_values_of_many_kilobytes(sidecar: DevServer, client: ConfigClient) -> None:
    text = "0123456789" * 10_000
    for name in ("a", "b", "c"):
        sidecar.set(f"long.{name}", text)
    eventually(
        lambda: client.snapshot("long") == dict.fromkeys(("long.a", "long.b", "long.c"), text)
    )
    with ConfigClient(sidecar.url, timeout=DEADLINE) as late:
        assert late.snapshot("long") == client.snapshot("long")
    for name in ("a", "b", "c"):
        sidecar.delete(f"long.{name}")


def test_null_is_a_value(sidecar: DevServer, client: ConfigClient) -> None:
    sidecar.set("no.limit", None)
    eventually(lambda: "no.limit" in client)
    assert client["no.limit"] is None
    assert client.get("no.limit", default=None) is None
    assert client.get("no.limit", default=5) == 5


def test_what_a_reader_changes_stays_its_own(sidecar: DevServer, client: ConfigClient) -> None:
    sidecar.set("hosts", {"names": ["a"]})
    eventually(lambda: "hosts" in client)
    client["hosts"]["names"].append("b")
    client.get("hosts", default={})["names"].append("b")
    client.snapshot()["hosts"]["names"].append("b")
    assert client["hosts"] == {"names": ["a"]}


def test_the_type_of_the_default_decides(
    sidecar: DevServer, client: ConfigClient, caplog: pytest.LogCaptureFixture
) -> None:
    sidecar.set("retries", 3)
    eventually(lambda: client.get("retries", default=0) == 3)
    assert client.get("retries", default=1.5) == 3.0
    assert isinstance(client.get("retries", default=1.5), float)

    with caplog.at_level(logging.WARNING):
        sidecar.set("retries", "secret many")
        eventually(lambda: client["retries"] == "secret many")
        for _ in range(3):
            assert client.get("retries", default=0) == 3
        assert client.get("retries", default=False) is False
        assert client.get("retries", default="") == "secret many"

    warnings = [record.getMessage() for record in caplog.records]
    assert warnings == ['"retries" is a string where the program expects a whole number']

    sidecar.set("retries", 5)
    eventually(lambda: client.get("retries", default=0) == 5)


def test_values_follow(sidecar: DevServer, client: ConfigClient) -> None:
    sidecar.set("moving", 1)
    eventually(lambda: client.get("moving", default=0) == 1)
    sidecar.set("moving", 2, layer="shared")
    sidecar.delete("moving")
    eventually(lambda: client.get("moving", default=0) == 2)
    sidecar.delete("moving", layer="shared")
    eventually(lambda: "moving" not in client)
    assert client.status is Status.VALID


def test_the_environment_has_no_proxy_for_the_sidecar(
    sidecar: DevServer, new_client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert new_client(sidecar.url).get("database.pool_size", default=10) == 20
