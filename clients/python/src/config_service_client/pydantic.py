"""The configuration as a source of pydantic-settings: ``config-service-client[pydantic]``.

    from pydantic import BaseModel
    from pydantic_settings import BaseSettings
    from config_service_client.pydantic import ConfigServiceSettingsSource

    class Database(BaseModel):
        pool_size: int = 10

    class Settings(BaseSettings):
        database: Database = Database()

        @classmethod
        def settings_customise_sources(cls, settings_cls, init_settings, env_settings, **others):
            source = ConfigServiceSettingsSource(settings_cls)
            return init_settings, env_settings, source, *others.values()

The key ``database.pool_size`` is ``Settings().database.pool_size``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Union

from pydantic import AliasChoices, AliasPath
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from config_service_client._async import AsyncConfigClient
from config_service_client._client import ConfigClient
from config_service_client._errors import ConfigDenied, ConfigError
from config_service_client._keys import check_key

__all__ = ["ConfigServiceSettingsSource"]

logger = logging.getLogger("config_service_client")


class ConfigServiceSettingsSource(PydanticBaseSettingsSource):
    """Fills the fields of a settings class from the configuration, all from one moment.

    A field is looked for by its alias, which may be a dotted key, else by its name; the keys
    below it fill its model. With a ``prefix`` all of them are looked for below that key. A key
    that is not there is left to the next source, and so is everything when nothing is loaded
    within the client's timeout or the sidecar refuses; that is logged. Keys without a field are
    ignored. A stored null is None.

    Without a ``client`` one is made from the environment for each ``Settings()`` and closed.
    Settings are what they were when they were made: to follow changes, make new ones, or read
    from the client. Raises InvalidKey for a prefix that breaks the grammar of keys.
    """

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        client: Union[ConfigClient, AsyncConfigClient, None] = None,
        *,
        prefix: str = "",
    ) -> None:
        super().__init__(settings_cls)
        if prefix:
            check_key(prefix)
        self._client = client
        self._prefix = prefix
        self._tree: object = {}

    def __call__(self) -> dict[str, Any]:
        self._tree = self._load()
        found: dict[str, Any] = {}
        for name, field in self.settings_cls.model_fields.items():
            value, key, _ = self.get_field_value(field, name)
            if key:
                found[key] = value
        return found

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The value and the name that the model knows it by; the name is empty when there is
        no value."""
        for path, name in self._names(field, field_name):
            folder, last = _below(self._tree, path[:-1]), path[-1]
            if isinstance(folder, dict) and last in folder:
                return folder[last], name, False
        return None, "", False

    def __repr__(self) -> str:
        return f"{type(self).__name__}(prefix={self._prefix!r})"

    def _load(self) -> object:
        try:
            if self._client is not None:
                tree = self._client.as_tree()
            else:
                with ConfigClient() as client:
                    tree = client.as_tree()
        except ConfigError as error:
            level = logging.ERROR if isinstance(error, ConfigDenied) else logging.WARNING
            logger.log(level, "settings are made without the configuration: %s", error)
            return {}
        return _below(tree, self._prefix.split(".") if self._prefix else [])

    def _names(self, field: FieldInfo, field_name: str) -> Iterator[tuple[list[str], str]]:
        """Where to look for a field, and the name that the model knows it by."""
        alias = field.validation_alias
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
        for choice in choices:
            if isinstance(choice, str):
                yield choice.split("."), choice
            elif isinstance(choice, AliasPath) and isinstance(choice.path[0], str):
                yield [choice.path[0]], choice.path[0]
        by_name = self.config.get("populate_by_name") or self.config.get("validate_by_name")
        if alias is None or by_name:
            yield [field_name], field_name


def _below(tree: object, path: list[str]) -> object:
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree
