"""Puts the demo data into an etcd, key by key as a person would: a value is plain JSON.

    ETCD_URL=http://localhost:2379 python3 deploy/demo/seed.py

One transaction over etcd's JSON gateway, and only where nothing has been put yet: what was
changed since stays. It tries for a minute, since etcd may just be starting.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
import urllib.request
from typing import Any

ENTRIES = "/config-service/v1/entries/"
PATIENCE_SECONDS = 60.0

# By environment/namespace: what is for payment-service in development, for payment-service
# everywhere, for everybody in development, for everybody everywhere.
DATA: dict[str, dict[str, Any]] = {
    "development/payment-service": {
        "database.host": "localhost",
        "database.pool_size": 20,
        "feature.new_checkout": True,
    },
    "_all/payment-service": {
        "database.name": "payments",
        "database.pool_size": 10,
        "payment.currencies": ["EUR", "USD", "JPY"],
        "payment.limits": {"daily": 10000, "single": 2500.5},
    },
    "development/_shared": {
        "log.level": "debug",
        "tracing.sample_rate": 1,
    },
    "_all/_shared": {
        "http.timeout_seconds": 2.5,
        "log.format": "json",
        "log.level": "info",
        "support.contact": "platform@example.com",
    },
}


def encoded(text: str) -> str:
    """Keys and values travel as base64 in etcd's JSON."""
    return base64.b64encode(text.encode()).decode()


def transaction() -> dict[str, Any]:
    """All of it, if there is no entry yet."""
    puts = [
        {
            "request_put": {
                "key": encoded(f"{ENTRIES}{scope}/{key}"),
                "value": encoded(json.dumps(value)),
            }
        }
        for scope, values in DATA.items()
        for key, value in values.items()
    ]
    nothing = {
        "key": encoded(ENTRIES),
        "range_end": encoded(ENTRIES[:-1] + chr(ord("/") + 1)),
        "target": "VERSION",
        "result": "EQUAL",
        "version": "0",
    }
    return {"compare": [nothing], "success": puts}


def put(url: str) -> bool:
    """Whether it was this call that put the data there."""
    request = urllib.request.Request(
        f"{url.rstrip('/')}/v3/kv/txn",
        data=json.dumps(transaction()).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=5) as response:
        answer: dict[str, Any] = json.load(response)
    return bool(answer.get("succeeded", False))


def main() -> None:
    url = os.environ.get("ETCD_URL") or "http://localhost:2379"
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            print("demo data put in" if put(url) else "there is data already; left as it is")
            return
        except OSError as error:
            if time.monotonic() > end:
                sys.exit(f"etcd on {url} does not answer: {error}")
        time.sleep(0.5)


if __name__ == "__main__":
    main()
