"""A Celery worker whose tasks read the configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import celery

from config_service_client import ConfigClient

folder = Path(os.environ["TASKS_FOLDER"])
config = ConfigClient(timeout=60)
config["tasks.value"]

app = celery.Celery(
    broker="filesystem://",
    backend=folder.joinpath("results").as_uri(),
    broker_transport_options={
        "data_folder_in": str(folder / "queue"),
        "data_folder_out": str(folder / "queue"),
        "control_folder": str(folder / "control"),
    },
)


@app.task
def read() -> tuple[int, Any]:
    return os.getpid(), config["tasks.value"]


def ask_until(*values: str) -> None:
    """Runs tasks until they answer one value after the other."""
    for value in values:
        while read.delay().get(timeout=60)[1] != value:
            pass
        print(value, flush=True)
