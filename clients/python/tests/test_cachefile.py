"""The client's own cache file."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest

from config_service_client import (
    Change,
    ConfigClient,
    ConfigDenied,
    ConfigUnavailable,
    KeyMissing,
    Layer,
    Source,
    Status,
    _cachefile,
    _core,
    _writer,
)
from config_service_client._cachefile import CacheFile
from config_service_client._settings import Settings
from conftest import NewClient
from devserver import DevServer, eventually, free_address
from messages import snapshot_line
from rudeserver import RudeServer, Visit

CONTENT: dict[str, Any] = {
    "format": 1,
    "namespace": "payment-service",
    "environment": "development",
    "epoch": "e1",
    "revision": 7,
    "written": "2026-01-02T03:04:05.678901234Z",
    "entries": [
        {"key": "a", "value": 1, "layer": "SERVICE", "revision": 5},
        {"key": "b", "value": None, "layer": "SHARED", "revision": 6},
    ],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cache.json"
    written(path)
    return path


def written(path: Path, content: Any = CONTENT) -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text)
    path.chmod(0o600)
    return path


def loaded(path: Path) -> Any:
    return json.loads(path.read_text())


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    messages = [record.getMessage() for record in caplog.records]
    return [message for message in messages if "cache file" in message]


def test_the_form(sidecar: DevServer, new_client: NewClient, tmp_path: Path) -> None:
    path = tmp_path / "cache.json"
    client = new_client(sidecar.url, cache_file=path)
    assert client["database.pool_size"] == 20
    eventually(path.exists)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    document = loaded(path)
    assert list(document) == list(CONTENT)
    assert (document["namespace"], document["environment"]) == ("payment-service", "development")
    assert isinstance(document["revision"], int)
    assert document["written"].endswith("Z")
    found = {entry["key"]: entry for entry in document["entries"]}
    assert found["database.pool_size"] == {
        "key": "database.pool_size",
        "value": 20,
        "layer": "SERVICE_ENVIRONMENT",
        "revision": found["database.pool_size"]["revision"],
    }
    client.close()
    assert os.listdir(tmp_path) == ["cache.json"]


def test_a_program_that_starts_without_a_sidecar(
    own_sidecar: DevServer, new_client: NewClient, tmp_path: Path
) -> None:
    path = tmp_path / "values.json"
    own_sidecar.start()
    own_sidecar.set("kept", [1, {"x": None}])
    with ConfigClient(own_sidecar.url, cache_file=path) as first:
        eventually(lambda: "kept" in first)
    own_sidecar.kill()

    told: list[Change] = []
    client = new_client(own_sidecar.url, cache_file=path, timeout=60)
    client.on_change("*", told.append)
    assert client["kept"] == [1, {"x": None}]
    assert client.status is Status.STALE
    assert client.wait_ready(60)
    # Not confirmed by any sidecar.
    assert client.namespace == "default"
    detail = client.get_detail("kept")
    assert (detail.source, detail.layer) == (Source.CACHE_FILE, Layer.SERVICE_ENVIRONMENT)
    assert detail.age is not None
    assert detail.age >= 0
    with pytest.raises(KeyMissing):
        client["no.such.key"]

    own_sidecar.start()
    own_sidecar.set("kept", 2)
    eventually(lambda: client["kept"] == 2)
    assert str(client.status) == "VALID"
    assert client.namespace == "payment-service"
    assert client.get_detail("kept").source is Source.LIVE
    # What differs from the file is a change.
    eventually(lambda: told)
    assert {change.key for change in told} == {"kept"}
    assert told[-1].new == 2
    client.close()
    assert {entry["key"]: entry for entry in loaded(path)["entries"]}["kept"]["value"] == 2


def test_live_values_come_first(
    sidecar: DevServer, new_client: NewClient, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A second is not enough for every machine that does other things as well.
    monkeypatch.setattr(_core, "_PATIENCE", 60.0)
    told: list[Change] = []
    client = new_client(sidecar.url, cache_file=file, timeout=60)
    client.on_change("a", told.append)
    assert client["database.pool_size"] == 20
    assert "a" not in client
    # No read was answered from the file.
    sidecar.set("a", 2)
    eventually(lambda: told)
    assert told[0].old is None


def test_a_sidecar_that_does_not_answer_is_waited_for_a_second(
    new_client: NewClient, file: Path
) -> None:
    with RudeServer(Visit.stay) as server:
        client = new_client(server.url, cache_file=file, timeout=600)
        assert client["a"] == 1
        other = new_client(server.url, cache_file=file, timeout=600)
        assert other.wait_ready(600)
        for one in (client, other):
            one.close()


def test_a_refusal_and_a_file(new_client: NewClient, file: Path) -> None:
    with RudeServer(lambda visit: visit.answer("403 Forbidden")) as server:
        client = new_client(server.url, cache_file=file, timeout=60)
        assert client["a"] == 1
        assert client["b"] is None
        assert client.status is Status.DENIED
        with pytest.raises(ConfigDenied):
            client["c"]
        client.close()


def test_the_age_of_a_file_is_never_below_zero(new_client: NewClient, tmp_path: Path) -> None:
    path = written(tmp_path / "f", {**CONTENT, "written": "2999-01-01T00:00:00Z"})
    client = new_client(f"http://{free_address()}", cache_file=path)
    age = client.get_detail("a").age
    assert age is not None
    assert 0 <= age < 600
    path = written(tmp_path / "g", {**CONTENT, "written": "2001-01-01T00:00:00+00:00"})
    age = new_client(f"http://{free_address()}", cache_file=path).get_detail("a").age
    assert age is not None
    assert age > 3e8


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"format": 1}',
        "\x00" * 100,
        "[" * 100_000,
        {**CONTENT, "format": 2},
        {**CONTENT, "format": True},
        {**CONTENT, "epoch": 5},
        {**CONTENT, "revision": "secret"},
        {**CONTENT, "written": "secret"},
        {**CONTENT, "written": "2026-13-01T00:00:00Z"},
        {**CONTENT, "entries": {"secret": 1}},
        {**CONTENT, "entries": [{"key": "secret a", "value": 1}]},
        {**CONTENT, "entries": [{"key": "secret"}]},
        json.dumps(CONTENT)[:-2],
        json.dumps(CONTENT).replace('"value": 1', '"value": NaN'),
    ],
)
def test_a_file_of_another_form(
    content: Any, new_client: NewClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path / "f", content)
    client = new_client(f"http://{free_address()}", cache_file=path, timeout=0.1)
    with pytest.raises(ConfigUnavailable):
        client["a"]
    eventually(lambda: complaints(caplog))
    assert "secret" not in caplog.text
    # It stays as it is until there is something better.
    client.close()
    assert len(complaints(caplog)) == 1
    assert path.read_text() == (content if isinstance(content, str) else json.dumps(content))


def unusable(path: Path, how: str) -> None:
    if how == "writable by others":
        path.chmod(0o620)
    elif how == "belongs to another user":
        if os.geteuid() != 0:
            pytest.skip("only root gives files away")
        os.chown(path, 12345, 12345)
    elif how == "too long":
        path.write_text(json.dumps(CONTENT) + " " * 100)
    else:
        path.rename(path.with_suffix(".real"))
        if how == "a pipe":
            os.mkfifo(path)
        elif how == "a link":
            path.symlink_to(path.with_suffix(".real"))
        else:
            path.mkdir()


@pytest.mark.parametrize(
    "how",
    [
        "writable by others",
        "belongs to another user",
        "too long",
        "a pipe",
        "a link",
        "a folder",
    ],
)
def test_a_file_that_is_not_trusted(
    how: str,
    file: Path,
    new_client: NewClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    unusable(file, how)
    monkeypatch.setattr(_cachefile, "LONGEST", len(json.dumps(CONTENT)) + 50)
    client = new_client(f"http://{free_address()}", cache_file=file, timeout=0.1)
    assert client.get("a", default=0) == 0
    eventually(lambda: complaints(caplog))
    client.close()
    assert len(complaints(caplog)) == 1


@pytest.mark.parametrize(
    ("namespace", "environment", "used"),
    [
        (None, None, True),
        ("payment-service", "development", True),
        ("other", None, False),
        (None, "production", False),
    ],
)
def test_a_file_of_another_scope(
    namespace: Optional[str], environment: Optional[str], used: bool, file: Path
) -> None:
    settings = Settings.resolve(None, namespace, environment, 2.0)
    assert (CacheFile(str(file), settings).load() is not None) is used


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("only root mounts")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no mounts here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk(
    full_disk: Path,
    new_client: NewClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(_writer, "INTERVAL", 0.01)
    monkeypatch.setattr(_writer, "RETRY", 0.01)
    filler = full_disk / "filler"
    filler.write_bytes(b"x" * 112 * 1024)
    path = written(full_disk / "cache.json")

    def act(visit: Visit) -> None:
        visit.stream(snapshot_line(k="x" * 60_000))
        visit.stay()

    with RudeServer(act) as server:
        client = new_client(server.url, cache_file=path, timeout=60)
        assert client["k"] == "x" * 60_000
        eventually(lambda: "cannot be written" in caplog.text)
        assert client.status is Status.VALID
        # The old file is whole, and nothing lies beside it.
        assert loaded(path) == CONTENT
        eventually(lambda: sorted(os.listdir(full_disk)) == ["cache.json", "filler"])
        filler.unlink()
        eventually(lambda: loaded(path) != CONTENT)
        client.close()
    assert len(complaints(caplog)) == 1


def test_a_folder_that_is_read_only(
    sidecar: DevServer, new_client: NewClient, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    for path in (Path("/proc/self/cache.json"), tmp_path / "no" / "such" / "folder" / "file"):
        caplog.clear()
        client = new_client(sidecar.url, cache_file=path, timeout=60)
        assert client["database.pool_size"] == 20
        eventually(lambda: "cannot be written" in caplog.text)
        client.close()
        assert len(caplog.records) == 1


def test_nothing_but_a_file_is_replaced(
    sidecar: DevServer, new_client: NewClient, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    client = new_client(sidecar.url, cache_file=pipe, timeout=60)
    assert client["database.pool_size"] == 20
    eventually(lambda: "not a regular file" in caplog.text)
    client.close()
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_short_program_leaves_a_whole_file(sidecar: DevServer, tmp_path: Path) -> None:
    program = """
from config_service_client import ConfigClient
print(ConfigClient()["database.pool_size"])
"""
    source = Path(__file__).resolve().parents[1] / "src"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "PYTHONPATH": str(source),
            "CONFIG_SERVICE_URL": sidecar.url,
            "CONFIG_SERVICE_CACHE_FILE": str(tmp_path / "f"),
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("20\n", "")
    assert os.listdir(tmp_path) == ["f"]
    assert loaded(tmp_path / "f")["namespace"] == "payment-service"
