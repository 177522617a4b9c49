"""Events of calls as a telephone system posts them. Nothing is kept here: each event is a record of its own."""

from collections.abc import Sequence
from html import escape

import structlog
from starlette.responses import Response

from bus.errors import Invalid
from bus.raw import RawMessage
from ingest.contract import Place
from ingest.intake.raw_request import raw_request
from ingest.intake.route import Accept, ClosedRoute, HttpRoute, Incoming, Route
from ingest.phone.settings import RECORDING_HOSTS, PhoneSettings
from ingest.phone.who_calls import check_the_system
from ingest.providers.answers import taken, twiml
from ingest.providers.files import Files
from ingest.providers.record import THREAD
from normalize.payload.fields import Fields
from normalize.payload.request import read_request

log = structlog.get_logger()

_CALL_IDS = (
    "ParentCallSid", "origCallId", "orig_call_id", "originalCallId", "callId", "call_id", "CallSid", "call_sid", "xcid",
)  # fmt: skip
_RECORDINGS = ("RecordingUrl", "CallRecordings")


class PhoneWebhook:
    """The handler (ingest.intake.route) of one telephone system."""

    def __init__(self, account: str, settings: PhoneSettings, files: Files | None) -> None:
        self._account = account
        self._settings = settings
        self._files = files

    async def __call__(self, request: Incoming, accept: Accept) -> Response:
        """200, in the form that the system expects, once the event stands on its topic."""
        check_the_system(request, self._settings)
        record = self._record(request)
        fields = _fields(record, request.body)
        if fields:
            files = await self._files.fetch(_recordings(fields)) if self._files else {}
            headers = record.headers | {THREAD: fields[0].id(*_CALL_IDS)}
            record = record.model_copy(update={"headers": headers, "files": files})
        await accept(record)
        return self._answer(request, fields)

    def _record(self, request: Incoming) -> RawMessage:
        _, mark, query = request.path.partition("?")
        return raw_request(
            request,
            "phone",
            self._account,
            path=f"/calls{mark}{query}",  # without the secret that is in the address
            own_addresses=self._settings.numbers,
            region=self._settings.region,
        )

    def _answer(self, request: Incoming, fields: Sequence[Fields]) -> Response:
        """sipgate tells how a call goes on only to the address that the answer to its beginning names."""
        if self._settings.provider == "twilio":
            return twiml()
        if self._settings.provider == "sipgate" and any(each.line("event") == "newCall" for each in fields):
            url = escape(request.url, quote=True)
            xml = f'<?xml version="1.0" encoding="UTF-8"?><Response onAnswer="{url}" onHangup="{url}" />'
            return Response(xml, media_type="application/xml")
        return taken()


def _fields(record: RawMessage, body: bytes) -> Sequence[Fields]:
    """The events of the body; none when it is not a telephone system's, which understanding will say."""
    try:
        return read_request(record, body).items
    except Invalid as error:
        log.warning("phone.unreadable", connector=record.account, detail=str(error))
        return []


def _recordings(events: Sequence[Fields]) -> Sequence[str]:
    return [url for event in events if (url := event.line(*_RECORDINGS)) and url.lower() != "null"]


def phone_routes(settings: PhoneSettings, place: Place) -> Sequence[Route]:
    """Closed when nobody could be told from a stranger."""
    path = "/calls/{secret}" if settings.path_secret and not settings.signing_secret else "/calls"
    if settings.missing:
        why = f"[connectors.{place.name}] {settings.missing}: without it anybody could report calls"
        return [ClosedRoute(path, why)]
    files = None
    if settings.fetch_recordings:
        credentials = {}
        if settings.account_sid and settings.signing_secret:
            credentials["api.twilio.com"] = (settings.account_sid, settings.signing_secret.get_secret_value())
        hosts = settings.recording_hosts or RECORDING_HOSTS.get(settings.provider, ())
        if hosts or settings.inside:
            files = Files(
                place.blobs,
                hosts=hosts,
                inside=settings.inside,
                credentials=credentials,
                seconds=settings.recording_timeout,
                longest=settings.max_recording_bytes,
            )
    return [HttpRoute(path, PhoneWebhook(place.name, settings, files), methods=("POST", "GET"))]
