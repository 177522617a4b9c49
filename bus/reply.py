"""What the desk sends to a customer (`replies.<channel>`) and what became of it (`replies.receipts`)."""

from typing import Literal

from bus.message import Channel
from bus.model import Time, Wire

Purpose = Literal["confirmation", "reply", "rating_request", "approval_request", "notification"]
ReceiptState = Literal["attempting", "sent", "deferred", "uncertain", "failed"]


class ReplyAttachment(Wire):
    """A file to send along; its bytes are in the blob store."""

    name: str
    media_type: str
    blob: str
    size: int


class Recipient(Wire):
    """Where a reply goes: the same (kind, address) forms as a message's author."""

    kind: str
    address: str
    name: str | None = None


class Reply(Wire):
    """One rendered answer.

    `cc`: who else is written to, to be shown; each of them gets a reply of his own. `visibility`: where the channel
    has both, whether everybody may read it. `message_id`, `in_reply_to`, `references`: mail ids without brackets; on
    other channels `in_reply_to` is what the provider calls the message answered, `provider_thread` its conversation.

    `reply_token`: signed, opaque to everybody but ticketing; a mail sender makes the plus-address of it.
    `from_address`: None for the connector's own. `automatic`: sent with `Auto-Submitted: auto-replied` and a null
    envelope sender (RFC 3834). `loop`: chain id and hop count of an automatic exchange. `attempt` counts from 1; a
    repetition has the same `reply_id` and `message_id`.
    """

    kind: Literal["reply.v1"] = "reply.v1"
    reply_id: str
    ticket_id: str
    number: int
    channel: Channel
    account: str
    purpose: Purpose
    attempt: int = 1
    created_at: Time
    recipient: Recipient
    cc: list[Recipient] = []
    from_address: str | None = None
    from_name: str | None = None
    reply_token: str | None = None
    subject: str | None = None
    text: str
    html: str | None = None
    language: str | None = None
    message_id: str | None = None
    in_reply_to: str | None = None
    references: list[str] = []
    provider_thread: str | None = None
    visibility: Literal["public", "private"] = "private"
    automatic: bool = False
    loop: str | None = None
    attachments: list[ReplyAttachment] = []


class Receipt(Wire):
    """What a sender reports of one attempt; keyed by reply id, on the partition of its reply.

    `provider_id`: what the channel calls the sent item. `reason`: one line, never a secret. Of a `deferred` one
    `retry_after` says in how many seconds another attempt is worth while, and `elsewhere` that the customer is not
    there, so that a way to reach him that is not this channel's may be taken if there is one. `shown`: told by the
    process in which the customer's window has it, whoever owns the partition; true however often it is told.
    """

    kind: Literal["receipt.v1"] = "receipt.v1"
    reply_id: str
    ticket_id: str
    account: str
    connector: str
    state: ReceiptState
    attempt: int
    at: Time
    provider_id: str | None = None
    reason: str | None = None
    retry_after: float | None = None
    elsewhere: bool = False
    shown: bool = False
