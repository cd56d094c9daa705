from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import stat
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Optional

from config_service_client._files import UnusableError, read_regular, reason
from config_service_client._frames import NOT_OURS, State, parse_document, parse_entries
from config_service_client._kinds import same
from config_service_client._settings import Settings
from config_service_client._status import Source
from config_service_client._view import View

logger = logging.getLogger("config_service_client")

FORMAT = 1
LONGEST = 16 * 1024 * 1024
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_TIME = re.compile(r"([0-9-]{10}T[0-9:]{8})(?:\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})")


class CacheFile:
    """The last values on disk, in a form that all clients read. It is never fatal: what goes
    wrong is logged once, and again only after it has worked in between."""

    def __init__(self, path: str, settings: Settings) -> None:
        self._path = path
        self._settings = settings
        self._reported = False

    def load(self) -> Optional[View]:
        """The values of an earlier process. None: there are none to be used."""
        try:
            content = _read(self._path)
            view = self._view(content) if content is not None else None
        except UnusableError as error:
            self._report("is not used", error)
            return None
        self._reported = False
        return view

    def save(self, view: View) -> bool:
        """Replaces the file as a whole."""
        try:
            _check_target(self._path)
            _replace(self._path, _encoded(view))
        except (UnusableError, OSError, ValueError) as error:
            self._report("cannot be written", error)
            return False
        self._reported = False
        return True

    def _view(self, content: bytes) -> View:
        try:
            document = parse_document(content)
            if not same(document["format"], FORMAT):
                raise UnusableError(f"has another format than {FORMAT}")
            view = _view(document)
        except NOT_OURS as error:
            # The error itself may quote values.
            raise UnusableError(f"is not a cache file ({type(error).__name__})") from None
        for field in ("namespace", "environment"):
            given, found = getattr(self._settings, field), getattr(view.state, field)
            if given not in (None, found):
                raise UnusableError(f'is for the {field} "{found}" instead of "{given}"')
        return view

    def _report(self, what: str, error: Exception) -> None:
        if not self._reported:
            self._reported = True
            logger.warning("cache file %r %s: %s", self._path, what, reason(error))


def _read(path: str) -> Optional[bytes]:
    """The content. None: there is no file."""
    try:
        status, content = read_regular(path, LONGEST, getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return None
    if hasattr(os, "geteuid") and status.st_uid != os.geteuid():
        raise UnusableError("belongs to another user")
    if os.name == "posix" and status.st_mode & _OTHERS_MAY_WRITE:
        raise UnusableError("is writable by others")
    return content


def _view(document: Mapping[str, Any]) -> View:
    names = [document[field] for field in ("epoch", "namespace", "environment")]
    if not all(isinstance(name, str) for name in names):
        raise TypeError("a name that is not a string")
    state = State(
        epoch=names[0],
        revision=int(document["revision"]),
        fresh=False,
        source=Source.CACHE_FILE,
        namespace=names[1],
        environment=names[2],
    )
    age = max(0.0, time.time() - _parsed(document["written"]).timestamp())
    return View(
        state,
        parse_entries(document["entries"]),
        invalid=frozenset(),
        former={},
        confirmed=time.monotonic() - age,
    )


def _parsed(written: str) -> datetime:
    # Others write fractions of a second, in a length that not every Python reads.
    parts = _TIME.fullmatch(written)
    if parts is None:
        raise ValueError("not a time")
    return datetime.fromisoformat(parts[1] + parts[2].replace("Z", "+00:00"))


def _encoded(view: View) -> bytes:
    now = datetime.now(timezone.utc).replace(microsecond=0)
    document = {
        "format": FORMAT,
        "namespace": view.state.namespace,
        "environment": view.state.environment,
        "epoch": view.state.epoch,
        "revision": view.state.revision,
        "written": now.isoformat().replace("+00:00", "Z"),
        "entries": [
            {
                "key": key,
                "value": entry.value,
                "layer": str(entry.layer or ""),
                "revision": entry.revision,
            }
            for key, entry in sorted(view.entries.items())
        ],
    }
    content = json.dumps(document).encode("ascii")
    if len(content) > LONGEST:
        raise UnusableError(f"would be longer than {LONGEST} bytes")
    return content


def _check_target(path: str) -> None:
    """Nothing but a file is ever replaced by one."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise UnusableError("is not a regular file")


def _replace(path: str, content: bytes) -> None:
    folder, name = os.path.split(path)
    # Mode 0600.
    descriptor, draft = tempfile.mkstemp(prefix=f".{name}.", suffix=".tmp", dir=folder or ".")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise
