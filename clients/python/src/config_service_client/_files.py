"""Reading a small file that may be anything."""

from __future__ import annotations

import os
import stat


class UnusableError(Exception):
    """Reads on from the path: "is empty"."""


def read_regular(path: str, longest: int, flags: int = 0) -> tuple[os.stat_result, bytes]:
    """What the file is and what it holds. Raises FileNotFoundError, and UnusableError for all
    else."""
    try:
        # Without O_NONBLOCK a pipe in its place would hold up whoever opens it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | flags)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise UnusableError("is not a regular file")
            content = b""
            while part := os.read(descriptor, longest + 1 - len(content)):
                content += part
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise UnusableError(f"cannot be read ({reason(error)})") from None
    if len(content) > longest:
        raise UnusableError(f"is longer than {longest} bytes")
    return status, content


def reason(error: Exception) -> str:
    """Without the path, which the message names anyway."""
    return getattr(error, "strerror", None) or str(error)
