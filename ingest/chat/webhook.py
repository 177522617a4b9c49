"""Messages that a provider's webhook brings: Telegram, SMS by Twilio, Slack, Webex."""

from collections.abc import Sequence

import structlog
from starlette.responses import JSONResponse, Response

from bus.errors import Invalid
from bus.raw import RawMessage
from ingest.chat.files import ProviderFiles, provider_files
from ingest.chat.settings import ChatSettings
from ingest.chat.webex import WebexMessages
from ingest.chat.who_writes import check_the_provider
from ingest.contract import Place
from ingest.intake.raw_request import raw_request
from ingest.intake.route import Accept, HttpRoute, Incoming
from ingest.providers.answers import taken, twiml
from ingest.providers.peek import peek
from ingest.providers.record import THREAD
from normalize.chat.normalize import normalize_chat
from normalize.outcome import Understood

log = structlog.get_logger()


class ChatWebhook:
    """The handler (ingest.intake.route) of one provider."""

    def __init__(
        self, account: str, settings: ChatSettings, files: ProviderFiles | None, webex: WebexMessages | None
    ) -> None:
        self._account = account
        self._settings = settings
        self._files = files
        self._webex = webex

    async def __call__(self, request: Incoming, accept: Accept) -> Response:
        """200, in the form that the provider expects, once the message stands on its topic."""
        check_the_provider(request, self._settings)
        if self._settings.provider == "slack" and (challenge := _challenge(request.body)) is not None:
            return JSONResponse({"challenge": challenge})
        record = raw_request(
            request,
            "chat",
            self._account,
            path="/webhook",
            own_addresses=self._settings.numbers,
            region=self._settings.region,
        )
        records = [await self._whole(record, request.body)]
        if self._webex is not None:
            records += [await self._whole(*fetched) for fetched in await self._webex.of(record, request.body)]
        await accept(*records)
        return twiml() if self._settings.provider == "sms" else taken()

    async def _whole(self, record: RawMessage, body: bytes) -> RawMessage:
        """With its conversation, and with the files that its messages name."""
        messages = _messages(record, body)
        thread = next(
            (ref.value for each in messages for ref in each.message.refs if ref.kind == "provider_thread"), ""
        )
        sources = [file.source for each in messages for file in each.message.attachments if file.source]
        files = await self._files.fetch(sources) if self._files and sources else {}
        return record.model_copy(update={"headers": record.headers | {THREAD: thread}, "files": files})


def _messages(record: RawMessage, body: bytes) -> Sequence[Understood]:
    """As understanding will read them; none when the body is not a provider's, which understanding will say."""
    try:
        return [each for each in normalize_chat(record, body) if isinstance(each, Understood)]
    except Invalid as error:
        log.warning("chat.unreadable", connector=record.account, detail=str(error))
        return []


def _challenge(body: bytes) -> str | None:
    """What Slack asks an address before it sends anything there (url_verification)."""
    found = peek(body)
    challenge = found.get("challenge")
    return challenge if found.get("type") == "url_verification" and isinstance(challenge, str) else None


def webhook_route(settings: ChatSettings, place: Place) -> HttpRoute:
    """The one route of a provider."""
    files = provider_files(settings, place.blobs) if settings.fetch_files else None
    webex = WebexMessages(settings) if settings.provider == "webex" and settings.token is not None else None
    return HttpRoute("/webhook", ChatWebhook(place.name, settings, files, webex))
