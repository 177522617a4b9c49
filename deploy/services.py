"""Which services `up` runs, as data: their commands, environments, and what they need."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bus.settings import Settings
from deploy.embedded.parts import KAFKA, POSTGRES
from deploy.embedded.ports import asked
from deploy.supervise.child import Command
from deploy.supervise.part import Service
from ingest.table import configured

DESKSTREAM = (sys.executable, "-m", "deploy.cli")
YIELDING = ("nice", "-n", "5")
"""On a small machine the door comes first: whoever works behind it takes larger batches meanwhile."""
SMTP_TYPE, SMTP_PORT = "email-smtp", 2525


@dataclass(frozen=True, slots=True)
class Place:
    """Where the services of one `up` find things: all absolute, so that the working directory does not matter."""

    data: Path
    config: Path
    kafka: str
    database: str

    def environment(self, *, database: bool) -> dict[str, str | None]:
        """What a service is told; a connector knows no database, not even an inherited one."""
        return {
            "DESKSTREAM_DATA": str(self.data),
            "DESKSTREAM_CONFIG": str(self.config),
            "DESKSTREAM_KAFKA": self.kafka,
            "DESKSTREAM_DATABASE": self.database if database else None,
        }


def smtp_environment(settings: Settings, port: int | None) -> dict[str, str]:
    """The port on which the first SMTP connector listens: `port`, else the configured one; 0 takes a free one.

    It is decided here once, so that a connector that is started again is found where it was. Raises
    ConfigError when the port is in use. Empty when no SMTP connector is configured.
    """
    for name, section in settings.connectors.items():
        if section.get("type") == SMTP_TYPE:
            chosen = asked(int(section.get("port", SMTP_PORT)) if port is None else port, "--smtp-port")
            return {f"DESKSTREAM_CONNECTORS__{name.replace('-', '_').upper()}__PORT": str(chosen)}
    return {}


def intake_environment(settings: Settings, port: int | None) -> dict[str, str]:
    """The port of the intake server: `port`, else the configured one; 0 takes a free one, decided here once.

    Raises ConfigError when it is in use. Empty when no configured connector is reached by HTTP.
    """
    if not any(row.web for row, _ in configured(settings).values()):
        return {}
    chosen = asked(settings.intake.port if port is None else port, "--intake-port")
    return {"DESKSTREAM_INTAKE__PORT": str(chosen)}


def api_environment(settings: Settings, port: int | None) -> dict[str, str]:
    """The port of the agents' API: `port`, else the configured one; 0 takes a free one. Raises ConfigError."""
    return {"DESKSTREAM_API__PORT": str(asked(settings.api.port if port is None else port, "--port"))}


def services(settings: Settings, place: Place, doors: dict[str, str], embedded: Sequence[str]) -> tuple[Service, ...]:
    """The rows: one process for all connectors, the desk, the figures, the API. `doors`: the ports others reach.
    `embedded`: the servers that `up` keeps."""
    needs = {
        "connector": [KAFKA],
        "ticketing": [KAFKA, POSTGRES],
        "metrics": [KAFKA, POSTGRES],
        "api": [POSTGRES],
    }
    words = {"connector": tuple(settings.connectors)}
    return tuple(
        Service(
            name,
            (*(() if name == "connector" else YIELDING), *DESKSTREAM, name, *words.get(name, ())),
            {**place.environment(database=POSTGRES in needed), **doors},
            [server for server in needed if server in embedded],
        )
        for name, needed in needs.items()
        if name != "connector" or settings.connectors
    )


def migration(data: Path, config: Path, database: str) -> Command:
    """The command that brings the database to today's schema; it needs nothing else."""
    environment = {"DESKSTREAM_DATA": str(data), "DESKSTREAM_CONFIG": str(config), "DESKSTREAM_DATABASE": database}
    return Command((*DESKSTREAM, "db", "upgrade"), environment)
