"""For users' tests: clients of a dict, and overrides."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from config_service_client import (
    Change,
    ChangeKind,
    ConfigClient,
    ConfigError,
    ConfigUnavailable,
    InvalidSetting,
    KeyMissing,
    Layer,
    Source,
    Status,
    WrongType,
)
from conftest import NewClient, own_threads
from devserver import DevServer, eventually, free_address


def test_a_client_of_a_dict() -> None:
    values: dict[str, Any] = {"a.b": 1, "hosts": {"names": ("x",)}, "whole": 3.0, "none": None}
    with ConfigClient.from_dict(values, namespace="shop", environment="test") as config:
        assert config.status is Status.VALID
        assert (config.namespace, config.environment) == ("shop", "test")
        assert config.get("a.b", default=10) == 1
        assert config["hosts"] == {"names": ["x"]}
        assert type(config["whole"]) is int
        assert config["none"] is None
        assert config.wait_ready(0)
        assert list(config.snapshot()) == ["a.b", "hosts", "none", "whole"]
        with pytest.raises(KeyMissing, match="shop/test"):
            config["a"]
        detail = config.get_detail("a.b")
        assert (detail.layer, detail.source) == (Layer.SERVICE_ENVIRONMENT, Source.LIVE)
        assert detail.age == 0
        assert not own_threads()
    assert str(config.status) == "CLOSED"
    assert config["a.b"] == 1


def test_the_environment_has_no_part_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIG_SERVICE_URL", "nonsense")
    monkeypatch.setenv("SERVICE_NAME", "somebody")
    assert ConfigClient.from_dict({}).namespace == "default"


def test_keys_form_a_tree_as_in_the_service() -> None:
    assert ConfigClient.from_dict({"a": 1, "a.b": 2, "ab": 3}).snapshot() == {"a.b": 2, "ab": 3}


def test_what_is_no_json_value() -> None:
    for value in (object(), {1: 2}, float("nan"), [b"x"]):
        with pytest.raises(WrongType, match='"a"'):
            ConfigClient.from_dict({"a": value})
    with pytest.raises(InvalidSetting, match="namespace"):
        ConfigClient.from_dict({}, namespace="Not a label")


def test_a_copy() -> None:
    config = ConfigClient.from_dict({"a": [1]}, namespace="shop")
    for other in (pickle.loads(pickle.dumps(config)), copy.copy(config)):
        assert other.snapshot() == {"a": [1]}
        assert other.namespace == "shop"


def test_overrides_are_nested_and_taken_away() -> None:
    config = ConfigClient.from_dict({"a": 1, "b": [1]})
    with config.override({"a": 2, "c": 3}):
        assert (config["a"], config["c"]) == (2, 3)
        with config.override({"a": [4]}):
            assert config["a"] == [4]
            assert config.snapshot() == {"a": [4], "b": [1], "c": 3}
        assert config.get("a", default=0) == 2
    assert config.snapshot() == {"a": 1, "b": [1]}
    with pytest.raises(ZeroDivisionError), config.override({"a": 5}):
        raise ZeroDivisionError
    assert config["a"] == 1


def test_an_override_hides_what_does_not_fit_one_tree_with_it() -> None:
    config = ConfigClient.from_dict({"a.b.c": 1, "a.d": 2, "e": 3})
    with config.override({"a.b": 5, "e.f": 6}):
        assert config.snapshot() == {"a.b": 5, "a.d": 2, "e.f": 6}
        with config.override({"a": 7}):
            assert config.snapshot() == {"a": 7, "e.f": 6}
    assert config.snapshot() == {"a.b.c": 1, "a.d": 2, "e": 3}


def test_overrides_are_told() -> None:
    told: list[Change] = []
    with ConfigClient.from_dict({"a": 1}) as config:
        config.on_change("*", told.append)
        with config.override({"a": 2, "b": 3}):
            eventually(lambda: len(told) == 2)
        eventually(lambda: len(told) == 4)
    assert [(change.key, change.kind, change.old, change.new) for change in told] == [
        ("a", ChangeKind.CHANGED, 1, 2),
        ("b", ChangeKind.ADDED, None, 3),
        ("a", ChangeKind.CHANGED, 2, 1),
        ("b", ChangeKind.DELETED, 3, None),
    ]


def test_an_override_decorates_a_test() -> None:
    config = ConfigClient.from_dict({"a": 1})

    @config.override({"a": 2})
    def test() -> Any:
        return config["a"]

    assert test() == 2
    assert config["a"] == 1


def test_values_that_come_meanwhile_are_there_afterwards(
    sidecar: DevServer, client: ConfigClient
) -> None:
    sidecar.set("overridden.key", 1)
    eventually(lambda: client.get("overridden.key", default=0) == 1)
    with client.override({"overridden.key": 5}):
        sidecar.set("overridden.key", 2)
        sidecar.set("overridden.other", 3)
        eventually(lambda: client.get("overridden.other", default=0) == 3)
        assert client["overridden.key"] == 5
        assert client.status is Status.VALID
    assert client["overridden.key"] == 2


def test_an_overridden_key_waits_for_nothing(new_client: NewClient) -> None:
    client = new_client(f"http://{free_address()}", timeout=60)
    with client.override({"a": 2, "list": [1]}):
        assert client.get("a", default=1) == 2
        assert client["list"] == [1]
        assert "a" in client
        assert client.get_int("a") == 2
        assert client.get_detail("a").value == 2
        assert not own_threads()


def test_an_override_loads_nothing(new_client: NewClient) -> None:
    client = new_client(f"http://{free_address()}", timeout=0)
    with client.override({"a": 2}):
        assert client.get("b", default=1) == 1
        with pytest.raises(ConfigUnavailable):
            client["b"]
        with pytest.raises(ConfigError):
            client.snapshot()
