"""A bounce marks the delivery that it answers, in the history of the ticket that it was written in."""

import json
from typing import Any

import pytest

from bus.message import Automation, Bounce, NormalizedMessage, Ref
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import said

pytestmark = pytest.mark.stack


async def confirmation(of: Desk, number: int = 1) -> str:
    [(message_id,)] = await of.rows(
        "SELECT r.message_id FROM desk.replies r JOIN desk.tickets t ON t.id = r.ticket_id WHERE number = :number",
        number=number,
    )
    return str(message_id)


def bounce(name: str, original: str, *, permanent: bool | None = True, dmarc: str = "none") -> NormalizedMessage:
    told = Bounce(original_message_id=original, status="5.1.1", permanent=permanent, diagnostic="no such user")
    automation = Automation(kind="bounce", bounce=told)
    message = said(name, "mailer-daemon@mx.example", kind="bounce", dmarc=dmarc)
    return message.model_copy(update={"automation": automation})


async def deliveries(of: Desk, number: int = 1) -> list[dict[str, Any]]:
    rows = await of.rows(
        "SELECT e.document FROM desk.ticket_events e JOIN desk.tickets t ON t.id = e.ticket_id "
        "WHERE t.number = :number AND e.type = 'ticket.delivery_updated' ORDER BY e.id",
        number=number,
    )
    return [json.loads(document)["data"] for (document,) in rows]


async def test_it_is_told_once_and_stays(desk: Desk) -> None:
    await desk.file(said("a"))
    sent = await confirmation(desk)
    await desk.file(bounce("b", f"<{sent}>"), bounce("c", sent))
    [told] = await deliveries(desk)
    assert (told["state"], told["reason"]) == ("bounced", "5.1.1")
    assert await desk.rows("SELECT state, reason FROM desk.replies") == [("bounced", "5.1.1")]
    assert await desk.conversations() == [{"a", "b", "c"}]
    assert (await desk.history(1)).count("delivery_updated") == 1
    [event] = await desk.rows("SELECT document FROM desk.ticket_events WHERE type = 'ticket.delivery_updated'")
    assert "no such user" not in event[0]


@pytest.mark.parametrize(
    "message",
    [
        lambda sent: bounce("b", sent, permanent=False),  # delayed, and still on its way
        lambda sent: bounce("b", sent, dmarc="fail"),
        lambda sent: bounce("b", f"x{sent}"),
        lambda sent: said("b", "mailer-daemon@mx.example", sent, kind="auto_reply"),
    ],
)
async def test_what_is_no_failure_marks_nothing(desk: Desk, message: Any) -> None:  # noqa: ANN401  # a function
    await desk.file(said("a"))
    await desk.file(message(await confirmation(desk)))
    assert await deliveries(desk) == []


async def test_a_bounce_without_a_report_marks_what_it_answers(desk: Desk) -> None:
    await desk.file(said("a"))
    sent = await confirmation(desk)
    plain = said("b", "mailer-daemon@mx.example", kind="bounce")
    await desk.file(plain.model_copy(update={"refs": [Ref(kind="in_reply_to", value=sent)]}))
    assert [told["state"] for told in await deliveries(desk)] == ["bounced"]


async def test_a_mail_of_a_merged_ticket_is_marked_where_it_was_written(desk: Desk) -> None:
    await desk.file(said("b", "bob@y.example", "a"))
    await desk.file(said("c", "cid@z.example", "a"))
    await desk.file(said("a"))
    await desk.file(bounce("n", await confirmation(desk, 2)))
    assert [told["state"] for told in await deliveries(desk, 2)] == ["bounced"]
    assert (await desk.history(2))[-2:] == ["merged", "delivery_updated"]
    assert await deliveries(desk, 1) == []


async def test_a_bounce_and_what_merges_the_ticket_come_in_one_batch(desk: Desk) -> None:
    await desk.file(said("b", "bob@y.example", "a"))
    await desk.file(said("c", "cid@z.example", "a"))
    await desk.file(bounce("n", await confirmation(desk, 2)), said("a"))
    assert [told["state"] for told in await deliveries(desk, 2)] == ["bounced"]
    await desk.history(1)
    await desk.history(2)
