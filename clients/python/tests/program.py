"""Python programs that a test runs and talks to."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

from devserver import DEADLINE

SOURCE = Path(__file__).resolve().parents[1] / "src"
PROGRAMS = Path(__file__).resolve().parent / "programs"

# Where Python finds the client and the programs of the tests.
PYTHONPATH = f"{SOURCE}{os.pathsep}{PROGRAMS}"


class Program:
    """A Python program that talks to the test line by line. Its standard input ends with
    end(). One that hangs is killed, and its test fails."""

    def __init__(self, source: str, sidecar_url: str) -> None:
        self._process = subprocess.Popen(
            # Newer Pythons warn of a fork beside threads, in general. Here it is the point.
            [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(source)],
            env={
                **os.environ,
                # Two processes write to one pipe: line by line.
                "PYTHONUNBUFFERED": "",
                "PYTHONPATH": PYTHONPATH,
                "CONFIG_SERVICE_URL": sidecar_url,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._killer = threading.Timer(DEADLINE, self._process.kill)
        self._killer.daemon = True
        self._killer.start()

    def line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self.end()
        return line.strip()

    def end(self) -> tuple[int, str, str]:
        """Exit code, the rest of the output, the errors."""
        out, err = self._process.communicate()
        self._killer.cancel()
        return self._process.returncode, out, err
