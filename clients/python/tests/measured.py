"""Prints what tests measured, below their results. A figure fails no test: machines differ."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Measured = Callable[[str], None]

_LINES = pytest.StashKey[list[str]]()


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    """Takes one line: what, the figure, and the goal."""
    return request.config.stash.setdefault(_LINES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = terminalreporter.config.stash.get(_LINES, [])
    if lines:
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.write_line(line)
