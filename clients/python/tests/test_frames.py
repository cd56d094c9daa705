"""What one line says, and what it does to the values."""

from __future__ import annotations

import json
import pickle
from typing import Any, Optional, Union

import pytest

from config_service_client import ConfigUnavailable, KeyMissing
from config_service_client._frames import (
    Broken,
    Checkpoint,
    Delta,
    Frame,
    Refused,
    Snapshot,
    parse_failure,
    parse_frame,
)
from config_service_client._kinds import NUMBER, STRING, WHOLE
from config_service_client._memory import Standing
from config_service_client._reader import _absence
from config_service_client._view import OutOfStep, View, advance
from messages import entries, failure, line


def snapshot(revision: int = 42, invalid: tuple[str, ...] = (), **values: Any) -> Frame:
    body = {"entries": entries(**values), "invalid_keys": list(invalid)}
    return parse_frame(line("snapshot", body, revision))


def delta(
    start: int,
    end: int,
    deleted: tuple[str, ...] = (),
    invalid: tuple[str, ...] = (),
    **values: Any,
) -> Frame:
    body = {
        "entries": entries(**values),
        "deleted_keys": list(deleted),
        "from_revision": str(start),
        "invalid_keys": list(invalid),
    }
    return parse_frame(line("delta", body, end))


def after(*frames: Frame) -> View:
    view: Optional[View] = None
    for frame in frames:
        view = step(view, frame, following=view is not None)
    assert view is not None
    return view


def step(view: Optional[View], frame: Frame, following: bool) -> View:
    return advance(view, frame, following, now=0.0)


def values(holder: Union[View, Snapshot, Delta]) -> dict[str, Any]:
    return {key: entry.value for key, entry in holder.entries.items()}


def former(view: View, key: str) -> dict[str, Any]:
    return {kind: entry.value for kind, entry in view.former[key].items()}


def test_the_three_frames() -> None:
    frame = snapshot(a=1, b=None)
    assert isinstance(frame, Snapshot)
    assert values(frame) == {"a": 1, "b": None}
    assert (frame.state.epoch, frame.state.revision, frame.state.fresh) == ("e1", 42, True)
    frame = delta(42, 43, deleted=("b",), a=2)
    assert isinstance(frame, Delta)
    assert (values(frame), frame.from_revision) == ({"a": 2}, 42)
    assert frame.deleted == {"b"}
    assert isinstance(parse_frame(line("checkpoint", {})), Checkpoint)


def test_empty_lists_may_be_left_out() -> None:
    assert isinstance(parse_frame(line("snapshot", {})), Snapshot)
    assert isinstance(parse_frame(line("delta", {"from_revision": "42"})), Delta)


@pytest.mark.parametrize("freshness", ["STALE", "FRESHNESS_UNSPECIFIED", "SOMETHING_NEW"])
def test_only_fresh_is_fresh(freshness: str) -> None:
    assert not parse_frame(line("checkpoint", {}, freshness=freshness)).state.fresh


@pytest.mark.parametrize(
    "text",
    [
        b"<html>secret</html>\n",
        b"[]\n",
        b"null\n",
        b"{}\n",
        b'{"result":{}}\n',
        line("something_new", {}),
        line("snapshot", {"entries": [{"key": "secret"}]}),
        line("checkpoint", {})[:-9] + b"\n",
        b"\xff\n",
        b"[" * 100_000 + b"\n",
    ],
)
def test_what_is_not_a_frame(text: bytes) -> None:
    with pytest.raises(Broken) as caught:
        parse_frame(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (400, 3, "INVALID_ARGUMENT"),
        (401, 16, "UNAUTHENTICATED"),
        (403, 7, "PERMISSION_DENIED"),
    ],
)
def test_refusals(status: int, code: int, reason: str, wrapped: bool) -> None:
    body: Any = failure(code, reason)
    error = parse_failure(status, json.dumps({"error": body} if wrapped else body).encode())
    assert isinstance(error, Refused)
    assert str(error) == f"{reason}: so it is"
    with pytest.raises(Refused):
        parse_frame(json.dumps({"error": body}).encode())


@pytest.mark.parametrize("field", ["retry_delay", "retryDelay"])
def test_other_failures(field: str) -> None:
    body = failure(14, "NOT_READY", **{field: "1.500s"})
    error = parse_failure(503, json.dumps(body).encode())
    assert isinstance(error, Broken)
    assert error.retry_after == 1.5
    assert str(error) == "NOT_READY: so it is"
    with pytest.raises(Broken):
        parse_frame(json.dumps({"error": body}).encode())


def test_failures_of_somebody_else() -> None:
    assert isinstance(parse_failure(403, b"<html>"), Refused)
    assert isinstance(parse_failure(502, b"<html>"), Broken)
    assert isinstance(parse_failure(302, b""), Broken)
    assert isinstance(parse_failure(404, b'{"error":"not found"}'), Broken)


def test_a_delta_is_one_step() -> None:
    before = after(snapshot(a=1, b=2))
    view = step(before, delta(42, 45, deleted=("a",), b=3, c=4), following=True)
    assert values(view) == {"b": 3, "c": 4}
    assert view.state.revision == 45
    assert values(before) == {"a": 1, "b": 2}


def test_a_checkpoint_changes_only_the_state() -> None:
    view = after(snapshot(a=1), parse_frame(line("checkpoint", {}, 50, freshness="STALE")))
    assert values(view) == {"a": 1}
    assert (view.state.revision, view.state.fresh) == (50, False)


@pytest.mark.parametrize(
    "frame",
    [
        delta(41, 43, a=2),
        delta(43, 44, a=2),
        delta(42, 41, a=2),
        parse_frame(line("checkpoint", {}, 41)),
        parse_frame(line("checkpoint", {}, 43, epoch="e2")),
        parse_frame(line("checkpoint", {}, 43, namespace="other")),
        snapshot(41, a=2),
        parse_frame(line("snapshot", {}, 43, namespace="other")),
    ],
)
def test_what_does_not_follow_is_not_applied(frame: Frame) -> None:
    with pytest.raises(OutOfStep):
        step(after(snapshot(a=1)), frame, following=True)


def test_a_stream_that_resumes_nothing_begins_with_a_snapshot() -> None:
    view = after(snapshot(a=1))
    for frame in (delta(42, 43, a=2), parse_frame(line("checkpoint", {}))):
        with pytest.raises(OutOfStep):
            step(view, frame, following=False)
    assert values(step(view, snapshot(50, b=2), following=False)) == {"b": 2}


def test_a_restored_store_is_followed_back() -> None:
    view = after(snapshot(42, a=1))
    body = {"entries": entries(a=0)}
    other_history = parse_frame(line("snapshot", body, 7, epoch="e2"))
    assert values(step(view, other_history, following=True)) == {"a": 0}
    # In the same history too, when the sidecar says so to somebody who resumes nothing.
    assert values(step(view, snapshot(7, a=0), following=False)) == {"a": 0}


def test_an_invalid_key_keeps_the_value_it_has() -> None:
    view = after(snapshot(a=1, b=2), delta(42, 43, invalid=("a", "new"), b=3))
    assert values(view) == {"a": 1, "b": 3}
    assert view.invalid == {"new"}
    # Also when the sidecar that had it was replaced by one that has not.
    view = step(view, snapshot(60, invalid=("a", "new"), b=3), following=False)
    assert values(view) == {"a": 1, "b": 3}
    assert view.invalid == {"new"}
    # But not from one scope to another.
    body = {"entries": [], "invalid_keys": ["a"]}
    other = parse_frame(line("snapshot", body, namespace="other"))
    assert values(step(view, other, following=False)) == {}


def test_an_invalid_key_is_not_a_missing_one() -> None:
    view = after(snapshot(invalid=("a",)))
    assert isinstance(_absence(Standing(view), view, "a"), ConfigUnavailable)
    assert isinstance(_absence(Standing(view), view, "b"), KeyMissing)


def test_an_invalid_key_becomes_valid_or_goes() -> None:
    view = after(snapshot(invalid=("a", "b")), delta(42, 43, deleted=("b",), a=1))
    assert values(view) == {"a": 1}
    assert view.invalid == set()


def test_the_last_good_value_of_each_kind() -> None:
    view = after(snapshot(k=20), delta(42, 43, k=20.5), delta(43, 44, k="many"))
    assert former(view, "k") == {WHOLE: 20, NUMBER: 20.5}
    view = step(view, delta(44, 45, k=7), following=True)
    assert former(view, "k") == {STRING: "many"}
    view = step(view, snapshot(50, k=[]), following=False)
    assert former(view, "k") == {STRING: "many", WHOLE: 7, NUMBER: 7}


def test_a_deleted_key_leaves_nothing_behind() -> None:
    view = after(snapshot(k=20), delta(42, 43, k="many"), delta(43, 44, deleted=("k",)))
    assert view.former == {}
    assert step(view, delta(44, 45, k="few"), following=True).former == {}
    view = after(snapshot(k=20), delta(42, 43, k="many"), snapshot(50))
    assert view.former == {}


def masked(kind: str, revision: int, *keys: str, **body: Any) -> Frame:
    hidden = [{"key": key, "revision": "7", "layer": "SERVICE", "masked": True} for key in keys]
    return parse_frame(line(kind, {"entries": hidden + entries(b=1), **body}, revision))


def test_a_masked_entry_is_no_value() -> None:
    view = after(masked("snapshot", 42, "password"))
    assert view.entries.keys() == {"b"}
    assert view.masked == {"password"}
    with pytest.raises(KeyMissing, match=r'"password" of .* is masked: .*read-sensitive') as caught:
        raise _absence(Standing(view), view, "password")
    assert caught.value.masked


def test_a_key_is_masked_and_shown_again() -> None:
    view = after(snapshot(42, password="seen"), masked("delta", 43, "password", from_revision="42"))
    assert "password" not in view.entries
    assert view.masked == {"password"}
    assert after(snapshot(42, password="seen"), masked("snapshot", 43, "password")).masked
    assert not step(view, delta(43, 44, password="new"), following=True).masked
    assert not step(view, delta(43, 44, deleted=("password",)), following=True).masked
    broken = step(view, delta(43, 44, invalid=("password",)), following=True)
    assert not broken.masked
    assert broken.invalid == {"password"}


def test_a_masked_entry_without_a_key_is_no_frame() -> None:
    with pytest.raises(Broken):
        masked("snapshot", 42, "not a key")


def test_a_masked_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(KeyMissing("a", "s/e", masked=True)))
    assert error.masked
    assert "masked" in str(error)
