"""X's webhook: its hourly question (CRC), and account activity."""

import re
from collections.abc import Sequence

from pydantic import SecretStr
from starlette.responses import JSONResponse, Response

from ingest.contract import Place
from ingest.intake.raw_request import raw_request
from ingest.intake.route import Accept, HttpRoute, Incoming, Refusal, Route
from ingest.providers.answers import taken
from ingest.providers.files import Files
from ingest.providers.peek import first, peek
from ingest.providers.record import THREAD
from ingest.signatures import base64_sha256, check
from ingest.x.calls import CallAlarm
from ingest.x.media import media_in
from ingest.x.settings import XSettings
from normalize.payload.fields import Fields

_MESSAGES = ("tweet_create_events", "tweet_delete_events", "direct_message_events", "data")
_TOKEN = re.compile(r"[A-Za-z0-9+/=_.~-]{1,200}")
"""X asks with base64. We answer with the same digest that signs webhooks: whoever could ask with a whole body would be
given its signature, so a token must not look like one, and a body like nothing but an object.
"""


def crc_answer(secret: SecretStr, token: str) -> dict[str, str]:
    """What shows that we know the app's secret (X, Webhooks, Challenge-Response Checks)."""
    return {"response_token": f"sha256={base64_sha256(secret, token.encode())}"}


class XWebhook:
    """The handler (ingest.intake.route) of one account."""

    def __init__(self, account: str, settings: XSettings, files: Files | None, alarm: CallAlarm) -> None:
        self._account = account
        self._settings = settings
        self._files = files
        self._alarm = alarm

    async def __call__(self, request: Incoming, accept: Accept) -> Response:
        """The answer to a CRC; 200 to account activity once it stands on its topic."""
        if request.method == "GET":
            token = request.query.get("crc_token", "")
            if not _TOKEN.fullmatch(token):
                raise Refusal(400, "crc_token", "There is no crc_token such as X sends.")
            await self._alarm.heard()
            return JSONResponse(crc_answer(self._settings.consumer_secret, token))
        right = f"sha256={base64_sha256(self._settings.consumer_secret, request.body)}"
        check(request.headers, "x-twitter-webhooks-signature", [right])
        if not request.body.startswith(b"{"):
            raise Refusal(400, "body", "This is no account activity.")
        body = peek(request.body)
        told_for = body.get("for_user_id")
        if body and (not any(body.get(name) for name in _MESSAGES) or told_for not in (None, self._settings.user_id)):
            return taken()  # likes, typing, another account of the app
        record = raw_request(
            request, "x", self._account, known={THREAD: _thread(Fields(body))}, own_addresses=self._settings.own
        )
        if self._files is not None:
            record = record.model_copy(update={"files": await self._files.fetch(media_in(body))})
        await accept(record)
        return taken()


def _thread(body: Fields) -> str:
    """The post that the first event is about, or answers."""
    post = first(body.raw("tweet_create_events"))
    if post:
        return post.id("conversation_id_str", "in_reply_to_status_id_str", "id_str")
    payload = body.object("data").object("payload")
    return payload.id("conversation_id", "id")


def x_routes(settings: XSettings, place: Place, files: Files | None) -> Sequence[Route]:
    """None unless account activity was configured."""
    if not settings.webhook:
        return []
    webhook = XWebhook(place.name, settings, files, CallAlarm(place))
    return [HttpRoute("/webhook", webhook, methods=("GET", "POST"))]
