"""Webhooks of a page: the question whether we are who was meant, and changes of the feed."""

from collections.abc import Sequence

from pydantic import SecretStr
from starlette.responses import Response

from ingest.contract import Place
from ingest.facebook.settings import FacebookSettings
from ingest.intake.raw_request import raw_request
from ingest.intake.route import MIB, Accept, HttpRoute, Incoming, Refusal, Route
from ingest.providers.answers import taken
from ingest.providers.peek import first, peek
from ingest.providers.record import THREAD
from ingest.providers.slices import slices
from ingest.signatures import check, hex_sha256, same
from normalize.payload.fields import Fields

_LONGEST_CHALLENGE = 200


class FacebookWebhook:
    """The handler (ingest.intake.route) of one page."""

    def __init__(self, account: str, settings: FacebookSettings, verify_token: SecretStr) -> None:
        self._account = account
        self._settings = settings
        self._verify_token = verify_token

    async def __call__(self, request: Incoming, accept: Accept) -> Response:
        """The challenge of a GET; 200 of a POST once its changes stand on their topic."""
        if request.method == "GET":
            return self._challenge(request)
        right = f"sha256={hex_sha256(self._settings.app_secret, request.body)}"
        check(request.headers, "x-hub-signature-256", [right])
        body = self._ours(request.body)
        if body is not None:
            await accept(
                raw_request(
                    request,
                    "facebook",
                    self._account,
                    body=body,
                    known={THREAD: _thread(Fields(peek(body)))},
                    own_addresses=[self._settings.page_id],
                )
            )
        return taken()

    def _challenge(self, request: Incoming) -> Response:
        """Facebook, Webhooks, Verification Requests."""
        query = request.query
        if query.get("hub.mode") != "subscribe" or not same(
            query.get("hub.verify_token", ""), self._verify_token.get_secret_value()
        ):
            raise Refusal(403, "verify_token", "The verify token is not ours.")
        return taken(query.get("hub.challenge", "")[:_LONGEST_CHALLENGE])

    def _ours(self, body: bytes) -> bytes | None:
        """The body, which an app that serves several pages gets for all of them; None when nothing is of our page."""
        entries = peek(body).get("entry")
        if not isinstance(entries, list):
            return body  # what it is, understanding will say
        others = [each for each in entries if not self._is_ours(each)]
        if not others:
            return body
        if len(others) == len(entries):
            return None
        ours = [data for value, data in slices(body, "entry") if self._is_ours(value)]
        return b'{"object":"page","entry":[' + b",".join(ours) + b"]}"

    def _is_ours(self, entry: object) -> bool:
        return isinstance(entry, dict) and str(entry.get("id")) == self._settings.page_id


def _thread(body: Fields) -> str:
    """The first conversation it names; almost every body has one only."""
    entry = first(body.raw("entry"))
    return first(entry.raw("changes")).object("value").id("post_id")


def facebook_routes(settings: FacebookSettings, place: Place) -> Sequence[Route]:
    """None without a word to be known by: then the page is polled only."""
    if settings.verify_token is None:
        return []
    webhook = FacebookWebhook(place.name, settings, settings.verify_token)
    return [HttpRoute("/webhook", webhook, methods=("GET", "POST"), max_body=4 * MIB)]
