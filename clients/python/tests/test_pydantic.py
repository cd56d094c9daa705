"""The source for pydantic-settings."""

from __future__ import annotations

import logging
from typing import Any, Optional

import pytest

from config_service_client import AsyncConfigClient, ConfigClient, InvalidKey
from conftest import own_threads
from devserver import DevServer, free_address

pytest.importorskip("pydantic_settings")

from pydantic import AliasChoices, AliasPath, BaseModel, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config_service_client.pydantic import ConfigServiceSettingsSource

VALUES = {
    "name": "shop",
    "ratio": 3,
    "database.pool_size": 20,
    "database.replica.host": "replica",
    "database.tags": ["a", "b"],
    "limits": {"burst": 5, "rate": 1.5},
    "nothing": None,
    "not.in.the.model": True,
}


class Replica(BaseModel):
    host: str = "none"
    port: int = 5432


class Database(BaseModel):
    pool_size: int = 10
    tags: list[str] = []
    replica: Replica = Replica()


class Limits(BaseModel):
    burst: int = 1
    rate: float = 1.0


class Settings(BaseSettings):
    """The tests put their source between the environment and the defaults."""

    model_config = SettingsConfigDict(env_prefix="SHOP_", env_nested_delimiter="__")

    name: str = "no name"
    ratio: float = 0.5
    absent: str = "the default"
    nothing: Optional[str] = "something"
    database: Database = Database()
    limits: Limits = Limits()


def made(kind: type[BaseSettings], client: Any, prefix: str = "") -> Any:
    """The settings with a source of this client, after the environment."""

    class Sourced(kind):  # type: ignore[valid-type, misc]
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            source = ConfigServiceSettingsSource(settings_cls, client, prefix=prefix)
            return init_settings, env_settings, source

    return Sourced()


@pytest.mark.parametrize("kind", [ConfigClient, AsyncConfigClient])
def test_nested_models_from_dotted_keys(kind: type[ConfigClient | AsyncConfigClient]) -> None:
    shop = made(Settings, kind.from_dict(VALUES))
    assert shop.name == "shop"
    assert shop.ratio == 3.0
    assert shop.database.pool_size == 20
    assert shop.database.replica.host == "replica"
    assert shop.database.tags == ["a", "b"]
    assert shop.limits == Limits(burst=5, rate=1.5)


def test_what_is_not_there_is_left_to_the_next_source() -> None:
    shop = made(Settings, ConfigClient.from_dict(VALUES))
    assert shop.absent == "the default"
    assert shop.database.replica.port == 5432
    assert shop.nothing is None


def test_an_earlier_source_wins_key_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DATABASE__POOL_SIZE", "7")
    shop = made(Settings, ConfigClient.from_dict(VALUES))
    assert shop.database.pool_size == 7
    assert shop.database.replica.host == "replica"


def test_a_prefix() -> None:
    client = ConfigClient.from_dict({"apps.shop.name": "below", "name": "above"})
    assert made(Settings, client, prefix="apps.shop").name == "below"
    assert made(Settings, client, prefix="apps.other").name == "no name"
    assert made(Settings, client, prefix="name").name == "no name"
    with pytest.raises(InvalidKey, match="apps/shop"):
        made(Settings, client, prefix="apps/shop")


def test_aliases() -> None:
    class Aliased(BaseSettings):
        model_config = SettingsConfigDict(populate_by_name=True)

        pool: int = Field(default=1, validation_alias="database.pool_size")
        host: str = Field(default="", validation_alias=AliasChoices("db.host", "database.host"))
        tag: str = Field(default="", validation_alias=AliasPath("database", "tags", 1))
        named: str = Field(default="", alias="name")
        plain: str = Field(default="", alias="no.such.alias")

    client = ConfigClient.from_dict({**VALUES, "database.host": "db", "plain": "by its name"})
    aliased = made(Aliased, client)
    assert (aliased.pool, aliased.host, aliased.tag) == (20, "db", "b")
    assert (aliased.named, aliased.plain) == ("shop", "by its name")


def test_a_value_that_does_not_fit_is_an_error_that_names_the_field() -> None:
    client = ConfigClient.from_dict({"database.pool_size": "many"})
    with pytest.raises(ValidationError, match=r"database\.pool_size"):
        made(Settings, client)


def test_with_a_sidecar_and_a_client_of_its_own(
    sidecar: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFIG_SERVICE_URL", sidecar.url)
    assert made(Settings, None).database.pool_size == 20
    assert not own_threads()


def test_without_a_sidecar(caplog: pytest.LogCaptureFixture) -> None:
    with ConfigClient(f"http://{free_address()}", timeout=0.1) as client:
        shop = made(Settings, client)
    assert shop.database.pool_size == 10
    assert "settings are made without the configuration" in caplog.text
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_refused(sidecar: DevServer, caplog: pytest.LogCaptureFixture) -> None:
    with ConfigClient(sidecar.url, namespace="another-service") as client:
        shop = made(Settings, client)
    assert shop.database.pool_size == 10
    records = [record for record in caplog.records if "settings are made" in record.message]
    assert [record.levelno for record in records] == [logging.ERROR]
