"""Fixtures for the tests of programs that read the configuration. pytest finds them by itself.

def test_pool(config_service):
    pool = Pool(config_service)
    with config_service.override({"database.pool_size": 3}):
        assert pool.size == 3
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from config_service_client._client import ConfigClient


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "config_service(values): values of the fixture config_service in this test"
    )


@pytest.fixture
def config_service_values() -> Mapping[str, Any]:
    """What the fixture config_service starts with: none. Define your own in conftest.py."""
    return {}


@pytest.fixture
def config_service(
    request: pytest.FixtureRequest, config_service_values: Mapping[str, Any]
) -> Iterator[ConfigClient]:
    """A ConfigClient with the values of the test, in memory: no sidecar, no thread.

    It begins with config_service_values and, over them, those of the marks
    ``@pytest.mark.config_service({"database.pool_size": 3})``, the nearest last. Its
    override() changes values within the test.
    """
    values = dict(config_service_values)
    for mark in reversed(list(request.node.iter_markers("config_service"))):
        values.update(*mark.args)
    with ConfigClient.from_dict(values) as client:
        yield client
