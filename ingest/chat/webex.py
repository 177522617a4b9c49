"""The text of a Webex message, which its webhook does not hold, from the API (Messages, Get Message Details)."""

import re
from collections.abc import Sequence

import structlog

from bus.errors import Retryable
from bus.raw import RawMessage
from ingest.chat.settings import ChatSettings
from ingest.providers.http import ProviderHttp
from ingest.providers.peek import peek
from ingest.providers.record import polled_record

log = structlog.get_logger()

_ID = re.compile(r"[A-Za-z0-9_=+-]{1,200}")


class WebexMessages:
    """What cannot be had now stays a stand-in: the notice of it is a message all the same."""

    def __init__(self, settings: ChatSettings) -> None:
        assert settings.token is not None
        headers = {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
        self._http = ProviderHttp(settings.api, headers=headers, timeout=8.0)

    async def of(self, notice: RawMessage, body: bytes) -> Sequence[tuple[RawMessage, bytes]]:
        """The record of the message that a notice is about, and its bytes; none when it is about something else."""
        told = peek(body)
        data = told.get("data")
        id_ = str(data.get("id") or "") if isinstance(data, dict) else ""
        if told.get("resource") != "messages" or told.get("event") not in ("created", "updated"):
            return []
        if not _ID.fullmatch(id_):
            return []
        try:
            answer = await self._http.ask("GET", f"/v1/messages/{id_}")
        except Retryable as error:
            log.warning("webex.not_fetched", connector=notice.account, detail=str(error))
            return []
        if answer.status != 200:
            log.warning("webex.not_fetched", connector=notice.account, status=answer.status)
            return []
        record = polled_record(
            "chat",
            notice.account,
            answer.body,
            received_at=notice.received_at,
            path=f"/v1/messages/{id_}",
            own_addresses=notice.own_addresses,
        )
        return [(record, answer.body)]
