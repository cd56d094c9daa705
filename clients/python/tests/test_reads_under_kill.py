"""The sidecar is killed while a program reads a thousand times a second."""

from __future__ import annotations

import json
import time
from typing import NamedTuple

import pytest

from devserver import DevServer
from measured import Measured
from program import Program

# Every value is greater than those before it, and the default is not among them: a read that
# goes back, or answers the default, is wrong.
READER = """
import json, sys, threading, time
{patch}
from config_service_client import ConfigClient

THREADS, RATE = 4, 1000
config = ConfigClient(timeout=60)
done = threading.Event()
counts, errors, wrong = [0] * THREADS, [], []

def read(number):
    newest = 0
    due = began = time.monotonic()
    while not done.is_set():
        try:
            if counts[number] % 2:
                value = config.get("reads.value", default=-1)
            else:
                value = config["reads.value"]
            if value < newest:
                wrong.append((value, newest))
            newest = value
        except Exception as error:
            errors.append(repr(error))
        counts[number] += 1
        due += THREADS / RATE
        time.sleep(max(0, due - time.monotonic()))

def follow():
    seen = None
    while not done.is_set():
        now = str(config.status), config["reads.value"], sum(counts) // RATE
        if now != seen:
            print(json.dumps([*now, time.monotonic()]), flush=True)
            seen = now
        time.sleep(0.005)

began = time.monotonic()
threads = [threading.Thread(target=read, args=(number,)) for number in range(THREADS)]
threads.append(threading.Thread(target=follow))
for thread in threads:
    thread.start()
{wait}
done.set()
for thread in threads:
    thread.join()
print(json.dumps([sum(counts), errors[:3], wrong[:3], time.monotonic() - began]))
"""

PLAIN = {"patch": "", "wait": "sys.stdin.read()"}
GEVENT = {
    "patch": "from gevent import monkey; monkey.patch_all()",
    "wait": "from gevent.fileobject import FileObject; FileObject(sys.stdin, 'r').read()",
}


@pytest.mark.parametrize("kind", ["threads", "gevent"])
def test_killed_under_reads(own_sidecar: DevServer, measured: Measured, kind: str) -> None:
    if kind == "gevent":
        pytest.importorskip("gevent")
    own_sidecar.start()
    own_sidecar.set("reads.value", 1)
    program = Program(READER.format(**(GEVENT if kind == "gevent" else PLAIN)), own_sidecar.url)
    reach(program, "VALID", 1)
    for kill in (1, 2):
        own_sidecar.set("reads.value", 2 * kill)
        reach(program, "VALID", 2 * kill)
        own_sidecar.kill()
        stale = reach(program, "STALE", 2 * kill)
        reach(program, "STALE", 2 * kill, stale.thousands + 2)
        own_sidecar.start()
        restarted = time.monotonic()
        took = max(0.0, reach(program, "VALID", 2 * kill).at - restarted)
        measured(f"{kind}: VALID {took:.2f} s after the sidecar's restart (goal 5 s)")
        own_sidecar.set("reads.value", 2 * kill + 1)
        reach(program, "VALID", 2 * kill + 1)

    code, out, errors = program.end()
    assert code == 0, errors
    reads, failures, wrong, seconds = json.loads(out.splitlines()[-1])
    assert (failures, wrong) == ([], [])
    measured(f"{kind}: {reads / seconds:.0f} reads/s through 2 kills, 0 errors, 0 wrong values")


class Seen(NamedTuple):
    status: str
    value: int
    thousands: int
    at: float


def reach(program: Program, status: str, value: int, thousands: int = 0) -> Seen:
    """Waits until the program reports the two, and so many thousand reads."""
    while True:
        seen = Seen(*json.loads(program.line()))
        if (seen.status, seen.value) == (status, value) and seen.thousands >= thousands:
            return seen
