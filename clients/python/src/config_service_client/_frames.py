"""One line of the watch, as types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional, Union


@dataclass(frozen=True)
class State:
    epoch: str
    revision: int
    fresh: bool
    namespace: str
    environment: str


@dataclass(frozen=True)
class Snapshot:
    state: State
    values: Mapping[str, Any]
    invalid: frozenset[str]


@dataclass(frozen=True)
class Delta:
    state: State
    values: Mapping[str, Any]
    deleted: frozenset[str]
    invalid: frozenset[str]
    from_revision: int


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


def parse_frame(line: bytes) -> Frame:
    """One line. Raises Refused or Broken for an error frame, and Broken for anything that is
    not a frame."""
    try:
        document = json.loads(line)
        if "error" in document:
            raise _failure(document["error"], refusal=None)
        return _frame(document["result"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        # The line itself stays out of the message: it holds values.
        raise Broken(f"not a frame of the watch ({type(error).__name__})") from None


def parse_failure(status: int, body: bytes) -> Exception:
    """The answer that came instead of a stream: Refused or Broken."""
    refusal = _REFUSALS_BY_STATUS.get(status)
    try:
        document = json.loads(body)
        return _failure(document.get("error", document), refusal)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        if refusal is not None:
            return Refused(refusal, f"HTTP {status} without a reason")
        return Broken(f"HTTP {status} without a reason")


def _frame(result: Mapping[str, Any]) -> Frame:
    state = _state(result["state"])
    body = result.get("snapshot")
    if body is not None:
        return Snapshot(state, _values(body), _keys(body, "invalid_keys"))
    body = result.get("delta")
    if body is not None:
        return Delta(
            state,
            _values(body),
            deleted=_keys(body, "deleted_keys"),
            invalid=_keys(body, "invalid_keys"),
            from_revision=int(body.get("from_revision", 0)),
        )
    if result.get("checkpoint") is not None:
        return Checkpoint(state)
    raise KeyError("event")


def _state(state: Mapping[str, Any]) -> State:
    return State(
        epoch=state["epoch"],
        revision=int(state["revision"]),
        # A freshness this client does not know yet is no promise.
        fresh=state.get("freshness") == "FRESH",
        namespace=state["namespace"],
        environment=state["environment"],
    )


def _values(body: Mapping[str, Any]) -> dict[str, Any]:
    return {entry["key"]: entry["value"] for entry in body.get("entries") or ()}


def _keys(body: Mapping[str, Any], field: str) -> frozenset[str]:
    return frozenset(body.get(field) or ())


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
    message = str(status.get("message", ""))
    if refusal is not None:
        return Refused(reason or refusal, message)
    return Broken(": ".join(part for part in (reason, message) if part), retry_after)
