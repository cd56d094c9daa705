"""Forks, exits and threads. Each runs in a program of its own."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from config_service_client import ConfigClient, ConfigUnavailable, Status
from conftest import NewClient, own_threads
from devserver import DEADLINE, DevServer, eventually, free_address
from program import Program

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@needs_fork
@pytest.mark.parametrize("hook", ["with the hook", "without the hook"])
def test_both_sides_of_a_fork_follow(sidecar: DevServer, hook: str) -> None:
    sidecar.set("fork.seen", "before")
    program = Program(
        f"""
        import http.client, logging, os, queue, random, threading, time
        if {hook == "without the hook"}:
            os.register_at_fork = lambda **hooks: None
        from config_service_client import ConfigClient

        config = ConfigClient(timeout=60)
        pause = threading.Event()
        while config.get("fork.seen", default="") != "before":
            pause.wait(0.01)
        child = os.fork()
        name = "parent" if child else "child"
        print(name, config["fork.seen"], flush=True)
        end = time.monotonic() + 60
        while config["fork.seen"] != "after" and time.monotonic() < end:
            pause.wait(0.01)
        print(name, config["fork.seen"], config.status, flush=True)
        if child:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
        sidecar.url,
    )
    assert sorted([program.line(), program.line()]) == ["child before", "parent before"]
    sidecar.set("fork.seen", "after")
    assert sorted([program.line(), program.line()]) == ["child after VALID", "parent after VALID"]
    assert program.end() == (0, "", "")


@needs_fork
@pytest.mark.parametrize("hook", ["with the hook", "without the hook"])
def test_listeners_on_both_sides_of_a_fork(sidecar: DevServer, hook: str, tmp_path: Path) -> None:
    sidecar.set("fork.told", "before")
    program = Program(
        f"""
        import http.client, logging, os, queue, random, threading, time
        if {hook == "without the hook"}:
            os.register_at_fork = lambda **hooks: None
        from config_service_client import ConfigClient

        config = ConfigClient(cache_file={str(tmp_path / "f")!r})
        told = threading.Event()
        seen = []
        name = "parent"

        @config.on_change("fork.told")
        def listener(change):
            seen.append(f"{{name}} {{change.old}} {{change.new}} {{os.getpid() == process}}")
            told.set()

        pause = threading.Event()
        while config.get("fork.told", default="") != "before":
            pause.wait(0.01)
        child = os.fork()
        name = "parent" if child else "child"
        process = os.getpid()
        print(name, "ready", flush=True)
        end = time.monotonic() + 60
        while not told.wait(0.1) and time.monotonic() < end:
            config.get("fork.told")  # without the hook, this is what notices
        print(seen[0], len(seen), flush=True)
        if child:
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        config.close()
        os._exit(code if child else 0)
        """,
        sidecar.url,
    )
    assert sorted([program.line(), program.line()]) == ["child ready", "parent ready"]
    sidecar.set("fork.told", "after")
    assert sorted([program.line(), program.line()]) == [
        "child before after True 1",
        "parent before after True 1",
    ]
    assert program.end() == (0, "", "")
    assert os.listdir(tmp_path) == ["f"]


@needs_fork
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_a_child_holds_no_connection_of_its_parent(sidecar: DevServer) -> None:
    program = Program(
        """
        import os
        from config_service_client import ConfigClient

        def sockets():
            links = []
            for name in os.listdir("/proc/self/fd"):
                try:
                    links.append(os.readlink(f"/proc/self/fd/{name}"))
                except FileNotFoundError:
                    pass
            return {link for link in links if link.startswith("socket:")}

        config = ConfigClient(timeout=60)
        config["database.pool_size"]
        before = sockets()
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            print("parent", config.status, len(before), sockets() == before, flush=True)
        else:
            print("child", sockets() & before, config.status, flush=True)
            os._exit(0)
        """,
        sidecar.url,
    )
    assert program.line() == "child set() STALE"
    assert program.line() == "parent VALID 1 True"
    assert program.end() == (0, "", "")


@needs_fork
@pytest.mark.parametrize("hook", ["with the hook", "without the hook"])
def test_a_child_that_exits_leaves_the_stream_of_its_parent_alone(
    sidecar: DevServer, hook: str
) -> None:
    program = Program(
        f"""
        import http.client, logging, os, queue, random, sys, threading
        if {hook == "without the hook"}:
            os.register_at_fork = lambda **hooks: None
        from config_service_client import ConfigClient

        config = ConfigClient(timeout=60)
        config["database.pool_size"]
        stream = config._core._watch._stream
        child = os.fork()
        if not child:
            sys.exit()
        os.waitpid(child, 0)
        threading.Event().wait(0.2)
        print(config.status, config._core._watch._stream is stream)
        """,
        sidecar.url,
    )
    assert program.end() == (0, "VALID True\n", "")


@needs_fork
def test_a_child_whose_fork_nobody_told_of_is_on_its_own_at_the_first_read(
    sidecar: DevServer,
) -> None:
    # uWSGI forks like that. What the parent's threads confirmed is worth nothing in the child.
    program = Program(
        """
        import os
        os.register_at_fork = lambda **hooks: None
        from config_service_client import ConfigClient

        config = ConfigClient(timeout=60)
        config["database.pool_size"]
        child = os.fork()
        if child:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        config["database.pool_size"]
        print(config._core.process == os.getpid(), config.status, flush=True)
        os._exit(0)
        """,
        sidecar.url,
    )
    assert program.end() == (0, "True VALID\n", "")


@needs_fork
def test_a_child_does_not_wait_for_what_its_parent_gave_up() -> None:
    program = Program(
        """
        import os
        from config_service_client import ConfigClient

        config = ConfigClient(timeout=0.1)
        config.get("database.pool_size", default=10)
        child = os.fork()
        if child:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        print(config._core.memory.settled, config.get("database.pool_size", default=10))
        print(config._core._watch.is_running, flush=True)
        os._exit(0)
        """,
        f"http://{free_address()}",
    )
    code, out, _ = program.end()
    assert (code, out) == (0, "True 10\nTrue\n")


@needs_fork
def test_a_child_of_an_asyncio_program_follows_from_its_first_read() -> None:
    program = Program(
        """
        import asyncio, os, sys
        from config_service_client import AsyncConfigClient

        config = AsyncConfigClient(timeout=0.1)
        asyncio.run(config.start())
        child = os.fork()
        if child:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        print(config.get("database.pool_size", default=10), config._core._watch.is_running)
        sys.stdout.flush()
        os._exit(0)
        """,
        f"http://{free_address()}",
    )
    code, out, _ = program.end()
    assert (code, out) == (0, "10 True\n")


@needs_fork
def test_many_forks_while_values_move(sidecar: DevServer) -> None:
    program = Program(
        """
        import os
        from config_service_client import ConfigClient

        config = ConfigClient(timeout=60)
        config["database.pool_size"]
        print("ready", flush=True)
        for _ in range(60):
            child = os.fork()
            if not child:
                assert config.get("database.pool_size", default=10) == 20
                assert str(config.status) == "VALID"
                config.close()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        """,
        sidecar.url,
    )
    assert program.line() == "ready"
    for number in range(10):
        sidecar.set("fork.noise", number)
    assert program.end() == (0, "", "")


@needs_fork
def test_a_child_without_a_sidecar_answers_the_last_values_at_once(
    own_sidecar: DevServer,
) -> None:
    own_sidecar.start()
    program = Program(
        """
        import os, sys, time
        from config_service_client import ConfigClient

        config = ConfigClient(timeout=600)
        config["database.pool_size"]
        print("ready", flush=True)
        while str(config.status) != "STALE":
            time.sleep(0.01)
        child = os.fork()
        if child:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        began = time.monotonic()
        print(config.get("database.pool_size", default=10), time.monotonic() - began < 300)
        sys.stdout.flush()
        os._exit(0)
        """,
        own_sidecar.url,
    )
    assert program.line() == "ready"
    own_sidecar.kill()
    assert program.line() == "20 True"
    assert program.end()[0] == 0


def test_an_open_client_does_not_hold_up_the_exit(sidecar: DevServer) -> None:
    program = Program(
        """
        import logging
        from config_service_client import ConfigClient
        logging.basicConfig(level=logging.DEBUG)
        config = ConfigClient(timeout=60)
        print(config["database.pool_size"])
        """,
        sidecar.url,
    )
    assert program.end() == (0, "20\n", "")


def test_the_threads_import_nothing(sidecar: DevServer, tmp_path: Path) -> None:
    program = Program(
        f"""
        import sys
        from config_service_client import ConfigClient
        print("asyncio" in sys.modules)
        before = set(sys.modules)
        with ConfigClient(timeout=60, cache_file={str(tmp_path / "f")!r}) as config:
            config["database.pool_size"]
            config.on_change("*", sorted)
            with config.override({{"a": 1}}):
                pass
        print(sorted(set(sys.modules) - before))
        """,
        sidecar.url,
    )
    # A fork meets no half-imported module.
    assert program.end() == (0, "False\n[]\n", "")


def test_a_dropped_client_takes_its_thread_along(sidecar: DevServer) -> None:
    client = ConfigClient(sidecar.url, timeout=DEADLINE)
    assert client["database.pool_size"] == 20
    assert own_threads()
    del client
    eventually(lambda: not own_threads())


def test_close(sidecar: DevServer, new_client: NewClient) -> None:
    client = new_client(sidecar.url)
    assert client["database.pool_size"] == 20
    client.close()
    client.close()
    assert not own_threads()
    assert client.status is Status.CLOSED
    assert client["database.pool_size"] == 20
    assert client.wait_ready(0)


def test_close_before_anything_was_loaded(new_client: NewClient) -> None:
    client = new_client(f"http://{free_address()}")
    client.close()
    assert client.get("database.pool_size", default=10) == 10
    with pytest.raises(ConfigUnavailable, match="closed"):
        client.get("database.pool_size")
    with pytest.raises(ConfigUnavailable, match="closed"):
        client.wait_ready(0)
    assert not own_threads()


def test_a_client_survives_pickling(sidecar: DevServer, new_client: NewClient) -> None:
    client = new_client(sidecar.url, timeout=61.5)
    assert client["database.pool_size"] == 20
    with pickle.loads(pickle.dumps(client)) as copy:
        assert copy["database.pool_size"] == 20


def test_no_thread_to_be_had(
    sidecar: DevServer,
    new_client: NewClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(self: object) -> None:
        raise RuntimeError("can't start new thread")

    client = new_client(sidecar.url)
    with monkeypatch.context() as patched:
        patched.setattr("threading.Thread.start", refuse)
        assert client.get("database.pool_size", default=10) == 20
        assert client.status is Status.STALE
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert client.get("database.pool_size", default=10) == 20
