"""Every connector there is. A new one is a file, a normalizer if the channel is new, golden cases, and a row here."""

import difflib
from collections.abc import Mapping
from typing import Any

from bus.errors import ConfigError
from bus.settings import Settings
from bus.validated import validated
from ingest.connectors.chat import CHAT
from ingest.connectors.email_imap import EMAIL_IMAP
from ingest.connectors.email_smtp import EMAIL_SMTP
from ingest.connectors.facebook import FACEBOOK
from ingest.connectors.forum import FORUM
from ingest.connectors.phone import PHONE
from ingest.connectors.web_form import WEB_FORM
from ingest.connectors.website import WEBSITE
from ingest.connectors.x import X
from ingest.contract import Connector, ConnectorSettings

CONNECTORS: Mapping[str, Connector[Any]] = {
    row.name: row for row in (EMAIL_SMTP, EMAIL_IMAP, WEBSITE, WEB_FORM, PHONE, FORUM, X, FACEBOOK, CHAT)
}


def configured(settings: Settings) -> dict[str, tuple[Connector[Any], ConnectorSettings]]:
    """Each `[connectors.NAME]` section as its row and its own settings. Raises ConfigError, one line."""
    return {name: _checked(name, section) for name, section in settings.connectors.items()}


def _checked(name: str, section: Mapping[str, Any]) -> tuple[Connector[Any], ConnectorSettings]:
    where = f"[connectors.{name}]"
    kind = section.get("type")
    row = CONNECTORS.get(str(kind))
    if row is None:
        known = ", ".join(sorted(CONNECTORS))
        close = difflib.get_close_matches(str(kind), CONNECTORS, n=1)
        if kind is None:
            raise ConfigError(f"{where}: type is missing; known: {known}")
        raise ConfigError(
            f"{where}: unknown type {kind!r}; {f'did you mean {close[0]}?' if close else f'known: {known}'}"
        )
    return row, validated(row.settings, section, where)


def chosen(settings: Settings, names: list[str]) -> dict[str, tuple[Connector[Any], ConnectorSettings]]:
    """The connectors of these names. Raises ConfigError for a name that is not configured."""
    for name in names:
        if name not in settings.connectors:
            close = difflib.get_close_matches(name, settings.connectors, n=1)
            known = ", ".join(sorted(settings.connectors)) or "none; add a section [connectors.NAME]"
            hint = f"did you mean {close[0]}?" if close else f"configured: {known}"
            raise ConfigError(f"there is no connector {name!r}; {hint}")
    every = configured(settings)
    return {name: every[name] for name in dict.fromkeys(names)}
