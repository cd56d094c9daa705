"""What the README promises, and the types that a reader sees."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config_service_client import ConfigClient
from devserver import DEADLINE, DevServer

ROOT = Path(__file__).resolve().parents[1]


def examples() -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("example", examples())
def test_the_examples_of_the_readme(sidecar: DevServer, example: str) -> None:
    # Each comment `# -> x` of the README is what the line before it prints.
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "src"),
        "CONFIG_SERVICE_URL": sidecar.url,
    }
    # The first values may take longer than an application waits, on a slow machine.
    patient = (
        "from config_service_client import AsyncConfigClient, ConfigClient\n"
        "for client in (AsyncConfigClient, ConfigClient):\n"
        "    client.__init__.__kwdefaults__.update(timeout=60)\n"
        + example.replace("wait_ready(timeout=2)", "wait_ready(timeout=60)")
    )
    command = [sys.executable, "-W", "error", "-c", patient]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=DEADLINE
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == re.findall(r"# -> (.*)", example)


def test_the_types_that_a_reader_sees(client: ConfigClient) -> None:
    # Checked by mypy: the type of the default is the type of the answer.
    number: int = client.get("database.pool_size", default=10)
    ratio: float = client.get("database.pool_size", default=1.5)
    flag: bool = client.get("no.such.flag", default=False)
    name: str = client.get("no.such.name", "x")
    names: list[str] = client.get("no.such.list", default=[])
    table: dict[str, int] = client.get("no.such.table", default={})
    assert (number, ratio, flag, name, names, table) == (20, 20.0, False, "x", [], {})
