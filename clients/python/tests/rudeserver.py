"""A server that behaves as badly as it is told to, on real sockets."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Optional

# What is done to one connection, after its request was read. Returning closes it.
Act = Callable[["Visit"], None]


class Visit:
    """One connection."""

    def __init__(self, connection: socket.socket, request: bytes, over: threading.Event) -> None:
        self.request = request
        self._connection = connection
        self._over = over

    def say(self, *parts: bytes) -> None:
        for part in parts:
            self._connection.sendall(part)

    def answer(self, status: str, body: bytes = b"", *headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
        self.say("\r\n".join(lines).encode(), body)

    def stream(self, *lines: bytes) -> None:
        self.say(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n", *lines)

    def chunks(self, *chunks: bytes) -> None:
        self.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for chunk in chunks:
            self.say(f"{len(chunk):x}\r\n".encode(), chunk, b"\r\n")

    def stay(self) -> None:
        """Holds the connection open until the client goes, or the server ends."""
        self._connection.settimeout(0.05)
        while not self._over.is_set():
            with contextlib.suppress(socket.timeout):
                if not self._connection.recv(1):
                    return


class RudeServer:
    """The n-th connection gets the n-th act, every later one the last."""

    def __init__(self, *acts: Act, tls: Optional[ssl.SSLContext] = None) -> None:
        self._acts = acts
        self._tls = tls
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, name="rude-server")]
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.visits: list[Visit] = []

    def __enter__(self) -> RudeServer:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = self._listener.accept()[0]
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _secured(self, connection: socket.socket) -> socket.socket:
        if self._tls is None:
            return connection
        with connection:
            return self._tls.wrap_socket(connection, server_side=True)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), self._secured(connection) as connection:
            request = b""
            while b"\r\n\r\n" not in request:
                part = connection.recv(4096)
                if not part:
                    return
                request += part
            visit = Visit(connection, request, self._over)
            self.visits.append(visit)
            self._acts[min(len(self.visits), len(self._acts)) - 1](visit)
