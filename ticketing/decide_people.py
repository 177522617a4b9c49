"""What a batch says of people: new contacts, what they are known by besides, feedback. Pure."""

from collections.abc import Container
from datetime import datetime

from ticketing.contacts import Contacts, created, grown
from ticketing.decision import Decision
from ticketing.feedback import feedback_received


def tell_of_people(decision: Decision, contacts: Contacts, on_file: Container[str], now: datetime) -> None:
    """Put into the decision what its messages say of their authors. `on_file`: messages that were there before."""
    for filed in decision.messages:
        if filed.contact_id is not None:
            contacts.hear(filed.message)
    decision.contacts, decision.accounts = contacts.new, contacts.accounts
    decision.assertions, decision.languages = list(contacts.assertions.values()), contacts.languages
    decision.grown = {id_: contacts.about(id_).version for id_ in contacts.grown}
    decision.contact_events = [created(contact, now) for contact in contacts.new]
    for id_, message in contacts.grown.items():
        decision.contact_events.append(grown(id_, decision.grown[id_], message, now))
    for filed in decision.messages:
        if filed.message.aside == "feedback" and filed.message.id not in on_file:
            id_ = contacts.of(filed.message)
            decision.grown[id_] = version = contacts.next_version(id_)
            decision.contact_events.append(feedback_received(id_, version, filed.message, now))
