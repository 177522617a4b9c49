"""What the window and we say to each other: one JSON object a frame, a closed set of types.

The same frames go over a WebSocket, one each, and by HTTP: a post brings one and is answered with those that answer it.
What of them is a customer's message stands on `raw.chat` as it came (normalize.chat.frames); nothing else does.
"""

import json
from typing import Annotated, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from bus.reply import Reply

LONGEST_FRAME = 16 * 1024
LONGEST_TEXT = 4_000
HAVE = 200
_ID = StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")
Id = Annotated[str, _ID]
Line = Annotated[str, StringConstraints(max_length=320)]
Identity = Annotated[str, StringConstraints(max_length=4_096)]


class _Frame(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Hello(_Frame):
    """A conversation begins. `identity`: who is logged in, signed by the site (ingest.forms.identity)."""

    type: Literal["hello"]
    identity: Identity | None = None


class Resume(_Frame):
    """It goes on, after a reload or when the connection was lost. `have`: replies that are shown already."""

    type: Literal["resume"]
    token: Annotated[str, StringConstraints(max_length=1_000)]
    have: list[Id] = Field(default=[], max_length=HAVE)
    identity: Identity | None = None


class Attached(_Frame):
    """A file of a message; `upload`: as uploading it was answered."""

    upload: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{20,200}$")]
    name: Annotated[str, StringConstraints(max_length=255)]
    media_type: Annotated[str, StringConstraints(max_length=127)] = ""
    size: Annotated[int, Field(ge=0)]


class Message(_Frame):
    """A visitor's words. `id`: made by the window, the same however often it is sent."""

    type: Literal["message"]
    id: Id
    text: Annotated[str, StringConstraints(max_length=LONGEST_TEXT)] = ""
    name: Annotated[str, StringConstraints(max_length=200)] = ""
    email: Line = ""
    sent_at: Annotated[str, StringConstraints(max_length=40)] = ""
    page: Annotated[str, StringConstraints(max_length=2_000)] = ""
    language: Annotated[str, StringConstraints(max_length=35)] = ""
    attachments: list[Attached] = Field(default=[], max_length=10)


class Rating(_Frame):
    """How it was, when it is over."""

    type: Literal["rating"]
    id: Id
    rating: Literal["good", "ok", "bad"]
    text: Annotated[str, StringConstraints(max_length=2_000)] = ""
    sent_at: Annotated[str, StringConstraints(max_length=40)] = ""


class Got(_Frame):
    """These replies are shown."""

    type: Literal["got"]
    ids: list[Id] = Field(min_length=1, max_length=HAVE)


class Listen(_Frame):
    """By HTTP only: is there something besides these replies? Answered when there is, or after a while."""

    type: Literal["listen"]
    have: list[Id] = Field(default=[], max_length=HAVE)


class End(_Frame):
    """The visitor ends it."""

    type: Literal["end"]


class Ping(_Frame):
    """Is the line still there?"""

    type: Literal["ping"]


Sent: TypeAlias = Hello | Resume | Message | Rating | Got | Listen | End | Ping
_SENT: TypeAdapter[Sent] = TypeAdapter(Annotated[Sent, Field(discriminator="type")])


class Welcome(_Frame):
    """`token`: with which the conversation can be continued; a new one each time, of the same conversation.

    `online`: whether somebody is there to answer. `identified`: the identity that was given is believed.
    """

    type: Literal["welcome"] = "welcome"
    token: str
    online: bool
    identified: bool = False


class Ack(_Frame):
    """Kafka has it."""

    type: Literal["ack"] = "ack"
    id: str


class Later(_Frame):
    """It was not taken; the same may be sent again after so many seconds. `reason`: `too_many` or `unavailable`."""

    type: Literal["later"] = "later"
    id: str
    after: float
    reason: str


class Refused(_Frame):
    """It was not taken and never will be. Without `id`: a frame that could not be read."""

    type: Literal["refused"] = "refused"
    id: str | None = None
    reason: str


class Expired(_Frame):
    """The token continues nothing (any more): say `hello`."""

    type: Literal["expired"] = "expired"


class Said(_Frame):
    """What the desk says. `id`: the reply's, by which what comes twice is shown once."""

    type: Literal["reply"] = "reply"
    id: str
    text: str
    name: str | None = None
    at: str
    purpose: str
    number: int


class Noted(_Frame):
    """It is known that these are shown."""

    type: Literal["noted"] = "noted"
    ids: list[str]


class Ended(_Frame):
    """It is over."""

    type: Literal["ended"] = "ended"


class Pong(_Frame):
    """It is."""

    type: Literal["pong"] = "pong"


Given: TypeAlias = Welcome | Ack | Later | Refused | Expired | Said | Noted | Ended | Pong
F = TypeVar("F", bound=_Frame)


class Unreadable(Exception):
    """No frame of ours. The text names what is wrong and repeats nothing of it. `id`: its own, if it has one."""

    def __init__(self, text: str, id_: str | None) -> None:
        super().__init__(text)
        self.id = id_


def read_frame(data: str | bytes) -> Sent:
    """A frame of the window's. Raises Unreadable."""
    try:
        return _SENT.validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise Unreadable(
            f"{'.'.join(map(str, first['loc'])) or 'frame'}: {first['type']}"[:200], _id_of(data)
        ) from None


def _id_of(data: str | bytes) -> str | None:
    try:
        found = json.loads(data)  # which also takes half a character
    except (ValueError, RecursionError):
        return None
    id_ = found.get("id") if isinstance(found, dict) else None
    return id_ if isinstance(id_, str) and id_.isascii() and len(id_) <= 64 else None


def said(reply: Reply) -> Said:
    """A reply as the window shows it."""
    return Said(
        id=reply.reply_id,
        text=reply.text,
        name=reply.from_name,
        at=reply.created_at.isoformat(),
        purpose=reply.purpose,
        number=reply.number,
    )


def to_json(frame: Given) -> str:
    """As it is sent."""
    return frame.model_dump_json(exclude_none=True)
