"""Discourse's webhook: posts that were created, edited, removed or brought back."""

import hashlib
from collections.abc import Sequence

from pydantic import SecretStr
from starlette.responses import Response

from ingest.contract import Place
from ingest.forum.settings import ForumSettings
from ingest.forum.watched import is_watched
from ingest.intake.raw_request import raw_request
from ingest.intake.route import Accept, HttpRoute, Incoming, Route
from ingest.providers.answers import taken
from ingest.providers.peek import peek
from ingest.providers.record import THREAD
from ingest.providers.repeats import Repeats
from ingest.signatures import check, hex_sha256
from normalize.payload.fields import Fields

_KEPT = ("x-discourse-event", "x-discourse-event-type", "x-discourse-event-id")


class ForumWebhook:
    """The handler (ingest.intake.route) of one forum."""

    def __init__(self, account: str, settings: ForumSettings, secret: SecretStr) -> None:
        self._account = account
        self._settings = settings
        self._secret = secret
        self._repeats = Repeats()

    async def __call__(self, request: Incoming, accept: Accept) -> Response:
        """200 once the event stands on its topic, or when it is nothing for the desk."""
        check(request.headers, "x-discourse-event-signature", [f"sha256={hex_sha256(self._secret, request.body)}"])
        event = request.headers.get("x-discourse-event-id", "")
        # the id is not signed: alone it would let an old body stand for a new event
        key = hashlib.sha256(event.encode() + b"\0" + request.body).digest()
        body = peek(request.body)
        post = body.get("post")
        # no JSON at all: a setting over there is wrong, and understanding will say so
        meant = is_watched(post, self._settings) if isinstance(post, dict) else not body
        if not meant or (event and key in self._repeats):
            return taken()
        await accept(
            raw_request(
                request,
                "forum",
                self._account,
                kept=_KEPT,
                known={
                    "x-discourse-instance": self._settings.url,
                    THREAD: Fields(post).id("topic_id"),
                },
                own_addresses=[self._settings.api_username],
            )
        )
        self._repeats.add(key)
        return taken()


def forum_routes(settings: ForumSettings, place: Place) -> Sequence[Route]:
    """None without a secret: then the forum is polled only."""
    if settings.webhook_secret is None:
        return []
    return [HttpRoute("/webhook", ForumWebhook(place.name, settings, settings.webhook_secret))]
