"""Processes and tasks of a pool: multiprocessing, Celery, gevent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from devserver import DEADLINE, DevServer, free_address
from program import PYTHONPATH, Program


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(sidecar: DevServer, method: str) -> None:
    sidecar.set("pool.value", "before")
    program = Program(f"import pool; pool.main({method!r})", sidecar.url)
    assert program.line() == "waiting"
    sidecar.set("pool.value", "after")
    assert program.line() == "{'VALID'} True"
    assert program.end() == (0, "", "")


def test_celery_prefork(
    sidecar: DevServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("celery")
    for folder in ("queue", "control", "results"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("TASKS_FOLDER", str(tmp_path))
    sidecar.set("tasks.value", "before")
    command = [sys.executable, "-m", "celery", "--app", "tasks", "worker", "--concurrency", "2"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    environment = {**os.environ, "PYTHONPATH": PYTHONPATH, "CONFIG_SERVICE_URL": sidecar.url}
    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        asking = Program("import tasks; tasks.ask_until('before', 'after')", sidecar.url)
        assert asking.line() == "before"
        sidecar.set("tasks.value", "after")
        assert asking.line() == "after"
        assert asking.end()[0] == 0
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait(DEADLINE)


def test_a_first_read_holds_up_no_other_greenlet() -> None:
    pytest.importorskip("gevent")
    program = Program(
        """
        from gevent import monkey; monkey.patch_all()
        import json
        import gevent
        from config_service_client import ConfigClient

        config = ConfigClient(timeout=0.5)
        turns = []

        def turn():
            while True:
                turns.append(None)
                gevent.sleep(0.01)

        gevent.spawn(turn)
        answer = config.get("database.pool_size", default=10)
        print(json.dumps([answer, len(turns)]))
        """,
        f"http://{free_address()}",
    )
    code, out, errors = program.end()
    answer, turns = json.loads(out)
    assert (code, answer) == (0, 10), errors
    assert turns > 1
