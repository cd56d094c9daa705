"""The fixture for users' tests, as their pytest runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from devserver import DEADLINE
from program import SOURCE

CONFTEST = """
import pytest

@pytest.fixture
def config_service_values():
    return {"database.pool_size": 20, "app.name": "shop"}
"""

TESTS = """
import threading
import pytest
from config_service_client import KeyMissing

def test_the_values_of_conftest(config_service):
    assert config_service.get("database.pool_size", default=10) == 20
    assert str(config_service.status) == "VALID"
    assert [thread.name for thread in threading.enumerate()] == ["MainThread"]

def test_missing(config_service):
    assert config_service.get("no.such.key", default=1) == 1
    with pytest.raises(KeyMissing):
        config_service["no.such.key"]

def test_override(config_service):
    with config_service.override({"database.pool_size": 3}):
        assert config_service["database.pool_size"] == 3
    assert config_service["database.pool_size"] == 20

@pytest.mark.config_service({"database.pool_size": 1, "app.name": "class"})
class TestMarks:
    @pytest.mark.config_service({"database.pool_size": 2})
    def test_the_nearest_wins(self, config_service):
        assert config_service.snapshot() == {"app.name": "class", "database.pool_size": 2}
"""


def test_the_plugin(tmp_path: Path) -> None:
    run_pytest(tmp_path, "-p", "config_service_client.pytest_plugin", path=SOURCE)


def run_pytest(folder: Path, *options: str, path: Path) -> None:
    """Runs the tests above in the folder; they find the package in ``path``."""
    (folder / "conftest.py").write_text(textwrap.dedent(CONFTEST))
    (folder / "test_shop.py").write_text(textwrap.dedent(TESTS))
    command = [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-W", "error", *options]
    done = subprocess.run(
        [*command, "--rootdir", str(folder), str(folder)],
        env={**os.environ, "PYTHONPATH": str(path)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=3 * DEADLINE,
    )
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout
