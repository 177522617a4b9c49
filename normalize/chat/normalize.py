"""Which chat's payload it is."""

from collections.abc import Sequence

from bus.errors import Invalid
from bus.raw import RawMessage
from normalize.chat.frames import frame, is_frame
from normalize.chat.slack import is_slack, slack
from normalize.chat.telegram import is_telegram, telegram
from normalize.chat.twilio_messages import is_twilio_message, twilio_message
from normalize.chat.webex import is_webex, webex
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.json_body import read_json
from normalize.payload.request import Request, read_request


def normalize_chat(record: RawMessage, payload: bytes) -> Sequence[Understood | Ignored]:
    """The messages of a body. Raises Invalid when no chat known here writes so."""
    request = read_request(record, payload)
    fields = request.fields
    if fields.flag("ok") and isinstance(fields.raw("result"), list):  # getUpdates
        return _all(record, request, fields.objects("result"))
    if isinstance(fields.raw("items"), list):  # Webex, GET /messages
        return _all(record, request, fields.objects("items"))
    if fields.text("payload").startswith("{"):  # Slack's interactions are JSON in a form's field
        return _all(record, request, [Fields(read_json(fields.text("payload").encode()))])
    return _all(record, request, request.items)


def _all(record: RawMessage, request: Request, items: list[Fields]) -> Sequence[Understood | Ignored]:
    found = [outcome for item in items for outcome in _one(record, request, item)]
    return found or [Ignored("a body without a message")]


def _one(record: RawMessage, request: Request, item: Fields) -> Sequence[Understood | Ignored]:
    if is_telegram(item):
        return telegram(record, item)
    if is_frame(item):
        return [frame(record, request)]
    if is_webex(item):
        return [webex(record, item)]
    if is_twilio_message(item):
        return [twilio_message(record, item)]
    if is_slack(item):
        return [slack(record, item)]
    raise Invalid("not a message of a chat that is known here")
