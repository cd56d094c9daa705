from __future__ import annotations

import contextlib
import encodings.idna  # noqa: F401 - socket imports it at the first connection, see Wire
import http.client
import io
import os
import socket
from collections.abc import Callable, Generator, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, Optional
from urllib.parse import urlencode

from config_service_client._frames import Broken, parse_failure
from config_service_client._settings import Settings
from config_service_client._version import __version__

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# No wait for the network is longer than this without a sign of life.
TICK = 1.0

_BUFFER = 64 * 1024
_LONGEST_FAILURE = 64 * 1024

# What a resolved name looks like: family, type, protocol, canonical name, address.
Resolved = list[tuple[Any, Any, int, str, Any]]


class Wire:
    """One connection for one request.

    It belongs to the thread that calls ask(). Two methods may be called from elsewhere:
    cut(), and disown() in a forked child. A proxy from the environment is never used: the
    sidecar is next door. Nothing here imports at run time: in a forked child the lock of a
    half-imported module is never released.

    Everything fails with an OSError, an HTTPException or a UnicodeError at the latest at
    ``deadline``, which the owner moves; see failures(). ``tick`` is called at least once a
    second while it waits for an answer.
    """

    def __init__(self, settings: Settings, deadline: float, tick: Callable[[], None]) -> None:
        self.deadline = deadline
        self._settings = settings
        self._tick = tick
        self._socket: Optional[socket.socket] = None
        self._is_cut = False

    def connect(self, resolved: Optional[Resolved] = None) -> Resolved:
        """Resolves the name, unless it is resolved already, and connects. Answers what the
        name stands for."""
        address = self._settings.address
        resolved = resolved or socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM
        )
        problem: Optional[OSError] = None
        for tried, candidate in enumerate(resolved):
            problem = self._attempt(candidate, share=len(resolved) - tried)
            if problem is None:
                return resolved
        raise problem or OSError("the name of the host stands for no address")

    def ask(self, target: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        """Sends a GET and answers what came back, to its headers."""
        lines = [
            f"GET {target} HTTP/1.1",
            f"Host: {self._settings.address.authority}",
            f"User-Agent: config-service-client-python/{__version__}",
            "Accept-Encoding: identity",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        if self._settings.token is not None:
            lines.append(f"Authorization: Bearer {self._settings.token.read()}")
        sock = self._open_socket()
        sock.settimeout(self._left())
        sock.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        answer = http.client.HTTPResponse(_Source(self._read))  # type: ignore[arg-type]
        try:
            answer.begin()
        except BaseException:
            answer.close()
            raise
        return answer

    def cut(self) -> None:
        """Ends what the owner waits for, from another thread or from a finalizer: takes no
        lock."""
        self._is_cut = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # Not the method of an SSLSocket, which the owner may be reading from.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def disown(self) -> None:
        """In a forked child: closes the inherited descriptor, or the sidecar would see a reader
        for as long as the child lives. The connection itself stays the parent's."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                os.close(self._socket.detach())

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    def _attempt(self, candidate: tuple[Any, Any, int, str, Any], share: int) -> Optional[OSError]:
        try:
            self._connect(candidate, share)
        except OSError as error:
            self.close()
            return error
        return None

    def _connect(self, candidate: tuple[Any, Any, int, str, Any], share: int) -> None:
        family, kind, protocol, _, address = candidate
        sock = self._socket = socket.socket(family, kind, protocol)
        self._check()
        sock.settimeout(self._left() / share)
        sock.connect(address)
        tls = self._settings.tls
        if tls is not None:
            sock = self._socket = tls.wrap_socket(
                sock, server_hostname=self._settings.address.host, do_handshake_on_connect=False
            )
            sock.settimeout(self._left())
            sock.do_handshake()
        self._check()

    def _read(self, buffer: WriteableBuffer) -> int:
        sock = self._open_socket()
        while True:
            sock.settimeout(min(self._left(), TICK))
            try:
                return sock.recv_into(buffer)
            except socket.timeout:
                continue
            finally:
                self._tick()

    def _open_socket(self) -> socket.socket:
        if self._socket is None:
            raise OSError("not connected")
        return self._socket

    def _left(self) -> float:
        left = self.deadline - monotonic()
        if left <= 0:
            raise socket.timeout("timed out")
        return left

    def _check(self) -> None:
        # cut() ends what it finds, which may have been the socket before this.
        if self._is_cut:
            raise OSError("the connection was cut")


class _Source(io.RawIOBase):
    """A socket as http.client wants one."""

    def __init__(self, read: Callable[[WriteableBuffer], int]) -> None:
        self._read_into = read

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self, _BUFFER)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        return self._read_into(buffer)


@contextlib.contextmanager
def failures() -> Generator[None, None, None]:
    """Whatever goes wrong on a wire, as Broken."""
    try:
        yield
    except OSError as error:
        raise Broken(f"{type(error).__name__}: {error}") from error
    except (http.client.HTTPException, UnicodeError) as error:
        # Its text may quote what was sent.
        raise Broken(f"not HTTP ({type(error).__name__})") from error


def check_status(answer: http.client.HTTPResponse) -> None:
    """Raises Refused or Broken for any other answer than the one asked for."""
    if answer.status != http.client.OK:
        body = answer.read(_LONGEST_FAILURE)
        raise parse_failure(answer.status, body, answer.getheader("Retry-After"))


def target(settings: Settings, path: str, **query: str) -> str:
    """What to ask for: the path, and the names that somebody chose."""
    if settings.namespace is not None:
        query["namespace"] = settings.namespace
    if settings.environment is not None:
        query["environment"] = settings.environment
    target = settings.address.path + path
    return f"{target}?{urlencode(query)}" if query else target
