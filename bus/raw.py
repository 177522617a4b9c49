"""RawMessage: the untouched bytes of a channel and what only their receiver knew (`raw.<channel>`)."""

from typing import Literal

from bus.message import Channel
from bus.model import BlobRef, Time, Wire


class Inline(Wire):
    """The payload itself; base64 (URL-safe alphabet, RFC 4648 §5) on the wire."""

    base64: bytes


class RawMessage(Wire):
    """One item as the source gave it. Self-contained: it can be understood without asking anybody.

    `own_addresses`: addresses of this desk, so that they are not taken for a customer's.
    `authserv_id`: the receiving server whose Authentication-Results are believed, if any.
    `envelope_from`: the return path (`""` is the null one); `envelope_to`: accepted recipients.
    `headers`: of an HTTP request, when the source was one: lower-case names; those that begin with a colon were set
    by the receiver, no request can carry them (docs/adr/0009): `:method`, `:path` (with its query), and what only the
    receiver could check (`:identity`, `:session`).
    `region`: ISO 3166-1 code of the country whose national telephone numbers are meant.
    `files`: bytes that the receiver fetched because the payload only names them, by what it calls them.
    """

    kind: Literal["raw.v1"] = "raw.v1"
    channel: Channel
    account: str
    received_at: Time
    payload: Inline | BlobRef
    media_type: str = "message/rfc822"
    envelope_from: str | None = None
    envelope_to: list[str] = []
    own_addresses: list[str] = []
    authserv_id: str | None = None
    remote: str | None = None
    headers: dict[str, str] = {}
    region: str | None = None
    files: dict[str, BlobRef] = {}
