"""Settings: one TOML file, environment variables over it."""

import os
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from bus.blob_settings import BlobSettings
from bus.errors import ConfigError
from bus.intake_settings import IntakeSettings
from bus.kafka_settings import KafkaSettings
from bus.message import Channel, Priority
from bus.spans_of_time import span
from bus.validated import validated

DEFAULT_DATA = "deskstream-data"
_NOT_SETTINGS = ("DATA", "CONFIG", "KAFKA", "DATABASE", "FAILPOINTS", "RUN_FILE", "CACHE", "TOKEN", "URL", "OPS_HOST")


class Section(BaseModel):
    """A section of the file: unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DatabaseSettings(Section):
    """`[database]`: where PostgreSQL is (`postgresql+psycopg://…`)."""

    url: SecretStr | None = None


class DeskSettings(Section):
    """`[desk]`: who we are to customers. `domain` is the right side of our Message-IDs.

    `agents`: their addresses. A customer's mail that one of them forwards to the desk is taken for the customer's.
    `reply_via`: channel → connector that writes mail for what cannot be answered where it came from.
    `confirm_publicly`: channels on which public posts are confirmed in public, without a name or a reply token.
    `calendar`: the one of `[calendars]` whose hours and days the figures count by.
    """

    name: str = "Support"
    domain: str = "desk.example"
    language: str = "en"
    confirm: bool = True
    confirmations_per_day: int = Field(default=3, ge=0, le=3)
    reply_via: dict[Channel, str] = {}
    confirm_publicly: list[Channel] = []
    calendar: str = "standard"
    agents: list[str] = []


class ConfirmationSettings(Section):
    """`[confirmations]`: their words, and when they are held back.

    `templates`: a folder with words of your own. `own_addresses`: aliases of ours that no connector names.
    `per_source`: to strangers behind one public network or session, an hour. `per_hour`: to strangers in all.
    `refusals`: so many refused an hour open the breaker.
    """

    templates: Path | None = None
    own_addresses: list[str] = []
    per_source: int = Field(default=600, ge=1)
    per_hour: int = Field(default=100_000, ge=1)
    refusals: int = Field(default=100, ge=1)


class RatingSettings(Section):
    """`[ratings]`: where customers say how it was. Departments say when they are asked.

    `url`: the address under which customers reach `/r/` of the agents' API; without it nobody is asked. `open_days`:
    how long a link is good; `change_days`: how long a rating can be changed.
    """

    url: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+$")
    open_days: int = Field(default=90, ge=1, le=3_650)
    change_days: int = Field(default=14, ge=0, le=3_650)


class AccountSettings(Section):
    """`[accounts]`: which customers are companies.

    `by_domain`: an address's domain, unless it is a free-mail provider's, makes an account. `rules`: an account's name
    → its domains (`example.com`, `*.example.com`) and addresses. `personal_domains`: more domains that are nobody's.
    """

    by_domain: bool = True
    rules: dict[str, list[str]] = {}
    personal_domains: list[str] = []


class ConnectorThreading(Section):
    """`[threading.connectors.NAME]`: what differs for the messages of one connector."""

    department: str = ""
    reopen_days: int | None = Field(default=None, ge=0, le=36_500)
    after_window: Literal["new_ticket", "reopen"] | None = None


_OFFICE = ["09:00-17:00"]


class WorkingHours(Section):
    """Hours of the days (`["09:00-12:30", "13:30-17:00"]`), holidays (`2026-12-25`, `12-25`) and zone.

    `public_holidays`: a country (`PT`) or a part of one (`DE-BE`), whose public holidays are free too.
    """

    zone: str = Field(default="UTC", description="Whose clocks count, as in the tz database (`Europe/Lisbon`).")
    monday: list[str] = Field(default=_OFFICE, description="Hours of that day; none: it is free.")
    tuesday: list[str] = Field(default=_OFFICE, description="The same.")
    wednesday: list[str] = Field(default=_OFFICE, description="The same.")
    thursday: list[str] = Field(default=_OFFICE, description="The same.")
    friday: list[str] = Field(default=_OFFICE, description="The same.")
    saturday: list[str] = Field(default=[], description="The same.")
    sunday: list[str] = Field(default=[], description="The same.")
    holidays: list[Annotated[str, Field(pattern=r"^(\d{4}-)?\d{2}-\d{2}$")]] = Field(
        default=[], description="Days that are free: each year, or in one."
    )
    public_holidays: Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")] | None = Field(
        default=None, description="The country, or the part of one, whose public holidays are free too."
    )


class CalendarSettings(WorkingHours):
    """`[calendars.NAME]`: see WorkingHours.

    What has been measured with a version stays so: whoever changes hours, holidays or zone raises `version`.
    """

    version: int = Field(default=1, ge=1)


Which = Literal["first_response", "next_response", "resolution"]
"""The clocks of a ticket."""
Span = Annotated[timedelta, BeforeValidator(span)]


class ServiceLevelSettings(Section):
    """`[service_levels.NAME]`: what is promised, in working time (`"4h"`, `"1h 30m"`), to whom it is promised.

    The first section that fits a ticket counts: its priority, department and account (a company's id, key or name)
    are among those named, where any are. `calendar`: of `[calendars]`, or `always`; the desk's when there is none.
    `on_hold`: which clocks stand still then. `escalate_to`: an agent or a team (id, mail address, name), when a clock
    in `escalate` is overdue for `escalate_after`.
    """

    priorities: list[Priority] = []
    departments: list[str] = []
    accounts: list[str] = []
    calendar: str | None = None
    first_response: Span | None = None
    next_response: Span | None = None
    resolution: Span | None = None
    on_hold: list[Which] = []
    due_soon: Span = timedelta(hours=1)
    escalate_to: str | None = None
    escalate: list[Which] = ["first_response", "next_response", "resolution"]
    escalate_after: Span = timedelta()


class NotificationSettings(Section):
    """`[notifications]`: mails to agents. `via`: the mail connector that sends them; without one the first there is.

    What happens within `wait` goes out together, and nobody gets more than one mail in `every`.
    """

    send: bool = True
    via: str | None = None
    wait: Span = timedelta(minutes=1)
    every: Span = timedelta(minutes=10)


class ThreadingSettings(Section):
    """`[threading]`: `reopen_days` is the window in which a reply opens a closed ticket again, `after_window` what it
    does later; over `gap_days` only a token or a provider's conversation joins. `unseen_days`: the edit of a message
    that never came counts as the message when it was written no longer ago."""

    policy: Literal["default", "strict"] = "default"
    max_references: int = Field(default=100, ge=1, le=1_000)
    gap_days: int = Field(default=365, ge=1, le=36_500)
    unseen_days: int = Field(default=7, ge=0, le=3_650)
    reopen_days: int = Field(default=30, ge=0, le=36_500)
    after_window: Literal["new_ticket", "reopen"] = "new_ticket"
    connectors: dict[str, ConnectorThreading] = {}


class ApiSettings(Section):
    """`[api]`: where the agents' API listens. Give it to others through a server that speaks TLS."""

    host: str = "127.0.0.1"
    port: int = Field(default=8700, ge=0, le=65_535)


class LoggingSettings(Section):
    """`[logging]`: `auto` is readable on a terminal and JSON elsewhere."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class Settings(Section):
    """The whole file. A connector's section is checked by that connector's own model."""

    kafka: KafkaSettings = KafkaSettings()
    database: DatabaseSettings = DatabaseSettings()
    blobs: BlobSettings = BlobSettings()
    desk: DeskSettings = DeskSettings()
    confirmations: ConfirmationSettings = ConfirmationSettings()
    accounts: AccountSettings = AccountSettings()
    ratings: RatingSettings = RatingSettings()
    calendars: dict[str, CalendarSettings] = {}
    notifications: NotificationSettings = NotificationSettings()
    service_levels: dict[str, ServiceLevelSettings] = {}
    threading: ThreadingSettings = ThreadingSettings()
    api: ApiSettings = ApiSettings()
    logging: LoggingSettings = LoggingSettings()
    intake: IntakeSettings = IntakeSettings()
    connectors: dict[str, dict[str, Any]] = {}
    data: Path = Path(DEFAULT_DATA)

    @property
    def blob_place(self) -> BlobSettings:
        """The blob store: as configured, else a folder in the data folder."""
        if self.blobs.url:
            return self.blobs
        return self.blobs.model_copy(update={"url": (self.data / "blobs").absolute().as_uri()})


def data_folder(flag: Path | None, environment: Mapping[str, str] = os.environ) -> Path:
    """`--data`, else `DESKSTREAM_DATA`, else `deskstream-data` here."""
    return flag or Path(environment.get("DESKSTREAM_DATA") or DEFAULT_DATA)


def config_file(flag: Path | None, data: Path, environment: Mapping[str, str] = os.environ) -> Path | None:
    """`--config`, else `DESKSTREAM_CONFIG`, else `DIR/deskstream.toml` if there is one."""
    named = flag or (Path(value) if (value := environment.get("DESKSTREAM_CONFIG")) else None)
    if named:
        if not named.is_file():
            raise ConfigError(f"there is no configuration file {named}")
        return named
    default = data / "deskstream.toml"
    return default if default.is_file() else None


def load_settings(
    *,
    data: Path | None = None,
    config: Path | None = None,
    kafka: str | None = None,
    database: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Settings:
    """Read all settings; flags win over `DESKSTREAM_*`, these over the file. Raises ConfigError, one line."""
    folder = data_folder(data, environment)
    path = config_file(config, folder, environment)
    table: dict[str, Any] = {}
    if path:
        try:
            table = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{path}: {error}") from None
    _overlay(table, environment)
    if servers := kafka or environment.get("DESKSTREAM_KAFKA"):
        table.setdefault("kafka", {})["servers"] = servers
    if url := database or environment.get("DESKSTREAM_DATABASE"):
        table.setdefault("database", {})["url"] = url
    return validated(Settings, table | {"data": folder}, str(path or "settings"))


def _overlay(table: dict[str, Any], environment: Mapping[str, str]) -> None:
    """`DESKSTREAM_SECTION__KEY=value` (two underscores between levels; dashes of names become underscores)."""
    for name, value in environment.items():
        path = name.removeprefix("DESKSTREAM_")
        if path == name or path in _NOT_SETTINGS or "__" not in path:
            continue
        *sections, key = path.lower().split("__")
        inner = table
        for section in sections:
            at = next((known for known in inner if known.replace("-", "_") == section), section)
            inner = inner.setdefault(at, {})
        inner[key] = value
