"""What a mule of uWSGI runs: a process beside the workers, with their program. It writes down each
value it sees."""

from __future__ import annotations

import os
import time

from web import KEY, config

seen: object = None
with open(os.environ["MULE_FILE"], "a") as file:
    while True:
        if (value := config.get(KEY, default=None)) != seen:
            seen = value
            print(seen, file=file, flush=True)
        time.sleep(0.002)
