"""A program ends while its client is open: at once, with its own exit code, and silently."""

from __future__ import annotations

import textwrap

import pytest

from devserver import DevServer, free_address
from program import Program

PREAMBLE = """
import asyncio, logging, os, signal, sys, threading, time
from config_service_client import AsyncConfigClient, ConfigClient
logging.basicConfig(level=logging.INFO)
config = ConfigClient(timeout=60)
"""

# Each ends by itself. What it may hold up is the end of the interpreter.
ENDINGS = {
    "a listener": """
        config.on_change("*", print)
        config["exit.value"]
    """,
    "a listener that never returns": """
        running = threading.Event()
        @config.on_change("exit.value")
        def block(change):
            running.set()
            threading.Event().wait()
        config["exit.value"]
        print("ready", flush=True)
        running.wait(60)
    """,
    "a reading daemon thread": """
        config["exit.value"]
        def read():
            while True:
                config.get("exit.value", default="")
        threading.Thread(target=read, daemon=True).start()
    """,
    "two clients": """
        other = ConfigClient(timeout=60)
        config["exit.value"], other["exit.value"]
    """,
    "a read in atexit": """
        import atexit
        atexit.register(lambda: config["exit.value"])
        config["exit.value"]
    """,
    "a first read in atexit": """
        import atexit
        atexit.register(lambda: config.get("exit.value", default=""))
    """,
    "a cache file": """
        import tempfile
        folder = tempfile.mkdtemp()
        cached = ConfigClient(timeout=60, cache_file=os.path.join(folder, "cache"))
        cached["exit.value"]
    """,
    "asyncio, without closing": """
        async def main():
            config = AsyncConfigClient(timeout=60)
            await config.wait_ready(60)
            config.on_change("*", print)
        asyncio.run(main())
    """,
    "asyncio, closed": """
        async def main():
            async with AsyncConfigClient(timeout=60) as config:
                config["exit.value"]
        asyncio.run(main())
    """,
    "asyncio, a listener that never returns": """
        async def main():
            config = AsyncConfigClient(timeout=60)
            await config.wait_ready(60)
            running = asyncio.Event()
            @config.on_change("exit.value")
            async def block(change):
                running.set()
                await asyncio.Event().wait()
            print("ready", flush=True)
            await asyncio.wait_for(running.wait(), 60)
        asyncio.run(main())
    """,
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_with(sidecar: DevServer, ending: str) -> None:
    sidecar.set("exit.value", "before")
    source = textwrap.dedent(ENDINGS[ending])
    program = Program(PREAMBLE + source, sidecar.url)
    if '"ready"' in source:
        assert program.line() == "ready"
        sidecar.set("exit.value", "after")
    assert program.end() == (0, "", "")


def test_with_a_listener_that_exits(sidecar: DevServer) -> None:
    source = """
        told = threading.Event()
        @config.on_change("exit.value")
        def leave(change):
            told.set()
            sys.exit(3)
        config["exit.value"]
        print("ready", flush=True)
        told.wait(60)
        config.close()
    """
    sidecar.set("exit.value", "before")
    program = Program(PREAMBLE + textwrap.dedent(source), sidecar.url)
    assert program.line() == "ready"
    sidecar.set("exit.value", "after")
    code, out, errors = program.end()
    # It ends neither the program nor its thread: it is a listener that failed.
    assert (code, out) == (0, "")
    assert "the listener leave failed" in errors


def test_without_a_sidecar() -> None:
    source = """
        config = ConfigClient(timeout=0.1)
        config.on_change("*", print)
        config.get("exit.value", default="")
    """
    program = Program(PREAMBLE + textwrap.dedent(source), f"http://{free_address()}")
    code, out, errors = program.end()
    assert (code, out) == (0, "")
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("source", "code"),
    [("sys.exit(7)", 7), ("os._exit(7)", 7), ("os.kill(os.getpid(), signal.SIGTERM)", -15)],
)
def test_the_exit_code_is_the_programs(sidecar: DevServer, source: str, code: int) -> None:
    sidecar.set("exit.value", "before")
    program = Program(f'{PREAMBLE}config["exit.value"]\n{source}\n', sidecar.url)
    assert program.end() == (code, "", "")


def test_interrupted_in_the_first_read() -> None:
    # The wait of a first read can be interrupted: Ctrl-C at the start of a program works.
    source = """
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        try:
            config.get("exit.value", default="")
        except KeyboardInterrupt:
            print("interrupted")
    """
    program = Program(PREAMBLE + textwrap.dedent(source), f"http://{free_address()}")
    code, out, errors = program.end()
    assert (code, out) == (0, "interrupted\n"), errors
    assert "Traceback" not in errors
