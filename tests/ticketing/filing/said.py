"""Messages to file, as short as a test can say them."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bus.message import (
    Address,
    Attachment,
    Authentication,
    Author,
    Automation,
    AutomationKind,
    NormalizedMessage,
    RawPosition,
    Ref,
)
from bus.record import Received
from bus.settings import DeskSettings
from ticketing.confirm import Confirming
from ticketing.tokens import ReplyTokens

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TOKENS = ReplyTokens({1: b"k" * 32}, 1)
CONFIRMING = Confirming(DeskSettings(), TOKENS)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def said(
    name: str,
    author: str = "ann@x.example",
    *names: str,
    at: float = 0,
    to: Sequence[str] = ("support@desk.example",),
    kind: AutomationKind = "human",
    dmarc: str = "none",
    token: str | None = None,
    text: str = "",
    subject: str | None = "Broken",
    raw: int | None = None,
    revision: int = 0,
    replayed: bool = False,
    normalizer: str = "deskstream 1",
    account: str = "support-mail",
    cc: Sequence[str] = (),
    numbers: Sequence[int] = (),
    files: int = 0,
) -> NormalizedMessage:
    """A mail `<name@mail>` that refers to the mails `names`, received `at` minutes after the start.

    What follows `/` or `~` in its name tells it from other mails with its Message-ID, and from copies of it.
    """
    received = START + timedelta(minutes=at)
    refs = [Ref(kind="references", value=f"{other}@mail" if "@" not in other else other) for other in names]
    if token is not None:
        refs.append(Ref(kind="reply_token", value=token))
    refs += [Ref(kind="ticket_number", value=str(number)) for number in numbers]
    return NormalizedMessage(
        message_id=f"id-{name}",
        revision=revision,
        change="edited" if revision else "created",
        normalizer=normalizer,
        replayed=replayed,
        channel="email",
        account=account,
        source_id=f"{re.split('[/~]', name)[0]}@mail",
        author=Author(kind="email", address=author, verified=dmarc == "pass"),
        to=[Address(address=address) for address in to],
        cc=[Address(address=address) for address in cc],
        subject=subject,
        text=text or f"text of {name}",
        sent_at=received,
        received_at=received,
        refs=refs,
        attachments=[Attachment(name="f", media_type="text/plain", size=1, sha256="00")] * files,
        automation=Automation(kind=kind),
        authentication=Authentication.model_validate({"dmarc": dmarc}),
        raw=RawPosition(topic="raw.email", partition=0, offset=raw if raw is not None else abs(hash(name)) % 2**40),
    )


def record(message: NormalizedMessage, offset: int = 0, partition: int = 0) -> Received:
    """It as a record of `messages.email`."""
    return Received(
        "messages.email",
        partition,
        offset,
        message.author.address,
        message.to_json(),
        int(START.timestamp() * 1000),
        {"traceparent": TRACE.encode()},
    )
