"""Files that a provider's message names: fetched with the bot's or account's credentials, from its hosts only."""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import structlog

from bus.blobs import BlobStore
from bus.errors import Retryable
from bus.model import BlobRef
from ingest.chat.settings import ChatSettings
from ingest.providers.files import LONGEST_FILE, Files
from ingest.providers.http import ProviderHttp

log = structlog.get_logger()

_SECONDS = 8.0
_MOST = 10
_PATH = re.compile(r"[\w./-]{1,300}")
_HOSTS: Mapping[str, Sequence[str]] = {
    "sms": ("twilio.com", "twiliocdn.com"),
    "slack": ("files.slack.com",),
    "webex": ("webexapis.com",),
}


class ProviderFiles(Protocol):
    """Fetches what it can, by what the message calls it. Raises Retryable when the blob store is away."""

    async def fetch(self, sources: Iterable[str]) -> Mapping[str, BlobRef]: ...


def provider_files(settings: ChatSettings, blobs: BlobStore) -> ProviderFiles | None:
    """None where the provider gives nothing without a token that is not there."""
    if settings.token is None:
        return None
    token = settings.token.get_secret_value()
    if settings.provider == "telegram":
        return TelegramFiles(settings.api, token, blobs)
    hosts = _HOSTS[settings.provider]
    inside = [settings.api_url] if settings.api_url else []
    if settings.provider == "sms":
        credentials = {"api.twilio.com": (settings.account_sid, token)} if settings.account_sid else {}
        return Files(blobs, hosts=hosts, inside=inside, credentials=credentials, seconds=_SECONDS)
    return Files(blobs, hosts=hosts, inside=inside, bearers=dict.fromkeys(hosts, token), seconds=_SECONDS)


class TelegramFiles:
    """By `getFile`, which names a path that holds for an hour (Bot API)."""

    def __init__(self, api: str, token: str, blobs: BlobStore) -> None:
        self._http = ProviderHttp(api, timeout=_SECONDS)
        self._token = token
        self._blobs = blobs

    async def fetch(self, sources: Iterable[str]) -> Mapping[str, BlobRef]:
        """See ProviderFiles."""
        wanted = [source for source in dict.fromkeys(sources) if source.startswith("telegram:")][:_MOST]
        found = await asyncio.gather(*(self._one(source.removeprefix("telegram:")) for source in wanted))
        stored = {}
        for source, data in zip(wanted, found, strict=True):
            if data is not None:
                stored[source] = BlobRef(blob=await self._blobs.put(data), size=len(data))
        return stored

    async def _one(self, id_: str) -> bytes | None:
        """The bytes, or None for what stays there. The token is in the addresses: none of them is written anywhere."""
        try:
            async with asyncio.timeout(_SECONDS):
                told = (await self._http.ask("GET", f"/bot{self._token}/getFile", params={"file_id": id_})).json
                file = told.get("result") or {}
                path, size = str(file.get("file_path") or ""), file.get("file_size") or 0
                if not _PATH.fullmatch(path) or ".." in path or size > LONGEST_FILE:
                    return None
                answer = await self._http.ask("GET", f"/file/bot{self._token}/{path}")
        except (Retryable, TimeoutError, AttributeError, TypeError) as error:
            log.warning("file.not_fetched", reason=type(error).__name__)
            return None
        return answer.body if answer.status == 200 and len(answer.body) <= LONGEST_FILE else None
