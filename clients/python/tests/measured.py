"""Prints what tests measured, below their results. A figure fails no test: machines differ."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Measured = Callable[[str, float, float], None]

_LINES = pytest.StashKey[list[str]]()


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    """Takes what was measured, the seconds, and the goal."""
    lines = request.config.stash.setdefault(_LINES, [])

    def note(what: str, seconds: float, goal: float) -> None:
        lines.append(f"{what}: {seconds:.2f} s (goal {goal:g} s)")

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = terminalreporter.config.stash.get(_LINES, [])
    if lines:
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.write_line(line)
