from __future__ import annotations

import os
import sys
from typing import Any


def is_before_its_fork() -> bool:
    """Whether this is uWSGI while it loads the program that it forks into its workers.

    Python does not learn of that fork: a lock that another thread holds at that moment is never
    released in the worker. So no thread may run here. Without a master the process that loads
    becomes the first worker, and is another place from then on.
    """
    # There is one in uWSGI alone. Elsewhere a module of the program may have that name.
    uwsgi: Any = sys.modules.get("uwsgi")
    try:
        # Mules and spoolers have no worker's number either, but a master that they are not.
        return uwsgi.worker_id() == 0 and uwsgi.masterpid() in (0, os.getpid())
    except AttributeError:
        return False
