"""Listeners: what they are told, in which order, and what they cannot do."""

from __future__ import annotations

import gc
import logging
import threading
import weakref
from typing import Any

import pytest

from config_service_client import Change, ChangeKind, ConfigClient, InvalidPattern, Status
from conftest import NewClient, own_threads
from devserver import DevServer, eventually, free_address
from messages import entries, line, snapshot_line
from rudeserver import RudeServer, Visit


def said(changes: list[Change]) -> list[tuple[str, str, Any, Any]]:
    return [(change.key, str(change.kind), change.old, change.new) for change in changes]


def test_added_changed_deleted(sidecar: DevServer, client: ConfigClient) -> None:
    told: list[Change] = []
    client.on_change("events.a", told.append)
    sidecar.set("events.a", 1)
    eventually(lambda: len(told) == 1)
    assert client["events.a"] == 1
    sidecar.set("events.b", 1)
    sidecar.set("events.a", [2])
    eventually(lambda: len(told) == 2)
    sidecar.delete("events.a")
    eventually(lambda: len(told) == 3)
    assert said(told) == [
        ("events.a", "ADDED", None, 1),
        ("events.a", "CHANGED", 1, [2]),
        ("events.a", "DELETED", [2], None),
    ]
    assert told[0].revision < told[1].revision < told[2].revision


def test_null_is_a_value_to_a_listener(sidecar: DevServer, client: ConfigClient) -> None:
    told: list[Change] = []
    client.on_change("null.*", told.append)
    sidecar.set("null.a", None)
    eventually(lambda: len(told) == 1)
    sidecar.set("null.a", 1)
    eventually(lambda: len(told) == 2)
    assert [change.kind for change in told] == [ChangeKind.ADDED, ChangeKind.CHANGED]


@pytest.mark.parametrize(
    ("pattern", "keys"),
    [
        ("*", ["a", "a.b", "a.b.c", "ab"]),
        ("a", ["a"]),
        ("a.b", ["a.b"]),
        ("a.*", ["a.b", "a.b.c"]),
        ("a.b.*", ["a.b.c"]),
        ("b.*", []),
    ],
)
def test_patterns(pattern: str, keys: list[str]) -> None:
    told: list[str] = []
    with ConfigClient.from_dict({"end": 0}) as config:
        config.on_change(pattern, lambda change: told.append(change.key))
        ends: list[int] = []
        config.on_change("end", lambda change: ends.append(change.new))
        for end, key in enumerate(("a", "a.b", "a.b.c", "ab"), start=1):
            with config.override({key: 1, "end": end}):
                eventually(lambda end=end: end in ends)  # type: ignore[misc]
    assert sorted(set(told) - {"end"}) == keys


@pytest.mark.parametrize("pattern", ["", "a.", "a*", "*.a", "a.*.b", "**", ".*", "a b", None, 7])
def test_what_is_no_pattern(pattern: Any) -> None:
    config = ConfigClient.from_dict({})
    with pytest.raises(InvalidPattern, match="accepted: "):
        config.on_change(pattern, print)
    with pytest.raises(InvalidPattern):
        config.on_change(pattern)(print)


def test_a_decorated_function_stays_what_it_is() -> None:
    told: list[Change] = []
    with ConfigClient.from_dict({"a": 1}) as config:

        @config.on_change("a")
        def listener(change: Change) -> None:
            told.append(change)

        assert listener.__name__ == "listener"
        with config.override({"a": 2}):
            eventually(lambda: len(told) == 1)
        eventually(lambda: len(told) == 2)
        config.off_change(listener)
        over = threading.Event()
        config.on_change("a", lambda _: over.set())
        with config.override({"a": 3}):
            assert over.wait(60)
    assert len(told) == 2


def test_a_listener_removes_itself() -> None:
    told: list[Change] = []
    with ConfigClient.from_dict({"a": 1}) as config:

        def listener(change: Change) -> None:
            told.append(change)
            subscription.cancel()

        subscription = config.on_change("*", listener)
        over = threading.Event()
        config.on_change("b", lambda _: over.set())
        with config.override({"a": 2, "b": 2}):
            assert over.wait(60)
        subscription.cancel()
    assert len(told) == 1


def test_a_coroutine_function_is_no_listener_here() -> None:
    async def listener(change: Change) -> None:
        pass

    config = ConfigClient.from_dict({})
    with pytest.raises(TypeError, match="AsyncConfigClient"):
        config.on_change("*", listener)
    with pytest.raises(TypeError, match="cannot be called"):
        config.on_change("*", 7)  # type: ignore[call-overload]


def test_order(new_client: NewClient) -> None:
    """Within a step keys in byte order, for one key listeners as they were registered."""
    go = threading.Event()

    def act(visit: Visit) -> None:
        visit.stream(snapshot_line(42, z=1))
        assert go.wait(60)
        step = {"entries": entries(b=1, a=1, B=1, **{"a.b": 1}), "from_revision": "42"}
        visit.say(line("delta", {**step, "deleted_keys": ["z"]}, 43))
        visit.stay()

    told: list[tuple[int, str]] = []
    with RudeServer(act) as server:
        client = new_client(server.url, timeout=60)
        assert client["z"] == 1
        client.on_change("*", lambda change: told.append((1, change.key)))
        client.on_change("a", lambda change: told.append((2, change.key)))
        client.on_change("*", lambda change: told.append((3, change.key)))
        go.set()
        eventually(lambda: (3, "z") in told)
        client.close()
    assert told == [
        (1, "B"), (3, "B"),
        (1, "a"), (2, "a"), (3, "a"),
        (1, "a.b"), (3, "a.b"),
        (1, "b"), (3, "b"),
        (1, "z"), (3, "z"),
    ]  # fmt: skip


def test_the_first_values_are_no_change(sidecar: DevServer, new_client: NewClient) -> None:
    client = new_client(sidecar.url)
    told: list[Change] = []
    client.on_change("*", told.append)
    assert client.wait_ready(60)
    sidecar.set("first.change", 1)
    eventually(lambda: told)
    assert [change.key for change in told] == ["first.change"]


def test_after_defaults_the_first_values_are_a_change(
    own_sidecar: DevServer, new_client: NewClient
) -> None:
    client = new_client(own_sidecar.url, timeout=0.1)
    told: list[Change] = []
    client.on_change("database.*", told.append)
    assert client.get("database.pool_size", default=10) == 10
    own_sidecar.start()
    eventually(lambda: len(told) == 3)
    assert {change.kind for change in told} == {ChangeKind.ADDED}
    assert ("database.pool_size", "ADDED", None, 20) in said(told)


def test_without_a_read_they_are_none(own_sidecar: DevServer, new_client: NewClient) -> None:
    client = new_client(own_sidecar.url, timeout=0)
    told: list[Change] = []
    client.on_change("*", told.append)
    own_sidecar.start()
    eventually(lambda: client.status is Status.VALID)
    own_sidecar.set("first.change", 1)
    eventually(lambda: told)
    assert [change.key for change in told] == ["first.change"]


def test_what_does_not_change_a_value_is_not_told(new_client: NewClient) -> None:
    """A reconnect, an epoch, a revision, and 3.0 in place of 3."""

    def first(visit: Visit) -> None:
        visit.stream(snapshot_line(42, a=3, b=True, c=[1, {"d": 2}]))

    def second(visit: Visit) -> None:
        body = {"entries": entries(a=3.0, b=1, c=[1.0, {"d": 2}])}
        visit.stream(line("snapshot", body, 7, epoch="e2"))
        visit.stay()

    told: list[Change] = []
    with RudeServer(first, second) as server:
        client = new_client(server.url, timeout=60)
        client.on_change("*", told.append)
        eventually(lambda: told)
        client.close()
    assert said(told) == [("b", "CHANGED", True, 1)]


def test_what_happens_meanwhile_is_one_difference(sidecar: DevServer, client: ConfigClient) -> None:
    told: list[Change] = []
    busy, go_on = threading.Event(), threading.Event()

    def listener(change: Change) -> None:
        told.append(change)
        busy.set()
        assert go_on.wait(60)

    client.on_change("meanwhile", listener)
    sidecar.set("meanwhile", 0)
    assert busy.wait(60)
    # Neither reads nor the watch are held up.
    for value in range(1, 6):
        sidecar.set("meanwhile", value)
        eventually(lambda value=value: client["meanwhile"] == value)  # type: ignore[misc]
    late: list[Change] = []
    client.on_change("meanwhile", late.append)
    go_on.set()
    eventually(lambda: len(told) == 2)
    assert said(told) == [("meanwhile", "ADDED", None, 0), ("meanwhile", "CHANGED", 0, 5)]
    # And a listener sees the past of nothing.
    sidecar.set("meanwhile", 6)
    eventually(lambda: late)
    assert said(late) == [("meanwhile", "CHANGED", 5, 6)]


def test_what_went_and_came_back_is_not_told() -> None:
    told: list[Change] = []
    busy, go_on = threading.Event(), threading.Event()

    def listener(change: Change) -> None:
        told.append(change)
        busy.set()
        assert go_on.wait(60)

    with ConfigClient.from_dict({"a": 1, "b": 1}) as config:
        config.on_change("*", listener)
        with config.override({"a": 2}):
            assert busy.wait(60)
            with config.override({"b": 2}):
                pass
            go_on.set()
        eventually(lambda: len(told) == 2)
    assert [change.key for change in told] == ["a", "a"]


def test_a_listener_that_throws(caplog: pytest.LogCaptureFixture) -> None:
    told: list[int] = []

    def throws(change: Change) -> None:
        if change.new % 2:
            raise SystemExit
        raise ValueError("told to")

    with ConfigClient.from_dict({"a": 0}) as config:
        config.on_change("a", throws)
        config.on_change("a", lambda change: told.append(change.new))
        for value in range(1, 30):
            with config.override({"a": value}):
                eventually(lambda value=value: value in told)  # type: ignore[misc]
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    # At most one in 10 s; on a slow machine these changes take longer.
    assert 1 <= len(errors) < 10
    assert '"a"' in errors[0].getMessage()


def test_a_listener_that_throws_what_is_no_exception() -> None:
    class Outcome(BaseException):
        """As pytest.fail() throws, and gevent.Timeout."""

    def throws(change: Change) -> None:
        raise Outcome

    told: list[Change] = []
    with ConfigClient.from_dict({"a": 0}) as config:
        config.on_change("a", throws)
        config.on_change("a", told.append)
        with config.override({"a": 1}):
            eventually(lambda: told)


def test_what_a_listener_changes_stays_its_own() -> None:
    with ConfigClient.from_dict({"a": []}) as config:
        told: list[Change] = []
        config.on_change("a", lambda change: change.new.append("mine"))
        config.on_change("a", told.append)
        with config.override({"a": [1]}):
            eventually(lambda: told)
            assert (told[0].new, config["a"]) == ([1], [1])


def test_close_waits_a_second_for_a_listener_and_calls_no_other() -> None:
    busy, go_on = threading.Event(), threading.Event()
    late: list[Change] = []

    def blocks(change: Change) -> None:
        busy.set()
        go_on.wait(60)

    config = ConfigClient.from_dict({"a": 1})
    config.on_change("a", blocks)
    config.on_change("a", late.append)
    with config.override({"a": 2}):
        assert busy.wait(60)
        config.close()
        assert not late
    go_on.set()
    eventually(lambda: not own_threads())
    assert not late


def test_a_listener_may_close_the_client() -> None:
    config = ConfigClient.from_dict({"a": 1})
    config.on_change("a", lambda _: config.close())
    with config.override({"a": 2}):
        eventually(lambda: config.status is Status.CLOSED)
    eventually(lambda: not own_threads())


def test_a_dropped_client_takes_its_listeners_along(sidecar: DevServer) -> None:
    client = ConfigClient(sidecar.url)
    client.on_change("*", print)
    gone = weakref.ref(client)
    assert client["database.pool_size"] == 20
    del client
    gc.collect()
    assert gone() is None
    eventually(lambda: not own_threads())


def test_on_change_starts_the_watch(new_client: NewClient) -> None:
    client = new_client(f"http://{free_address()}")
    assert not own_threads()
    client.on_change("*", print)
    assert sorted(own_threads()) == ["config-service-listeners", "config-service-watch"]


def test_a_closed_client_starts_nothing(new_client: NewClient) -> None:
    client = new_client(f"http://{free_address()}")
    client.close()
    client.on_change("*", print)
    assert not own_threads()


def test_a_listener_registered_in_the_instant_of_close(monkeypatch: pytest.MonkeyPatch) -> None:
    client = ConfigClient.from_dict({"a": 1})
    memory = client._core.memory
    close = memory.close

    def register_first() -> None:
        client.on_change("a", print)
        close()

    monkeypatch.setattr(memory, "close", register_first)
    client.close()
    eventually(lambda: not own_threads())
