from __future__ import annotations

import pickle

import pytest

from config_service_client import (
    ConfigClient,
    ConfigDenied,
    ConfigError,
    InvalidSetting,
    KeyMissing,
)
from config_service_client._settings import Settings


def resolve(url: str | None = None, namespace: str | None = None) -> Settings:
    return Settings.resolve(url, namespace, None, 2.0)


def test_argument_then_variable_then_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve().url == "http://localhost:8080"
    assert resolve().namespace is None
    monkeypatch.setenv("CONFIG_SERVICE_URL", "http://127.0.0.1:9999")
    monkeypatch.setenv("SERVICE_NAME", "from-variable")
    assert resolve().address.port == 9999
    assert resolve().namespace == "from-variable"
    assert resolve("http://[::1]:7", "from-argument").address.host == "::1"
    assert resolve("http://[::1]:7", "from-argument").namespace == "from-argument"


def test_an_empty_setting_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIG_SERVICE_URL", "")
    monkeypatch.setenv("SERVICE_NAME", "")
    assert resolve("", "").url == "http://localhost:8080"
    assert resolve("", "").namespace is None


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8080",
        "ftp://localhost",
        "http://",
        "http://localhost:port",
        "http://localhost:99999",
        "http://local host",
        "http://localhost\r\nX: y",
        "http://localhost/?a=b",
        "http://[::1",
        "http://user:hidden@localhost",
        "http://user:hidden@localhost:99999",
    ],
)
def test_a_url_that_can_never_work(url: str) -> None:
    with pytest.raises(ValueError, match=r"base_url: .*accepted: http://host:port") as caught:
        ConfigClient(url)
    assert "hidden" not in str(caught.value)
    assert "hidden" in url or repr(url) in str(caught.value)


def test_the_variable_is_named_when_it_is_to_blame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIG_SERVICE_URL", "localhost:8080")
    with pytest.raises(ValueError, match="CONFIG_SERVICE_URL"):
        ConfigClient()


@pytest.mark.parametrize("timeout", [-1.0, float("nan"), float("inf")])
def test_a_timeout_that_can_never_work(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        ConfigClient(timeout=timeout)


def test_the_exceptions_survive_pickling() -> None:
    missing = pickle.loads(pickle.dumps(KeyMissing("a.b", "x/y", {"a.c": 1}.keys())))
    assert str(missing) == 'key "a.b" does not exist in x/y; did you mean "a.c"?'
    assert missing.args == ("a.b",)
    denied = pickle.loads(pickle.dumps(ConfigDenied("no", "PERMISSION_DENIED")))
    assert (str(denied), denied.reason) == ("no", "PERMISSION_DENIED")


@pytest.mark.parametrize(
    "name",
    ["Not_A_Name", "a_b", "-a", "a-", "a.b", "A", "a" * 64, "_shared", "a/b", "a\n", "\u00e4"],
)
def test_a_name_that_can_never_work(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for field, variable in (("namespace", "SERVICE_NAME"), ("environment", "ENVIRONMENT")):
        with pytest.raises(InvalidSetting, match=f"{field}: .*accepted: a DNS label") as caught:
            ConfigClient(**{field: name})  # type: ignore[arg-type]
        assert isinstance(caught.value, ValueError)
        assert isinstance(caught.value, ConfigError)
        assert "\n" not in str(caught.value)
        with monkeypatch.context() as patched:
            patched.setenv(variable, name)
            with pytest.raises(InvalidSetting, match=variable):
                ConfigClient()


def test_names_that_work() -> None:
    for name in ("a", "a-b", "0", "a" * 63):
        assert resolve(namespace=name).namespace == name


@pytest.mark.parametrize(
    "setting", ["base_url", "namespace", "cache_file", "token_file", "timeout"]
)
def test_a_setting_of_another_type(setting: str) -> None:
    with pytest.raises(InvalidSetting, match=f"{setting}: .*accepted: "):
        ConfigClient(**{setting: [7]})  # type: ignore[arg-type]


def test_the_host_header() -> None:
    for url, authority in (
        ("http://localhost:8080", "localhost:8080"),
        ("http://localhost", "localhost"),
        ("https://x:443/a/", "x"),
        ("http://[::1]:7", "[::1]:7"),
    ):
        assert resolve(url).address.authority == authority


@pytest.mark.parametrize(
    "url", ["me:s3cret@host:8080", "http:me:s3cret@host", "ftp://me:s3cret@host"]
)
def test_a_password_in_a_url_is_not_shown(url: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        ConfigClient(url)
    assert "s3cret" not in str(caught.value)
