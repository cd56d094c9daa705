"""What a sidecar says, as bytes."""

from __future__ import annotations

import json
from typing import Any


def state(revision: int = 42, **other: str) -> dict[str, str]:
    return {
        "epoch": "e1",
        "revision": str(revision),
        "freshness": "FRESH",
        "source": "LIVE",
        "verified_time": "2026-01-01T00:00:00Z",
        "namespace": "payment-service",
        "environment": "development",
        **other,
    }


def entries(**values: Any) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": value, "revision": "7", "layer": "SERVICE"}
        for key, value in values.items()
    ]


def line(kind: str, body: Any, revision: int = 42, **other: str) -> bytes:
    document = {"result": {"state": state(revision, **other), kind: body}}
    return json.dumps(document).encode() + b"\n"


def snapshot_line(revision: int = 42, **values: Any) -> bytes:
    return line("snapshot", {"entries": entries(**values)}, revision)


def failure(code: int, reason: str, **retry: str) -> dict[str, Any]:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}
    wait = {"@type": "type.googleapis.com/google.rpc.RetryInfo", **retry}
    return {"code": code, "message": "so it is", "details": [info, *([wait] if retry else [])]}
