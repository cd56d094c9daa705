"""The typed getters, where values come from, and what can never be a key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from config_service_client import (
    ConfigClient,
    ConfigError,
    InvalidKey,
    Layer,
    Source,
    WrongType,
)
from conftest import NewClient
from devserver import DevServer, eventually, free_address


@pytest.mark.parametrize(
    ("kind", "value", "answer"),
    [
        ("str", "", ""),
        ("str", "12", "12"),
        ("int", 12, 12),
        ("int", 3.0, 3),
        ("int", "-12", -12),
        ("int", "9007199254740993", 9007199254740993),
        ("float", 2.5, 2.5),
        ("float", 2, 2.0),
        ("float", "-2.5", -2.5),
        ("float", "1e3", 1000.0),
        ("bool", True, True),
        ("bool", "true", True),
        ("bool", "false", False),
        ("duration", 90, timedelta(minutes=1, seconds=30)),
        ("duration", 1.5, timedelta(seconds=1, milliseconds=500)),
        ("duration", "1h30m", timedelta(hours=1, minutes=30)),
        ("duration", "1.5s", timedelta(milliseconds=1500)),
        ("duration", "250ms", timedelta(milliseconds=250)),
        ("duration", "3us", timedelta(microseconds=3)),
        ("duration", "1500ns", timedelta(microseconds=2)),
        ("duration", "-1m", timedelta(minutes=-1)),
        ("list", [1, {"a": 2}], [1, {"a": 2}]),
        ("json", {"a": None}, {"a": None}),
        ("json", None, None),
    ],
)
def test_what_suits(kind: str, value: Any, answer: Any) -> None:
    config = ConfigClient.from_dict({"k": value})
    found = getattr(config, f"get_{kind}")("k")
    assert found == answer
    assert type(found) is type(answer)
    # A default stands in for absence only.
    assert getattr(config, f"get_{kind}")("k", default="d") == answer
    assert getattr(config, f"get_{kind}")("no.k", default="d") == "d"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("str", 12),
        ("str", None),
        ("int", 2.5),
        ("int", True),
        ("int", "12x"),
        ("int", "+12"),
        ("int", "1_000"),
        ("int", "\u0661"),
        ("int", "1" * 5000),
        ("int", None),
        ("float", "inf"),
        ("float", "nan"),
        ("float", "1e999"),
        ("float", "0x1"),
        ("float", " 1"),
        ("float", False),
        ("bool", 1),
        ("bool", "True"),
        ("bool", "yes"),
        ("duration", "90"),
        ("duration", "1d"),
        ("duration", ""),
        ("duration", "s"),
        ("duration", 1e30),
        ("duration", "99999999999999h"),
        ("duration", True),
        ("list", {}),
        ("list", "[]"),
    ],
)
def test_what_does_not(kind: str, value: Any) -> None:
    config = ConfigClient.from_dict({"my.key": value})
    for default in ({}, {"default": 1}):
        with pytest.raises(WrongType, match=r'"my\.key" is .* where .* is asked for') as caught:
            getattr(config, f"get_{kind}")("my.key", **default)
        assert isinstance(caught.value, TypeError)
        assert value in ("", None, [], {}, "s", 1, True, False) or str(value) not in str(
            caught.value
        )


def test_the_types_a_reader_sees(client: ConfigClient) -> None:
    size: int = client.get_int("database.pool_size")
    limit: int | None = client.get_int("no.such.limit", default=None)
    wait: timedelta = client.get_duration("http.timeout_seconds", default=timedelta(0))
    names: list[str] = client.get_list("payment.currencies")
    assert (size, limit, wait) == (20, None, timedelta(seconds=2.5))
    names.append("CHF")
    assert client.get_list("payment.currencies") == ["EUR", "USD", "JPY"]


@pytest.mark.parametrize(
    "key", ["", ".", "a.", ".a", "a..b", "a b", "a/b", "ä", "a\n", "a" * 254, None, 7]
)
def test_what_can_never_be_a_key(key: Any, new_client: NewClient) -> None:
    # At once: no read waits for the sidecar to find out.
    client = new_client(f"http://{free_address()}", timeout=60)
    calls: list[Any] = [
        client.get,
        client.get_detail,
        client.get_int,
        client.__getitem__,
        client.__contains__,
        lambda key: client.get(key, default=10),
        lambda key: client.get_str(key, default=""),
        lambda key: client.override({key: 1}).__enter__(),
        lambda key: ConfigClient.from_dict({key: 1}),
    ]
    if key:
        calls.append(client.snapshot)
    for call in calls:
        with pytest.raises(InvalidKey, match="accepted: ") as caught:
            call(key)
        assert isinstance(caught.value, ConfigError)
        assert isinstance(caught.value, ValueError)
    assert client.status.name == "INITIALIZING"


def test_a_key_of_full_length_is_one() -> None:
    assert ConfigClient.from_dict({"a" * 253: 1})["a" * 253] == 1


def test_detail(sidecar: DevServer, client: ConfigClient) -> None:
    detail = client.get_detail("http.timeout_seconds")
    assert (detail.value, detail.layer, detail.source) == (2.5, Layer.SHARED, Source.LIVE)
    assert detail.revision > 0
    assert detail.age is not None
    assert detail.age >= 0
    default = client.get_detail("no.such.key", default=5)
    assert (default.value, default.layer, default.revision) == (5, None, 0)
    assert (default.source, default.age) == (Source.DEFAULT, None)

    sidecar.set("detail.moves", 1, layer="shared")
    eventually(lambda: "detail.moves" in client)
    below = client.get_detail("detail.moves")
    sidecar.set("detail.moves", "one")
    eventually(lambda: client["detail.moves"] == "one")
    above = client.get_detail("detail.moves")
    assert (below.layer, above.layer) == (Layer.SHARED, Layer.SERVICE_ENVIRONMENT)
    assert below.revision < above.revision
    # The last good whole number keeps its own origin.
    former = client.get_detail("detail.moves", default=0)
    assert (former.value, former.layer, former.revision) == (1, Layer.SHARED, below.revision)


def test_as_tree(client: ConfigClient) -> None:
    tree = client.as_tree()
    assert tree["database"]["host"] == "localhost"
    assert tree["payment"]["limits"] == {"daily": 10000, "single": 2500.5}
    assert ConfigClient.from_dict({}).as_tree() == {}
