"""The development server as a process: a real sidecar on a real, embedded store."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

REPOSITORY = Path(__file__).resolve().parents[3]

# A bound against a hang, for machines that are slow, loaded, or both.
DEADLINE = 120.0
_TICK = 0.01


def eventually(condition: Callable[[], object], timeout: float = DEADLINE) -> None:
    """Waits for a condition. Fails with its source position when it never holds."""
    end = time.monotonic() + timeout
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, f"did not happen within {timeout} s: {condition}"
        pause.wait(_TICK)


# Each holds the number of a port for as long as this process lives.
_claims: list[socket.socket] = []


def free_address() -> str:
    """An address that is given once, and stays free while its server is down: below the ports
    that systems hand out for outgoing connections, which would take it sooner or later."""
    while True:
        address = ("127.0.0.1", random.randrange(20000, 30000))
        # The port of UDP stands for the one of TCP with the same number.
        claim = socket.socket(type=socket.SOCK_DGRAM)
        try:
            claim.bind(address)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return f"{address[0]}:{address[1]}"


def dev_binary(folder: Path) -> Path:
    """CONFIG_SERVICE_DEV_BINARY, else one built into the folder."""
    given = os.environ.get("CONFIG_SERVICE_DEV_BINARY")
    if given:
        return Path(given).resolve()
    binary = folder / "config-service-dev"
    subprocess.run(["go", "build", "-o", str(binary), "./server/dev"], cwd=REPOSITORY, check=True)
    return binary


class DevServer:
    """One development server. Its addresses and its data survive stop() and start()."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary = binary
        self._folder = folder
        self._http, self.etcd = free_address(), free_address()
        self._grpc, self._ops = free_address(), free_address()
        self._process: Optional[subprocess.Popen[bytes]] = None
        self.url = f"http://{self._http}"
        self.service = "payment-service"

    def start(self) -> None:
        """Starts the server, again while one of its ports is somebody else's for a moment."""
        eventually(self._starts)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stops the process without closing its connections."""
        self._running.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._running.send_signal(signal.SIGCONT)

    def set(self, key: str, value: Any, layer: str = "service-environment") -> None:
        self._write("set", key, json.dumps(value), layer=layer)

    def delete(self, key: str, layer: str = "service-environment") -> None:
        self._write("delete", key, layer=layer)

    @property
    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "CONFIG_HTTP_ADDR": self._http,
            "CONFIG_GRPC_ADDR": self._grpc,
            "CONFIG_OPS_ADDR": self._ops,
            "DEV_ETCD_ADDR": self.etcd,
            "DEV_DATA_DIR": str(self._folder / "data"),
            "SERVICE_NAME": self.service,
            "ENVIRONMENT": "development",
        }

    @property
    def _log(self) -> Path:
        return self._folder / "server.log"

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the server is not running"
        return self._process

    def _write(self, verb: str, *words: str, layer: str) -> None:
        command = [str(self._binary), verb, "--layer", layer, "--etcd", self.etcd, "--", *words]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, timeout=DEADLINE
        )
        assert done.returncode == 0, done.stderr

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(how)
            self._process.wait(timeout=DEADLINE)
            self._process = None

    def _starts(self) -> bool:
        with self._log.open("ab") as log:
            said_before = log.tell()
            self._process = subprocess.Popen(
                [str(self._binary)], env=self._environment, stdout=log, stderr=log
            )
        eventually(lambda: self._running.poll() is not None or self._answers())
        if self._running.poll() is None:
            return True
        said = self._log.read_bytes()[said_before:].decode()
        assert "in use" in said, said  # our listeners and etcd say it in words of their own
        return False

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(self._http, timeout=10)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.client.OK
        except OSError:
            return False
        finally:
            connection.close()
