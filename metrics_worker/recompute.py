"""The figures from nothing but events, or nothing but facts. Pure."""

from collections.abc import Mapping

from bus.calendars import ONLY_STANDARD, Calendars
from metrics_worker.contacts import ContactFacts
from metrics_worker.contribution import contribution
from metrics_worker.facts import TicketFacts
from metrics_worker.groups import groups_of
from metrics_worker.settling import Change, Stored


def recomputed(
    tickets: Mapping[str, TicketFacts],
    contacts: Mapping[str, ContactFacts] | None = None,
    calendars: Calendars = ONLY_STANDARD,
) -> Change:
    """Every counter that is not 0, and the roots that count, as the change that would be made to none."""
    change = Change()
    for group in groups_of(tickets).values():
        adding = contribution(group, calendars)
        change.add(adding, 1)
        if group.root is not None and adding.shares:
            change.tickets.append(Stored(group.root, group.root_id, adding.marks))
    for contact in (contacts or {}).values():
        change.add_feedback(contact, 1)
    return change.without_zeros()
