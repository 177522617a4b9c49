"""NormalizedMessage: what a customer wrote, in the one form all channels share (`messages.<channel>`)."""

from typing import Literal

from bus.model import BlobRef, Time, Wire

Channel = Literal["email", "website", "web_form", "phone", "chat", "forum", "x", "facebook"]
CHANNELS: tuple[Channel, ...] = ("email", "website", "web_form", "phone", "chat", "forum", "x", "facebook")
Priority = Literal["low", "normal", "high", "urgent"]
AuthorKind = Literal["email", "phone", "x", "facebook", "forum", "chat"]
AutomationKind = Literal["human", "auto_reply", "out_of_office", "bounce", "feedback_report", "list", "bulk", "system"]
RefKind = Literal["reply_token", "in_reply_to", "references", "provider_thread", "ticket_number"]
Verdict = Literal["pass", "fail", "none", "temperror"]

INLINE_TEXT_BYTES = 128 * 1024
"""A text field whose UTF-8 form is longer goes to the blob store."""
INLINE_RAW_BYTES = 256 * 1024
"""A raw payload longer than this goes to the blob store."""


class Identity(Wire):
    """Another address of the same person. `verified`: the channel vouches for it; else it was typed."""

    kind: AuthorKind
    address: str
    verified: bool = False


class Author(Wire):
    """Who wrote it. `verified`: the channel vouches for the address. `also`: what else the channel knows of them."""

    kind: AuthorKind
    address: str
    name: str | None = None
    verified: bool = False
    also: list[Identity] = []


class Address(Wire):
    """An addressee of a mail."""

    address: str
    name: str | None = None


class Ref(Wire):
    """A piece of evidence that the channel gives on which conversation a message belongs to."""

    kind: RefKind
    value: str


class Attachment(Wire):
    """A file that came with a message. `blob` names its bytes in the blob store (None: not stored).

    A file that only the provider has so far is named by `source` (a URL, or what the provider's API fetches it by);
    its `sha256` is empty, and `size` is what the provider claims, 0 when it says nothing (docs/adr/0010).
    """

    name: str
    media_type: str
    size: int
    sha256: str
    content_id: str | None = None
    inline: bool = False
    blob: str | None = None
    source: str | None = None


class Bounce(Wire):
    """What a bounce says of the delivery that failed. `status`: an enhanced code (RFC 3463)."""

    recipient: str | None = None
    status: str | None = None
    permanent: bool | None = None
    diagnostic: str | None = None
    original_message_id: str | None = None


class Automation(Wire):
    """Whether a human or a machine wrote it, and by what that was told."""

    kind: AutomationKind = "human"
    reason: str | None = None
    bounce: Bounce | None = None


class Authentication(Wire):
    """The verdicts of the configured receiving server (RFC 8601)."""

    spf: Verdict = "none"
    dkim: Verdict = "none"
    dmarc: Verdict = "none"


class Call(Wire):
    """What one event says of a telephone call; null is not known to it. Events of a call are revisions of a message.

    `caller`, `callee`: E.164 where the number can be read, else as given; null when withheld. `answered_by`: the
    person, extension or mailbox that took it. `duration`: seconds. `missed`: nobody answered. `voicemail`: it ended
    in a mailbox. `cause`: the provider's word for how it ended. `withheld`: there is a caller who does not show a
    number. `blocked`: the telephone system refused it. `transcript`: what was said into the mailbox.
    """

    direction: Literal["in", "out"] | None = None
    state: Literal["ringing", "answered", "ended"] | None = None
    caller: str | None = None
    callee: str | None = None
    queue: str | None = None
    answered_by: str | None = None
    started_at: Time | None = None
    answered_at: Time | None = None
    ended_at: Time | None = None
    duration: int | None = None
    missed: bool | None = None
    voicemail: bool | None = None
    cause: str | None = None
    withheld: bool | None = None
    blocked: bool | None = None
    transcript: str | None = None


class RawPosition(Wire):
    """Where the untouched original stands on its topic."""

    topic: str
    partition: int
    offset: int


class Forwarded(Wire):
    """The mail that a mail passes on, as it says itself: nobody vouches for it."""

    author: Address
    subject: str | None = None
    message_id: str | None = None


class Chosen(Wire):
    """Of what a form asked, what its receiver has found among the answers that the form offers: the ticket that the
    message opens gets it. `category`: at most 64 characters.
    """

    priority: Priority | None = None
    category: str | None = None


class NormalizedMessage(Wire):
    """One message of a customer (contracts: NormalizedMessage).

    `declared_language`: what the customer, or their form, said it is. `origin`: the public network it came from
    (`192.0.2.0/24`), or the session. `loop`: what may be the loop header of a mail of ours, carried back. `forwarded`:
    what it passes on; `forwarded_by`: on file, the agent who did.
    """

    kind: Literal["message.v1"] = "message.v1"
    message_id: str
    revision: int = 0
    change: Literal["created", "edited", "removed"] = "created"
    normalizer: str
    replayed: bool = False
    channel: Channel
    account: str
    source_id: str
    source_url: str | None = None
    author: Author
    to: list[Address] = []
    cc: list[Address] = []
    reply_to: list[Address] = []
    subject: str | None = None
    text: str | BlobRef = ""
    reply_text: str | BlobRef = ""
    html: str | BlobRef | None = None
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
    attachments: list[Attachment] = []
    automation: Automation = Automation()
    feedback_only: bool = False
    call: Call | None = None
    fields: dict[str, str] | None = None
    """What a form asked besides: `priority`, `category`, `page`, and its own fields by name."""
    chosen: Chosen | None = None
    authentication: Authentication | None = None
    warnings: list[str] = []
    raw: RawPosition | BlobRef | None = None


class IgnoredMessage(Wire):
    """A raw record from which nothing is to be filed, and why; stands on `messages.<channel>` too."""

    kind: Literal["ignored.v1"] = "ignored.v1"
    channel: Channel
    account: str
    reason: str
    raw: RawPosition
