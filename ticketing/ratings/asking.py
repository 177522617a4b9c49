"""Asking how it was: below an answer, or by a mail of its own when all is over. Pure."""

from datetime import datetime

from bus.reply import Recipient, Reply
from ticketing.acts.answered import Way, reply_subject
from ticketing.acts.desk import Desk
from ticketing.confirm import reply_id
from ticketing.ratings.links import Rated, link
from ticketing.ratings.wording import words_for
from ticketing.tickets import Ticket

PURPOSE = "rating_request"


def below(desk: Desk, ticket: Ticket, reply: str, language: str | None) -> tuple[str, str] | None:
    """What stands below the answer with this id, as a text and as a link; None where nobody is asked."""
    if desk.ratings.url is None:
        return None
    words = words_for((language, ticket.language), desk.confirming.desk.language)
    return words.ask, link(desk.ratings.url, desk.confirming.tokens, Rated(ticket.id, reply))


def request(desk: Desk, ticket: Ticket, there: Way, language: str | None, now: datetime, *, via: str | None) -> Reply:
    """The mail, or message, that asks about the whole conversation; the same for the same ticket. `via`: the From
    address of its department."""
    assert desk.ratings.url is not None
    confirming = desk.confirming
    words = words_for((language, ticket.language), confirming.desk.language)
    where = link(desk.ratings.url, confirming.tokens, Rated(ticket.id, None))
    mail = there.channel == "email"
    local = confirming.tokens.message_id(ticket.id, PURPOSE, "")
    return Reply(
        reply_id=reply_id(ticket.id, PURPOSE, ""),
        ticket_id=ticket.id,
        number=ticket.number,
        channel=there.channel,
        account=there.account,
        purpose=PURPOSE,
        created_at=now,
        recipient=Recipient(kind=there.kind, address=there.address, name=there.name),
        from_address=via if mail else None,
        from_name=confirming.desk.name if mail else None,
        reply_token=confirming.tokens.sign(ticket.id, there.address, ticket.token_generation),
        subject=reply_subject(words.subject, ticket.number).removeprefix("Re: ") if mail else None,
        text=f"{words.request}\n\n{where}" + (f"\n\n{confirming.desk.name}" if mail else ""),
        language=words.language,
        message_id=f"{local}@{confirming.desk.domain}" if mail else None,
        in_reply_to=there.in_reply_to,
        references=list(there.references),
        provider_thread=there.thread,
        automatic=True,
        loop=f"{local} 1" if mail else None,
    )
