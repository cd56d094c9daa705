"""The examples of web frameworks, started as their README says."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devserver import DEADLINE, DevServer, eventually, free_address
from program import SOURCE

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@contextlib.contextmanager
def running(folder: Path, sidecar: DevServer, *command: str, log: Path) -> Iterator[None]:
    """Runs a Python module in the folder of an example. It must end by itself when told to."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=environment(sidecar.url),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield
        assert process.poll() is None, log.read_text()
        process.terminate()
        assert process.wait(DEADLINE) in (0, -signal.SIGTERM), log.read_text()
        assert "Traceback" not in log.read_text()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(DEADLINE)


def environment(sidecar_url: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE), "CONFIG_SERVICE_URL": sidecar_url}


def answer(address: str) -> Any:
    """What the example answers; None while it does not."""
    connection = http.client.HTTPConnection(address, timeout=DEADLINE)
    with contextlib.suppress(OSError), contextlib.closing(connection):
        connection.request("GET", "/")
        return json.load(connection.getresponse())
    return None


def test_django(own_sidecar: DevServer, tmp_path: Path) -> None:
    pytest.importorskip("django")
    own_sidecar.start()
    own_sidecar.set("django.time_zone", "Europe/Berlin")
    address = free_address()
    gunicorn = ["gunicorn", "--bind", address, "--workers", "2", "shop.wsgi"]
    with running(EXAMPLES / "django", own_sidecar, *gunicorn, log=tmp_path / "log"):
        first = {"pool_size": 20, "time_zone": "Europe/Berlin", "status": "VALID"}
        eventually(lambda: answer(address) == first)
        own_sidecar.set("django.time_zone", "UTC")
        own_sidecar.set("database.pool_size", 21)
        # Read in the request: the new one. Read at import: as it was.
        eventually(lambda: answer(address) == {**first, "pool_size": 21})


def test_manage_py_without_a_sidecar() -> None:
    pytest.importorskip("django")
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=EXAMPLES / "django",
        env=environment(f"http://{free_address()}"),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert (done.returncode, "no issues" in done.stdout) == (0, True), done.stderr


def test_fastapi(own_sidecar: DevServer, tmp_path: Path) -> None:
    pytest.importorskip("fastapi")
    own_sidecar.start()
    address = free_address()
    host, port = address.split(":")
    uvicorn = ["uvicorn", "--host", host, "--port", port, "main:app"]
    with running(EXAMPLES / "fastapi", own_sidecar, *uvicorn, log=tmp_path / "log"):
        first = {"pool_size": 20, "status": "VALID"}
        eventually(lambda: answer(address) == first)
        own_sidecar.set("database.pool_size", 21)
        eventually(lambda: answer(address) == {**first, "pool_size": 21})


def test_the_test_in_the_readme_of_fastapi(tmp_path: Path) -> None:
    pytest.importorskip("fastapi")
    pytest.importorskip("httpx2")
    text = (EXAMPLES / "fastapi" / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"  ```python\n(.*?)  ```", text, re.DOTALL)
    assert len(found) == 1
    source = re.sub(r"(?m)^  ", "", found[0])
    done = subprocess.run(
        [sys.executable, "-c", f"{source}\n\ntest_index()"],
        cwd=EXAMPLES / "fastapi",
        env=environment(f"http://{free_address()}"),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert (done.returncode, done.stderr) == (0, "")
