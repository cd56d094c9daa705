"""What the processes of multiprocessing run. The parent reads before it has children."""

from __future__ import annotations

import multiprocessing
import os
import time

from config_service_client import ConfigClient

KEY = "pool.value"
WORKERS = 3

config = ConfigClient(timeout=60)


def reach(value: str) -> tuple[int, str]:
    """Waits for the value with the client of the module: inherited, or made by the import."""
    return _reached(config, value)


def reach_with(client: ConfigClient, value: str) -> tuple[int, str]:
    """The same with a client that came as an argument."""
    return _reached(client, value)


def _reached(client: ConfigClient, value: str) -> tuple[int, str]:
    end = time.monotonic() + 60
    while client[KEY] != value:
        # A worker outlives a parent that was killed.
        if time.monotonic() > end:
            raise TimeoutError(value)
        time.sleep(0.002)
    return os.getpid(), str(client.status)


def main(method: str) -> None:
    config[KEY]
    with multiprocessing.get_context(method).Pool(WORKERS) as pool:
        answers = pool.map(reach, ["before"] * WORKERS, chunksize=1)
        print("waiting", flush=True)
        answers += pool.map(reach, ["after"] * WORKERS, chunksize=1)
        answers += pool.starmap(reach_with, [(config, "after")] * WORKERS, chunksize=1)
    mine = reach("after")
    print({status for _, status in [*answers, mine]}, mine not in answers, flush=True)
