"""The credential: where it comes from, where it goes, and where never."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest

from config_service_client import ConfigClient, ConfigUnavailable, InvalidSetting
from conftest import NewClient
from devserver import eventually
from messages import snapshot_line
from rudeserver import RudeServer, Visit

CERTIFICATE = Path(__file__).with_name("tls") / "localhost.pem"


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("first-secret\n")
    return path


def sent(visit: Visit) -> bytes:
    for line in visit.request.split(b"\r\n"):
        name, _, value = line.partition(b": ")
        if name.lower() == b"authorization":
            return value
    return b""


def brief(visit: Visit) -> None:
    visit.stream(snapshot_line(k=1))


def test_it_is_read_at_every_connection(
    token: Path, new_client: NewClient, caplog: pytest.LogCaptureFixture
) -> None:
    with RudeServer(brief) as server:
        client = new_client(server.url, token_file=token, timeout=60)
        assert client["k"] == 1
        assert sent(server.visits[0]) == b"Bearer first-secret"
        token.write_text("second-secret")
        eventually(lambda: sent(server.visits[-1]) == b"Bearer second-secret")
        # While it is unusable the last good one is used.
        token.write_text("")
        eventually(lambda: "is empty" in caplog.text)
        seen = len(server.visits)
        eventually(lambda: len(server.visits) >= seen + 2)
        assert sent(server.visits[-1]) == b"Bearer second-secret"
        token.unlink()
        token.write_text("third-secret")
        eventually(lambda: sent(server.visits[-1]) == b"Bearer third-secret")
        client.close()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "secret" not in caplog.text


def test_none_is_sent_when_none_is_given(new_client: NewClient) -> None:
    with RudeServer(brief) as server:
        client = new_client(server.url, timeout=60)
        assert client["k"] == 1
        client.close()
        assert sent(server.visits[0]) == b""


def test_the_variable(token: Path, new_client: NewClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIG_SERVICE_TOKEN_FILE", str(token))
    with RudeServer(brief) as server:
        client = new_client(server.url, timeout=60)
        assert client["k"] == 1
        client.close()
        assert sent(server.visits[0]) == b"Bearer first-secret"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"secret one\nsecret two",
        b"secret one",
        b"s\x00ecret",
        b"secr\xc3\xa9t",
        b"x" * 17000,
    ],
)
def test_a_file_that_can_never_work(content: bytes, token: Path) -> None:
    token.write_bytes(content)
    with pytest.raises(InvalidSetting, match=r"token_file: '.*token' .*; accepted: ") as caught:
        ConfigClient(token_file=token)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "missing", tmp_path, tmp_path / "pipe", "a\x00b"):
        with pytest.raises(InvalidSetting, match="token_file"):
            ConfigClient(token_file=path)
    monkeypatch.setenv("CONFIG_SERVICE_TOKEN_FILE", str(tmp_path / "missing"))
    with pytest.raises(InvalidSetting, match="CONFIG_SERVICE_TOKEN_FILE"):
        ConfigClient()


@pytest.mark.parametrize(
    ("url", "accepted"),
    [
        ("http://localhost:8080", True),
        ("http://127.0.0.1:8080", True),
        ("http://127.3.2.1", True),
        ("http://[::1]:8080", True),
        ("https://config.example.com", True),
        ("http://config.example.com", False),
        ("http://10.0.0.1:8080", False),
        ("http://0.0.0.0:8080", False),
        ("http://127.0.0.1.example.com", False),
        ("http://[2001:db8::1]:8080", False),
    ],
)
def test_it_is_not_sent_in_plain_text(url: str, accepted: bool, token: Path) -> None:
    if accepted:
        ConfigClient(url, token_file=token)
    else:
        with pytest.raises(InvalidSetting, match=r"token_file: .* plain text"):
            ConfigClient(url, token_file=token)


@pytest.fixture
def secure_server() -> RudeServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)

    def act(visit: Visit) -> None:
        visit.stream(snapshot_line(k=1))
        visit.stay()

    return RudeServer(act, tls=context)


def test_tls(secure_server: RudeServer, token: Path, new_client: NewClient) -> None:
    with secure_server as server:
        client = new_client(
            server.url,
            token_file=token,
            timeout=60,
            ssl_context=ssl.create_default_context(cafile=str(CERTIFICATE)),
        )
        assert client["k"] == 1
        assert sent(server.visits[0]) == b"Bearer first-secret"
        client.close()


def test_a_certificate_that_nobody_vouches_for(
    secure_server: RudeServer, token: Path, new_client: NewClient
) -> None:
    with secure_server as server:
        client = new_client(server.url, token_file=token, timeout=0.5)
        with pytest.raises(ConfigUnavailable):
            client["k"]
        client.close()
        assert not server.visits
