"""What is shipped: a wheel and an sdist, without dependencies, for every Python that we name."""

from __future__ import annotations

import email.message
import email.parser
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from devserver import DEADLINE, DevServer
from measured import Measured
from test_pytest_plugin import run_pytest

ROOT = Path(__file__).resolve().parents[1]

# What runs in a virtual environment that holds nothing but the client.
INSTALLED = """
import asyncio, importlib.metadata, sys
import config_service_client
from config_service_client import *

assert config_service_client.__file__.startswith(sys.prefix), config_service_client.__file__
assert importlib.metadata.version("config-service-client") == config_service_client.__version__
try:
    import config_service_client.pydantic
except ModuleNotFoundError as error:
    assert error.name == "pydantic", error
else:
    sys.exit("there is a pydantic here")

async def read(url):
    async with AsyncConfigClient(url) as config:
        return config.get("database.pool_size", default=10)

url = sys.argv[1]
with ConfigClient(url) as config:
    with config.override({"database.pool_size": 30}):
        print(config["database.pool_size"], end=" ")
    config.wait_ready(60)
    print(config.get("database.pool_size", default=10), asyncio.run(read(url)))
"""


class Built(NamedTuple):
    wheel: Path
    sdist: Path
    rebuilt: Path
    """The wheel that pip builds from the sdist."""


class Python(NamedTuple):
    version: tuple[int, ...]
    program: str


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    pytest.importorskip("build")
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT))
    sdist = next(folder.glob("*.tar.gz"))
    again = folder / "again"
    pip("wheel", "--no-build-isolation", "--wheel-dir", str(again), str(sdist))
    return Built(next(folder.glob("*.whl")), sdist, next(again.glob("*.whl")))


def test_what_is_in_them(built: Built) -> None:
    files = contents(built.wheel)
    info = f"{built.wheel.name.split('-py3')[0]}.dist-info"
    assert {name.split("/")[0] for name in files} == {"config_service_client", info}
    assert {"config_service_client/py.typed", f"{info}/licenses/LICENSE"} <= files.keys()
    with tarfile.open(built.sdist) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames()}
    assert {"src/config_service_client/py.typed", "LICENSE", "README.md"} <= names
    assert "tests/test_distribution.py" in names
    assert contents(built.rebuilt) == files


def test_metadata(built: Built) -> None:
    files = contents(built.wheel)
    metadata = email.parser.Parser().parsestr(file(files, "METADATA"))
    assert metadata["Name"] == "config-service-client"
    assert metadata["Requires-Python"] == ">=3.9"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert "Typing :: Typed" in headers(metadata, "Classifier")
    assert sorted(headers(metadata, "Provides-Extra")) == ["pydantic", "pytest"]
    # No dependency without an extra.
    assert {need.rsplit("; ", 1)[1] for need in headers(metadata, "Requires-Dist")} == {
        "extra == 'pydantic'",
        "extra == 'pytest'",
    }
    entry_points = "[pytest11]\nconfig_service = config_service_client.pytest_plugin"
    assert file(files, "entry_points.txt").strip() == entry_points


# The two wheels are the same, see above: each on one Python is enough.
@pytest.mark.parametrize(("age", "source"), [("oldest", "wheel"), ("newest", "sdist")])
def test_installed(
    built: Built, sidecar: DevServer, tmp_path: Path, measured: Measured, age: str, source: str
) -> None:
    found = pythons()
    python = min(found) if age == "oldest" else max(found)
    folder = tmp_path / "venv"
    run(python.program, "-m", "venv", "--without-pip", str(folder))
    installed = str(folder / "bin" / "python")
    wheel = built.wheel if source == "wheel" else built.rebuilt
    pip("--python", installed, "install", "--no-compile", str(wheel))
    # Isolated: nothing of this repository is on its path.
    said = run(installed, "-I", "-W", "error", "-c", INSTALLED, sidecar.url)
    assert said.split() == ["30", "20", "20"]
    measured(f"installed from the {source}: Python {'.'.join(map(str, python.version))}")


def test_pytest_finds_the_plugin(built: Built, tmp_path: Path) -> None:
    site = tmp_path / "site"
    pip("install", "--target", str(site), str(built.wheel))
    (tmp_path / "tests").mkdir()
    run_pytest(tmp_path / "tests", path=site)


def pythons() -> list[Python]:
    """Those of this machine that the client supports, by their version."""
    programs = [shutil.which(f"python3.{minor}") for minor in range(9, 20)]
    programs += [sys.executable, *pyenv()]
    found: dict[tuple[int, ...], str] = {}
    for program in filter(None, programs):
        ask = [program, "-c", "import sys; print(*sys.version_info[:2])"]
        asked = subprocess.run(ask, capture_output=True, text=True, timeout=DEADLINE)
        # A shim of pyenv is there for every Python and works for some.
        if asked.returncode == 0:
            found.setdefault(tuple(map(int, asked.stdout.split())), program)
    return [Python(version, program) for version, program in found.items() if version >= (3, 9)]


def pyenv() -> Iterable[str]:
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    return map(str, root.glob("versions/3.*/bin/python3"))


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def file(files: dict[str, bytes], end: str) -> str:
    return next(text for name, text in files.items() if name.endswith(f"/{end}")).decode()


def headers(metadata: email.message.Message, name: str) -> list[str]:
    return [str(value) for value in metadata.get_all(name, [])]


def pip(*arguments: str) -> None:
    options = ["--disable-pip-version-check", "--quiet"]
    where = [] if arguments[0] != "--python" else list(arguments[:2])
    command = list(arguments[len(where) :])
    command[1:1] = ["--no-index", "--no-deps"]
    run(sys.executable, "-m", "pip", *where, *options, *command)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
