"""Every connector there is. A new one is a file, a normalizer if the channel is new, golden cases, and a row here."""

from collections.abc import Mapping
from typing import Any

from ingest.connectors.email_smtp import EMAIL_SMTP
from ingest.contract import Connector

CONNECTORS: Mapping[str, Connector[Any]] = {row.name: row for row in (EMAIL_SMTP,)}
