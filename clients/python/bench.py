"""How good the client is: the cost of a read, how late a listener is told, what a client weighs.

    bench.py DEV_BINARY

starts a development server of its own. Figures, no judgement: nothing here fails for being slow.
"""

from __future__ import annotations

import base64
import gc
import http.client
import json
import statistics
import sys
import tempfile
import timeit
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parent / "tests"))

from config_service_client import Change, ConfigClient
from devserver import DevServer

KEYS = 1_000
CHANGES = 300
_READS = 5_000
_FOLDER = "/config-service/v1/entries/development/payment-service/"


class Etcd:
    """Writes to the store as etcdctl would."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=60)

    def put(self, key: str, value: object) -> None:
        words = (_FOLDER + key, json.dumps(value))
        key64, value64 = (base64.b64encode(word.encode()).decode() for word in words)
        body = json.dumps({"key": key64, "value": value64})
        self._connection.request("POST", "/v3/kv/put", body)
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"etcd answers HTTP {answer.status}")


def read(config: ConfigClient) -> float:
    """Nanoseconds of one get() of a number with a default: the best of many short rounds."""
    rounds = timeit.repeat(
        'get("bench.number", default=10)', globals={"get": config.get}, number=_READS, repeat=100
    )
    return min(rounds) / _READS * 1e9


def latencies(config: ConfigClient, etcd: Etcd) -> tuple[list[float], list[float]]:
    """Milliseconds from before the write to the listener; and to the end of the write."""
    told: SimpleQueue[float] = SimpleQueue()
    subscription = config.on_change("bench.number", lambda _: told.put(perf_counter()))
    heard, written = [], []
    for number in range(CHANGES):
        began = perf_counter()
        etcd.put("bench.number", number)
        written.append((perf_counter() - began) * 1e3)
        heard.append((told.get(timeout=60) - began) * 1e3)
    subscription.cancel()
    return heard, written


def weight(url: str) -> float:
    """KiB of Python objects that a client with all keys holds."""
    with ConfigClient(url, timeout=60) as warm:
        warm.snapshot()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    with ConfigClient(url, timeout=60) as config:
        config.get("bench.number")
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return held / 1024


def show(what: str, figure: str) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"  {f'Python {version}, {what}':<58} {figure}")  # noqa: T201


def measure(server: DevServer) -> None:
    etcd = Etcd(server.etcd)
    for number in range(KEYS):
        etcd.put(f"bench.keys.k{number:04}", f"value {number} of the benchmark, some 40 bytes")
    etcd.put("bench.number", -1)
    with ConfigClient(server.url, timeout=60) as config:
        _until(config, lambda: config.get("bench.number", default=0) == -1)
        show("cached get(key, default=10)", f"{read(config):8.0f} ns   (goal: 1000)")
        heard, written = latencies(config, etcd)
        heard.sort()
        show("write to etcd -> listener, p50", f"{statistics.median(heard):8.2f} ms")
        show("write to etcd -> listener, p99", f"{heard[len(heard) * 99 // 100]:8.2f} ms")
        show("of which the write itself, p50", f"{statistics.median(written):8.2f} ms")
    show(f"memory of a client with {KEYS} keys", f"{weight(server.url):8.0f} KiB")


def _until(config: ConfigClient, condition: Callable[[], bool]) -> None:
    changed: SimpleQueue[Change] = SimpleQueue()
    subscription = config.on_change("*", changed.put)
    while not condition():
        changed.get(timeout=60)
    subscription.cancel()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = DevServer(Path(sys.argv[1]), Path(folder))
        try:
            server.start()
            measure(server)
        finally:
            server.kill()


if __name__ == "__main__":
    main()
