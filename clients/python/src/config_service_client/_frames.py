"""What the sidecar sends, as types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional, Union

from config_service_client._keys import is_key
from config_service_client._kinds import Entry, number
from config_service_client._status import Layer, Source


@dataclass(frozen=True)
class State:
    epoch: str
    revision: int
    fresh: bool
    source: Source
    namespace: str
    environment: str


@dataclass(frozen=True)
class Snapshot:
    state: State
    entries: Mapping[str, Entry]
    invalid: frozenset[str]
    masked: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Delta:
    state: State
    entries: Mapping[str, Entry]
    deleted: frozenset[str]
    invalid: frozenset[str]
    from_revision: int
    masked: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Checkpoint:
    state: State


Frame = Union[Snapshot, Delta, Checkpoint]


class Broken(Exception):
    """The stream ended in another way than by being closed. Come back, not before
    ``retry_after`` seconds."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Refused(Exception):
    """The request will not succeed unchanged."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}" if message else reason)
        self.reason = reason


# What will not succeed unchanged, by HTTP status and by gRPC code.
_REFUSALS_BY_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED"}
_REFUSALS_BY_CODE = {3: "INVALID_ARGUMENT", 16: "UNAUTHENTICATED", 7: "PERMISSION_DENIED"}

_LONGEST_RETRY_AFTER = 10.0
_LONGEST_MESSAGE = 500

_LAYERS = {layer.value: layer for layer in Layer}

# What parsing something else than a document of the sidecar may raise. None of it may end up
# in a message: it can quote what was parsed, and that holds values.
NOT_OURS = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


def parse_frame(line: bytes) -> Frame:
    """One line. Raises Refused or Broken for an error frame, and Broken for anything that is
    not a frame."""
    try:
        document = parse_document(line)
        if "error" in document:
            raise _failure(document["error"], refusal=None)
        return _frame(document["result"])
    except NOT_OURS as error:
        raise Broken(f"not a frame of the watch ({type(error).__name__})") from None


def parse_listing(body: bytes) -> Snapshot:
    """The answer of List. Raises Broken for anything else."""
    try:
        document = parse_document(body)
        return _snapshot(parse_state(document["state"]), document)
    except NOT_OURS as error:
        raise Broken(f"not an answer of the sidecar ({type(error).__name__})") from None


def parse_failure(status: int, body: bytes, retry_after: Optional[str] = None) -> Exception:
    """The answer that came instead: Refused or Broken. ``retry_after`` is the header."""
    refusal = _REFUSALS_BY_STATUS.get(status)
    # A date, the other form, would need clocks that agree.
    delay = float(retry_after) if retry_after and retry_after.isdecimal() else 0.0
    try:
        document = json.loads(body)
        error = _failure(document.get("error", document), refusal)
    except NOT_OURS:
        if refusal is not None:
            return Refused(refusal, f"HTTP {status} without a reason")
        error = Broken(f"HTTP {status} without a reason")
    if isinstance(error, Broken):
        error.retry_after = min(max(delay, error.retry_after), _LONGEST_RETRY_AFTER)
    return error


def parse_entries(entries: Any) -> dict[str, Entry]:
    """Those that have a value. Raises one of NOT_OURS for anything else than a list of
    entries."""
    return dict(_entry(entry) for entry in entries or () if not entry.get("masked"))


def _masked(body: Mapping[str, Any]) -> frozenset[str]:
    """The keys of entries whose value the sidecar does not tell."""
    keys = frozenset(entry["key"] for entry in body.get("entries") or () if entry.get("masked"))
    return _checked(keys)


def parse_state(state: Mapping[str, Any]) -> State:
    epoch, namespace, environment = state["epoch"], state["namespace"], state["environment"]
    if not all(isinstance(name, str) for name in (epoch, namespace, environment)):
        raise TypeError("a name that is not a string")
    return State(
        epoch=epoch,
        revision=int(state["revision"]),
        # A freshness this client does not know yet is no promise.
        fresh=state.get("freshness") == "FRESH",
        source=Source.DISK if state.get("source") == "DISK" else Source.LIVE,
        namespace=namespace,
        environment=environment,
    )


def _whole(text: str) -> float:
    return int(text) if len(text) < 16 else number(text)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


# Made once: json.loads() makes one for each call that brings hooks.
_decoder = json.JSONDecoder(parse_float=number, parse_int=_whole, parse_constant=_no_number)


def parse_document(text: bytes) -> Any:
    """A JSON document with the numbers of this package. Raises one of NOT_OURS."""
    return _decoder.decode(text.decode("utf-8"))


def _frame(result: Mapping[str, Any]) -> Frame:
    state = parse_state(result["state"])
    body = result.get("snapshot")
    if body is not None:
        return _snapshot(state, body)
    body = result.get("delta")
    if body is not None:
        return Delta(
            state,
            parse_entries(body.get("entries")),
            deleted=_keys(body, "deleted_keys"),
            invalid=_keys(body, "invalid_keys"),
            from_revision=int(body.get("from_revision", 0)),
            masked=_masked(body),
        )
    if result.get("checkpoint") is not None:
        return Checkpoint(state)
    raise KeyError("event")


def _snapshot(state: State, body: Mapping[str, Any]) -> Snapshot:
    entries, invalid = parse_entries(body.get("entries")), _keys(body, "invalid_keys")
    return Snapshot(state, entries, invalid, _masked(body))


def _entry(entry: Mapping[str, Any]) -> tuple[str, Entry]:
    key = entry["key"]
    if not is_key(key):
        raise ValueError("not a key")
    # A layer this client does not know yet is none.
    layer = _LAYERS.get(entry.get("layer", ""))
    return key, Entry(entry["value"], layer, int(entry.get("revision", 0)))


def _keys(body: Mapping[str, Any], field: str) -> frozenset[str]:
    return _checked(frozenset(body.get(field) or ()))


def _checked(keys: frozenset[str]) -> frozenset[str]:
    if not all(map(is_key, keys)):
        raise ValueError("not a key")
    return keys


def _failure(status: Mapping[str, Any], refusal: Optional[str]) -> Exception:
    refusal = refusal or _REFUSALS_BY_CODE.get(status.get("code", 2))
    reason, retry_after = "", 0.0
    for detail in status.get("details") or ():
        kind = str(detail.get("@type", "")).rpartition(".")[2]
        if kind == "ErrorInfo":
            reason = str(detail.get("reason", ""))
        elif kind == "RetryInfo":
            delay = detail.get("retry_delay", detail.get("retryDelay", "0s"))
            retry_after = max(0.0, min(float(delay[:-1]), _LONGEST_RETRY_AFTER))
    # One line of a sensible length, whoever wrote it.
    message = " ".join(str(status.get("message", "")).split())[:_LONGEST_MESSAGE]
    if refusal is not None:
        return Refused(reason or refusal, message)
    return Broken(": ".join(part for part in (reason, message) if part), retry_after)
