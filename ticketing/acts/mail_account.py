"""Which connector sends mail for a ticket, where its department names none. Pure."""

from bus.message import Channel
from ticketing.acts.answered import Correspondence
from ticketing.acts.desk import Desk
from ticketing.tickets import Ticket


def mail_account(desk: Desk, ticket: Ticket, found: Correspondence) -> str | None:
    """The one the ticket came by, else the one that the customer wrote to, else the configured one."""
    if ticket.channel == "email":
        return ticket.account
    if found.last is not None and found.last.channel == "email":
        return found.last.account
    channel: Channel = ticket.channel  # type: ignore[assignment]  # a column of texts
    return desk.confirming.desk.reply_via.get(channel)
