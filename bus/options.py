"""The options that every command takes, and what they come to: flag, environment, file, then a running `up`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import SecretStr

from bus.endpoints import Endpoints, running
from bus.errors import ConfigError
from bus.settings import Settings, data_folder, load_settings

DataOption = Annotated[
    Path | None, typer.Option("--data", help="Data folder [default: $DESKSTREAM_DATA, else deskstream-data].")
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="Configuration file [default: $DESKSTREAM_CONFIG, else DIR/deskstream.toml]."),
]
KafkaOption = Annotated[
    str | None, typer.Option("--kafka", help="Kafka as host:port[,host:port…] [default: of the running `up`].")
]
DatabaseOption = Annotated[
    str | None, typer.Option("--database", help="PostgreSQL as postgresql://… [default: of the running `up`].")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, one document per line.")]
OpsPortOption = Annotated[
    int, typer.Option("--ops-port", help="Port of /healthz, /readyz and /metrics; 0 takes a free one.", min=0)
]

Needed = Literal["kafka", "database"]


@dataclass(frozen=True, slots=True)
class Options:
    """What a command was told. `data` is resolved; `config`, `kafka` and `database` are the flags as given."""

    data: Path
    config: Path | None = None
    kafka: str | None = None
    database: str | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def settings(self, *needs: Needed) -> Settings:
        """All settings; an address that nobody gave is that of the `up` that runs on the data folder.

        Raises ConfigError: a setting is wrong, or an address in `needs` is neither given nor running.
        """
        settings = load_settings(
            data=self.data,
            config=self.config,
            kafka=self.kafka,
            database=self.database,
            environment=self.environment,
        )
        up = self.endpoints()
        if "servers" not in settings.kafka.model_fields_set:
            if up and up.kafka:
                kafka = settings.kafka.model_copy(update={"servers": up.kafka})
                settings = settings.model_copy(update={"kafka": kafka})
            elif "kafka" in needs:
                raise ConfigError(self._missing("Kafka", "--kafka HOST:PORT"))
        if settings.database.url is None:
            if up and up.database:
                database = settings.database.model_copy(update={"url": SecretStr(up.database)})
                settings = settings.model_copy(update={"database": database})
            elif "database" in needs:
                raise ConfigError(self._missing("PostgreSQL", "--database URL"))
        return settings

    def endpoints(self) -> Endpoints | None:
        """Where the `up` that runs on the data folder can be reached, or None when none does."""
        return running(self.data)

    def _missing(self, what: str, flag: str) -> str:
        return f"no {what} is configured and no `deskstream up` runs on {self.data}; start one or give {flag}"


def resolve(
    data: Path | None = None, config: Path | None = None, kafka: str | None = None, database: str | None = None
) -> Options:
    """The options of a command line, as typer hands them over."""
    return Options(data_folder(data), config, kafka, database)
