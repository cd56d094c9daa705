"""What a client leaves behind: nothing."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from config_service_client import Change, ConfigClient
from conftest import own_threads
from devserver import DevServer, eventually

DESCRIPTORS = Path("/proc/self/fd")


def descriptors() -> set[str]:
    links = set()
    for name in os.listdir(DESCRIPTORS):
        with contextlib.suppress(FileNotFoundError):
            links.add(os.readlink(DESCRIPTORS / name))
    return links


@pytest.mark.skipif(not DESCRIPTORS.exists(), reason="needs /proc")
def test_a_hundred_clients_leave_nothing(sidecar: DevServer, tmp_path: Path) -> None:
    told: list[Change] = []
    before = descriptors()
    for _ in range(100):
        with ConfigClient(sidecar.url, cache_file=tmp_path / "f") as config:
            config.on_change("*", told.append)
            assert config["database.pool_size"] == 20
    assert not own_threads()
    assert descriptors() - before == set()
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.skipif(not DESCRIPTORS.exists(), reason="needs /proc")
def test_clients_that_are_dropped_leave_nothing(sidecar: DevServer, tmp_path: Path) -> None:
    before = descriptors()
    for _ in range(20):
        config = ConfigClient(sidecar.url, cache_file=tmp_path / "f")
        config.on_change("*", print)
        assert config["database.pool_size"] == 20
        del config
    eventually(lambda: not own_threads())
    eventually(lambda: descriptors() - before == set())
    assert os.listdir(tmp_path) == ["f"]
