"""A small web application that runs on live configuration.

    PYTHONPATH=clients/python/src python3 deploy/demo/app.py

Then open http://localhost:3000. The page follows every change. The browser talks to this
application only, never to the sidecar.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config_service_client import ConfigClient, ConfigError

STATIC = Path(__file__).resolve().parent / "static"
FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/live.js": ("live.js", "text/javascript; charset=utf-8"),
}
LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))

# How often memory is looked at for each open page, and how often a quiet page hears that the
# application is alive.
LOOK_SECONDS = 0.1
HEARTBEAT_SECONDS = 10.0

# Configuration is data: nothing in it can become a script or reach another site.
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def current(config: ConfigClient) -> dict[str, Any]:
    """What the page shows: everything the client knows at this moment."""
    values: dict[str, Any] = {}
    problem = ""
    try:
        values = config.snapshot()
    except ConfigError as error:
        problem = str(error)
    return {
        "status": str(config.status),
        "namespace": config.namespace,
        "environment": config.environment,
        "pool_size": config.get("database.pool_size", default=10),
        "values": values,
        "problem": problem,
    }


class Demo(ThreadingHTTPServer):
    """The application: its configuration, and a thread for every open page."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int, config: ConfigClient) -> None:
        super().__init__((host, port), Page)
        self.config = config
        self.stopping = threading.Event()
        self.only_loopback = host in LOOPBACK


class Page(BaseHTTPRequestHandler):
    server: Demo
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if not self._is_for_us():
            self.send_error(HTTPStatus.FORBIDDEN, "this host name is not served here")
        elif path == "/events":
            self._send_events()
        elif path in FILES:
            self._send_file(*FILES[path])
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        for name, value in SECURITY_HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        """One line for each request would bury what matters."""

    def _is_for_us(self) -> bool:
        # A page elsewhere can let its own name point to this machine; its Host tells.
        try:
            host = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        except ValueError:
            return False
        return host in LOOPBACK or not self.server.only_loopback

    def _send_file(self, name: str, kind: str) -> None:
        body = (STATIC / name).read_bytes()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_events(self) -> None:
        self.close_connection = True
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        sent, sent_at = "", time.monotonic()
        try:
            while True:
                state = json.dumps(current(self.server.config), separators=(",", ":"))
                now = time.monotonic()
                if state != sent:
                    self.wfile.write(b"data: %s\n\n" % state.encode())
                    sent, sent_at = state, now
                elif now - sent_at > HEARTBEAT_SECONDS:
                    self.wfile.write(b": alive\n\n")
                    sent_at = now
                if self.server.stopping.wait(LOOK_SECONDS):
                    return
        except OSError:
            # The page was closed.
            return


def main() -> None:
    address = os.environ.get("DEMO_ADDR") or "localhost:3000"
    host, _, port = address.rpartition(":")
    if not port.isdecimal():
        sys.exit(f'DEMO_ADDR: "{address}" is not usable; accepted: host:port')
    with ConfigClient() as config, Demo(host or "localhost", int(port), config) as demo:
        print(f"demo on http://{host or 'localhost'}:{demo.server_port}", flush=True)
        try:
            demo.serve_forever()
        except KeyboardInterrupt:
            demo.stopping.set()


if __name__ == "__main__":
    main()
