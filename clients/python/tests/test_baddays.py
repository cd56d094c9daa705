"""Servers, networks, disks and listeners that do not do what they should: nothing hangs a read,
loses a value, kills the watch or floods the log."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from time import monotonic

import pytest

from config_service_client import ConfigDenied, ConfigUnavailable, Status, _stream, _watch
from conftest import NewClient
from devserver import DEADLINE, eventually
from messages import failure, line, snapshot_line
from rudeserver import Act, RudeServer, Visit

MEGABYTE = 1024 * 1024


def healthy(value: int) -> Act:
    def act(visit: Visit) -> None:
        visit.stream(snapshot_line(40 + value, k=value))
        visit.stay()

    return act


def brief(value: int) -> Act:
    """Says one thing, and ends as streams do."""

    def act(visit: Visit) -> None:
        visit.stream(snapshot_line(40 + value, k=value))

    return act


def streaming(*lines: bytes) -> Act:
    return lambda visit: visit.stream(*lines)


def answering(status: str, body: bytes = b"", *headers: str) -> Act:
    return lambda visit: visit.answer(status, body, *headers)


def saying(*parts: bytes) -> Act:
    return lambda visit: visit.say(*parts)


def error_line(code: int, reason: str, **retry: str) -> bytes:
    return json.dumps({"error": failure(code, reason, **retry)}).encode() + b"\n"


BREAKS: dict[str, Act] = {
    "garbage": saying(b"\x00\xff secret garbage\r\n\r\n"),
    "garbage in a stream": streaming(b"<html>secret</html>\n"),
    "an HTML page": answering("200 OK", b"<html>\n<body>secret</body>\n</html>"),
    "half an answer": saying(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "half a line": streaming(snapshot_line(k="secret")[:-20]),
    "half a chunk": saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nsecret"),
    "a chunk of no size": saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nsecret"),
    "nothing at all": lambda visit: None,
    "an empty stream": streaming(),
    "only empty lines": streaming(b"\n\n\n"),
    "headers without end": saying(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 500),
    "a header of a megabyte": saying(b"HTTP/1.1 200 OK\r\nX: ", b"y" * MEGABYTE, b"\r\n\r\n"),
    "an error in the stream": streaming(error_line(14, "NOT_READY")),
    "404, another server": answering("404 Not Found", b"<html>secret</html>"),
    "429": answering("429 Too Many Requests", json.dumps(failure(8, "TOO_MANY_STREAMS")).encode()),
    "500": answering("500 Internal Server Error"),
    "503": answering("503 Service Unavailable", b"", "Retry-After: 0"),
    "503 until a date": answering(
        "503 Service Unavailable", b"", "Retry-After: Fri, 31 Dec 2049 23:59:59 GMT"
    ),
    "a redirect": answering("302 Found", b"", "Location: http://127.0.0.1:1/"),
    "a key that is none": streaming(line("snapshot", {"entries": [{"key": "a b", "value": 1}]})),
    "a number beyond all": streaming(
        line("snapshot", {"entries": [{"key": "k", "value": 77}]}).replace(b"77", b"1e999")
    ),
    "not a number": streaming(
        line("snapshot", {"entries": [{"key": "k", "value": 77}]}).replace(b"77", b"NaN")
    ),
    "a delta first": streaming(line("delta", {"from_revision": "7"})),
}


@pytest.mark.parametrize("what", BREAKS)
def test_a_break_costs_no_value(
    what: str, new_client: NewClient, caplog: pytest.LogCaptureFixture
) -> None:
    with RudeServer(brief(1), BREAKS[what], healthy(2)) as server, caplog.at_level(logging.INFO):
        client = new_client(server.url, timeout=60)
        seen = [client["k"]]
        eventually(lambda: seen.append(client["k"]) or seen[-1] == 2)  # type: ignore[func-returns-value]
        assert sorted(seen) == seen
        assert set(seen) <= {1, 2}
        eventually(lambda: client.status is Status.VALID)
        eventually(lambda: "answers for" in caplog.text)
        client.close()
    # An outage is told once, and its end.
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "secret" not in caplog.text


@pytest.mark.parametrize("what", BREAKS)
def test_a_start_among_breaks(what: str, new_client: NewClient) -> None:
    with RudeServer(BREAKS[what], BREAKS[what], healthy(2)) as server:
        client = new_client(server.url, timeout=60)
        assert client["k"] == 2
        client.close()


def test_an_error_in_the_midst_of_a_stream(new_client: NewClient) -> None:
    def act(visit: Visit) -> None:
        visit.stream(snapshot_line(41, k=1), error_line(14, "NOT_READY"))

    with RudeServer(act, healthy(2)) as server:
        client = new_client(server.url, timeout=60)
        eventually(lambda: client["k"] == 2)
        client.close()


@pytest.mark.parametrize("send", [Visit.stream, Visit.chunks])
def test_a_line_of_a_megabyte(send: Callable[..., None], new_client: NewClient) -> None:
    text = "0123456789abcdef" * (MEGABYTE // 16)

    def act(visit: Visit) -> None:
        send(visit, snapshot_line(k=text))
        visit.stay()

    with RudeServer(act) as server:
        client = new_client(server.url, timeout=60)
        assert client["k"] == text
        client.close()


def test_a_line_beyond_all_measure(new_client: NewClient, caplog: pytest.LogCaptureFixture) -> None:
    def act(visit: Visit) -> None:
        visit.stream(snapshot_line(k="x" * (9 * MEGABYTE)))

    with RudeServer(act, healthy(2)) as server:
        client = new_client(server.url, timeout=60)
        assert client["k"] == 2
        client.close()
    assert "more than 8388608 bytes" in caplog.text


def test_a_refusal_in_the_stream(new_client: NewClient) -> None:
    with RudeServer(streaming(error_line(7, "PERMISSION_DENIED"))) as server:
        client = new_client(server.url, timeout=60)
        assert client.get("k", default=10) == 10
        assert client.status is Status.DENIED
        client.close()


def test_a_break_after_a_refusal_is_a_break(
    new_client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_watch, "DENIED_DELAY", 0.1)
    with RudeServer(answering("403 Forbidden"), answering("500 Error")) as server:
        client = new_client(server.url, timeout=60)
        with pytest.raises(ConfigDenied):
            client["k"]
        eventually(lambda: client.status is Status.INITIALIZING)
        with pytest.raises(ConfigUnavailable):
            client["k"]
        client.close()


@pytest.mark.parametrize("what", ["accepts", "answers half a line", "drips"])
def test_silence(what: str, new_client: NewClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_stream, "ANSWER_TIMEOUT", 0.3)
    over = threading.Event()

    def accepts(visit: Visit) -> None:
        visit.stay()

    def half(visit: Visit) -> None:
        visit.stream(b'{"result":')
        visit.stay()

    def drips(visit: Visit) -> None:
        visit.stream()
        while not over.wait(0.05):
            visit.say(b" ")

    act = {"accepts": accepts, "answers half a line": half, "drips": drips}[what]
    with RudeServer(act, healthy(2)) as server:
        client = new_client(server.url, timeout=60)
        assert client["k"] == 2
        client.close()
        over.set()


def test_a_stream_that_goes_back(new_client: NewClient) -> None:
    """Within an epoch nothing goes back, a snapshot neither; a stream of its own is believed."""

    def goes_back(visit: Visit) -> None:
        visit.stream(snapshot_line(42, k=1), snapshot_line(41, k=0))
        visit.stay()

    def begins_there(visit: Visit) -> None:
        assert go.wait(DEADLINE)
        visit.stream(snapshot_line(40, k=2))
        visit.stay()

    go = threading.Event()
    with RudeServer(goes_back, begins_there) as server:
        client = new_client(server.url, timeout=60)
        assert client["k"] == 1
        eventually(lambda: len(server.visits) == 2)
        assert client["k"] == 1
        go.set()
        eventually(lambda: client["k"] == 2)
        client.close()
        assert server.visits[1].request.startswith(b"GET /v1/watch HTTP/1.1")


def test_a_proxy_that_cuts_idle_streams(
    new_client: NewClient, caplog: pytest.LogCaptureFixture
) -> None:
    with RudeServer(*(brief(value) for value in range(1, 5)), healthy(5)) as server:
        client = new_client(server.url, timeout=60)
        seen = [client["k"]]
        eventually(lambda: seen.append(client["k"]) or seen[-1] == 5)  # type: ignore[func-returns-value]
        assert sorted(seen) == seen
        client.close()
        resumed = [visit.request.split(b" ")[1] for visit in server.visits]
    assert resumed[0] == b"/v1/watch"
    assert resumed[1] == b"/v1/watch?resume.epoch=e1&resume.revision=41"
    assert not caplog.records


@pytest.mark.parametrize("header", [True, False])
def test_retry_after_is_waited_for(header: bool, new_client: NewClient) -> None:
    """As long as the client stays away, the server counts no visit."""
    body = json.dumps(failure(14, "NOT_READY", retry_delay="1s")).encode()
    busy = answering("503 Service Unavailable", *([b"", "Retry-After: 1"] if header else [body]))
    times: list[float] = []

    def timed(act: Act) -> Act:
        def timing(visit: Visit) -> None:
            times.append(monotonic())
            act(visit)

        return timing

    with RudeServer(timed(busy), timed(healthy(2))) as server:
        client = new_client(server.url, timeout=60)
        assert client["k"] == 2
        client.close()
    assert times[1] - times[0] >= 1.0


def test_a_clock_that_jumps(new_client: NewClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall clock decides nothing."""
    with RudeServer(brief(1), healthy(2)) as server:
        client = new_client(server.url, timeout=60)
        assert client["k"] == 1
        for jump in (1e9, -1e9):
            monkeypatch.setattr("time.time", lambda jump=jump: jump)
            age = client.get_detail("k").age
            assert age is not None
            assert 0 <= age < 60
        eventually(lambda: client["k"] == 2)
        client.close()


def test_a_busy_loop_of_breaks_is_slowed_down(new_client: NewClient) -> None:
    with RudeServer(brief(1)) as server:
        client = new_client(server.url, timeout=60)
        assert client["k"] == 1
        eventually(lambda: len(server.visits) >= 4)
        began, seen = monotonic(), len(server.visits)
        eventually(lambda: len(server.visits) >= seen + 2)
        # The fifth comes 0.4 s after the fourth at the earliest.
        assert monotonic() - began >= 0.4
        client.close()
