"""The fields of NormalizedMessage that filing decides by: the rest of a message is kept, and not looked into."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from bus.message import Author, AutomationKind, Call, Channel, Chosen, Forwarded, Ref
from bus.model import BlobRef, Time


class _Slim(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Address(_Slim):
    address: str


class _Attachment(_Slim):
    sha256: str = ""


class _Bounce(_Slim):
    original_message_id: str | None = None
    status: str | None = None
    permanent: bool | None = None


class _Automation(_Slim):
    kind: AutomationKind = "human"
    reason: str | None = None
    bounce: _Bounce | None = None


class _Authentication(_Slim):
    dmarc: str = "none"


class SlimRaw(_Slim):
    """Where the raw record stands."""

    topic: str
    partition: int
    offset: int


class SlimMessage(_Slim):
    """As `bus.message.NormalizedMessage`, where the fields have their meaning."""

    kind: Literal["message.v1"]
    message_id: str
    revision: int = 0
    change: Literal["created", "edited", "removed"] = "created"
    normalizer: str
    replayed: bool = False
    channel: Channel
    account: str
    source_id: str
    author: Author
    to: list[_Address] = []
    cc: list[_Address] = []
    subject: str | None = None
    text: str | BlobRef = ""
    reply_text: str | BlobRef = ""
    language: str | None = None
    declared_language: str | None = None
    origin: str | None = None
    loop: str | None = None
    forwarded: Forwarded | None = None
    forwarded_by: str | None = None
    sent_at: Time | None = None
    received_at: Time | None = None
    visibility: Literal["public", "private"] = "private"
    refs: list[Ref] = []
    attachments: list[_Attachment] = []
    automation: _Automation = _Automation()
    feedback_only: bool = False
    call: Call | None = None
    chosen: Chosen | None = None
    fields: dict[str, str] | None = None
    authentication: _Authentication | None = None
    raw: SlimRaw | BlobRef | None = None
